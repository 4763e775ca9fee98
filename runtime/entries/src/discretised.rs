//! Real numbers rounded to the grid of pixels.

use crate::tensors::{Density, Distribution, Draw, Head, Noise, Result, Special, Tensor, Through, density, through};
use srvae_numerics::ops::transform::quantise;
use std::marker::PhantomData;

/// Logarithms of scales are clamped to ± this.
const LOG_BOUND: f64 = 7.0;

/// A distribution of real numbers that is symmetric around 0. All functions of numbers must be `#[inline(always)]`.
pub trait Symmetric: Send + Sync + 'static {
    /// The name of the discretised distribution, for messages and profiles.
    const NAME: &'static str;

    /// A draw in the shape of a tensor.
    ///
    /// # Errors
    /// Recorded noise of another shape.
    fn sample(name: &str, noise: &mut Noise, like: &Tensor) -> Result<Tensor>;

    /// ln of the distribution function.
    fn log_cdf<S: Special>(t: S) -> S;

    /// ln of the density.
    fn log_density<S: Special>(t: S) -> S;

    /// The integral of the distribution function from −∞ on.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn integral(t: &Tensor) -> Result<Tensor>;
}

/// Independent pixels, whose values before rounding are mean + scale · t with t from a symmetric distribution.
#[derive(Debug, Clone)]
pub struct Discretised<L> {
    /// Means, then logarithms of scales, `[N, 2C, H, W]`.
    head: Head,
    of: PhantomData<L>,
}

impl<L: Symmetric> Discretised<L> {
    /// From a network's output: means, then logarithms of scales, clamped to [−7, 7], concatenated in the first dimension
    /// after the batch. A mean of 0 is black, of 1 white.
    ///
    /// # Errors
    /// Infallible; returns `Result` for a uniform signature.
    pub fn from_head(head: impl Into<Head>) -> Result<Self> {
        Ok(Self { head: head.into(), of: PhantomData })
    }

    /// Means and scales.
    fn parameters(&self) -> Result<[Tensor; 2]> {
        Ok([density::parameter::<Self, 3>(&self.head, 1)?, density::parameter::<Self, 3>(&self.head, 2)?.exp()?])
    }

    /// A draw before rounding.
    fn value(&self, name: &str, noise: &mut Noise) -> Result<Tensor> {
        let [mean, scale] = self.parameters()?;
        let unit = L::sample(name, noise, &mean)?;
        mean + (unit * scale)?
    }
}

impl<L: Symmetric> Density<3> for Discretised<L> {
    const NAME: &'static str = L::NAME;
    const BOUNDS: [f64; 3] = [f64::INFINITY, f64::INFINITY, LOG_BOUND];

    #[inline(always)]
    fn log_prob<S: Special>(inputs: [S; 3]) -> S {
        density::Bin::of(inputs).log_mass(L::log_cdf)
    }

    #[inline(always)]
    fn slopes<S: Special>(inputs: [S; 3]) -> [S; 3] {
        density::Bin::of(inputs).slopes(L::log_cdf, L::log_density)
    }
}

impl<L: Symmetric> Distribution for Discretised<L> {
    /// ln of the mass between the two borders of each pixel's cell, summed. The cells of 0 and of 1 extend to
    /// infinity.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        density::log_prob::<Self, 3>(value, &self.head)
    }

    fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
        quantise(&self.value(name, noise)?.clamp(0.0, 1.0)?)
    }

    fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
        through::rounded(&self.value(name, noise)?, how)
    }

    /// The mean before rounding, rounded.
    fn mode(&self) -> Result<Tensor> {
        quantise(&self.parameters()?[0].clamp(0.0, 1.0)?)
    }

    /// 1 minus the integral of the distribution function from 0 to 1: the mean of the clamped value. Rounding
    /// changes it little.
    fn mean(&self) -> Result<Tensor> {
        let [mean, scale] = self.parameters()?;
        let ends = [(mean.affine(-1.0, 1.0)? / &scale)?, (mean.neg()? / &scale)?];
        ((L::integral(&ends[0])? - L::integral(&ends[1])?)? * scale)?.affine(-1.0, 1.0)
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Self { head: self.head.repeat(samples)?, of: PhantomData }))
    }
}
