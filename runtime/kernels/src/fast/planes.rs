//! Converts between planes, `[channels, pixels]`, and pixel-major layout, `[pixels, channels]`.

/// Pixels at a time. Planes are often a page apart, so a few cache lines of each are read at once.
const BLOCK: usize = 64;
/// Values of a cache line.
const LINE: usize = 16;
/// The distance between rows, in values, from which they compete for places in the L1 cache.
const FAR: usize = 256;
/// Rows and columns transposed in registers.
const SQUARE: usize = 4;

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

/// `to[j · to_row + i] = from[i · from_row + j]` for `rows` by `columns` values.
///
/// # Safety
/// These can be read and written.
pub unsafe fn turn(from: *const f32, from_row: usize, [rows, columns]: [usize; 2], to: *mut f32, to_row: usize) {
    let (whole_rows, whole_columns) = (rows / SQUARE * SQUARE, columns / SQUARE * SQUARE);
    // SAFETY: all places lie inside `rows` by `columns`.
    unsafe {
        // Distant cache lines compete for places in the L1 cache, so the written lines are completed one after the
        // other; otherwise the read ones are.
        let together = if to_row >= FAR { LINE } else { SQUARE };
        for first in (0..whole_rows).step_by(together) {
            for j in (0..whole_columns).step_by(SQUARE) {
                for i in (first..whole_rows.min(first + together)).step_by(SQUARE) {
                    square(from.add(i * from_row + j), from_row, to.add(j * to_row + i), to_row);
                }
            }
        }
        for i in 0..rows {
            let done = if i < whole_rows { whole_columns } else { 0 };
            for j in done..columns {
                *to.add(j * to_row + i) = *from.add(i * from_row + j);
            }
        }
    }
}

/// A block of four by four, in registers that every processor of the architecture has.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn square(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
    use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
    // SAFETY: the caller's contract.
    unsafe {
        let mut rows: [_; SQUARE] = std::array::from_fn(|i| _mm_loadu_ps(from.add(i * from_row)));
        let [a, b, c, d] = &mut rows;
        _MM_TRANSPOSE4_PS(a, b, c, d);
        for (j, row) in rows.into_iter().enumerate() {
            _mm_storeu_ps(to.add(j * to_row), row);
        }
    }
}

/// A block of four by four.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn square(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
    for i in 0..SQUARE {
        for j in 0..SQUARE {
            // SAFETY: the caller's contract.
            unsafe { *to.add(j * to_row + i) = *from.add(i * from_row + j) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_pixels_hold_the_same_values() {
        for (channels, pixels, row) in [(1, 1, 1), (3, 7, 5), (4, 16, 4), (9, 33, 16), (21, 18, 22)] {
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
