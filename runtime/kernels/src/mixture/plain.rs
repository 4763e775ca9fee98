//! Values of the mixture with candle's operations, for other devices and as the reference of the kernel.

use super::MIN_LOG_SCALE;
use crate::{Result, Tensor};

/// The minimum distance of uniform draws from 0 and 1: of those that choose a component, and of those for its value.
pub const PICK_MARGIN: f64 = 1e-7;
pub const SPREAD_MARGIN: f64 = 1e-5;

/// See [`super::logistic_mixture_value`].
///
/// # Errors
/// Shapes that do not fit.
pub fn value(
    logits: &Tensor,
    components: usize,
    channels: usize,
    pick: Option<&Tensor>,
    spread: Option<&Tensor>,
) -> Result<Tensor> {
    let (n, _, height, width) = logits.dims4()?;
    let weights = logits.narrow(1, 0, components)?.contiguous()?;
    let weights = match pick {
        Some(uniform) => (weights + gumbel(uniform)?)?,
        None => weights,
    };
    let picked = weights.argmax_keepdim(1)?.unsqueeze(2)?;
    let index = picked.broadcast_as((n, 1, channels, height, width))?.contiguous()?;
    let all = components * channels;
    let take = |group: usize| {
        let values = logits.narrow(1, components + group * all, all)?.contiguous()?;
        values.reshape((n, components, channels, height, width))?.gather(&index, 1)?.squeeze(1)
    };
    let mut values = take(0)?;
    if let Some(uniform) = spread {
        values = (values + (take(1)?.maximum(MIN_LOG_SCALE)?.exp()? * logistic(uniform)?)?)?;
    }
    if channels == 1 { values.clamp(0.0, 1.0) } else { compose(&values, &take(2)?.tanh()?) }
}

fn gumbel(uniform: &Tensor) -> Result<Tensor> {
    uniform.clamp(PICK_MARGIN, 1.0 - PICK_MARGIN)?.log()?.neg()?.log()?.neg()
}

fn logistic(uniform: &Tensor) -> Result<Tensor> {
    let u = uniform.clamp(SPREAD_MARGIN, 1.0 - SPREAD_MARGIN)?;
    u.log()? - (1.0 - &u)?.log()?
}

fn compose(values: &Tensor, k: &Tensor) -> Result<Tensor> {
    let at = |t: &Tensor, channel: usize| t.narrow(1, channel, 1);
    let red = at(values, 0)?.clamp(0.0, 1.0)?;
    let green = (at(values, 1)? + (at(k, 0)? * &red)?)?.clamp(0.0, 1.0)?;
    let blue = ((at(values, 2)? + (at(k, 1)? * &red)?)? + (at(k, 2)? * &green)?)?.clamp(0.0, 1.0)?;
    Tensor::cat(&[&red, &green, &blue], 1)
}
