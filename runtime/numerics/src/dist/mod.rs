//! The trait of distributions: log-probabilities, draws, modes, and transformations by bijectors.
//!
//! Shapes match exactly, or it is an error that names both shapes. Log-probabilities never broadcast.

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
pub use one_of::OneOf;
pub(crate) use one_of::shares;
pub use through::{Through, draw_through};

use crate::{Decode, Draw, Noise, Result, Tensor};
use std::any::Any;
use std::sync::Arc;

/// A distribution over the rows of a batch. At a root, before [`expand`](Distribution::expand), it is the same for any
/// number of rows.
pub trait Distribution: Any + Send + Sync {
    /// log p of each row's value, `[N]` nats.
    ///
    /// # Errors
    /// A value of another shape.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor>;

    /// A draw for each row. Recorded noise is found by `name`, the name of the variable.
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

    /// A draw of a discrete distribution with a gradient estimator, for each row.
    ///
    /// # Errors
    /// A distribution without such a draw; continuous ones need none.
    fn sample_through(&self, name: &str, _: &mut Noise, _: Through) -> Result<Tensor> {
        candle_core::bail!("the distribution of `{name}` has no gradient estimator for its draws")
    }

    /// The likeliest value of each row, or the value that is used in the literature instead.
    ///
    /// # Errors
    /// A failed tensor operation; a root that was not expanded.
    fn mode(&self) -> Result<Tensor>;

    /// The mean of each row. The default is the mode, which is the mean for symmetric distributions.
    ///
    /// # Errors
    /// As [`mode`](Self::mode).
    fn mean(&self) -> Result<Tensor> {
        self.mode()
    }

    /// The log-probability of each class, `[N, V]`, of a distribution over V classes. None for any other.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn class_log_probs(&self) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// K copies of the batch: row k·B + b is row b.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>>;

    /// The distribution of `rows` independent, identically distributed rows, for a root.
    ///
    /// # Errors
    /// A distribution whose number of rows is fixed by its head.
    fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
        candle_core::bail!("a distribution from a network has that network's rows and cannot be expanded to {rows}")
    }
}

/// Implements the trait for a pointer to a distribution.
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

            fn class_log_probs(&self) -> Result<Option<Tensor>> {
                (**self).class_log_probs()
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

/// The distribution as its concrete type, behind a pointer or not. None for another type.
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

/// A value of a likelihood: a draw, the mean or the mode, as `draw` states.
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

/// The number of rows of a root's distribution, which is known after it was expanded.
///
/// # Errors
/// It was not expanded.
pub fn rows_of(what: &str, rows: Option<usize>) -> Result<usize> {
    rows.ok_or_else(|| candle_core::Error::Msg(format!("{what} is the same for every row: expand it to some number")))
}

/// `[count, shape…]`.
pub fn batched(count: usize, shape: &[usize]) -> Vec<usize> {
    let mut all = vec![count];
    all.extend_from_slice(shape);
    all
}

/// Checks that a value has this shape, without the batch. `what` names the distribution in the message.
///
/// # Errors
/// A value of another shape.
pub fn fits(what: &str, value: &Tensor, shape: &[usize]) -> Result<()> {
    if value.dims().get(1..) != Some(shape) {
        candle_core::bail!("{what} is over {shape:?}, the value's shape is {:?} with the batch first", value.dims());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Distribution, decode};
    use crate::{Decode, Device, Draw, Noise, Result, Tensor};

    /// A distribution that draws 0, whose mode is 1 and whose mean is 2.
    struct Apart;

    fn number(value: f64) -> Result<Tensor> {
        Tensor::new(&[value], &Device::Cpu)
    }

    impl Distribution for Apart {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            value.zeros_like()
        }

        fn sample(&self, _: &str, _: &mut Noise, _: &Draw) -> Result<Tensor> {
            number(0.0)
        }

        fn mode(&self) -> Result<Tensor> {
            number(1.0)
        }

        fn mean(&self) -> Result<Tensor> {
            number(2.0)
        }

        fn repeat(&self, _: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self))
        }
    }

    #[test]
    fn a_likelihood_is_decoded_as_asked_for() -> Result<()> {
        // Behind a pointer too.
        let boxed: Box<dyn Distribution> = Box::new(Apart);
        for (how, wanted) in [(Decode::Sample, 0.0), (Decode::Mode, 1.0), (Decode::Mean, 2.0)] {
            let draw = Draw { decode: how, ..Draw::default() };
            for likelihood in [&Apart as &dyn Distribution, &boxed] {
                let found = decode(likelihood, "v", &mut Noise::seeded(1), &draw)?.to_vec1::<f64>()?;
                assert_eq!(found, [wanted], "{how:?}");
            }
        }
        Ok(())
    }
}
