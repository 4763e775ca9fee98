//! Imports and helpers for the implementations of entries and the expansions of declarations.

pub use candle_core::{Error, Var, bail};
pub use srvae_numerics::dist::{Distribution, Head, LEVELS, Through, batched, fits, pixels, rows_of, through};
pub use srvae_numerics::flow::{
    Amortised, Autoregressive, Bijector, Convolutions, Coupling, CouplingNetwork, Halves, Mask, Order, Ways, map,
    reflected, spline, spline_parameters, squeeze, unmap, unsqueeze,
};
pub use srvae_numerics::nn::{DenseLayer, Layer, NormConv, Plain, Shape2d};
pub use srvae_numerics::ops::cuda::{Backend, narrowed, widened};
pub use srvae_numerics::ops::density::{self, Density};
pub use srvae_numerics::ops::scalar::{Number, Scalar};
pub use srvae_numerics::ops::special::Special;
pub use srvae_numerics::params::Phase;
pub use srvae_numerics::{Draw, Noise, Params, Result, Tensor, ops, partly};

use crate::show_shape;
use srvae_numerics::dist::downcast;

/// Log-variances of normals from a network are clamped to ± this.
pub(crate) const LOG_VAR_BOUND: f64 = 7.0;

/// Logarithms among the parameters of a distribution are clamped to ± this, so that nothing overflows in single precision.
pub(crate) const LOG_BOUND: f64 = 15.0;

/// A uniform draw on the open interval, clamped to single precision between its ends.
pub(crate) fn inside(uniform: &Tensor) -> Result<Tensor> {
    uniform.clamp(1e-7, 1.0 - 6e-8)
}

/// The exponential, clamped to the positive range of single precision.
pub(crate) fn exp_inside(log: &Tensor) -> Result<Tensor> {
    log.clamp(-80.0, 80.0)?.exp()
}

/// The head of an expert of a product, and its presences, `[N]` each.
pub type Expert<'e> = (&'e Head, &'e [&'e Tensor]);

/// The sum of the heads of experts, in each row of those whose presences are all 1.
pub(crate) fn sum_of_present(experts: &[Expert<'_>]) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (head, presences) in experts {
        let mut own = Tensor::clone(head);
        for present in *presences {
            own = partly::only(true, present, &own)?;
        }
        sum = Some(match sum {
            Some(sum) => sum.broadcast_add(&own)?,
            None => own,
        });
    }
    sum.ok_or_else(|| Error::Msg("a product of no experts has no rows".to_owned()))
}

/// The only input.
pub(crate) fn only<'a, T: ?Sized>(inputs: &[&'a T]) -> Result<&'a T> {
    match inputs {
        [input] => Ok(input),
        _ => bail!("one input is needed, there are {}", inputs.len()),
    }
}

/// The two inputs.
pub(crate) fn two<'a, T: ?Sized>(inputs: &[&'a T]) -> Result<[&'a T; 2]> {
    match inputs {
        [first, second] => Ok([first, second]),
        _ => bail!("two inputs are needed, there are {}", inputs.len()),
    }
}

/// The three inputs.
pub(crate) fn three<'a, T: ?Sized>(inputs: &[&'a T]) -> Result<[&'a T; 3]> {
    match inputs {
        [first, second, third] => Ok([first, second, third]),
        _ => bail!("three inputs are needed, there are {}", inputs.len()),
    }
}

/// The first input and the others, all of one shape.
pub(crate) fn all_equal<'a, 't>(name: &str, inputs: &'a [&'t Tensor]) -> Result<(&'t Tensor, &'a [&'t Tensor])> {
    match inputs {
        [first, rest @ ..] if rest.iter().all(|input| input.dims() == first.dims()) => Ok((first, rest)),
        _ => {
            let shapes: Vec<_> = inputs.iter().map(|input| show_shape(input.dims())).collect();
            bail!("`{name}` needs inputs of equal shapes, not {}", shapes.join(" and "))
        }
    }
}

/// The error for shapes that do not fit an entry.
pub(crate) fn misfit(name: &str, why: &str, inputs: &[&[usize]]) -> Error {
    let shapes: Vec<_> = inputs.iter().map(|shape| show_shape(shape)).collect();
    Error::Msg(format!("`{name}` {why}; its input is {}", shapes.join(", ")))
}

/// Applies a closed form if q and p have its types.
pub(crate) fn pair<Q: Distribution, P: Distribution>(
    q: &dyn Distribution,
    p: &dyn Distribution,
    kl: fn(&Q, &P) -> Result<Tensor>,
) -> Option<Result<Tensor>> {
    Some(kl(downcast(q)?, downcast(p)?))
}
