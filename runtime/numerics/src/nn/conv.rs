//! Weight-normalised convolutions with data-dependent initialisation (Salimans and Kingma 2016).

use crate::params::{Phase, Stamp};
use crate::{Params, Result, Tensor, ops};
use candle_core::Var;
use std::sync::{Arc, Mutex};

/// Standard deviation of a channel after initialisation.
const FIRST_SCALE: f64 = 0.01;
/// Variance below which a channel is constant: the data do not determine its scale.
const FLAT: f64 = 1e-8;
/// The same as a fraction of the squared mean; smaller variances are rounding errors.
const FLAT_PART: f64 = 1e-10;
/// Initial standard deviation of a weight's direction.
const DIRECTION_SCALE: f64 = 0.05;

/// The change of height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape2d {
    /// Divides them by a stride, rounded up; the kernel's width is odd.
    Stride(usize),
    /// Doubles them: transposed, 3x3 with stride 2.
    Double,
}

/// A convolution with weight g · v / ‖v‖ and a bias.
#[derive(Debug, Clone)]
pub struct NormConv {
    direction: Var,
    scale: Var,
    bias: Var,
    kernel: usize,
    shape: Shape2d,
    params: Params,
    groups: usize,
    /// The number of taps, row by row, whose weight is not 0, and the mask that makes the others 0.
    mask: Option<(usize, Tensor)>,
    /// The weight at one stamp of the parameters, cached in inference.
    kept: Arc<Mutex<Option<(Stamp, Tensor)>>>,
}

impl NormConv {
    /// From `input` to `output` channels. Parameters: `weight_g`, `weight_v`, `bias`.
    ///
    /// # Errors
    /// A name that is taken, or no channels.
    pub fn new(params: &Params, input: usize, output: usize, kernel: usize, shape: Shape2d) -> Result<Self> {
        if input == 0 || output == 0 {
            candle_core::bail!("a convolution from {input} to {output} channels");
        }
        let (weight, scale) = match shape {
            Shape2d::Double => ([input, output, kernel, kernel], [1, output, 1, 1]),
            Shape2d::Stride(_) => ([output, input, kernel, kernel], [output, 1, 1, 1]),
        };
        Ok(Self {
            scale: params.constant("weight_g", &scale, 1.0)?,
            direction: params.normal("weight_v", &weight, 0.0, DIRECTION_SCALE)?,
            bias: params.constant("bias", &[output], 0.0)?,
            kernel,
            shape,
            params: params.clone(),
            groups: 1,
            mask: None,
            kept: Arc::default(),
        })
    }

    /// A convolution in groups of channels, each of which reads its own part of the input. Parameters as of [`Self::new`],
    /// with `weight_v` of shape `[output, input / groups, kernel, kernel]`.
    ///
    /// # Errors
    /// A name that is taken, or numbers of channels that are not multiples of `groups`.
    pub fn grouped(
        params: &Params,
        [input, output]: [usize; 2],
        kernel: usize,
        stride: usize,
        groups: usize,
    ) -> Result<Self> {
        if groups == 0 || !input.is_multiple_of(groups) || !output.is_multiple_of(groups) {
            candle_core::bail!("a convolution from {input} to {output} channels in {groups} groups");
        }
        Ok(Self { groups, ..Self::new(params, input / groups, output, kernel, Shape2d::Stride(stride))? })
    }

