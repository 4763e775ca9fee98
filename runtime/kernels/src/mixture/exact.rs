//! The mixture in f64, pixel by pixel: the plain form of its formulas.

use super::{HALF, MIN_LOG_SCALE, Sizes, TINY_MASS};
use crate::scalar::{Number, Scalar, Softplus};
use rayon::prelude::*;

/// Log-probabilities and, if `wanted`, their derivatives with respect to the logits.
pub fn pass(sizes: &Sizes, x: &[f64], logits: &[f64], wanted: bool) -> (Vec<f64>, Option<Vec<f64>>) {
    let images = x.par_chunks(sizes.image().max(1)).zip(logits.par_chunks(sizes.logits().max(1)));
    if !wanted {
        return (images.map(|(x, logits)| image(sizes, x, logits, None)).collect(), None);
    }
    let mut slopes = vec![0.0; logits.len()];
    let values = images
        .zip(slopes.par_chunks_mut(sizes.logits().max(1)))
        .map(|((x, logits), slopes)| image(sizes, x, logits, Some(slopes)))
        .collect();
    (values, Some(slopes))
}

fn image(sizes: &Sizes, x: &[f64], logits: &[f64], mut slopes: Option<&mut [f64]>) -> f64 {
    let mut pixel = Pixel::new(sizes);
    let mut total = 0.0;
    for at in 0..sizes.pixels {
        pixel.load(sizes, x, logits, at);
        total += pixel.log_prob(sizes);
        if let Some(slopes) = &mut slopes {
            pixel.gradient(sizes);
            for (group, value) in pixel.slopes.iter().enumerate() {
                slopes[group * sizes.pixels + at] = *value;
            }
        }
    }
    total
}

/// One pixel's values.
struct Pixel {
    x: [f64; 3],
    logits: Vec<f64>,
    slopes: Vec<f64>,
    joint: Vec<f64>,
}

/// One channel of one component: its log-mass, and its derivatives with respect to mean and log-scale.
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

    fn load(&mut self, sizes: &Sizes, x: &[f64], logits: &[f64], at: usize) {
        for (channel, value) in self.x.iter_mut().take(sizes.channels).enumerate() {
            *value = x[channel * sizes.pixels + at];
        }
        for (group, value) in self.logits.iter_mut().enumerate() {
            *value = logits[group * sizes.pixels + at];
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

    /// The derivatives of [`Pixel::log_prob`], computed from its intermediate values.
    fn gradient(&mut self, sizes: &Sizes) {
        let all = sizes.components * sizes.channels;
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

/// Log-mass of the grid's bin around `x` under a logistic. The bins of 0 and 1 include the tails.
fn bin(x: f64, mean: f64, raw_log_scale: f64) -> Bin {
    let log_scale = raw_log_scale.max(MIN_LOG_SCALE);
    let inverse = (-log_scale).exp();
    let centred = x - mean;
    let (high, low, middle) = (inverse * (centred + HALF), inverse * (centred - HALF), inverse * centred);
    // Derivatives of the log-mass with respect to high, low and middle, and to the log-scale itself.
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
    Number::sigmoid(x)
}

fn softplus(x: f64) -> f64 {
    Softplus::value(x)
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + values.iter().map(|value| (value - top).exp()).sum::<f64>().ln()
}
