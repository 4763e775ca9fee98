//! Converts between planes, `[channels, pixels]`, and pixel-major layout, `[pixels, channels]`.

mod square;

use crate::lanes::{Portable, kernel};
use square::Square;

/// Pixels at a time. Planes are often a page apart, so a few cache lines of each are read at once.
const BLOCK: usize = 64;
/// Values of a cache line.
const LINE: usize = 16;
/// The distance between rows, in values, from which they compete for places in the L1 cache.
const FAR: usize = 256;

/// `to[pixel · row + channel] = planes[channel · pixels + pixel]`. Then `each` may change the channels of a pixel.
pub fn to_pixels(planes: &[f32], pixels: usize, to: &mut [f32], row: usize, each: impl Fn(&mut [f32])) {
    let channels = planes.len() / pixels.max(1);
    assert!(channels == 0 || to.len() >= (pixels - 1) * row + channels, "room for {channels} channels");
    for first in (0..pixels).step_by(BLOCK) {
        let count = BLOCK.min(pixels - first);
        // SAFETY: the assertion above; all planes have the pixels.
        unsafe { turn(planes[first..].as_ptr(), pixels, [channels, count], to[first * row..].as_mut_ptr(), row) };
        for pixel in first..first + count {
            each(&mut to[pixel * row..][..channels]);
        }
    }
}

/// The conversion to an address, for a slice that other tasks write to as well.
///
/// # Safety
/// The values at `pixel · row + channel` may be written.
pub unsafe fn to_pixels_at(planes: &[f32], pixels: usize, to: *mut f32, row: usize) {
    let channels = planes.len() / pixels.max(1);
    for first in (0..pixels).step_by(BLOCK) {
        let count = BLOCK.min(pixels - first);
        // SAFETY: the caller's contract; all planes have the pixels.
        unsafe { turn(planes[first..].as_ptr(), pixels, [channels, count], to.add(first * row), row) };
    }
}

/// `planes[channel · pixels + pixel] = from[pixel · row + channel]`. Then `each` may change some of a channel's plane.
pub fn to_planes(from: &[f32], row: usize, planes: &mut [f32], pixels: usize, each: impl Fn(usize, &mut [f32])) {
    let channels = planes.len() / pixels.max(1);
    assert!(channels == 0 || from.len() >= (pixels - 1) * row + channels, "{channels} channels");
    for first in (0..pixels).step_by(BLOCK) {
        let count = BLOCK.min(pixels - first);
        // SAFETY: the assertion above; all planes have room for the pixels.
        unsafe { turn(from[first * row..].as_ptr(), row, [count, channels], planes[first..].as_mut_ptr(), pixels) };
        for (channel, plane) in planes.chunks_exact_mut(pixels).enumerate() {
            each(channel, &mut plane[first..first + count]);
        }
    }
}

/// The conversion to planes that may be uninitialised.
///
/// # Safety
/// `channels` planes of `pixels` values can be written.
pub unsafe fn to_planes_at(from: &[f32], row: usize, [channels, pixels]: [usize; 2], planes: *mut f32) {
    assert!(channels == 0 || pixels == 0 || from.len() >= (pixels - 1) * row + channels, "{channels} channels");
    for first in (0..pixels).step_by(BLOCK) {
        let count = BLOCK.min(pixels - first);
        // SAFETY: the assertion above and the caller's contract.
        unsafe { turn(from[first * row..].as_ptr(), row, [count, channels], planes.add(first), pixels) };
    }
}

/// `to[j · rows + i] = from[i · row + j]` for `rows` by `columns` values.
pub fn transpose(from: &[f32], row: usize, [rows, columns]: [usize; 2], to: &mut [f32]) {
    let fits = rows == 0 || columns == 0 || from.len() >= (rows - 1) * row + columns && to.len() >= rows * columns;
    assert!(fits, "{rows} rows of {columns}");
    // SAFETY: the assertion above.
    unsafe { turn(from.as_ptr(), row, [rows, columns], to.as_mut_ptr(), rows) };
}

