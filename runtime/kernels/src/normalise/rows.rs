//! A record of one position.

use super::{DEPTH, moments};
use crate::vector::{Real, totals_of};
use std::mem::MaybeUninit;

#[inline(always)]
pub fn forward<T: Real, const FUSED: bool>(x: &[T], [gain, bias]: [&[T]; 2], least: f64, out: &mut [MaybeUninit<T>]) {
    let (mean, precision) = moments(x, least);
    for (out, ((x, gain), bias)) in out.iter_mut().zip(x.iter().zip(gain).zip(bias)) {
        out.write(((*x - mean) * precision).fused::<FUSED>(*gain, *bias));
    }
}

/// With n the normalised value and g its gradient: (g − mean g − n · mean(g · n)) / deviation.
#[inline(always)]
pub fn backward<T: Real, const FUSED: bool>(
    [x, dy]: [&[T]; 2],
    gain: &[T],
    least: f64,
    out: &mut [MaybeUninit<T>],
    [of_gain, of_bias]: [&mut [T]; 2],
) {
    let count = x.len() as f64;
    let [sum, level] = totals_of::<T, 3, 2, DEPTH>([x, dy, gain], |[x, dy, gain]| [x, dy * gain]);
    let (mean, level) = (T::from_f64(sum / count), T::from_f64(level / count));
    let [squares, along] =
        totals_of::<T, 3, 2, DEPTH>([x, dy, gain], |[x, dy, gain]| [(x - mean) * (x - mean), (x - mean) * (dy * gain)]);
    let precision = (squares / count + least).sqrt().recip();
    let (along, precision) = (T::from_f64(along * precision / count), T::from_f64(precision));
    let each = x.iter().zip(dy).zip(gain).zip(out);
    for ((((x, dy), gain), out), (of_gain, of_bias)) in each.zip(of_gain.iter_mut().zip(of_bias)) {
        let normal = (*x - mean) * precision;
        *of_gain = dy.fused::<FUSED>(normal, *of_gain);
        *of_bias += *dy;
        out.write(precision * (*dy * *gain - level - normal * along));
    }
}
