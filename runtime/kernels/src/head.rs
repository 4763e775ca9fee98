//! The parameters of a distribution, side by side, and which of them the model states itself.

use crate::{Result, Tensor, repeat};
use std::ops::Deref;

/// Logarithms that a model states are clamped to ± this: what single precision holds the exponentials of.
const HELD: f64 = 80.0;

/// Natural parameters of a distribution, one after the other along dimension 1, `[N, …]`.
///
/// What a network yields is clamped to the bounds of its distribution, so that training cannot run away. What the model states
/// by name, a number or an expression, is taken as it is.
#[derive(Debug, Clone)]
pub struct Head {
    values: Tensor,
    /// A bit for each parameter, the lowest for the first.
    given: u32,
}

impl Head {
    /// A head with the parameters that the model states: a bit for each, the lowest for the first.
    pub fn given(values: &Tensor, given: u32) -> Self {
        Self { values: values.clone(), given }
    }

    /// What a parameter is clamped to ±, by its position, where a network's is clamped to ± `inferred`.
    pub fn bound(&self, parameter: usize, inferred: f64) -> f64 {
        let is_given = self.given >> parameter & 1 == 1;
        if is_given { inferred.max(HELD) } else { inferred }
    }

    /// The parameters before one of them, as a head of their own: the first `channels` channels.
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
