//! Values of the mixture: draws and mode.

use super::plain::{self, PICK_MARGIN, SPREAD_MARGIN};
use super::{MIN_LOG_SCALE, Sizes};
use crate::cpu::{Values, each_row};
use crate::cuda::{self, Backend};
use crate::profile::timed;
use crate::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};

/// Pixels processed at once.
const LANES: usize = 64;

/// A value in [0, 1] for every pixel, `[N, C, H, W]`. `pick`, uniform draws `[N, K, H, W]`, chooses the component;
/// without it, the likeliest one is used. `spread`, uniform draws `[N, C, H, W]`, gives the deviation from the
/// component's mean; without it, the mean is used. The value is not rounded to the grid, and has no gradient.
///
/// # Errors
/// Shapes that do not fit.
pub fn logistic_mixture_value(
    logits: &Tensor,
    components: usize,
    pick: Option<&Tensor>,
    spread: Option<&Tensor>,
) -> Result<Tensor> {
    let (batch, groups, height, width) = logits.dims4()?;
    let channels = if groups == 10 * components { 3 } else { 1 };
    let fits = |draws: Option<&Tensor>, channels| draws.is_none_or(|t| t.dims() == [batch, channels, height, width]);
    let known = channels == 3 || groups == 3 * components;
    if !known || !fits(pick, components) || !fits(spread, channels) {
        candle_core::bail!(
            "a value of a logistic mixture of {components} components with logits of shape {:?} and draws of {:?} and {:?}",
            logits.dims(),
            pick.map(Tensor::dims),
            spread.map(Tensor::dims)
        );
    }
    let sizes = Sizes { batch, channels, pixels: height * width, components, groups };
    match Backend::of(logits) {
        Backend::Cuda => cuda::logistic_mixture_value(logits, components, channels, pick, spread),
        Backend::Host => on_host(&sizes, [batch, channels, height, width], logits, pick, spread),
        Backend::Candle => plain::value(logits, components, channels, pick, spread),
    }
}

/// The same by our kernels, `[N, C, H, W]`.
fn on_host(
    sizes: &Sizes,
    shape: [usize; 4],
    logits: &Tensor,
    pick: Option<&Tensor>,
    spread: Option<&Tensor>,
) -> Result<Tensor> {
    let (logits, pick) = (logits.contiguous()?, pick.map(Tensor::contiguous).transpose()?);
    let spread = spread.map(Tensor::contiguous).transpose()?;
    timed("logistic_mixture_value", || {
        by_real!("a logistic mixture", logits.dtype(), T => {
            let values = Values::<T>::of(&logits)?;
            let pick = pick.as_ref().map(Values::<T>::of).transpose()?;
            let spread = spread.as_ref().map(Values::<T>::of).transpose()?;
            let mut out = vec![T::default(); sizes.batch * sizes.image()];
            let chosen = sizes.components * sizes.pixels;
            each_row(&mut out, sizes.image(), values.len(), |number, out| {
                vector::run(Image {
                    sizes,
                    logits: &values[number * sizes.logits()..][..sizes.logits()],
                    pick: pick.as_ref().map(|draws| &draws[number * chosen..][..chosen]),
                    spread: spread.as_ref().map(|draws| &draws[number * sizes.image()..][..sizes.image()]),
                    out,
                });
            });
            Tensor::from_vec(out, &shape, logits.device())
        })
    })
}

struct Image<'a, T> {
    sizes: &'a Sizes,
    logits: &'a [T],
    pick: Option<&'a [T]>,
    spread: Option<&'a [T]>,
    out: &'a mut [T],
}

type Row<T> = [T; LANES];

impl<T: Real> Loop for Image<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Sizes { channels, pixels, components, .. } = *self.sizes;
        // Parameters of a component besides its weight: means, log-scales, coefficients.
        let kinds = if channels == 3 { 3 } else { 2 };
        for at in (0..pixels).step_by(LANES) {
            let count = LANES.min(pixels - at);
            let row = |values: &[T], number: usize| {
                let mut row = [T::default(); LANES];
                row[..count].copy_from_slice(&values[number * pixels + at..][..count]);
                row
            };
            let mut best = [T::from_f64(f64::NEG_INFINITY); LANES];
            let mut picked = [[[T::default(); LANES]; 3]; 3];
            for component in 0..components {
                let mut score = row(self.logits, component);
                if let Some(pick) = self.pick {
                    add_gumbel::<T, FUSED>(&mut score, &row(pick, component));
                }
                for (kind, channel) in (0..kinds).flat_map(|kind| (0..channels).map(move |channel| (kind, channel))) {
                    let values = row(self.logits, components * (1 + kind * channels) + component * channels + channel);
                    take_where_better(&mut picked[kind][channel], &values, &score, &best);
                }
                best.iter_mut()
                    .zip(&score)
                    .for_each(|(best, score)| *best = if *score > *best { *score } else { *best });
            }
            let [mut values, log_scales, coefficients] = picked;
            if let Some(spread) = self.spread {
                for channel in 0..channels {
                    add_logistic::<T, FUSED>(&mut values[channel], &log_scales[channel], &row(spread, channel));
                }
            }
            compose::<T, FUSED>(&mut values, &coefficients, channels);
            for (channel, values) in values.iter().take(channels).enumerate() {
                self.out[channel * pixels + at..][..count].copy_from_slice(&values[..count]);
            }
        }
    }
}

