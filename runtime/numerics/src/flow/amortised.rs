//! Parameters of a flow that are trainable, or computed from a context for each row.

use crate::nn::{NormConv, Shape2d};
use crate::{Params, Result, Tensor};
use candle_core::{Var, bail};

/// Initial standard deviation of trainable parameters.
const FIRST: f64 = 0.1;

/// A number of parameters for each row.
#[derive(Debug, Clone)]
pub struct Amortised {
    source: Source,
    params: Params,
    beside: Option<Vec<usize>>,
    given: Option<Tensor>,
}

#[derive(Debug, Clone)]
enum Source {
    Learned(Var),
    OfContext(NormConv),
}

impl Amortised {
    /// Parameters: `numbers`; with a context of shape `[features]`, those of an affine map of it.
    ///
    /// # Errors
    /// Names that are taken.
    pub fn new(params: &Params, count: usize, context: Option<&[usize]>) -> Result<Self> {
        let source = match context {
            Some(context) => Source::OfContext(NormConv::new(params, context[0], count, 1, Shape2d::Stride(1))?),
            None => Source::Learned(params.normal("numbers", &[1, count], 0.0, FIRST)?),
        };
        Ok(Self { source, params: params.clone(), beside: context.map(<[usize]>::to_vec), given: None })
    }

    /// The shape of the context.
    pub fn context(&self) -> Option<&[usize]> {
        self.beside.as_deref()
    }

    /// The parameters for the rows of a context.
    ///
    /// # Errors
    /// A flow without a context.
    pub fn given(&self, context: &Tensor) -> Result<Self> {
        let Source::OfContext(layer) = &self.source else { bail!("this flow was made without a context") };
        let numbers = layer.forward(&super::map(context)?)?.flatten_from(1)?;
        Ok(Self { given: Some(numbers), ..self.clone() })
    }

    /// `[rows, count]`.
    ///
    /// # Errors
    /// A missing context, or one with another number of rows.
    pub fn rows(&self, rows: usize) -> Result<Tensor> {
        match (&self.source, &self.given) {
            (Source::Learned(var), _) => {
                let numbers = self.params.value(var);
                numbers.broadcast_as((rows, numbers.dim(1)?))?.contiguous()
            }
            (Source::OfContext(_), Some(numbers)) if numbers.dim(0)? == rows => Ok(numbers.clone()),
            (Source::OfContext(_), _) => bail!("this flow needs its context, a row for each of {rows}"),
        }
    }
}

/// The columns of `[N, D, M]`, reflected at the plane with the normal n, `[N, D]`: x − 2 n nᵀ x / nᵀ n.
///
/// # Errors
/// Shapes that do not fit.
pub fn reflected(x: &Tensor, normal: &Tensor) -> Result<Tensor> {
    // With a normal of 0 there is no reflection.
    let square = normal.sqr()?.sum_keepdim(1)?.maximum(1e-30)?;
    let unit = normal.broadcast_div(&square.sqrt()?)?.unsqueeze(2)?;
    let along = x.broadcast_mul(&unit)?.sum_keepdim(1)?;
    x - (unit.broadcast_mul(&along)? * 2.0)?
}
