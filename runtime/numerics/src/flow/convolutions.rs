//! The network of a coupling: three convolutions (for a vector: affine maps), the last of which belongs to the
//! coupling.

use super::CouplingNetwork;
use crate::nn::{NormConv, Shape2d};
use crate::{Params, Result, Tensor, ops};

/// A vector as a map of one pixel. A map is unchanged.
///
/// # Errors
/// A failed tensor operation.
pub fn map(x: &Tensor) -> Result<Tensor> {
    if x.rank() == 2 { x.unsqueeze(2)?.unsqueeze(3) } else { Ok(x.clone()) }
}

/// The inverse of [`map`], with the batch and rank of `like`. The number of channels may differ.
///
/// # Errors
/// A failed tensor operation.
pub fn unmap(x: &Tensor, like: &Tensor) -> Result<Tensor> {
    if like.rank() == 2 { x.flatten_from(1) } else { Ok(x.clone()) }
}

/// elu(second(elu(first(x)))), where x is concatenated with the context if there is one.
#[derive(Debug, Clone)]
pub struct Convolutions {
    first: NormConv,
    second: NormConv,
    width: usize,
    /// The shape of the context, and its value.
    beside: Option<Vec<usize>>,
    context: Option<Tensor>,
}

impl Convolutions {
    /// Reads `seen` channels, and those of a context of this shape if there is one. Parameters: `first`, `second`.
    ///
    /// # Errors
    /// Names that are taken.
    pub fn new(params: &Params, seen: usize, context: Option<&[usize]>, width: usize, kernel: usize) -> Result<Self> {
        let (same, beside) = (Shape2d::Stride(1), context.map_or(0, |context| context[0]));
        Ok(Self {
            beside: context.map(<[usize]>::to_vec),
            first: NormConv::new(&params.at("first"), seen + beside, width, kernel, same)?,
            second: NormConv::new(&params.at("second"), width, width, 1, same)?,
            width,
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
    /// A failed tensor operation.
    pub fn given(&self, context: &Tensor) -> Result<Self> {
        Ok(Self { context: Some(map(context)?), ..self.clone() })
    }
}

impl CouplingNetwork for Convolutions {
    fn channels(&self) -> usize {
        self.width
    }

    fn forward(&self, seen: &Tensor) -> Result<Tensor> {
        let h = match &self.context {
            Some(context) => self.first.forward(&Tensor::cat(&[seen, context], 1)?)?,
            None => self.first.forward(seen)?,
        };
        ops::elu(&self.second.forward(&ops::elu(&h)?)?)
    }
}