    /// The convolution whose weight is 0 but for the first `seen` taps, row by row.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn seeing(self, seen: usize) -> Result<Self> {
        let taps = self.kernel * self.kernel;
        let mask = (0..taps).map(|tap| f64::from(u8::from(tap < seen))).collect::<Vec<_>>();
        let mask = Tensor::from_vec(mask, (1, 1, self.kernel, self.kernel), self.params.device())?;
        let mask = mask.to_dtype(self.params.dtype())?;
        Ok(Self { mask: Some((seen, mask)), ..self })
    }

    fn masked_direction(&self, direction: &Tensor) -> Result<Tensor> {
        match &self.mask {
            Some((_, mask)) => direction.broadcast_mul(mask),
            None => Ok(direction.clone()),
        }
    }

    /// # Errors
    /// An input that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.params.phase() == Phase::Initialisation {
            return self.initialise(&ops::cuda::widened(x)?);
        }
        let (weight, bias) = self.weight()?;
        self.apply(x, &weight, &bias)
    }

    /// Applies it to a vector, `[N, C]`: a 1x1 convolution of one pixel.
    ///
    /// # Errors
    /// An input that does not fit.
    pub fn forward_vector(&self, x: &Tensor) -> Result<Tensor> {
        if self.params.phase() == Phase::Initialisation {
            return self.forward(&x.unsqueeze(2)?.unsqueeze(3)?)?.flatten_from(1);
        }
        let (weight, bias) = self.weight()?;
        ops::affine(x, &weight, &bias)
    }

    /// The weight and the bias for the current phase: tracked in training, detached and cached in inference. After a
    /// change of the parameters the weight is recomputed.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn weight(&self) -> Result<(Tensor, Tensor)> {
        let dim = usize::from(self.shape == Shape2d::Double);
        if self.params.phase() == Phase::Training {
            let weight =
                ops::weight_norm(&self.masked_direction(self.direction.as_tensor())?, self.scale.as_tensor(), dim)?;
            return Ok((weight, self.bias.as_tensor().clone()));
        }
        let stamp = self.params.stamp(&[&self.direction, &self.scale, &self.bias])?;
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let weight = match &*kept {
            Some((at, weight)) if *at == stamp => weight.clone(),
            _ => {
                let direction = self.masked_direction(&self.direction.as_detached_tensor())?;
                ops::weight_norm(&direction, &self.scale.as_detached_tensor(), dim)?
            }
        };
        *kept = Some((stamp, weight.clone()));
        Ok((weight, self.bias.as_detached_tensor()))
    }

    fn apply(&self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        match self.shape {
            Shape2d::Stride(stride) if self.groups == 1 => {
                let seen = self.mask.as_ref().map_or(usize::MAX, |(seen, _)| *seen);
                ops::conv2d_of_first(x, weight, bias, [stride, self.kernel / 2], seen)
            }
            Shape2d::Stride(stride) => {
                let part = |of: &Tensor, dim: usize, group: usize| {
                    let count = of.dim(dim)? / self.groups;
                    of.narrow(dim, group * count, count)?.contiguous()
                };
                let each = (0..self.groups).map(|group| {
                    let (x, weight, bias) = (part(x, 1, group)?, part(weight, 0, group)?, part(bias, 0, group)?);
                    ops::conv2d(&x, &weight, &bias, stride, self.kernel / 2)
                });
                Tensor::cat(&each.collect::<Result<Vec<_>>>()?, 1)
            }
            Shape2d::Double => ops::conv_transpose2d(x, weight, bias, 2, self.kernel / 2, 1),
        }
    }

    /// Sets scale and bias so that this batch's output has mean 0 and standard deviation 0.01 in each channel (unbiased
    /// variance + 1e-8 under the root), and returns that output. A channel without variance has scale 1. Otherwise
    /// 1/√1e-8 would make it a hundred times larger than the others once it varies.
    fn initialise(&self, x: &Tensor) -> Result<Tensor> {
        let dim = usize::from(self.shape == Shape2d::Double);
        let x = x.detach();
        let unit = self.scale.as_detached_tensor().ones_like()?;
        let weight = ops::weight_norm(&self.masked_direction(&self.direction.as_detached_tensor())?, &unit, dim)?;
        let out = self.apply(&x, &weight, &self.bias.as_detached_tensor().zeros_like()?)?;
        let channels = out.transpose(0, 1)?.flatten_from(1)?;
        let mean = channels.mean_keepdim(1)?;
        let count = channels.dim(1)?.max(2) - 1;
        let variance = (channels.broadcast_sub(&mean)?.sqr()?.sum_keepdim(1)? / count as f64)?;
        let flat = variance.lt(&((mean.sqr()? * FLAT_PART)? + FLAT)?)?;
        let scale = ((variance + FLAT)?.sqrt()?.recip()? * FIRST_SCALE)?;
        let scale = flat.where_cond(&scale.ones_like()?, &scale)?;
        let bias = (&mean * &scale)?.neg()?;
        self.scale.set(&scale.reshape(self.scale.shape())?)?;
        self.bias.set(&bias.flatten_all()?)?;
        self.params.touch();
        out.broadcast_mul(&scale.reshape((1, (), 1, 1))?)?.broadcast_add(&bias.reshape((1, (), 1, 1))?)
    }
}

#[cfg(test)]
mod tests {
    use super::{NormConv, Shape2d};
    use crate::params::Phase;
    use crate::{Noise, Params, Result};
    use candle_core::{DType, Device, Tensor};

    /// A scale that the first images do not determine stays 1. A layer that was initialised on constant images then
    /// does not amplify varying ones a hundredfold.
    #[test]
    fn channels_without_variance_are_not_amplified() -> Result<()> {
        for (kernel, shape) in [(1, Shape2d::Stride(1)), (3, Shape2d::Stride(2)), (3, Shape2d::Double)] {
            for level in [0.0, 1.0, 1000.0] {
                let params = Params::new(3, DType::F32, &Device::Cpu);
                let layer = NormConv::new(&params, 3, 4, kernel, shape)?;
                params.set_phase(Phase::Initialisation);
                let first = layer.forward(&Tensor::full(level, (6, 3, 4, 4), &Device::Cpu)?.to_dtype(DType::F32)?)?;
                assert!(first.abs()?.max_all()?.to_scalar::<f32>()? < 0.1, "{kernel} {level}");
                params.set_phase(Phase::Training);
                let x = Noise::seeded(4).normal("x", &[6, 3, 4, 4], DType::F32, &Device::Cpu)?;
                let out = layer.forward(&(x + level)?)?;
                let loud = out.sqr()?.mean_all()?.sqrt()?.to_scalar::<f32>()?;
                assert!(loud < 2.0, "{kernel} after pictures of {level}: {loud}");
                // A layer of one pixel has no variation; a larger one has borders.
                let scale = &params.entries()[0].1;
                let untouched = scale.flatten_all()?.to_vec1::<f32>()?.iter().all(|&scale| scale == 1.0);
                assert!(kernel > 1 || untouched, "{kernel} {level}");
            }
        }
        Ok(())
    }
}
