//! Densities and divergences of diagonal normals.

use crate::{Result, Tensor};

/// log N(z; mean, exp(log_var)) summed over all but the first dimension: `[N]` nats.
///
/// # Errors
/// Shapes that differ: nothing is broadcast.
pub fn normal_log_prob(z: &Tensor, mean: &Tensor, log_var: &Tensor) -> Result<Tensor> {
    same_shape("a normal's value and its mean", z, mean)?;
    same_shape("a normal's value and its log-variance", z, log_var)?;
    let squares = ((z - mean)?.sqr()? * log_var.neg()?.exp()?)?;
    let each = ((squares + log_var)? + (2.0 * std::f64::consts::PI).ln())?;
    sum_batch(&(each * -0.5)?)
}

/// KL(N(q_mean, exp(q_log_var)) ‖ N(p_mean, exp(p_log_var))) summed over all but the first dimension: `[N]` nats.
///
/// # Errors
/// Shapes that differ: nothing is broadcast.
pub fn normal_kl(q_mean: &Tensor, q_log_var: &Tensor, p_mean: &Tensor, p_log_var: &Tensor) -> Result<Tensor> {
    for other in [q_log_var, p_mean, p_log_var] {
        same_shape("the parameters of q and p", q_mean, other)?;
    }
    let distance = (q_mean - p_mean)?.sqr()?;
    let ratio = ((q_log_var.exp()? + distance)? * p_log_var.neg()?.exp()?)?;
    let each = (((p_log_var - q_log_var)? + ratio)? - 1.0)?;
    sum_batch(&(each * 0.5)?)
}

/// Sum over all but the first dimension.
///
/// # Errors
/// A failed tensor operation.
pub fn sum_batch(each: &Tensor) -> Result<Tensor> {
    each.flatten_from(1)?.sum(1)
}

/// # Errors
/// Two shapes that differ: the message names both.
pub fn same_shape(what: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dims() != b.dims() {
        candle_core::bail!("{what} must have one shape, they have {:?} and {:?}", a.dims(), b.dims());
    }
    Ok(())
}
