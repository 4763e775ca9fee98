//! The discretised logistic mixture of PixelCNN++ (Salimans et al. 2017): log-probability, and its gradient for the
//! logits in the same pass over them.

use super::cpu::{Float, slice, unsupported};
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Shape};
use rayon::prelude::*;

/// Half a step of the grid.
const HALF: f64 = 0.5 / 255.0;
/// Below this mass of a bin, its density stands for it.
const TINY_MASS: f64 = 1e-5;
/// Log-scales are clamped here.
const MIN_LOG_SCALE: f64 = -7.0;

/// log p(x | logits) of images `[N, C, H, W]` on the k/255 grid, C = 1 or 3: `[N]` nats.
///
/// `logits`, `[N, ·, H, W]`: K mixture logits, then K·C means, K·C log-scales and, for C = 3, K·3 coefficients, each of the
/// last three as K groups of C. The mean of green shifts by tanh(k₀)·red, that of blue by tanh(k₁)·red + tanh(k₂)·green.
///
/// # Errors
/// Shapes that do not fit: nothing is broadcast.
pub fn logistic_mixture_log_prob(x: &Tensor, logits: &Tensor, components: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let groups = components * (1 + 2 * channels + channels * (channels - 1) / 2);
    if !matches!(channels, 1 | 3) || logits.dims() != [batch, groups, height, width] {
        candle_core::bail!(
            "a logistic mixture of {components} components over {:?} needs logits of shape {:?}, they have {:?}",
            x.dims(),
            [batch, groups, height, width],
            logits.dims()
        );
    }
    if !x.device().is_cpu() {
        return super::reference::logistic_mixture_log_prob(x, logits, components);
    }
    let sizes = Sizes { batch, channels, pixels: height * width, components, groups };
    x.contiguous()?.apply_op2(&logits.contiguous()?, LogProb(sizes))
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    channels: usize,
    pixels: usize,
    components: usize,
    groups: usize,
}

struct LogProb(Sizes);
struct Gradient(Sizes);

impl CustomOp2 for LogProb {
    fn name(&self) -> &'static str {
        "logistic_mixture"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, logits: &CpuStorage, ll: &Layout) -> Result<(CpuStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        match x.dtype() {
            DType::F32 => values(&self.0, slice::<f32>(x, xl)?, slice(logits, ll)?),
            DType::F64 => values(&self.0, slice::<f64>(x, xl)?, slice(logits, ll)?),
            other => unsupported(self.name(), other),
        }
    }

    fn bwd(
        &self,
        x: &Tensor,
        logits: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let each = x.apply_op2_no_bwd(logits, &Gradient(self.0))?;
        Ok((None, Some(each.broadcast_mul(&gradient.reshape(((), 1, 1, 1))?)?)))
    }
}

impl CustomOp2 for Gradient {
    fn name(&self) -> &'static str {
        "logistic_mixture_gradient"
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, logits: &CpuStorage, ll: &Layout) -> Result<(CpuStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        let dims = ll.shape().clone();
        match x.dtype() {
            DType::F32 => gradients(&self.0, slice::<f32>(x, xl)?, slice(logits, ll)?, dims),
            DType::F64 => gradients(&self.0, slice::<f64>(x, xl)?, slice(logits, ll)?, dims),
            other => unsupported(self.name(), other),
        }
    }
}

fn values<T: Float>(sizes: &Sizes, x: &[T], logits: &[T]) -> Result<(CpuStorage, Shape)> {
    let images = x.par_chunks(sizes.channels * sizes.pixels).zip(logits.par_chunks(sizes.groups * sizes.pixels));
    let sums: Vec<T> = images
        .map(|(x, logits)| {
            let mut pixel = Pixel::new(sizes);
            let sum: f64 = (0..sizes.pixels)
                .map(|at| {
                    pixel.load(sizes, x, logits, at);
                    pixel.log_prob(sizes)
                })
                .sum();
            T::from_f64(sum)
        })
        .collect();
    Ok((T::to_cpu_storage_owned(sums), Shape::from(sizes.batch)))
}

fn gradients<T: Float>(sizes: &Sizes, x: &[T], logits: &[T], dims: Shape) -> Result<(CpuStorage, Shape)> {
    let mut out = vec![T::default(); logits.len()];
    let image = sizes.groups * sizes.pixels;
    out.par_chunks_mut(image).zip(x.par_chunks(sizes.channels * sizes.pixels)).zip(logits.par_chunks(image)).for_each(
        |((out, x), logits)| {
            let mut pixel = Pixel::new(sizes);
            for at in 0..sizes.pixels {
                pixel.load(sizes, x, logits, at);
                pixel.gradient(sizes);
                for (group, value) in pixel.slopes.iter().enumerate() {
                    out[group * sizes.pixels + at] = T::from_f64(*value);
                }
            }
        },
    );
    Ok((T::to_cpu_storage_owned(out), dims))
}

/// One pixel's values, in double precision: sums over an image lose nothing.
struct Pixel {
    x: [f64; 3],
    logits: Vec<f64>,
    slopes: Vec<f64>,
    joint: Vec<f64>,
}

