//! The operations implemented with candle: slow, plain, and the reference for the kernels.

use crate::arguments::{Adamax, Mask};
use crate::elementwise::sigmoid;
use crate::scalar::{Scalar, Sigmoid, Softplus, Whole};
use crate::{Result, Tensor};
use candle_core::{Error, Var};

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

/// The next state of a gated recurrent unit from the gates of its input and its state, `[N, 3C]`, and its state, `[N, C]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn gru(of_input: &Tensor, of_state: &Tensor, state: &Tensor) -> Result<Tensor> {
    let (x, h, width) = (of_input, of_state, state.dim(1)?);
    let gates = sigmoid(&(x.narrow(1, 0, 2 * width)? + h.narrow(1, 0, 2 * width)?)?)?;
    let (reset, update) = (gates.narrow(1, 0, width)?, gates.narrow(1, width, width)?);
    let new = (x.narrow(1, 2 * width, width)? + (reset * h.narrow(1, 2 * width, width)?)?)?.tanh()?;
    // new + update · (state − new)
    &new + (update * (state - &new)?)?
}

/// The next state of a long short-term memory from the gates of its input and its hidden vector, `[N, 4C]`, and its state,
/// `[N, 2C]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn lstm(of_input: &Tensor, of_hidden: &Tensor, state: &Tensor) -> Result<Tensor> {
    let (gates, width) = ((of_input + of_hidden)?, state.dim(1)? / 2);
    let gate = |at: usize| gates.narrow(1, at * width, width);
    let kept = (sigmoid(&gate(1)?)? * state.narrow(1, width, width)?)?;
    let cell = (kept + (sigmoid(&gate(0)?)? * gate(2)?.tanh()?)?)?;
    let hidden = (sigmoid(&gate(3)?)? * cell.tanh()?)?;
    Tensor::cat(&[hidden, cell], 1)
}

/// Sum over all but the first dimension.
///
/// # Errors
/// A failed tensor operation.
pub fn sum_batch(each: &Tensor) -> Result<Tensor> {
    each.flatten_from(1)?.sum(1)
}

/// g · v / ‖v‖, the norm over all dimensions but `dim`.
///
/// # Errors
/// Shapes that do not fit.
pub fn weight_norm(v: &Tensor, g: &Tensor, dim: usize) -> Result<Tensor> {
    let mut squares = v.sqr()?;
    for axis in (0..v.rank()).filter(|axis| *axis != dim) {
        squares = squares.sum_keepdim(axis)?;
    }
    v.broadcast_mul(&(g / squares.sqrt()?)?)
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
    let delta = (scalar::<Sigmoid>(&high)? - scalar::<Sigmoid>(&low)?)?;
    let middle = (&inverse * &centred)?;
    let density = ((&middle - &log_scales)? - ((scalar::<Softplus>(&middle)? * 2.0)? + 255f64.ln())?)?;
    let inside = delta.gt(1e-5)?.where_cond(&delta.maximum(1e-12)?.log()?, &density)?;
    let below = (&high - scalar::<Softplus>(&high)?)?;
    let above = scalar::<Softplus>(&low)?.neg()?;
    let inside = x.gt(1.0 - half)?.where_cond(&above, &inside)?;
    let log_p = x.lt(half)?.where_cond(&below, &inside)?.sum(2)?;
    let joint = (log_p + log_softmax(&weights)?)?;
    let top = joint.max_keepdim(1)?.detach();
    let mixed = (joint.broadcast_sub(&top)?.exp()?.sum_keepdim(1)?.log()? + top)?;
    mixed.flatten_from(1)?.sum(1)
}

/// A normal's density: see [`super::normal_log_prob`].
///
/// # Errors
/// Shapes that do not fit.
pub fn normal_log_prob(z: &Tensor, mean: &Tensor, log_var: &Tensor) -> Result<Tensor> {
    let squares = ((z - mean)?.sqr()? * log_var.neg()?.exp()?)?;
    let each = ((squares + log_var)? + (2.0 * std::f64::consts::PI).ln())?;
    sum_batch(&(each * -0.5)?)
}

/// A divergence of normals: see [`super::normal_kl`].
///
/// # Errors
/// Shapes that do not fit.
pub fn normal_kl(q_mean: &Tensor, q_log_var: &Tensor, p_mean: &Tensor, p_log_var: &Tensor) -> Result<Tensor> {
    let distance = (q_mean - p_mean)?.sqr()?;
    let ratio = ((q_log_var.exp()? + distance)? * p_log_var.neg()?.exp()?)?;
    let each = (((p_log_var - q_log_var)? + ratio)? - 1.0)?;
    sum_batch(&(each * 0.5)?)
}

/// The input of an affine coupling's network: see [`super::coupling_context`].
///
/// # Errors
/// Shapes that do not fit.
pub fn coupling_context(h: &Tensor, mask: Mask) -> Result<Tensor> {
    match mask {
        Mask::Checkerboard { reversed } => h.broadcast_mul(&checkerboard(h, reversed)?),
        Mask::Channel { reversed } => Ok(halves(h, reversed)?.1),
    }
}

