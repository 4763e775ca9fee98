//! Gradient estimators for draws of discrete distributions. They are biased.
//!
//! *Relaxed*: a draw of a continuous distribution that becomes the discrete draw with the same noise as the temperature
//! falls to 0 (Maddison et al. 2017, Jang et al. 2017). *Straight through*: a discrete draw in the forward pass; in the
//! backward pass the gradient of its mean (Bengio et al. 2013), or for pixels that of the value before rounding.

use super::Distribution;
use crate::ops::{self, transform::quantise};
use crate::params::Phase;
use crate::{Draw, Noise, Params, Result, Tensor};
use candle_core::D;

/// The gradient estimator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Through {
    /// A relaxation at this temperature.
    Relaxed(f64),
    /// The gradient of the mean.
    Straight,
}

/// The value of `hard` with the gradient of `soft`.
fn straight(hard: &Tensor, soft: &Tensor) -> Result<Tensor> {
    soft + (hard - soft)?.detach()
}

/// Zeros and ones with these logits: 1 where the noise, uniform on [0, 1), is below the probability.
///
/// # Errors
/// Shapes that differ.
pub fn binary(logits: &Tensor, uniform: &Tensor, through: Through) -> Result<Tensor> {
    match through {
        Through::Straight => {
            let probability = ops::elementwise::sigmoid(logits)?;
            straight(&uniform.lt(&probability)?.to_dtype(logits.dtype())?, &probability)
        }
        Through::Relaxed(temperature) => {
            let uniform = uniform.clamp(1e-7, 1.0 - 1e-7)?;
            let logistic = (uniform.log()? - (1.0 - &uniform)?.log()?)?;
            ops::elementwise::sigmoid(&((logits - logistic)? / temperature)?)
        }
    }
}

/// One-hot draws along dimension 1 with these logits. The noise is uniform on [0, 1).
///
/// # Errors
/// Shapes that differ.
pub fn one_of(logits: &Tensor, uniform: &Tensor, through: Through) -> Result<Tensor> {
    let gumbel = uniform.clamp(1e-7, 1.0 - 1e-7)?.log()?.neg()?.log()?.neg()?;
    let scores = (logits + gumbel)?;
    match through {
        Through::Relaxed(temperature) => softmax(&(scores / temperature)?),
        Through::Straight => {
            let picked = scores.argmax_keepdim(1)?;
            let mut shape = vec![1; logits.rank()];
            shape[1] = logits.dim(1)?;
            let all = Tensor::arange(0u32, shape[1] as u32, logits.device())?.reshape(shape)?;
            straight(&picked.broadcast_eq(&all)?.to_dtype(logits.dtype())?, &softmax(logits)?)
        }
    }
}

/// Along dimension 1.
fn softmax(t: &Tensor) -> Result<Tensor> {
    let shifted = t.broadcast_sub(&t.max_keepdim(1)?.detach())?.exp()?;
    shifted.broadcast_div(&shifted.sum_keepdim(1)?)
}

/// Far above this a draw is black or white whatever the noise, and an infinite scale would make the gradient 0 · ∞.
const MOST_LOG_SCALE: f64 = 20.0;

/// Pixels of a discretised mixture of logistics (`components`, 1 or 3 channels), from uniform draws `pick`, `[N, K, H,
/// W]`, and `spread`, `[N, C, H, W]`. Parameters are mixed with weights from [`one_of`], and the logistic noise is
/// reparameterised. Straight through, the result is rounded to the grid.
///
/// # Errors
/// Shapes that do not fit.
pub fn pixels(logits: &Tensor, components: usize, pick: &Tensor, spread: &Tensor, through: Through) -> Result<Tensor> {
    let (batch, channels, height, width) = spread.dims4()?;
    let weights = one_of(&logits.narrow(1, 0, components)?.contiguous()?, pick, through)?.unsqueeze(2)?;
    let kind = |number: usize| -> Result<Tensor> {
        let each = logits.narrow(1, components * (1 + number * channels), components * channels)?.contiguous()?;
        each.reshape((batch, components, channels, height, width))?.broadcast_mul(&weights)?.sum(1)
    };
    let uniform = spread.clamp(ops::SPREAD_MARGIN, 1.0 - ops::SPREAD_MARGIN)?;
    let logistic = (uniform.log()? - (1.0 - &uniform)?.log()?)?;
    let scales = kind(1)?.clamp(ops::MIN_LOG_SCALE, MOST_LOG_SCALE)?.exp()?;
    let values = (kind(0)? + (scales * logistic)?)?;
    let channel = |of: &Tensor, at: usize| of.narrow(1, at, 1);
    let red = channel(&values, 0)?.clamp(0.0, 1.0)?;
    let value = if channels == 1 {
        red
    } else {
        let k = kind(2)?.tanh()?;
        let green = (channel(&values, 1)? + (channel(&k, 0)? * &red)?)?.clamp(0.0, 1.0)?;
        let shift = ((channel(&k, 1)? * &red)? + (channel(&k, 2)? * &green)?)?;
        let blue = (channel(&values, 2)? + shift)?.clamp(0.0, 1.0)?;
        Tensor::cat(&[&red, &green, &blue], 1)?
    };
    rounded(&value, through)
}