kernel! {
    /// `to[j · to_row + i] = from[i · from_row + j]` for `rows` by `columns` values.
    ///
    /// # Safety
    /// These can be read and written.
    pub unsafe fn turn(from: *const f32, from_row: usize, sizes: [usize; 2], to: *mut f32, to_row: usize) => turn_of
}

#[inline(always)]
unsafe fn turn_of<S: Square>(
    from: *const f32,
    from_row: usize,
    [rows, columns]: [usize; 2],
    to: *mut f32,
    to_row: usize,
) {
    let (whole_rows, whole_columns) = (rows / S::SIDE * S::SIDE, columns / S::SIDE * S::SIDE);
    // SAFETY: all places lie inside `rows` by `columns`.
    unsafe {
        squares::<S>(from, from_row, [whole_rows, whole_columns], to, to_row);
        let (right, below) = (from.add(whole_columns), from.add(whole_rows * from_row));
        let (to_right, to_below) = (to.add(whole_columns * to_row), to.add(whole_rows));
        rest(right, from_row, [whole_rows, columns - whole_columns], to_right, to_row);
        rest(below, from_row, [rows - whole_rows, columns], to_below, to_row);
    }
}

/// Whole squares of the set.
#[inline(always)]
unsafe fn squares<S: Square>(
    from: *const f32,
    from_row: usize,
    [rows, columns]: [usize; 2],
    to: *mut f32,
    to_row: usize,
) {
    // Distant cache lines compete for places in the L1 cache, so the written lines are completed one after the other;
    // otherwise the read ones are.
    let together = if to_row >= FAR { LINE } else { S::SIDE };
    for first in (0..rows).step_by(together) {
        for j in (0..columns).step_by(S::SIDE) {
            for i in (first..rows.min(first + together)).step_by(S::SIDE) {
                // SAFETY: the caller's contract.
                unsafe { S::turn(from.add(i * from_row + j), from_row, to.add(j * to_row + i), to_row) };
            }
        }
    }
}

/// The smallest squares, and what is in none of them value by value.
#[inline(always)]
unsafe fn rest(from: *const f32, from_row: usize, [rows, columns]: [usize; 2], to: *mut f32, to_row: usize) {
    const SIDE: usize = Portable::SIDE;
    let (whole_rows, whole_columns) = (rows / SIDE * SIDE, columns / SIDE * SIDE);
    // SAFETY: the caller's contract.
    unsafe {
        squares::<Portable>(from, from_row, [whole_rows, whole_columns], to, to_row);
        for i in 0..rows {
            let done = if i < whole_rows { whole_columns } else { 0 };
            for j in done..columns {
                *to.add(j * to_row + i) = *from.add(i * from_row + j);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_pixels_hold_the_same_values() {
        for (channels, pixels, row) in [(1, 1, 1), (3, 7, 5), (4, 16, 4), (9, 33, 16), (21, 18, 22), (40, 35, 300)] {
            let planes: Vec<f32> = (0..channels * pixels).map(|i| i as f32).collect();
            let mut turned = vec![-1.0; pixels * row];
            to_pixels(&planes, pixels, &mut turned, row, |values| values.iter_mut().for_each(|value| *value += 0.5));
            for (place, value) in turned.iter().enumerate() {
                let (pixel, channel) = (place / row, place % row);
                let expected = if channel < channels { (channel * pixels + pixel) as f32 + 0.5 } else { -1.0 };
                assert_eq!(*value, expected, "{channels} channels, pixel {pixel}, channel {channel}");
            }
            let mut back = vec![0.0; channels * pixels];
            to_planes(&turned, row, &mut back, pixels, |channel, values| {
                values.iter_mut().for_each(|value| *value += channel as f32 - 0.5);
            });
            let expected = planes.iter().enumerate().map(|(i, value)| value + (i / pixels) as f32);
            assert!(back.iter().copied().eq(expected), "{channels} channels of {pixels} pixels");
            let mut transposed = vec![0.0; channels * pixels];
            transpose(&planes, pixels, [channels, pixels], &mut transposed);
            assert!((0..channels * pixels).all(|i| transposed[i % pixels * channels + i / pixels] == planes[i]));
        }
    }
}