/// An affine coupling: see [`super::coupling()`].
///
/// # Errors
/// Shapes that do not fit.
pub fn coupling(h: &Tensor, network: &Tensor, rescale: &Tensor, mask: Mask, inverse: bool) -> Result<Tensor> {
    let (s, t) = scale_shift(network, rescale)?;
    let affine = |h: &Tensor| if inverse { (h * s.neg()?.exp()?)? - &t } else { (h + &t)? * s.exp()? };
    match mask {
        Mask::Checkerboard { reversed } => {
            let keep = checkerboard(h, reversed)?;
            h.broadcast_mul(&keep)? + affine(h)?.broadcast_mul(&(1.0 - &keep)?)?
        }
        Mask::Channel { reversed } => {
            let (change, keep) = halves(h, reversed)?;
            let changed = affine(&change)?;
            let parts = if reversed { [&keep, &changed] } else { [&changed, &keep] };
            Tensor::cat(&parts, 1)
        }
    }
}

/// The log-determinant of an affine coupling: see [`super::coupling_log_det`].
///
/// # Errors
/// Shapes that do not fit.
pub fn coupling_log_det(network: &Tensor, rescale: &Tensor, mask: Mask) -> Result<Tensor> {
    let (s, _) = scale_shift(network, rescale)?;
    match mask {
        Mask::Checkerboard { reversed } => sum_batch(&s.broadcast_mul(&(1.0 - checkerboard(&s, reversed)?)?)?),
        Mask::Channel { .. } => sum_batch(&s),
    }
}

fn scale_shift(network: &Tensor, rescale: &Tensor) -> Result<(Tensor, Tensor)> {
    let channels = network.dim(1)? / 2;
    let s = network.narrow(1, 0, channels)?.tanh()?.broadcast_mul(&rescale.reshape((1, (), 1, 1))?)?;
    Ok((s, network.narrow(1, channels, channels)?))
}

/// 1 where a checkerboard keeps its input, `[1, 1, H, W]`.
fn checkerboard(h: &Tensor, reversed: bool) -> Result<Tensor> {
    let (_, _, height, width) = h.dims4()?;
    let at = |index: usize| ((index / width + index % width + usize::from(reversed)) % 2) as f32;
    Tensor::from_vec((0..height * width).map(at).collect(), (1, 1, height, width), h.device())?.to_dtype(h.dtype())
}

/// The half of the channels that changes and the half that is kept.
fn halves(h: &Tensor, reversed: bool) -> Result<(Tensor, Tensor)> {
    let half = h.dim(1)? / 2;
    let (first, second) = (h.narrow(1, 0, half)?.contiguous()?, h.narrow(1, half, half)?.contiguous()?);
    Ok(if reversed { (second, first) } else { (first, second) })
}

/// Channels normalised to mean 0 and variance 1 at every position: see [`super::normalise_channels`].
///
/// # Errors
/// Shapes that do not fit.
pub fn normalise_channels(x: &Tensor, gain: &Tensor, bias: &Tensor, least: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(1)? + least)?.sqrt()?;
    by_channel(&centred.broadcast_div(&deviation)?, gain, bias)
}

/// Groups of channels normalised to mean 0 and variance 1: see [`super::normalise_groups`].
///
/// # Errors
/// Shapes that do not fit.
pub fn normalise_groups(x: &Tensor, gain: &Tensor, bias: &Tensor, groups: usize, least: f64) -> Result<Tensor> {
    let grouped = x.reshape((x.dim(0)?, groups, ()))?;
    let centred = grouped.broadcast_sub(&grouped.mean_keepdim(2)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(2)? + least)?.sqrt()?;
    by_channel(&centred.broadcast_div(&deviation)?.reshape(x.dims())?, gain, bias)
}

/// `gain` · x + `bias` for each channel.
fn by_channel(x: &Tensor, gain: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let mut shape = vec![1; x.rank()];
    shape[1] = x.dim(1)?;
    x.broadcast_mul(&gain.reshape(shape.as_slice())?)?.broadcast_add(&bias.reshape(shape)?)
}

/// Softmax attention: see [`super::attend`].
///
/// # Errors
/// Shapes that do not fit.
pub fn attend(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let scores = (q.matmul(&k.t()?)? * (q.dim(2)? as f64).sqrt().recip())?;
    let weights = scores.broadcast_sub(&scores.max_keepdim(2)?.detach())?.exp()?;
    weights.broadcast_div(&weights.sum_keepdim(2)?)?.matmul(v)
}

/// A depthwise convolution: see [`super::depthwise_conv2d`].
///
/// # Errors
/// Shapes that do not fit.
pub fn depthwise_conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, channels, height, width) = x.dims4()?;
    let kernel = weight.dim(1)?;
    let pad = kernel / 2;
    let padded = x.pad_with_zeros(2, pad, pad)?.pad_with_zeros(3, pad, pad)?;
    let mut out = x.zeros_like()?.broadcast_add(&bias.reshape((1, channels, 1, 1))?)?;
    for (row, column) in (0..kernel).flat_map(|row| (0..kernel).map(move |column| (row, column))) {
        let tap = weight.narrow(1, row, 1)?.narrow(2, column, 1)?.reshape((1, channels, 1, 1))?;
        out = (out + padded.narrow(2, row, height)?.narrow(3, column, width)?.broadcast_mul(&tap)?)?;
    }
    Ok(out)
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

/// A scalar function with candle's operations.
fn scalar<S: Scalar>(x: &Tensor) -> Result<Tensor> {
    S::value(Whole::of(x)).0.map_err(Error::Msg)
}

fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let shifted = x.broadcast_sub(&x.max_keepdim(1)?.detach())?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(1)?.log()?)
}