/// One channel of one component: its log-mass, and the slopes of that for mean and log-scale.
struct Bin {
    log_mass: f64,
    for_mean: f64,
    for_log_scale: f64,
}

impl Pixel {
    fn new(sizes: &Sizes) -> Self {
        Self {
            x: [0.0; 3],
            logits: vec![0.0; sizes.groups],
            slopes: vec![0.0; sizes.groups],
            joint: vec![0.0; sizes.components],
        }
    }

    fn load<T: Float>(&mut self, sizes: &Sizes, x: &[T], logits: &[T], at: usize) {
        for (channel, value) in self.x.iter_mut().take(sizes.channels).enumerate() {
            *value = x[channel * sizes.pixels + at].to_f64();
        }
        for (group, value) in self.logits.iter_mut().enumerate() {
            *value = logits[group * sizes.pixels + at].to_f64();
        }
    }

    fn bin(&self, sizes: &Sizes, component: usize, channel: usize) -> Bin {
        let all = sizes.components * sizes.channels;
        let at = sizes.components + component * sizes.channels + channel;
        bin(self.x[channel], self.logits[at] + self.shift(sizes, component, channel), self.logits[at + all])
    }

    /// Coefficients of a component, after tanh.
    fn coefficients(&self, sizes: &Sizes, component: usize) -> [f64; 3] {
        let at = sizes.components * (1 + 2 * sizes.channels) + component * 3;
        [self.logits[at].tanh(), self.logits[at + 1].tanh(), self.logits[at + 2].tanh()]
    }

    fn shift(&self, sizes: &Sizes, component: usize, channel: usize) -> f64 {
        match channel {
            0 => 0.0,
            1 => self.coefficients(sizes, component)[0] * self.x[0],
            _ => {
                let [_, red, green] = self.coefficients(sizes, component);
                red * self.x[0] + green * self.x[1]
            }
        }
    }

    fn log_prob(&mut self, sizes: &Sizes) -> f64 {
        for component in 0..sizes.components {
            let masses: f64 = (0..sizes.channels).map(|channel| self.bin(sizes, component, channel).log_mass).sum();
            self.joint[component] = masses + self.logits[component];
        }
        log_sum_exp(&self.joint) - log_sum_exp(&self.logits[..sizes.components])
    }

    fn gradient(&mut self, sizes: &Sizes) {
        let all = sizes.components * sizes.channels;
        self.log_prob(sizes);
        let evidence = log_sum_exp(&self.joint);
        let weights = log_sum_exp(&self.logits[..sizes.components]);
        for component in 0..sizes.components {
            let responsibility = (self.joint[component] - evidence).exp();
            self.slopes[component] = responsibility - (self.logits[component] - weights).exp();
            let mut for_means = [0.0; 3];
            for (channel, for_mean) in for_means.iter_mut().enumerate().take(sizes.channels) {
                let bin = self.bin(sizes, component, channel);
                let at = sizes.components + component * sizes.channels + channel;
                *for_mean = responsibility * bin.for_mean;
                self.slopes[at] = *for_mean;
                self.slopes[at + all] = responsibility * bin.for_log_scale;
            }
            if sizes.channels == 3 {
                let at = sizes.components + 2 * all + component * 3;
                let [a, b, c] = self.coefficients(sizes, component);
                self.slopes[at] = for_means[1] * self.x[0] * (1.0 - a * a);
                self.slopes[at + 1] = for_means[2] * self.x[0] * (1.0 - b * b);
                self.slopes[at + 2] = for_means[2] * self.x[1] * (1.0 - c * c);
            }
        }
    }
}

/// Log-mass of the grid's bin around `x` under a logistic; 0 and 1 take the tails.
fn bin(x: f64, mean: f64, raw_log_scale: f64) -> Bin {
    let log_scale = raw_log_scale.max(MIN_LOG_SCALE);
    let inverse = (-log_scale).exp();
    let centred = x - mean;
    let (high, low, middle) = (inverse * (centred + HALF), inverse * (centred - HALF), inverse * centred);
    // slopes of the log-mass for high, low and middle, and for the log-scale itself
    let (log_mass, by_high, by_low, by_middle, by_scale) = if x < HALF {
        (high - softplus(high), sigmoid(-high), 0.0, 0.0, 0.0)
    } else if x > 1.0 - HALF {
        (-softplus(low), 0.0, -sigmoid(low), 0.0, 0.0)
    } else {
        let (above, below) = (sigmoid(high), sigmoid(low));
        let mass = above - below;
        if mass > TINY_MASS {
            (mass.ln(), above * (1.0 - above) / mass, -below * (1.0 - below) / mass, 0.0, 0.0)
        } else {
            let density = middle - log_scale - 2.0 * softplus(middle) - 255f64.ln();
            (density, 0.0, 0.0, 1.0 - 2.0 * sigmoid(middle), -1.0)
        }
    };
    let for_mean = -inverse * (by_high + by_low + by_middle);
    let through_scale = by_scale - by_high * high - by_low * low - by_middle * middle;
    let for_log_scale = if raw_log_scale < MIN_LOG_SCALE { 0.0 } else { through_scale };
    Bin { log_mass, for_mean, for_log_scale }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + values.iter().map(|value| (value - top).exp()).sum::<f64>().ln()
}
