//! Affine couplings (Dinh et al. 2017).

use super::{Bijector, Halves};
use crate::nn::{DenseLayer, NormConv, Shape2d};
use crate::ops::{self, Mask};
use crate::{Params, Result, Tensor};
use candle_core::Var;

/// The network before a coupling's last convolution: from the unchanged part to features of its height and width.
pub trait CouplingNetwork: Send + Sync {
    /// Channels of the features.
    fn channels(&self) -> usize;

    /// # Errors
    /// A context that does not fit.
    fn forward(&self, context: &Tensor) -> Result<Tensor>;
}

impl CouplingNetwork for DenseLayer {
    fn channels(&self) -> usize {
        self.channels()
    }

    fn forward(&self, context: &Tensor) -> Result<Tensor> {
        self.forward(&ops::cuda::narrowed(context)?)
    }
}

/// v = (z + t) · exp(s) on the part that the mask selects; s and t come from a network of the other part.
#[derive(Debug, Clone)]
pub struct Coupling<N = DenseLayer> {
    mask: Mask,
    network: N,
    head: NormConv,
    rescale_direction: Var,
    rescale: Var,
    params: Params,
}

impl Coupling {
    /// Over `channels` channels, with a dense layer. Parameters: `dense`, and those of [`Coupling::over`].
    ///
    /// # Errors
    /// Too few channels for the network.
    pub fn new(params: &Params, channels: usize, growth: usize, steps: usize, mask: Mask) -> Result<Self> {
        let changed = if matches!(mask, Mask::Channel { .. }) { channels / 2 } else { channels };
        let dense = DenseLayer::new(&params.at("dense"), changed, growth, steps)?;
        Self::over(params, changed, 3, mask, 1.0, dense)
    }
}

impl<N: CouplingNetwork> Coupling<N> {
    /// With a given network, where `changed` channels change. The last convolution has a kernel of `kernel` × `kernel`,
    /// and initially |s| is at most `bound`. Parameters: `head`, and `rescale`, a weight-normalised scale for s.
    ///
    /// # Errors
    /// Names that are taken.
    pub fn over(params: &Params, changed: usize, kernel: usize, mask: Mask, bound: f64, network: N) -> Result<Self> {
        let head = NormConv::new(&params.at("head"), network.channels(), 2 * changed, kernel, Shape2d::Stride(1))?;
        let rescale = params.at("rescale");
        Ok(Self {
            mask,
            network,
            head,
            rescale: rescale.constant("weight_g", &[changed, 1, 1], bound)?,
            rescale_direction: rescale.constant("weight_v", &[changed, 1, 1], 1.0)?,
            params: params.clone(),
        })
    }

    /// The network.
    pub fn inner_network(&self) -> &N {
        &self.network
    }

    /// The coupling with a modified network that shares its parameters.
    ///
    /// # Errors
    /// Those of the change.
    pub fn with_network(&self, change: impl FnOnce(&N) -> Result<N>) -> Result<Self> {
        Ok(Self {
            mask: self.mask,
            network: change(&self.network)?,
            head: self.head.clone(),
            rescale_direction: self.rescale_direction.clone(),
            rescale: self.rescale.clone(),
            params: self.params.clone(),
        })
    }

    /// The outputs a and t of the network for the unchanged part, and the scale of s.
    fn network(&self, h: &Tensor) -> Result<(Tensor, Tensor)> {
        self.of_context(&ops::coupling_context(h, self.mask)?)
    }

    fn of_context(&self, context: &Tensor) -> Result<(Tensor, Tensor)> {
        let out = ops::cuda::widened(&self.head.forward(&self.network.forward(context)?)?)?;
        let (direction, scale) = (self.params.value(&self.rescale_direction), self.params.value(&self.rescale));
        Ok((out, ops::weight_norm(&direction, &scale, 0)?))
    }

    /// Either direction, and log |∂v/∂z|. An odd number of channels cannot be halved by the kernels, so it is split
    /// here.
    fn both(&self, x: &Tensor, inverse: bool) -> Result<(Tensor, Tensor)> {
        let (channels, mask) = (x.dim(1)?, self.mask);
        match mask {
            Mask::Channel { reversed } if !channels.is_multiple_of(2) => {
                let halves = Halves::of(channels, !reversed);
                let (kept, changed) = halves.apart(x)?;
                let (network, rescale) = self.of_context(&kept)?;
                let scale = network.narrow(1, 0, halves.changed)?.tanh()?;
                let scale = scale.broadcast_mul(&rescale.reshape((1, (), 1, 1))?)?;
                let shift = network.narrow(1, halves.changed, halves.changed)?;
                let changed = match inverse {
                    true => ((changed * scale.neg()?.exp()?)? - shift)?,
                    false => ((changed + shift)? * scale.exp()?)?,
                };
                Ok((halves.together(&kept, &changed)?, ops::sum_batch(&scale)?))
            }
            _ => {
                let (network, rescale) = self.network(x)?;
                let changed = ops::coupling(x, &network, &rescale, mask, inverse)?;
                Ok((changed, ops::coupling_log_det(&network, &rescale, mask)?))
            }
        }
    }
}

impl<N: CouplingNetwork> Bijector for Coupling<N> {
    fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
        self.both(z, false)
    }

    fn inverse(&self, v: &Tensor) -> Result<Tensor> {
        self.both(v, true).map(|(z, _)| z)
    }

    fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
        self.both(v, true)
    }
}