/// Drawn counts with the straight-through gradient of their mean.
///
/// # Errors
/// A relaxation, which does not exist for counts.
pub fn count(drawn: &Tensor, mean: &Tensor, through: Through) -> Result<Tensor> {
    match through {
        Through::Straight => straight(drawn, mean),
        Through::Relaxed(_) => candle_core::bail!("counts have no relaxation"),
    }
}

/// Pixels from values before rounding: clamped to [0, 1] and, straight through, rounded to the grid with the gradient
/// of the unrounded value.
///
/// # Errors
/// A failed tensor operation.
pub fn rounded(value: &Tensor, through: Through) -> Result<Tensor> {
    let value = value.clamp(0.0, 1.0)?;
    match through {
        Through::Straight => straight(&quantise(&value.detach())?, &value),
        Through::Relaxed(_) => Ok(value),
    }
}

/// A draw for the bound: with a gradient estimator in training, otherwise from the distribution itself.
///
/// # Errors
/// A distribution without such a draw.
pub fn draw_through(
    distribution: &dyn Distribution,
    name: &str,
    noise: &mut Noise,
    how: Through,
    params: &Params,
) -> Result<Tensor> {
    match params.phase() {
        Phase::Training => distribution.sample_through(name, noise, how),
        Phase::Initialisation | Phase::Inference => distribution.sample(name, noise, &Draw::default()),
    }
}

/// ln of the sum of exp along dimension 0.
pub(crate) fn log_sum_exp(values: &Tensor) -> Result<Tensor> {
    log_sum_exp_along(values, 0)
}

/// ln of the sum of exp along a dimension.
pub(crate) fn log_sum_exp_along(values: &Tensor, along: usize) -> Result<Tensor> {
    let peak = values.max_keepdim(along)?.detach();
    let sum = values.broadcast_sub(&peak)?.exp()?.sum_keepdim(along)?.log()?;
    (sum + peak)?.squeeze(along)
}

fn log_mean_exp(values: &Tensor) -> Result<Tensor> {
    log_sum_exp(values)? - (values.dim(0)? as f64).ln()
}

/// The surrogate term of the score gradient: a value of 0 for each record, `[B]`, with the gradient Σ_k (signal −
/// baseline) ∇ ln q.
///
/// `log_q`, `[K, B]`, are the log-probabilities of the draws, and `gain`, `[K, B]`, is the gain of each draw in nats.
/// The baseline of a draw does not depend on the draw, so the gradient is unbiased.
/// - `importance`: the objective is ln (1/K) Σ_k exp gain_k. The baseline is the objective with a draw's gain replaced
///   by the mean of the others' (VIMCO, Mnih and Rezende 2016).
/// - Otherwise the objective is the mean of the gains, and the baseline is the mean of the other draws' gains.
///
/// With one draw per record, the baseline is the mean gain of the other records of the batch. With a single record, it
/// is 0.
///
/// A learned baseline b, `[K, B]`, is subtracted too (NVIL, Mnih and Gregor 2014). With one draw per record it is subtracted
/// from the gains, so that the other records' mean is that of what b does not explain. The term then also has the gradient
/// Σ_k signal ∇b, that of −½ signal².
///
/// # Errors
/// Shapes that differ.
pub fn score(log_q: &Tensor, learned: Option<&Tensor>, gain: &Tensor, importance: bool) -> Result<Tensor> {
    let (samples, batch) = gain.dims2()?;
    let mut gain = gain.detach();
    if let (Some(learned), 1) = (learned, samples) {
        gain = (gain - learned.detach())?;
    }
    let others = |along: D, count: usize| -> Result<Tensor> {
        gain.sum_keepdim(along)?.broadcast_sub(&gain)? / (count - 1) as f64
    };
    let signal = match (samples, batch) {
        (1, 1) => gain.clone(),
        (1, _) => (&gain - others(D::Minus1, batch)?)?,
        (_, _) if !importance => ((&gain - others(D::Minus2, samples)?)? / samples as f64)?,
        (_, _) => {
            let whole = log_mean_exp(&gain)?;
            let means = others(D::Minus2, samples)?;
            let without = (0..samples).map(|at| {
                let parts =
                    [gain.narrow(0, 0, at)?, means.narrow(0, at, 1)?, gain.narrow(0, at + 1, samples - at - 1)?];
                let parts: Vec<&Tensor> = parts.iter().filter(|part| part.elem_count() > 0).collect();
                whole.sub(&log_mean_exp(&Tensor::cat(&parts, 0)?)?)
            });
            Tensor::stack(&without.collect::<Result<Vec<_>>>()?, 0)?
        }
    };
    let (signal, moved) = match learned {
        None => (signal, log_q.clone()),
        Some(learned) if samples == 1 => (signal, (log_q + learned)?),
        Some(learned) => ((signal - learned.detach())?, (log_q + learned)?),
    };
    (signal.detach() * (&moved - moved.detach())?)?.sum(0)
}
