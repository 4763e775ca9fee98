//! A record of several positions, which are contiguous in every channel.

use super::{DEPTH, Normalise};
use crate::vector::{Real, totals_of};
use std::mem::MaybeUninit;

/// Positions normalised together.
const BLOCK: usize = 256;
/// Channels whose values are summed before their sum is added in f64.
const CHANNELS: usize = 16;

/// The positions of one block.
#[derive(Clone, Copy)]
struct Block {
    channels: usize,
    /// From a channel to the next.
    stride: usize,
    from: usize,
    count: usize,
}

impl Block {
    fn all(sizes: Normalise) -> impl Iterator<Item = Self> {
        let Normalise { channels, positions: stride, .. } = sizes;
        (0..stride).step_by(BLOCK).map(move |from| Self { channels, stride, from, count: BLOCK.min(stride - from) })
    }

    /// The values of a channel.
    #[inline(always)]
    fn of<T>(self, channel: usize, record: &[T]) -> &[T] {
        &record[channel * self.stride + self.from..][..self.count]
    }

    #[inline(always)]
    fn of_mut<T>(self, channel: usize, record: &mut [T]) -> &mut [T] {
        &mut record[channel * self.stride + self.from..][..self.count]
    }

    /// For every position, the mean over the channels of `term` of the value and the position's number in `at`.
    #[inline(always)]
    fn means<T: Real>(self, x: &[T], at: &[T; BLOCK], term: impl Fn(T, T) -> T) -> [f64; BLOCK] {
        let mut sums = [0.0; BLOCK];
        for first in (0..self.channels).step_by(CHANNELS) {
            let mut parts = [T::default(); BLOCK];
            for channel in first..self.channels.min(first + CHANNELS) {
                let values = self.of(channel, x).iter().zip(at);
                parts.iter_mut().zip(values).for_each(|(part, (x, at))| *part += term(*x, *at));
            }
            sums.iter_mut().zip(&parts[..self.count]).for_each(|(sum, part)| *sum += part.to_f64());
        }
        sums.map(|sum| sum / self.channels as f64)
    }

    /// Means and inverse standard deviations.
    #[inline(always)]
    fn moments<T: Real>(self, x: &[T], least: f64) -> [[T; BLOCK]; 2] {
        let means = self.means(x, &[T::default(); BLOCK], |x, _| x).map(T::from_f64);
        let variances = self.means(x, &means, |x, mean| (x - mean) * (x - mean));
        [means, variances.map(|variance| T::from_f64((variance + least).sqrt().recip()))]
    }
}

#[inline(always)]
pub fn forward<T: Real, const FUSED: bool>(
    sizes: Normalise,
    x: &[T],
    [gain, bias]: [&[T]; 2],
    out: &mut [MaybeUninit<T>],
) {
    for block in Block::all(sizes) {
        let [means, precisions] = block.moments(x, sizes.least);
        for (channel, (gain, bias)) in gain.iter().zip(bias).enumerate() {
            let values = block.of(channel, x).iter().zip(means.iter().zip(&precisions));
            for (out, (x, (mean, precision))) in block.of_mut(channel, out).iter_mut().zip(values) {
                out.write(((*x - *mean) * *precision).fused::<FUSED>(*gain, *bias));
            }
        }
    }
}

/// With n the normalised value and g its gradient: (g − mean g − n · mean(g · n)) / deviation.
#[inline(always)]
pub fn backward<T: Real, const FUSED: bool>(
    sizes: Normalise,
    [x, dy]: [&[T]; 2],
    gain: &[T],
    out: &mut [MaybeUninit<T>],
    [of_gain, of_bias]: [&mut [T]; 2],
) {
    for block in Block::all(sizes) {
        let [means, precisions] = block.moments(x, sizes.least);
        let mut normal = [T::default(); BLOCK];
        let (mut levels, mut alongs) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (channel, (of_gain, of_bias)) in of_gain.iter_mut().zip(of_bias.iter_mut()).enumerate() {
            let dy = block.of(channel, dy);
            let values = block.of(channel, x).iter().zip(means.iter().zip(&precisions));
            normal
                .iter_mut()
                .zip(values)
                .for_each(|(normal, (x, (mean, precision)))| *normal = (*x - *mean) * *precision);
            let [gain_sum, bias_sum] =
                totals_of::<T, 2, 2, DEPTH>([dy, &normal[..dy.len()]], |[dy, normal]| [dy * normal, dy]);
            *of_gain += T::from_f64(gain_sum);
            *of_bias += T::from_f64(bias_sum);
            for ((dy, normal), (level, along)) in dy.iter().zip(&normal).zip(levels.iter_mut().zip(&mut alongs)) {
                let slope = *dy * gain[channel];
                *level += slope.to_f64();
                *along += (slope * *normal).to_f64();
            }
        }
        let mean = |sums: [f64; BLOCK]| sums.map(|sum| T::from_f64(sum / sizes.channels as f64));
        let (levels, alongs) = (mean(levels), mean(alongs));
        for (channel, gain) in gain.iter().enumerate() {
            let read = block.of(channel, x).iter().zip(block.of(channel, dy));
            let at = means.iter().zip(&precisions).zip(levels.iter().zip(&alongs));
            for (out, ((x, dy), ((mean, precision), (level, along)))) in
                block.of_mut(channel, out).iter_mut().zip(read.zip(at))
            {
                out.write(*precision * (*dy * *gain - *level - (*x - *mean) * *precision * *along));
            }
        }
    }
}
