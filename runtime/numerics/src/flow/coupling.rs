//! Affine couplings (Dinh et al. 2017).

use super::Bijector;
use crate::nn::{DenseLayer, NormConv, Shape2d};
use crate::ops::{self, Mask};
use crate::params::Phase;
use crate::{Params, Result, Tensor};
use candle_core::Var;

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

    /// a and t of the network, from what the mask keeps, and the scale of s.
    fn network(&self, h: &Tensor) -> Result<(Tensor, Tensor)> {
        let context = ops::coupling_context(h, self.mask)?;
        let out = self.head.forward(&self.dense.forward(&context)?)?;
        let (direction, scale) = if self.params.phase() == Phase::Training {
            (self.rescale_direction.as_tensor().clone(), self.rescale.as_tensor().clone())
        } else {
            (self.rescale_direction.as_detached_tensor(), self.rescale.as_detached_tensor())
        };
        Ok((out, ops::weight_norm(&direction, &scale, 0)?))
    }
}

impl Bijector for Coupling {
    fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
        let (network, rescale) = self.network(z)?;
        let v = ops::coupling(z, &network, &rescale, self.mask, false)?;
        Ok((v, ops::coupling_log_det(&network, &rescale, self.mask)?))
    }

    fn inverse(&self, v: &Tensor) -> Result<Tensor> {
        let (network, rescale) = self.network(v)?;
        ops::coupling(v, &network, &rescale, self.mask, true)
    }
}
