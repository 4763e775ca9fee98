//! The natural parameters of a distribution, concatenated, and which of them the model states.

use crate::{Result, Tensor, repeat};
use std::ops::Deref;

/// Logarithms stated by the model are clamped to ± this, so that their exponentials do not overflow in single
/// precision.
const HELD: f64 = 80.0;

/// Natural parameters of a distribution, concatenated along dimension 1, `[N, …]`.
///
/// Outputs of a network are clamped to the bounds of the distribution, for stable training. Parameters that the model
/// states by name, as a number or an expression, are used unchanged.
#[derive(Debug, Clone)]
pub struct Head {
    values: Tensor,
    /// One bit for each parameter, the lowest for the first.
    given: u32,
}

impl Head {
    /// A head with the parameters that the model states: one bit for each, the lowest for the first.
    pub fn given(values: &Tensor, given: u32) -> Self {
        Self { values: values.clone(), given }
    }

    /// The bound of a parameter, by its position. `inferred` is the bound for outputs of a network.
    pub fn bound(&self, parameter: usize, inferred: f64) -> f64 {
        let is_given = self.given >> parameter & 1 == 1;
        if is_given { inferred.max(HELD) } else { inferred }
    }

    /// The first `channels` channels as a separate head.
    ///
    /// # Errors
    /// More channels than there are.
    pub fn first(&self, channels: usize) -> Result<Self> {
        Ok(Self { values: self.values.narrow(1, 0, channels)?.contiguous()?, given: self.given })
    }

    /// K copies of the rows: row k·B + b is row b.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn repeat(&self, samples: usize) -> Result<Self> {
        Ok(Self { values: repeat(&self.values, samples)?, given: self.given })
    }
}

impl From<&Tensor> for Head {
    fn from(values: &Tensor) -> Self {
        Self::given(values, 0)
    }
}

impl From<&Head> for Head {
    fn from(head: &Head) -> Self {
        head.clone()
    }
}

impl Deref for Head {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.values
    }
}
