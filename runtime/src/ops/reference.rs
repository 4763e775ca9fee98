//! The operations in candle's own terms: slow, plain, and what the kernels are compared with.

use super::Adamax;
use crate::{Result, Tensor};
use candle_core::Var;

/// Convolution of `[N, C, H, W]` with `[O, C, k, k]` and a bias `[O]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let out = x.conv2d(weight, padding, stride, 1, 1)?;
    out.broadcast_add(&bias.reshape((1, (), 1, 1))?)
}

/// Transposed convolution of `[N, C, H, W]` with `[C, O, k, k]` and a bias `[O]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    let out = x.conv_transpose2d(weight, padding, output_padding, stride, 1)?;
    out.broadcast_add(&bias.reshape((1, (), 1, 1))?)
}

/// Discretised logistic mixture: see [`super::logistic_mixture_log_prob`].
///
/// # Errors
/// Shapes that do not fit.
pub fn logistic_mixture_log_prob(x: &Tensor, logits: &Tensor, components: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let all = components * channels;
    let shape = (batch, components, channels, height, width);
    let weights = logits.narrow(1, 0, components)?;
    let mut means = logits.narrow(1, components, all)?.contiguous()?.reshape(shape)?;
    let log_scales = logits.narrow(1, components + all, all)?.contiguous()?.reshape(shape)?.maximum(-7.0)?;
    let x = x.unsqueeze(1)?.broadcast_as(shape)?.contiguous()?;
    if channels == 3 {
        let k = logits.narrow(1, components + 2 * all, all)?.contiguous()?.reshape(shape)?.tanh()?;
        let at = |t: &Tensor, c: usize| t.narrow(2, c, 1);
        let green = (at(&means, 1)? + (at(&k, 0)? * at(&x, 0)?)?)?;
        let blue = ((at(&means, 2)? + (at(&k, 1)? * at(&x, 0)?)?)? + (at(&k, 2)? * at(&x, 1)?)?)?;
        means = Tensor::cat(&[&at(&means, 0)?, &green, &blue], 2)?;
    }
    let half = 0.5 / 255.0;
    let inverse = log_scales.neg()?.exp()?;
    let centred = (&x - means)?;
    let high = (&inverse * (&centred + half)?)?;
    let low = (&inverse * (&centred - half)?)?;
    let delta = (sigmoid(&high)? - sigmoid(&low)?)?;
    let middle = (&inverse * &centred)?;
    let density = ((&middle - &log_scales)? - ((softplus(&middle)? * 2.0)? + 255f64.ln())?)?;
    let inside = delta.gt(1e-5)?.where_cond(&delta.maximum(1e-12)?.log()?, &density)?;
    let below = (&high - softplus(&high)?)?;
    let above = softplus(&low)?.neg()?;
    let inside = x.gt(1.0 - half)?.where_cond(&above, &inside)?;
    let log_p = x.lt(half)?.where_cond(&below, &inside)?.sum(2)?;
    let joint = (log_p + log_softmax(&weights)?)?;
    let top = joint.max_keepdim(1)?.detach();
    let mixed = (joint.broadcast_sub(&top)?.exp()?.sum_keepdim(1)?.log()? + top)?;
    mixed.flatten_from(1)?.sum(1)
}

/// A step of Adamax: see [`super::adamax()`].
///
/// # Errors
/// Shapes that do not fit.
pub fn adamax(parameter: &Var, gradient: &Tensor, moments: &Tensor, how: Adamax) -> Result<()> {
    let (keep, decay) = how.betas;
    let mean = ((moments.get(0)? * keep)? + (gradient * (1.0 - keep))?)?;
    let peak = (moments.get(1)? * decay)?.maximum(&(gradient.abs()? + how.epsilon)?)?;
    parameter.set(&(parameter.as_tensor() - ((&mean / &peak)? * how.rate)?)?)?;
    moments.slice_set(&Tensor::stack(&[mean, peak], 0)?, 0, 0)
}

fn sigmoid(x: &Tensor) -> Result<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

fn softplus(x: &Tensor) -> Result<Tensor> {
    let tail = (x.abs()?.neg()?.exp()? + 1.0)?.log()?;
    x.relu()? + tail
}

fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let shifted = x.broadcast_sub(&x.max_keepdim(1)?.detach())?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(1)?.log()?)
}
