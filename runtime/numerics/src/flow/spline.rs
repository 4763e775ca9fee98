//! Monotonic rational-quadratic splines (Durkan et al. 2019).

use crate::{Result, Tensor, ops};

/// Minimum width and height of a bin, as a fraction of the interval, and minimum slope at a knot.
const LEAST: f64 = 1e-3;

/// The number of parameters of a spline with this many bins: widths, heights, and slopes at the inner knots.
pub const fn spline_parameters(bins: usize) -> usize {
    3 * bins - 1
}

/// Applies a spline to each of `[M]` values, and returns ln of its slope there.
///
/// Inside [−bound, bound] it is a rational quadratic function in each of `bins` bins (two or more), and outside the
/// identity. `parameters`, `[M, 3 bins − 1]`, are logits of widths and heights, and slopes before softplus (plus 1e-3).
/// `inverse` applies the inverse function, and returns the slope of the spline itself there.
///
/// # Errors
/// Shapes that do not fit.
pub fn spline(x: &Tensor, parameters: &Tensor, bins: usize, bound: f64, inverse: bool) -> Result<(Tensor, Tensor)> {
    let (widths, lefts) = bins_of(&parameters.narrow(1, 0, bins)?, bound)?;
    let (heights, bottoms) = bins_of(&parameters.narrow(1, bins, bins)?, bound)?;
    let inner = (ops::softplus(&parameters.narrow(1, 2 * bins, bins - 1)?)? + LEAST)?;
    let end = inner.narrow(1, 0, 1)?.ones_like()?;
    let column = x.unsqueeze(1)?;
    let within = column.clamp(-bound, bound)?;
    let bin = chosen(&within, if inverse { &bottoms } else { &lefts })?;
    let pick = |of: &Tensor| (of * &bin)?.sum_keepdim(1);
    let (width, left, height, bottom) = (pick(&widths)?, pick(&lefts)?, pick(&heights)?, pick(&bottoms)?);
    let before = pick(&Tensor::cat(&[&end, &inner], 1)?)?;
    let after = pick(&Tensor::cat(&[&inner, &end], 1)?)?;
    let delta = (&height / &width)?;
    let bend = ((&before + &after)? - (&delta * 2.0)?)?;
    let place = match inverse {
        false => ((&within - &left)? / &width)?,
        true => {
            let rise = (&within - &bottom)?;
            let a = ((&rise * &bend)? + (&height * (&delta - &before)?)?)?;
            let b = ((&height * &before)? - (&rise * &bend)?)?;
            let c = (&delta * &rise)?.neg()?;
            // The root without cancellation: 2c / (−b − √(b² − 4ac)).
            let root = (b.sqr()? - ((&a * &c)? * 4.0)?)?.relu()?.sqrt()?;
            ((c * 2.0)? / (b.neg()? - root)?)?
        }
    };
    let rest = (1.0 - &place)?;
    let mixed = (&place * &rest)?;
    let denominator = (&delta + (&bend * &mixed)?)?;
    let numerator = ((&after * place.sqr()?)? + ((&delta * &mixed)? * 2.0)?)?;
    let numerator = (delta.sqr()? * (numerator + (&before * rest.sqr()?)?)?)?;
    let log_slope = (numerator.log()? - (denominator.log()? * 2.0)?)?;
    let value = match inverse {
        false => {
            let rise = ((&delta * place.sqr()?)? + (&before * &mixed)?)?;
            (&bottom + ((&height * rise)? / &denominator)?)?
        }
        true => ((&place * &width)? + &left)?,
    };
    let inside = column.abs()?.le(bound)?;
    let value = inside.where_cond(&value, &column)?;
    let log_slope = inside.where_cond(&log_slope, &log_slope.zeros_like()?)?;
    Ok((value.squeeze(1)?, log_slope.squeeze(1)?))
}

/// The sizes and starts of the bins, `[M, bins]`.
fn bins_of(logits: &Tensor, bound: f64) -> Result<(Tensor, Tensor)> {
    let bins = logits.dim(1)?;
    let above = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?.exp()?;
    let parts = above.broadcast_div(&above.sum_keepdim(1)?)?;
    let sizes = (((parts * (1.0 - LEAST * bins as f64))? + LEAST)? * (2.0 * bound))?;
    let starts = ((sizes.cumsum(1)? - &sizes)? - bound)?;
    Ok((sizes, starts))
}

/// 1 for the bin that contains a value, 0 for the others: `[M, bins]`.
fn chosen(x: &Tensor, starts: &Tensor) -> Result<Tensor> {
    let bins = starts.dim(1)?;
    let begun = x.broadcast_ge(starts)?.to_dtype(x.dtype())?;
    // The first bin begins at the bound, up to rounding.
    let first = begun.narrow(1, 0, 1)?.ones_like()?;
    let begun = Tensor::cat(&[&first, &begun.narrow(1, 1, bins - 1)?], 1)?;
    let next = Tensor::cat(&[&begun.narrow(1, 1, bins - 1)?, &first.zeros_like()?], 1)?;
    (begun - next)?.detach().contiguous()
}
