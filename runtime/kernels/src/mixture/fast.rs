//! The mixture in f32, many pixels at once.
//!
//! A bin's mass is not computed as a difference of two sigmoids, which cancels. With h and l the bin's ends and δ = h −
//! l, σ(h) − σ(l) = (1 − e^−δ) σ(h) σ(−l). Sums over an image are in f64.

use super::{HALF, MIN_LOG_SCALE, Sizes, TINY_MASS};
use crate::vector::{self, Loop, exp, exp_m1, ln, tanh};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Pixels processed at once.
const LANES: usize = 64;

type Row = [f32; LANES];

const ZERO: Row = [0.0; LANES];

/// Log-probabilities and, if `wanted`, their derivatives with respect to the logits.
pub fn pass(sizes: &Sizes, x: &[f32], logits: &[f32], wanted: bool) -> (Vec<f32>, Option<Vec<f32>>) {
    let images = x.par_chunks(sizes.image().max(1)).zip(logits.par_chunks(sizes.logits().max(1)));
    if !wanted {
        let values = images.map(|(x, logits)| vector::run(Image { sizes, x, logits, slopes: None }) as f32);
        return (values.collect(), None);
    }
    let mut slopes = Vec::with_capacity(logits.len());
    let room = slopes.spare_capacity_mut()[..logits.len()].par_chunks_mut(sizes.logits().max(1));
    let values = images
        .zip(room)
        .map(|((x, logits), slopes)| vector::run(Image { sizes, x, logits, slopes: Some(slopes) }) as f32);
    let values = values.collect();
    // SAFETY: each image writes the gradient of all its logits.
    unsafe { slopes.set_len(logits.len()) };
    (values, Some(slopes))
}

/// An image, its logits, and memory for their derivatives.
struct Image<'a> {
    sizes: &'a Sizes,
    x: &'a [f32],
    logits: &'a [f32],
    slopes: Option<&'a mut [MaybeUninit<f32>]>,
}

impl Loop for Image<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) -> f64 {
        let mut block = Block::new(self.sizes);
        let mut total = 0.0;
        for at in (0..self.sizes.pixels).step_by(LANES) {
            let pixels = LANES.min(self.sizes.pixels - at);
            block.load(self.sizes, self.x, self.logits, at, pixels);
            total += block.log_prob::<FUSED>(self.sizes)[..pixels].iter().map(|value| f64::from(*value)).sum::<f64>();
            if let Some(slopes) = &mut self.slopes {
                block.finish(self.sizes);
                for (group, row) in block.slopes.iter().enumerate() {
                    let room = &mut slopes[group * self.sizes.pixels + at..][..pixels];
                    room.iter_mut().zip(row).for_each(|(room, value)| _ = room.write(*value));
                }
            }
        }
        total
    }
}

/// [`LANES`] pixels: rows of values, of logits and of intermediate results.
struct Block {
    x: [Row; 3],
    logits: Vec<Row>,
    /// Initially the derivatives of a component's log-mass with respect to its own logits; finally those of the
    /// log-probability.
    slopes: Vec<Row>,
    /// Normalised exponentials of the components' joint log-probabilities, and of their logits.
    posterior: Vec<Row>,
    prior: Vec<Row>,
}

/// A channel of a component: the log-mass of its bins, and its derivatives with respect to mean and log-scale.
struct Bins {
    log_mass: Row,
    for_mean: Row,
    for_log_scale: Row,
}

impl Block {
    fn new(sizes: &Sizes) -> Self {
        let rows = |count| vec![ZERO; count];
        Self {
            x: [ZERO; 3],
            logits: rows(sizes.groups),
            slopes: rows(sizes.groups),
            posterior: rows(sizes.components),
            prior: rows(sizes.components),
        }
    }

    fn load(&mut self, sizes: &Sizes, x: &[f32], logits: &[f32], at: usize, pixels: usize) {
        for (channel, row) in self.x.iter_mut().take(sizes.channels).enumerate() {
            row[..pixels].copy_from_slice(&x[channel * sizes.pixels + at..][..pixels]);
        }
        for (group, row) in self.logits.iter_mut().enumerate() {
            row[..pixels].copy_from_slice(&logits[group * sizes.pixels + at..][..pixels]);
        }
    }

    /// Computes the log-probability. Leaves the derivatives of every component's log-mass, and the components' prior
    /// and posterior probabilities.
    #[inline(always)]
    fn log_prob<const FUSED: bool>(&mut self, sizes: &Sizes) -> Row {
        let all = sizes.components * sizes.channels;
        for component in 0..sizes.components {
            let mut joint = self.logits[component];
            for channel in 0..sizes.channels {
                let at = sizes.components + component * sizes.channels + channel;
                let mean = self.shifted::<FUSED>(sizes, component, channel);
                let bins = Bins::new::<FUSED>(&self.x[channel], &mean, &self.logits[at + all]);
                add(&mut joint, &bins.log_mass);
                (self.slopes[at], self.slopes[at + all]) = (bins.for_mean, bins.for_log_scale);
            }
            self.posterior[component] = joint;
        }
        self.prior.copy_from_slice(&self.logits[..sizes.components]);
        let mut value = normalise::<FUSED>(&mut self.posterior);
        let weights = normalise::<FUSED>(&mut self.prior);
        value.iter_mut().zip(&weights).for_each(|(value, weight)| *value -= weight);
        value
    }

