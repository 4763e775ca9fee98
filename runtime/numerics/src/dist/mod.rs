//! What distributions have in common: log-probabilities, draws, modes, and bijectors over them.
//!
//! Shapes match exactly or it is an error that names both: nothing is ever broadcast into a log-probability.

mod dequantised;
mod flowed;
mod in_order;
mod mixture;
mod one_of;
pub mod through;

pub use crate::ops::Head;
pub use dequantised::{LEVELS, dequantised, pixels};
pub use flowed::Flowed;
pub use in_order::in_order;
pub use mixture::Mixture;
pub use one_of::{OneOf, shares};
pub use through::{Through, draw_through};

use crate::{Decode, Draw, Noise, Result, Tensor};
use std::any::Any;
use std::sync::Arc;

/// A distribution of a batch: one for each of N rows, or, before [`expand`](Distribution::expand), the same for any
/// number of rows, as it stands at a root.
pub trait Distribution: Any + Send + Sync {
    /// log p of each row's value, `[N]` nats.
    ///
    /// # Errors
    /// A value of another shape.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor>;

    /// A draw for each row; `name` is the variable's, by which recorded noise is found.
    ///
    /// # Errors
    /// Recorded noise of another shape; a root that was not expanded.
    fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor>;

    /// A draw for each row, and its log-probability, `[N]` nats.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    fn sample_scored(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<(Tensor, Tensor)> {
        let value = self.sample(name, noise, draw)?;
        let log_prob = self.log_prob(&value)?;
        Ok((value, log_prob))
    }

    /// A draw of a discrete distribution that a gradient passes through, for each row.
    ///
    /// # Errors
    /// A distribution that has none: a continuous one needs none.
    fn sample_through(&self, name: &str, _: &mut Noise, _: Through) -> Result<Tensor> {
        candle_core::bail!("the distribution of `{name}` has no draw that is made to let a gradient through")
    }

    /// The likeliest value of each row, or what the field takes for it.
    ///
    /// # Errors
    /// A failed tensor operation; a root that was not expanded.
    fn mode(&self) -> Result<Tensor>;

    /// The mean of each row. The mode unless a distribution says otherwise: for symmetric ones they are the same.
    ///
    /// # Errors
    /// As [`mode`](Self::mode).
    fn mean(&self) -> Result<Tensor> {
        self.mode()
    }

    /// K copies of the batch: row k·B + b is row b.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>>;

    /// The distribution of `rows` independent rows, where all rows have the same: that of a root.
    ///
    /// # Errors
    /// A distribution whose rows are fixed by the network it was made from.
    fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
        candle_core::bail!("a distribution from a network has that network's rows and cannot be expanded to {rows}")
    }
}

/// A distribution behind a pointer.
macro_rules! behind {
    ($($pointer:ty),*) => {
        $(impl Distribution for $pointer {
            fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
                (**self).log_prob(value)
            }

            fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
                (**self).sample(name, noise, draw)
            }

            fn sample_scored(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<(Tensor, Tensor)> {
                (**self).sample_scored(name, noise, draw)
            }

            fn sample_through(&self, name: &str, noise: &mut Noise, through: Through) -> Result<Tensor> {
                (**self).sample_through(name, noise, through)
            }

            fn mode(&self) -> Result<Tensor> {
                (**self).mode()
            }

            fn mean(&self) -> Result<Tensor> {
                (**self).mean()
            }

            fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
                (**self).repeat(samples)
            }

            fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
                (**self).expand(rows)
            }
        })*
    };
}

behind!(Box<dyn Distribution>, Arc<dyn Distribution>);

/// The distribution as its own type, behind a pointer or not, where it is of that type.
pub fn downcast<D: Distribution>(distribution: &dyn Distribution) -> Option<&D> {
    let any: &dyn Any = distribution;
    if let Some(boxed) = any.downcast_ref::<Box<dyn Distribution>>() {
        return downcast(&**boxed);
    }
    match any.downcast_ref::<Arc<dyn Distribution>>() {
        Some(shared) => downcast(&**shared),
        None => any.downcast_ref(),
    }
}

/// A value of a likelihood: a draw, its mean or its mode, as `draw` asks.
///
/// # Errors
/// A failed tensor operation.
pub fn decode(likelihood: &dyn Distribution, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
    match draw.decode {
        Decode::Sample => likelihood.sample(name, noise, draw),
        Decode::Mean => likelihood.mean(),
        Decode::Mode => likelihood.mode(),
    }
}

/// The rows of a root's distribution, known once it was expanded.
///
/// # Errors
/// It was not.
pub fn rows_of(what: &str, rows: Option<usize>) -> Result<usize> {
    rows.ok_or_else(|| candle_core::Error::Msg(format!("{what} is the same for every row: expand it to some number")))
}

/// `[count, shape…]`.
pub fn batched(count: usize, shape: &[usize]) -> Vec<usize> {
    let mut all = vec![count];
    all.extend_from_slice(shape);
    all
}

/// Whether a value is one of this shape, without the batch; `what` names the distribution for the message.
///
/// # Errors
/// A value of another shape.
pub fn fits(what: &str, value: &Tensor, shape: &[usize]) -> Result<()> {
    if value.dims().get(1..) != Some(shape) {
        candle_core::bail!("{what} is over {shape:?}, the value's shape is {:?} with the batch first", value.dims());
    }
    Ok(())
}
