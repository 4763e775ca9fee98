//! Records of one position.

use super::DEPTH;
use crate::vector::arrays::{LANES, each, load, put, store};
use crate::vector::{Real, totals_of};
use std::mem::MaybeUninit;

/// Records whose gradients of gain and bias are added together: these are read and written once for all.
const TOGETHER: usize = 4;

#[inline(always)]
pub fn forward<T: Real, const FUSED: bool>(
    x: &[T],
    [gain, bias]: [&[T]; 2],
    (mean, precision): (T, T),
    out: &mut [MaybeUninit<T>],
) {
    for (out, ((x, gain), bias)) in out.iter_mut().zip(x.iter().zip(gain).zip(bias)) {
        out.write(((*x - mean) * precision).fused::<FUSED>(*gain, *bias));
    }
}

/// All records, from their means and inverse standard deviations.
#[inline(always)]
pub fn backward<T: Real, const FUSED: bool>(
    [x, dy]: [&[T]; 2],
    gain: &[T],
    moments: &[[f64; 2]],
    out: &mut [MaybeUninit<T>],
    [of_gain, of_bias]: [&mut [T]; 2],
) {
    let (width, records) = (gain.len(), x.len() / gain.len());
    // Loops, because the compiler does not compile closures for the instruction set.
    let mut first = 0;
    while first < records {
        let count = if first + TOGETHER <= records { TOGETHER } else { 1 };
        let part = first * width..(first + count) * width;
        let (read, moments) = ([&x[part.clone()], &dy[part.clone()]], &moments[first..first + count]);
        let (out, sums) = (&mut out[part], [&mut *of_gain, &mut *of_bias]);
        match count {
            TOGETHER => together::<T, FUSED, TOGETHER>(read, gain, moments, out, sums),
            _ => together::<T, FUSED, 1>(read, gain, moments, out, sums),
        }
        first += count;
    }
}

/// With n the normalised value and g its gradient: (g − mean g − n · mean(g · n)) / deviation.
#[inline(always)]
fn together<T: Real, const FUSED: bool, const ROWS: usize>(
    read: [&[T]; 2],
    gain: &[T],
    moments: &[[f64; 2]],
    out: &mut [MaybeUninit<T>],
    [of_gain, of_bias]: [&mut [T]; 2],
) {
    let (width, count) = (gain.len(), gain.len() as f64);
    let [x, dy] = read;
    let mut scales = [[T::default(); 4]; ROWS];
    for ((scale, [mean, precision]), (x, dy)) in
        scales.iter_mut().zip(moments).zip(x.chunks_exact(width).zip(dy.chunks_exact(width)))
    {
        let (mean, precision) = (T::from_f64(*mean), T::from_f64(*precision));
        let [level, along] =
            totals_of::<T, 3, 2, DEPTH>([x, dy, gain], |[x, dy, gain]| [dy * gain, (x - mean) * (dy * gain)]);
        let along = along * precision.to_f64() / count;
        *scale = [mean, precision, T::from_f64(level / count), T::from_f64(along)];
    }
    for at in (0..width).step_by(LANES) {
        let scale = load(gain, at);
        let (mut for_gain, mut for_bias) = (load(of_gain, at), load(of_bias, at));
        for (row, [mean, precision, level, along]) in scales.iter().enumerate() {
            let here = row * width..(row + 1) * width;
            let (x, dy) = (load(&x[here.clone()], at), load(&dy[here.clone()], at));
            let normal = each([&x], |[x]| (x - *mean) * *precision);
            for_gain = each([&dy, &normal, &for_gain], |[dy, normal, sum]| dy.fused::<FUSED>(normal, sum));
            for_bias = each([&dy, &for_bias], |[dy, sum]| sum + dy);
            let slope =
                each([&dy, &scale, &normal], |[dy, gain, normal]| *precision * (dy * gain - *level - normal * *along));
            store(&mut out[here], at, slope);
        }
        put(of_gain, at, for_gain);
        put(of_bias, at, for_bias);
    }
}