    /// A channel's means, shifted by the channels before it. Leaves the coefficients' tanh among the derivatives.
    #[inline(always)]
    fn shifted<const FUSED: bool>(&mut self, sizes: &Sizes, component: usize, channel: usize) -> Row {
        let mut mean = self.logits[sizes.components + component * sizes.channels + channel];
        let coefficients = sizes.components * (1 + 2 * sizes.channels) + component * 3;
        let sources: &[(usize, usize)] = match channel {
            0 => &[],
            1 => &[(0, 0)],
            _ => &[(1, 0), (2, 1)],
        };
        for (number, source) in sources {
            let (raw, bounded) = (&self.logits[coefficients + number], &mut self.slopes[coefficients + number]);
            for (((raw, bounded), x), mean) in raw.iter().zip(bounded).zip(&self.x[*source]).zip(&mut mean) {
                *bounded = tanh::<FUSED>(*raw);
                *mean = vector::fused::<FUSED>(*bounded, *x, *mean);
            }
        }
        mean
    }

    /// Converts derivatives of every component's log-mass to those of the log-probability.
    #[inline(always)]
    fn finish(&mut self, sizes: &Sizes) {
        let all = sizes.components * sizes.channels;
        for component in 0..sizes.components {
            let posterior = &self.posterior[component];
            for ((slope, after), before) in self.slopes[component].iter_mut().zip(posterior).zip(&self.prior[component])
            {
                *slope = after - before;
            }
            for channel in 0..sizes.channels {
                let at = sizes.components + component * sizes.channels + channel;
                multiply(&mut self.slopes[at], posterior);
                multiply(&mut self.slopes[at + all], posterior);
            }
            if sizes.channels == 3 {
                let (others, coefficients) = self.slopes.split_at_mut(sizes.components + 2 * all);
                let means = &others[sizes.components + component * 3..][..3];
                for (number, (mean, source)) in [(1, 0), (2, 0), (2, 1)].into_iter().enumerate() {
                    let slopes = coefficients[component * 3 + number].iter_mut();
                    for ((slope, mean), x) in slopes.zip(&means[mean]).zip(&self.x[source]) {
                        *slope = mean * x * (1.0 - *slope * *slope);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add(sum: &mut Row, row: &Row) {
    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
}

#[inline(always)]
fn multiply(product: &mut Row, row: &Row) {
    product.iter_mut().zip(row).for_each(|(product, value)| *product *= value);
}

/// Normalises log-weights to probabilities. Returns the logarithm of their sum.
#[inline(always)]
fn normalise<const FUSED: bool>(rows: &mut [Row]) -> Row {
    let mut top = [f32::NEG_INFINITY; LANES];
    for row in &*rows {
        top.iter_mut().zip(row).for_each(|(top, value)| *top = if *value > *top { *value } else { *top });
    }
    let mut sum = ZERO;
    for row in &mut *rows {
        for ((value, top), sum) in row.iter_mut().zip(&top).zip(&mut sum) {
            *value = exp::<FUSED>(*value - *top);
            *sum += *value;
        }
    }
    for row in rows {
        row.iter_mut().zip(&sum).for_each(|(value, sum)| *value /= *sum);
    }
    top.iter_mut().zip(&sum).for_each(|(top, sum)| *top += ln::<FUSED>(*sum));
    top
}

impl Bins {
    #[inline(always)]
    fn new<const FUSED: bool>(x: &Row, mean: &Row, raw_log_scale: &Row) -> Self {
        let mut bins = Self { log_mass: ZERO, for_mean: ZERO, for_log_scale: ZERO };
        for lane in 0..LANES {
            let (log_mass, for_mean, for_log_scale) = bin::<FUSED>(x[lane], mean[lane], raw_log_scale[lane]);
            bins.log_mass[lane] = log_mass;
            bins.for_mean[lane] = for_mean;
            bins.for_log_scale[lane] = for_log_scale;
        }
        bins
    }
}

/// Log-mass of the grid's bin around `x` under a logistic, and its derivatives with respect to mean and log-scale. The
/// bins of 0 and 1 include the tails. All cases are computed and one is selected, as vector code requires.
#[inline(always)]
fn bin<const FUSED: bool>(x: f32, mean: f32, raw_log_scale: f32) -> (f32, f32, f32) {
    let clamped = raw_log_scale < MIN_LOG_SCALE as f32;
    let log_scale = if clamped { MIN_LOG_SCALE as f32 } else { raw_log_scale };
    let inverse = exp::<FUSED>(-log_scale);
    let (middle, step) = (inverse * (x - mean), inverse * HALF as f32);
    let (high, low, width) = (middle + step, middle - step, 2.0 * step);
    let (first, last) = (x < HALF as f32, x > 1.0 - HALF as f32);

    // Inside: ln of the mass between the ends.
    let part = -exp_m1::<FUSED>(-width);
    let (under_high, over_low) = (1.0 / (1.0 + exp::<FUSED>(-high)), 1.0 / (1.0 + exp::<FUSED>(low)));
    let mass = part * under_high * over_low;
    let inside = !first && !last && mass > TINY_MASS as f32;
    let (over_high, under_low) = (1.0 - under_high, 1.0 - over_low);
    let inside_scale = low * under_low - high * over_high - width * (1.0 - part) / part;

    // The tails −softplus(−h) and −softplus(l), and the density, as functions of one argument.
    let argument = if first { high } else { middle };
    let argument = if last { -low } else { argument };
    let small = exp::<FUSED>(-argument.abs());
    let log = ln::<FUSED>(if inside { mass } else { 1.0 + small });
    let beyond = if argument > 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
    let tail = (if argument > 0.0 { 0.0 } else { argument }) - log;
    let density = -argument.abs() - 2.0 * log - log_scale - LN_255;

    let edge = first || last;
    let log_mass = if edge { tail } else { density };
    let log_mass = if inside { log } else { log_mass };
    let by_argument = if edge { beyond } else { 2.0 * beyond - 1.0 };
    let by_middle = if last { -by_argument } else { by_argument };
    let by_middle = if inside { over_high - under_low } else { by_middle };
    let by_scale = -argument * by_argument - if edge { 0.0 } else { 1.0 };
    let by_scale = if inside { inside_scale } else { by_scale };
    (log_mass, -inverse * by_middle, if clamped { 0.0 } else { by_scale })
}

/// ln 255, the steps of the grid.
const LN_255: f32 = 5.541_263_6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixture::exact;
    use rand::{RngExt, SeedableRng};

    /// Random images and logits: mostly in the usual range, some extreme, with black and white pixels.
    fn case(sizes: &Sizes, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        let x = (0..sizes.batch * sizes.image()).map(|_| rng.random_range(0..=255) as f32 / 255.0);
        let x = x
            .map(|x| {
                if x < 0.1 {
                    0.0
                } else if x > 0.9 {
                    1.0
                } else {
                    x
                }
            })
            .collect();
        let logits = (0..sizes.batch * sizes.logits()).map(|_| {
            let wide = rng.random_range(0..50) == 0;
            let limit: f32 = if wide { 12.0 } else { 3.0 };
            rng.random_range(-limit..limit)
        });
        (x, logits.collect())
    }

    fn sizes(batch: usize, channels: usize, pixels: usize, components: usize) -> Sizes {
        let groups = components * (1 + 2 * channels + channels * (channels - 1) / 2);
        Sizes { batch, channels, pixels, components, groups }
    }

    #[test]
    fn values_and_slopes_are_those_of_double_precision() {
        for (number, sizes) in [sizes(2, 3, 35, 10), sizes(1, 1, 64, 3), sizes(3, 3, 130, 1)].into_iter().enumerate() {
            let (x, logits) = case(&sizes, number as u64);
            let (values, slopes) = pass(&sizes, &x, &logits, true);
            let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
            let (exact_values, exact_slopes) = exact::pass(&sizes, &wide(&x), &wide(&logits), true);
            for (value, exact) in values.iter().zip(&exact_values) {
                assert!((f64::from(*value) - exact).abs() < 3e-7 * exact.abs(), "{value} {exact}");
            }
            let (slopes, exact_slopes) = (slopes.unwrap(), exact_slopes.unwrap());
            for (slope, exact) in slopes.iter().zip(&exact_slopes) {
                // An error of half a unit in the last place of a mean changes a derivative by up to exp(7) times as
                // much.
                assert!((f64::from(*slope) - exact).abs() < 2e-4 * exact.abs().max(1.0), "{slope} {exact}");
            }
            assert_eq!(pass(&sizes, &x, &logits, false), (values, None));
        }
    }

    #[test]
    fn values_do_not_depend_on_the_number_of_threads() {
        let sizes = sizes(5, 3, 70, 10);
        let (x, logits) = case(&sizes, 7);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| pass(&sizes, &x, &logits, true))
        };
        assert_eq!(with(1), with(2));
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn what_is_not_a_number_is_not_hidden() {
        let sizes = sizes(1, 1, 2, 2);
        for broken in 0..6 {
            let (x, mut logits) = case(&sizes, 3);
            logits[2 * broken] = f32::NAN;
            assert!(pass(&sizes, &x, &logits, false).0[0].is_nan(), "group {broken}");
        }
    }
}
