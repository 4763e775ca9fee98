//! The mean of the mixture.

use super::MIN_LOG_SCALE;
use crate::elementwise::softplus;
use crate::{Result, Tensor};

/// The mean of every pixel, `[N, C, H, W]`: the weighted mean of the components' means. For one channel it is exact
/// except for rounding to the grid. With three channels, each uses the component's means of the channels before it in
/// place of their values.
///
/// # Errors
/// Shapes that do not fit.
pub fn logistic_mixture_mean(logits: &Tensor, components: usize) -> Result<Tensor> {
    let (batch, groups, height, width) = logits.dims4()?;
    let channels = if groups == 10 * components { 3 } else { 1 };
    let all = components * channels;
    let take = |group: usize| {
        let values = logits.narrow(1, components + group * all, all)?.contiguous()?;
        values.reshape((batch, components, channels, height, width))
    };
    let (locations, scales) = (take(0)?, take(1)?.maximum(MIN_LOG_SCALE)?.exp()?);
    let at = |values: &Tensor, channel: usize| values.narrow(2, channel, 1);
    let mut means = vec![clamped(&at(&locations, 0)?, &at(&scales, 0)?)?];
    if channels == 3 {
        let coefficients = take(2)?.tanh()?;
        let green = (at(&locations, 1)? + (at(&coefficients, 0)? * &means[0])?)?;
        means.push(clamped(&green, &at(&scales, 1)?)?);
        let of_red = (at(&locations, 2)? + (at(&coefficients, 1)? * &means[0])?)?;
        let blue = (of_red + (at(&coefficients, 2)? * &means[1])?)?;
        means.push(clamped(&blue, &at(&scales, 2)?)?);
    }
    let weights = logits.narrow(1, 0, components)?;
    let weights = weights.broadcast_sub(&weights.max_keepdim(1)?)?.exp()?;
    let weights = weights.broadcast_div(&weights.sum_keepdim(1)?)?.unsqueeze(2)?;
    Tensor::cat(&means, 2)?.broadcast_mul(&weights)?.sum(1)
}

/// The mean of a logistic variable clamped to [0, 1]: ∫₀¹ σ((location − t) / scale) dt.
fn clamped(location: &Tensor, scale: &Tensor) -> Result<Tensor> {
    let above = softplus(&(location / scale)?)?;
    scale * (above - softplus(&((location - 1.0)? / scale)?)?)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    /// Narrow components: the mean is the weighted mean of locations, where a location outside of [0, 1] is clamped.
    #[test]
    fn narrow_components_have_their_locations_as_means() -> Result<()> {
        // Weights 1 : 3; then locations, log-scales and coefficients, three channels each.
        let (a, b) = ([0.2, 0.5, -0.1], [0.6, 0.1, 1.4]);
        let k = [0.5f64.atanh(), 0.25f64.atanh(), 0.0];
        let logits: Vec<f64> =
            [vec![0.0, 3f64.ln()], a.to_vec(), b.to_vec(), vec![-7.0; 6], k.to_vec(), k.to_vec()].concat();
        let logits = Tensor::from_vec(logits, (1, 20, 1, 1), &Device::Cpu)?.to_dtype(DType::F64)?;
        let found: Vec<f64> = logistic_mixture_mean(&logits, 2)?.flatten_all()?.to_vec1()?;
        let of = |[red, green, blue]: [f64; 3]| [red, green + 0.5 * red, (blue + 0.25 * red).clamp(0.0, 1.0)];
        let (a, b) = (of(a), of(b));
        for channel in 0..3 {
            let expected = 0.25 * a[channel] + 0.75 * b[channel];
            // The scale is exp(-7), 9e-4: a clamped tail changes a mean by less than that.
            assert!((found[channel] - expected).abs() < 1e-3, "{channel}: {} for {expected}", found[channel]);
        }
        Ok(())
    }
}
