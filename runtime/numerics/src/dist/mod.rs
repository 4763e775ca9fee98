//! Distributions: log-probabilities, draws, modes, closed-form divergences.
//!
//! Shapes match exactly or it is an error that names both: nothing is ever broadcast into a log-probability.

mod discrete;
mod flowed;
mod logistic_mixture;
mod mixture_of_normals;
mod normal;

pub use discrete::{Bernoulli, Categorical};
pub use flowed::Flowed;
pub use logistic_mixture::LogisticMixture;
pub use mixture_of_normals::MixtureOfNormals;
pub use normal::{Normal, StandardNormal, normal_kl, standard_normal_kl};

use crate::{Decode, Draw, Noise, Result, Tensor};

/// A distribution of a batch: one for each of N rows.
pub trait Distribution: Sized {
    /// log p of each row's value, `[N]` nats.
    ///
    /// # Errors
    /// A value of another shape.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor>;

    /// A draw for each row; `name` is the variable's, by which recorded noise is found.
    ///
    /// # Errors
    /// Recorded noise of another shape.
    fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor>;

    /// The likeliest value of each row, or what the field takes for it.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn mode(&self) -> Result<Tensor>;

    /// K copies of the batch: row k·B + b is row b.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn repeat(&self, samples: usize) -> Result<Self>;
}

/// A distribution without parents, at a root of p.
pub trait Prior {
    /// log p of each row's value, `[N]` nats.
    ///
    /// # Errors
    /// A value of another shape.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor>;

    /// `count` draws.
    ///
    /// # Errors
    /// Recorded noise of another shape.
    fn sample(&self, name: &str, count: usize, noise: &mut Noise, draw: &Draw) -> Result<Tensor>;
}

/// A value of a likelihood: a draw, or the mode where `draw` asks for it.
///
/// # Errors
/// A failed tensor operation.
pub fn decode<D: Distribution>(likelihood: &D, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
    match draw.decode {
        Decode::Sample => likelihood.sample(name, noise, draw),
        Decode::Mode => likelihood.mode(),
    }
}

/// `[count, shape…]`.
fn batched(count: usize, shape: &[usize]) -> Vec<usize> {
    let mut all = vec![count];
    all.extend_from_slice(shape);
    all
}

/// # Errors
/// A value whose shape, without the batch, is not the variable's.
fn fits(what: &str, value: &Tensor, shape: &[usize]) -> Result<()> {
    if value.dims().get(1..) != Some(shape) {
        candle_core::bail!("{what} is over {shape:?}, the value's shape is {:?} with the batch first", value.dims());
    }
    Ok(())
}
