//! The gradient of the weight: the points of the large image times those of the small one's gradient.

use super::points::Points;
use super::{CHUNK, ROWS, Side, kept};
use crate::conv::geometry::Geometry;
use crate::fast::halving::{self, KERNELS, TAPS};
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{Shared, padded, scratch::Scratch, written};
use rayon::prelude::*;

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let groups = x.chunks(kept(g) * Side::Large.image(g)).zip(gradient.chunks(kept(g) * Side::Small.image(g)));
    // SAFETY: the first group writes all channels of all filters.
    unsafe {
        written(g.filters * g.channels * TAPS, |sum| {
            for (group, (x, gradient)) in groups.enumerate() {
                add(g, group, &Points::of(g, Side::Large, x), &Points::of_small_factor(g, gradient), sum);
            }
        })
    }
}

/// Adds the sum over a group of images; the first group's replaces what is there.
///
/// # Safety
/// The sum belongs to the caller alone.
pub unsafe fn add(g: &Geometry, group: usize, inputs: &Points, outputs: &Points, sum: Shared) {
    let tasks: Vec<_> = outputs.parts(CHUNK).flat_map(|to| inputs.parts(CHUNK).map(move |from| (from, to))).collect();
    tasks.into_par_iter().for_each(|((from, rows), (to, columns))| {
        let taps = pairs(inputs, from, rows, outputs, to, columns);
        let place = (to * g.channels + from) * TAPS;
        // SAFETY: only this task writes these channels of its filters.
        unsafe { place_taps(&taps, [rows * TAPS, columns], sum.at(place), g.channels * TAPS, group > 0) };
    });
}

/// `to[column · row + i] (+)= taps[i · padded columns + column]`.
///
/// # Safety
/// The places may be written.
unsafe fn place_taps(taps: &[f32], [rows, columns]: [usize; 2], to: *mut f32, row: usize, add: bool) {
    // SAFETY: the caller's contract.
    unsafe {
        if !add {
            return turn(taps.as_ptr(), padded(columns), [rows, columns], to, row);
        }
        let mut turned = Scratch::new(rows * columns);
        turn(taps.as_ptr(), padded(columns), [rows, columns], turned.as_mut_ptr(), rows);
        for (column, values) in turned.chunks_exact(rows).enumerate() {
            let to = std::slice::from_raw_parts_mut(to.add(column * row), rows);
            to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
        }
    }
}

/// The sum over all tiles of some channels of the inputs times some of the outputs: `[rows, taps, columns padded]`.
fn pairs(inputs: &Points, from: usize, rows: usize, outputs: &Points, to: usize, columns: usize) -> Scratch {
    let wide = padded(columns);
    let plane = rows * wide + 16;
    let mut sums = Scratch::new(KERNELS * plane);
    sums.par_chunks_exact_mut(plane).enumerate().for_each(|(value, sums)| {
        // The last of a value's points is followed by the first of the next one's.
        let after = if value + 1 < KERNELS { halving::points(value + 1).next() } else { None };
        let following = halving::points(value).skip(1).map(Some).chain([after]);
        for (at, (point, next)) in halving::points(value).zip(following).enumerate() {
            let left = Left { at: inputs.at(point, 0, from), row: 1, column: inputs.chunk };
            let next = next.map(|point| outputs.at(point, 0, to));
            let right = Right { at: outputs.at(point, 0, to), row: outputs.chunk, next };
            let out = Out { at: sums.as_mut_ptr(), row: wide };
            // SAFETY: all tiles' `rows` inputs and `wide` outputs.
            unsafe { product([rows, wide, inputs.tiles], left, right, out, at > 0) };
        }
    });
    let mut taps = Scratch::new(rows * TAPS * wide);
    taps.par_chunks_exact_mut(TAPS * wide).with_min_len(ROWS).enumerate().for_each(|(row, taps)| {
        // SAFETY: one row of all values and of all taps.
        unsafe { halving::kernels_gradient(sums[row * wide..].as_ptr(), plane, wide, taps.as_mut_ptr(), wide) };
    });
    taps
}
