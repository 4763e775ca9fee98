//! Between planes, `[channels, pixels]`, and pixels with their channels side by side.

/// Pixels at a time: one cache line of a plane.
const BLOCK: usize = 16;

/// `to[pixel · row + channel] = each(channel, planes[channel · pixels + pixel])`.
pub fn to_pixels(planes: &[f32], pixels: usize, to: &mut [f32], row: usize, each: impl Fn(usize, f32) -> f32) {
    let channels = planes.len() / pixels.max(1);
    assert!(channels == 0 || to.len() >= (pixels - 1) * row + channels, "room for {channels} channels");
    // SAFETY: the assertion above.
    unsafe { to_pixels_at(planes, pixels, to.as_mut_ptr(), row, each) }
}

/// The same, where the slice between the first and the last value written is not the caller's alone.
///
/// # Safety
/// The values at `pixel · row + channel` may be written.
pub unsafe fn to_pixels_at(planes: &[f32], pixels: usize, to: *mut f32, row: usize, each: impl Fn(usize, f32) -> f32) {
    for first in (0..pixels).step_by(BLOCK) {
        let end = (first + BLOCK).min(pixels);
        for (channel, plane) in planes.chunks_exact(pixels).enumerate() {
            for (pixel, value) in plane[first..end].iter().enumerate() {
                // SAFETY: the caller's contract.
                unsafe { *to.add((first + pixel) * row + channel) = each(channel, *value) };
            }
        }
    }
}

/// `planes[channel · pixels + pixel] = each(channel, from[pixel · row + channel])`.
pub fn to_planes(from: &[f32], row: usize, planes: &mut [f32], pixels: usize, each: impl Fn(usize, f32) -> f32) {
    for first in (0..pixels).step_by(BLOCK) {
        let end = (first + BLOCK).min(pixels);
        let rows = &from[first * row..];
        for (channel, plane) in planes.chunks_exact_mut(pixels).enumerate() {
            for (pixel, value) in plane[first..end].iter_mut().enumerate() {
                *value = each(channel, rows[pixel * row + channel]);
            }
        }
    }
}

/// `to[j · rows + i] = from[i · row + j]` for `rows` by `columns` values.
pub fn transpose(from: &[f32], row: usize, [rows, columns]: [usize; 2], to: &mut [f32]) {
    for first in (0..columns).step_by(BLOCK) {
        for i in 0..rows {
            for j in first..(first + BLOCK).min(columns) {
                to[j * rows + i] = from[i * row + j];
            }
        }
    }
}