#[inline(always)]
fn bounded<T: Real>(x: T, least: f64, most: f64) -> T {
    let (least, most) = (T::from_f64(least), T::from_f64(most));
    let x = if x < least { least } else { x };
    if x > most { most } else { x }
}

/// Adds −ln(−ln u): the largest sum is that of a component with its probability.
#[inline(always)]
fn add_gumbel<T: Real, const FUSED: bool>(scores: &mut Row<T>, uniform: &Row<T>) {
    for (score, u) in scores.iter_mut().zip(uniform) {
        let exponential = T::default() - bounded(*u, PICK_MARGIN, 1.0 - PICK_MARGIN).ln::<FUSED>();
        *score -= exponential.ln::<FUSED>();
    }
}

#[inline(always)]
fn take_where_better<T: Real>(taken: &mut Row<T>, values: &Row<T>, score: &Row<T>, best: &Row<T>) {
    for (((taken, value), score), best) in taken.iter_mut().zip(values).zip(score).zip(best) {
        *taken = if *score > *best { *value } else { *taken };
    }
}

/// Adds scale · (ln u − ln(1 − u)).
#[inline(always)]
fn add_logistic<T: Real, const FUSED: bool>(means: &mut Row<T>, log_scales: &Row<T>, uniform: &Row<T>) {
    for ((mean, log_scale), u) in means.iter_mut().zip(log_scales).zip(uniform) {
        let u = bounded(*u, SPREAD_MARGIN, 1.0 - SPREAD_MARGIN);
        let standard = u.ln::<FUSED>() - (T::one() - u).ln::<FUSED>();
        let log_scale = bounded(*log_scale, MIN_LOG_SCALE, f64::INFINITY);
        *mean += log_scale.exp::<FUSED>() * standard;
    }
}

/// Channel by channel: each is shifted by the channels before it, then clamped to [0, 1].
#[inline(always)]
fn compose<T: Real, const FUSED: bool>(values: &mut [Row<T>; 3], coefficients: &[Row<T>; 3], channels: usize) {
    let [red, green, blue] = values;
    red.iter_mut().for_each(|red| *red = bounded(*red, 0.0, 1.0));
    if channels == 1 {
        return;
    }
    let [first, second, third] = coefficients;
    for ((green, red), k) in green.iter_mut().zip(&*red).zip(first) {
        *green = bounded(*green + k.tanh::<FUSED>() * *red, 0.0, 1.0);
    }
    for ((((blue, red), green), k), l) in blue.iter_mut().zip(&*red).zip(&*green).zip(second).zip(third) {
        *blue = bounded(*blue + k.tanh::<FUSED>() * *red + l.tanh::<FUSED>() * *green, 0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use rand::{RngExt, SeedableRng};

    #[test]
    fn draws_and_modes_are_those_of_the_plain_form() {
        for (components, channels, height, width) in [(10, 3, 9, 15), (3, 1, 1, 1), (1, 3, 16, 16)] {
            let groups = components * if channels == 3 { 10 } else { 3 };
            // From a fixed seed, because two scores that differ only by rounding would be a false alarm.
            let mut generator = rand_chacha::ChaCha8Rng::seed_from_u64(components as u64);
            let mut random = |channels: usize, dtype| {
                // Not contiguous: batch last.
                let count = width * channels * height * 2;
                let values: Vec<f64> = (0..count).map(|_| generator.random()).collect();
                let values = Tensor::from_vec(values, &[width, channels, height, 2], &Device::Cpu).unwrap();
                values.to_dtype(dtype).unwrap().permute([3, 1, 2, 0]).unwrap()
            };
            for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-12)] {
                let logits = ((random(groups, dtype) * 9.0).unwrap() - 5.0).unwrap();
                let (pick, spread) = (random(components, dtype), random(channels, dtype));
                for (pick, spread) in [(None, None), (None, Some(&spread)), (Some(&pick), Some(&spread))] {
                    let ours = logistic_mixture_value(&logits, components, pick, spread).unwrap();
                    let theirs = plain::value(&logits, components, channels, pick, spread).unwrap();
                    let far = (&ours - &theirs).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                    let far = far.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap();
                    // A scale of up to exp(4) times a logarithm of up to 11, rounded.
                    assert!(far < tolerance, "{components} {channels} {dtype:?}: {far}");
                }
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let said = logistic_mixture_value(&zeros(&[1, 21, 2, 2]), 2, None, None).unwrap_err().to_string();
        assert!(said.contains("[1, 21, 2, 2]"), "{said}");
        let draws = zeros(&[1, 2, 2, 3]);
        let said = logistic_mixture_value(&zeros(&[1, 20, 2, 2]), 2, Some(&draws), None).unwrap_err().to_string();
        assert!(said.contains("[1, 2, 2, 3]"), "{said}");
    }
}
