//! Affine couplings (Dinh et al. 2017).

use super::Bijector;
use crate::nn::{DenseLayer, NormConv, Shape2d};
use crate::params::Phase;
use crate::{Params, Result, Tensor, ops};
use candle_core::Var;

/// Which part of its input a coupling changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// Every other pixel; `reversed`: the others.
    Checkerboard { reversed: bool },
    /// The first half of the channels; `reversed`: the second.
    Channel { reversed: bool },
}

/// v = (z + t) · exp(s) on what the mask lets change; s and t are a network's of the rest.
#[derive(Debug, Clone)]
pub struct Coupling {
    mask: Mask,
    dense: DenseLayer,
    head: NormConv,
    rescale_direction: Var,
    rescale: Var,
    params: Params,
}

impl Coupling {
    /// Over `channels` channels. Parameters: `dense`, `head`, and `rescale`, a weight-normalised scale for s.
    ///
    /// # Errors
    /// Too few channels for the network.
    pub fn new(params: &Params, channels: usize, growth: usize, steps: usize, mask: Mask) -> Result<Self> {
        let channels = if matches!(mask, Mask::Channel { .. }) { channels / 2 } else { channels };
        let dense = DenseLayer::new(&params.at("dense"), channels, growth, steps)?;
        let head = NormConv::new(&params.at("head"), dense.channels(), 2 * channels, 3, Shape2d::Stride(1))?;
        let rescale = params.at("rescale");
        Ok(Self {
            mask,
            dense,
            head,
            rescale: rescale.constant("weight_g", &[channels, 1, 1], 1.0)?,
            rescale_direction: rescale.constant("weight_v", &[channels, 1, 1], 1.0)?,
            params: params.clone(),
        })
    }

    fn scale_shift(&self, h: &Tensor) -> Result<(Tensor, Tensor)> {
        let out = self.head.forward(&self.dense.forward(h)?)?;
        let channels = out.dim(1)? / 2;
        let (direction, scale) = if self.params.phase() == Phase::Training {
            (self.rescale_direction.as_tensor().clone(), self.rescale.as_tensor().clone())
        } else {
            (self.rescale_direction.as_detached_tensor(), self.rescale.as_detached_tensor())
        };
        let rescale = ops::weight_norm(&direction, &scale, 0)?.unsqueeze(0)?;
        let s = out.narrow(1, 0, channels)?.tanh()?.broadcast_mul(&rescale)?;
        Ok((s, out.narrow(1, channels, channels)?.contiguous()?))
    }

    /// s and t for a whole checkerboard: zero where the input stays.
    fn checkerboard(&self, h: &Tensor, reversed: bool) -> Result<(Tensor, Tensor)> {
        let keep = checkerboard(h, reversed)?;
        let change = (1.0 - &keep)?;
        let (s, t) = self.scale_shift(&h.broadcast_mul(&keep)?)?;
        Ok((s.broadcast_mul(&change)?, t.broadcast_mul(&change)?))
    }

    /// The half that changes and the half that stays.
    fn halves(h: &Tensor, reversed: bool) -> Result<(Tensor, Tensor)> {
        let half = h.dim(1)? / 2;
        let (first, second) = (h.narrow(1, 0, half)?.contiguous()?, h.narrow(1, half, half)?.contiguous()?);
        Ok(if reversed { (second, first) } else { (first, second) })
    }

    fn join(change: &Tensor, keep: &Tensor, reversed: bool) -> Result<Tensor> {
        if reversed { Tensor::cat(&[keep, change], 1) } else { Tensor::cat(&[change, keep], 1) }
    }
}

/// 1 where row + column is odd (even if reversed), `[1, 1, H, W]`.
fn checkerboard(h: &Tensor, reversed: bool) -> Result<Tensor> {
    let (_, _, height, width) = h.dims4()?;
    let at = |index: usize| ((index / width + index % width + usize::from(reversed)) % 2) as f32;
    Tensor::from_vec((0..height * width).map(at).collect(), (1, 1, height, width), h.device())?.to_dtype(h.dtype())
}

impl Bijector for Coupling {
    fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
        match self.mask {
            Mask::Checkerboard { reversed } => {
                let (s, t) = self.checkerboard(z, reversed)?;
                Ok((((z + t)? * s.exp()?)?, ops::sum_batch(&s)?))
            }
            Mask::Channel { reversed } => {
                let (change, keep) = Self::halves(z, reversed)?;
                let (s, t) = self.scale_shift(&keep)?;
                Ok((Self::join(&((change + t)? * s.exp()?)?, &keep, reversed)?, ops::sum_batch(&s)?))
            }
        }
    }

    fn inverse(&self, v: &Tensor) -> Result<Tensor> {
        match self.mask {
            Mask::Checkerboard { reversed } => {
                let (s, t) = self.checkerboard(v, reversed)?;
                (v * s.neg()?.exp()?)? - t
            }
            Mask::Channel { reversed } => {
                let (change, keep) = Self::halves(v, reversed)?;
                let (s, t) = self.scale_shift(&keep)?;
                Self::join(&((change * s.neg()?.exp()?)? - t)?, &keep, reversed)
            }
        }
    }
}
