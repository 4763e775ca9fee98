//! Autoregressive networks: the output at each place depends only on earlier places (Germain et al. 2015, Kingma et al.
//! 2016).
//!
//! The order is raster order, and channel by channel at each position. A vector is a map of one pixel.

use super::map;
use crate::nn::{NormConv, Shape2d};
use crate::{Params, Result, Tensor, ops};
use candle_core::Var;

/// Three masked convolutions with ELU between them; a context is added before the first ELU.
#[derive(Debug, Clone)]
pub struct Autoregressive {
    layers: [Masked; 3],
    of_context: Option<NormConv>,
    /// The shape of the context, and its features.
    beside: Option<Vec<usize>>,
    context: Option<Tensor>,
}

/// A convolution whose kernel is 0 at later places.
#[derive(Debug, Clone)]
struct Masked {
    weight: Var,
    bias: Var,
    mask: Tensor,
    params: Params,
}

impl Autoregressive {
    /// From `channels` to twice as many, with kernels of `kernel` × `kernel` (1 for a vector). Parameters: `first`,
    /// `second`, `head`, and `context` if its shape is given.
    ///
    /// # Errors
    /// Names that are taken.
    pub fn new(
        params: &Params,
        channels: usize,
        context: Option<&[usize]>,
        width: usize,
        kernel: usize,
    ) -> Result<Self> {
        // A place has the number of its channel, from 1. A hidden channel depends on channels up to its number, an
        // output on those below it.
        let places: Vec<usize> = (1..=channels).collect();
        let hidden: Vec<usize> = (0..width).map(|at| at % channels).collect();
        let outputs: Vec<usize> = places.iter().chain(&places).copied().collect();
        let deviation = |from: usize| 1.0 / ((from * kernel * kernel) as f64).sqrt();
        let of_context =
            context.map(|context| NormConv::new(&params.at("context"), context[0], width, 1, Shape2d::Stride(1)));
        Ok(Self {
            layers: [
                Masked::new(&params.at("first"), &places, &hidden, kernel, false, deviation(channels))?,
                Masked::new(&params.at("second"), &hidden, &hidden, kernel, false, deviation(width))?,
                Masked::new(&params.at("head"), &hidden, &outputs, kernel, true, 0.1 * deviation(width))?,
            ],
            of_context: of_context.transpose()?,
            beside: context.map(<[usize]>::to_vec),
            context: None,
        })
    }

    /// The shape of the context.
    pub fn context(&self) -> Option<&[usize]> {
        self.beside.as_deref()
    }

    /// The network with a context.
    ///
    /// # Errors
    /// A network without a context.
    pub fn given(&self, context: &Tensor) -> Result<Self> {
        let Some(layer) = &self.of_context else { candle_core::bail!("this flow was made without a context") };
        Ok(Self { context: Some(layer.forward(&map(context)?)?), ..self.clone() })
    }

    /// Two maps of the input's shape, `[N, C, H, W]`.
    ///
    /// # Errors
    /// A shape that does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let [first, second, head] = &self.layers;
        let mut h = first.forward(x)?;
        if let Some(context) = &self.context {
            h = (h + context)?;
        }
        let out = head.forward(&ops::elu(&second.forward(&ops::elu(&h)?)?)?)?;
        let channels = x.dim(1)?;
        Ok((out.narrow(1, 0, channels)?.contiguous()?, out.narrow(1, channels, channels)?.contiguous()?))
    }
}

impl Masked {
    fn new(
        params: &Params,
        from: &[usize],
        to: &[usize],
        kernel: usize,
        strictly: bool,
        deviation: f64,
    ) -> Result<Self> {
        let (centre, taps) = (kernel * kernel / 2, kernel * kernel);
        let mut mask = Vec::with_capacity(from.len() * to.len() * taps);
        for own in to {
            for other in from {
                let at_centre = if strictly { other < own } else { other <= own };
                mask.extend((0..taps).map(|tap| f64::from(u8::from(tap < centre || (tap == centre && at_centre)))));
            }
        }
        let shape = [to.len(), from.len(), kernel, kernel];
        Ok(Self {
            weight: params.normal("weight", &shape, 0.0, deviation)?,
            bias: params.constant("bias", &[to.len()], 0.0)?,
            mask: Tensor::from_vec(mask, &shape, params.device())?.to_dtype(params.dtype())?,
            params: params.clone(),
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let weight = (self.params.value(&self.weight) * &self.mask)?;
        ops::conv2d(x, &weight, &self.params.value(&self.bias), 1, self.mask.dim(2)? / 2)
    }
}
