//! Winograd's convolution F(4x4, 3x3): 36 multiplications give 16 outputs of a 3x3 kernel, a quarter of the direct
//! sum's 144.
//!
//! The interpolation points are 0, ±3/4, ±3/2 and infinity. In f32 the error is about twice that of the direct sum, and
//! a third of that with the usual points 0, ±1, ±2. Each transform multiplies a tile with a small matrix from both
//! sides; the backward pass uses its transpose. *Points* are the 36 values of a transformed tile.

use super::separable::{Transform, each, scatter_narrow, vectors};
use crate::lanes::{Lanes, kernel};
use std::ops::Range;

/// Outputs along a tile's side.
pub const SIDE: usize = 4;
/// Inputs along a tile's side.
const REACH: usize = SIDE + 2;
/// Products of a tile.
pub const POINTS: usize = REACH * REACH;
/// Values of a kernel.
pub const TAPS: usize = 9;

const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
/// Coefficients of (x² − a²)(x² − b²).
const MIDDLE: f32 = -(A2 + B2);
const LOW: f32 = A2 * B2;

/// Larger than any offset in memory; its double does not overflow.
const OUTSIDE: usize = usize::MAX / 4;

/// The tiles of an image.
#[derive(Debug, Clone, Copy)]
pub struct Tiles {
    pub height: usize,
    pub width: usize,
    /// The distance between two pixels in memory.
    pub row: usize,
}

impl Tiles {
    fn across(&self) -> usize {
        self.width.div_ceil(SIDE)
    }

    /// Tiles of one image.
    pub fn count(&self) -> usize {
        self.height.div_ceil(SIDE) * self.across()
    }

    /// Values of one image in memory.
    pub fn image(&self) -> usize {
        self.height * self.width * self.row
    }

    /// Where a tile's rows and columns begin, the first at `shift` before the tile's corner; [`OUTSIDE`] the image, or more.
    #[inline(always)]
    fn places<const N: usize>(&self, tile: usize, shift: usize) -> [[usize; N]; 2] {
        let (image, tile) = (tile / self.count(), tile % self.count());
        let (top, left) = (tile / self.across() * SIDE, tile % self.across() * SIDE);
        let along = |first: usize, end: usize, start: usize, step: usize| {
            std::array::from_fn(|at| {
                let at = (first + at).wrapping_sub(shift);
                if at < end { start + at * step } else { OUTSIDE }
            })
        };
        let rows = along(top, self.height, image * self.image(), self.width * self.row);
        [rows, along(left, self.width, 0, self.row)]
    }

    /// The tile's input pixels, of an image or of `outside`.
    #[inline(always)]
    pub fn inputs(&self, tile: usize, images: *const f32, outside: *const f32) -> [*const f32; POINTS] {
        let [rows, columns] = self.places::<REACH>(tile, 1);
        std::array::from_fn(|at| {
            let place = rows[at / REACH] + columns[at % REACH];
            if place < OUTSIDE { images.wrapping_add(place) } else { outside }
        })
    }

    /// The tile's output pixels, of an image or of `outside`.
    #[inline(always)]
    pub fn outputs(&self, tile: usize, images: *mut f32, outside: *mut f32) -> [*mut f32; SIDE * SIDE] {
        let [rows, columns] = self.places::<SIDE>(tile, 0);
        std::array::from_fn(|at| {
            let place = rows[at / SIDE] + columns[at % SIDE];
            if place < OUTSIDE { images.wrapping_add(place) } else { outside }
        })
    }
}

struct Input;
struct InputTransposed;
struct Output;
struct OutputTransposed;
struct Kernel;
struct KernelTransposed;

impl Transform<6, 6> for Input {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(d: [S::V; 6]) -> [S::V; 6] {
        // SAFETY: as above.
        unsafe {
            let (middle, low) = (S::splat(MIDDLE), S::splat(LOW));
            let pair = |own: f32, other: f32| {
                let even = S::fma(d[2], S::splat(-other), d[4]);
                let odd = S::mul(S::fma(d[1], S::splat(-other), d[3]), S::splat(own));
                (S::add(even, odd), S::sub(even, odd))
            };
            let (a, minus_a) = pair(A, B2);
            let (b, minus_b) = pair(B, A2);
            let ends = |i: usize| S::fma(d[i], low, S::fma(d[i + 2], middle, d[i + 4]));
            [ends(0), a, minus_a, b, minus_b, ends(1)]
        }
    }
}

impl Transform<6, 6> for InputTransposed {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(v: [S::V; 6]) -> [S::V; 6] {
        // SAFETY: as above.
        unsafe {
            let (middle, low) = (S::splat(MIDDLE), S::splat(LOW));
            let (a2, b2) = (S::splat(-A2), S::splat(-B2));
            let (even_a, odd_a) = (S::add(v[1], v[2]), S::mul(S::sub(v[1], v[2]), S::splat(A)));
            let (even_b, odd_b) = (S::add(v[3], v[4]), S::mul(S::sub(v[3], v[4]), S::splat(B)));
            let inner = |a, b, end| S::fma(a, b2, S::fma(b, a2, end));
            [
                S::mul(v[0], low),
                inner(odd_a, odd_b, S::mul(v[5], low)),
                inner(even_a, even_b, S::mul(v[0], middle)),
                S::fma(v[5], middle, S::add(odd_a, odd_b)),
                S::add(v[0], S::add(even_a, even_b)),
                v[5],
            ]
        }
    }
}

impl Transform<6, 4> for Output {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(m: [S::V; 6]) -> [S::V; 4] {
        // SAFETY: as above.
        unsafe {
            let (even_a, odd_a) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
            let (even_b, odd_b) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
            let sum = |a, b, p: f32, q: f32| S::fma(b, S::splat(q), S::mul(a, S::splat(p)));
            [
                S::add(m[0], S::add(even_a, even_b)),
                sum(odd_a, odd_b, A, B),
                sum(even_a, even_b, A2, B2),
                S::add(m[5], sum(odd_a, odd_b, A * A2, B * B2)),
            ]
        }
    }
}

impl Transform<4, 6> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(y: [S::V; 4]) -> [S::V; 6] {
        // SAFETY: as above.
        unsafe {
            let pair = |p: f32| {
                let even = S::fma(y[2], S::splat(p * p), y[0]);
                let odd = S::mul(S::fma(y[3], S::splat(p * p), y[1]), S::splat(p));
                (S::add(even, odd), S::sub(even, odd))
            };
            let ((a, minus_a), (b, minus_b)) = (pair(A), pair(B));
            [y[0], a, minus_a, b, minus_b, y[3]]
        }
    }
}

/// The divisors of the kernel's transform at ±a, at ±b and at 0.
const AT_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const AT_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));
const AT_ZERO: f32 = 1.0 / LOW;

impl Transform<3, 6> for Kernel {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(g: [S::V; 3]) -> [S::V; 6] {
        // SAFETY: as above.
        unsafe {
            let pair = |p: f32, scale: f32| {
                let even = S::fma(g[2], S::splat(p * p * scale), S::mul(g[0], S::splat(scale)));
                let odd = S::mul(g[1], S::splat(p * scale));
                (S::add(even, odd), S::sub(even, odd))
            };
            let ((a, minus_a), (b, minus_b)) = (pair(A, AT_A), pair(B, AT_B));
            [S::mul(g[0], S::splat(AT_ZERO)), a, minus_a, b, minus_b, g[2]]
        }
    }
}

impl Transform<6, 3> for KernelTransposed {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(u: [S::V; 6]) -> [S::V; 3] {
        // SAFETY: as above.
        unsafe {
            let (even_a, odd_a) = (S::add(u[1], u[2]), S::sub(u[1], u[2]));
            let (even_b, odd_b) = (S::add(u[3], u[4]), S::sub(u[3], u[4]));
            let sum = |a, b, p: f32, q: f32| S::fma(b, S::splat(q), S::mul(a, S::splat(p)));
            [
                S::fma(u[0], S::splat(AT_ZERO), sum(even_a, even_b, AT_A, AT_B)),
                sum(odd_a, odd_b, A * AT_A, B * AT_B),
                S::add(u[5], sum(even_a, even_b, A2 * AT_A, B2 * AT_B)),
            ]
        }
    }
}

#[inline(always)]
unsafe fn input_of<S: Lanes>(from: &[*const f32; POINTS], channels: usize, to: *mut f32, point: usize) {
    // SAFETY: the contracts of the entry points below.
    unsafe {
        scatter_narrow::<S, Input, 6, 6>(channels, |i, j| from[i * REACH + j], to, point);
    }
}

#[inline(always)]
unsafe fn input_gradient_of<S: Lanes>(from: *const f32, point: usize, channels: usize, to: &[*mut f32; POINTS]) {
    let [whole, half] = vectors::<S>(channels);
    // SAFETY: as above.
    unsafe {
        input_gradient_in::<S>(from, point, whole, to);
        input_gradient_in::<S::Half>(from, point, half, to);
    }
}

#[inline(always)]
unsafe fn input_gradient_in<S: Lanes>(from: *const f32, point: usize, channels: Range<usize>, to: &[*mut f32; POINTS]) {
    // SAFETY: as above.
    unsafe {
        each::<S, InputTransposed, 6, 6>(
            channels,
            |i, j| from.add((i * REACH + j) * point),
            |at, c, v| {
                let place = to[at].add(c);
                S::store(place, S::add(S::load(place), v));
            },
        );
    }
}

#[inline(always)]
unsafe fn output_of<S: Lanes>(from: *const f32, point: usize, channels: usize, bias: *const f32, to: &[*mut f32; 16]) {
    let [whole, half] = vectors::<S>(channels);
    // SAFETY: as above.
    unsafe {
        output_in::<S>(from, point, whole, bias, to);
        output_in::<S::Half>(from, point, half, bias, to);
    }
}

#[inline(always)]
unsafe fn output_in<S: Lanes>(
    from: *const f32,
    point: usize,
    channels: Range<usize>,
    bias: *const f32,
    to: &[*mut f32; 16],
) {
    // SAFETY: as above.
    unsafe {
        each::<S, Output, 6, 4>(
            channels,
            |i, j| from.add((i * REACH + j) * point),
            |at, c, v| S::store(to[at].add(c), S::add(v, S::load(bias.add(c)))),
        );
    }
}

#[inline(always)]
unsafe fn output_gradient_of<S: Lanes>(from: &[*const f32; 16], channels: usize, to: *mut f32, point: usize) {
    // SAFETY: as above.
    unsafe {
        scatter_narrow::<S, OutputTransposed, 4, 6>(channels, |i, j| from[i * SIDE + j], to, point);
    }
}

#[inline(always)]
unsafe fn kernel_of<S: Lanes>(from: *const f32, tap: usize, count: usize, to: *mut f32, point: usize) {
    // SAFETY: as above.
    unsafe {
        scatter_narrow::<S, Kernel, 3, 6>(count, |i, j| from.add((i * 3 + j) * tap), to, point);
    }
}

#[inline(always)]
unsafe fn kernel_gradient_of<S: Lanes>(from: *const f32, point: usize, count: usize, to: *mut f32, tap: usize) {
    // SAFETY: as above.
    unsafe {
        scatter_narrow::<S, KernelTransposed, 6, 3>(count, |i, j| from.add((i * REACH + j) * point), to, tap);
    }
}

kernel! {
    /// Transforms a tile's inputs to its 36 points, `point` values apart.
    ///
    /// # Safety
    /// For all six functions: every place has `channels` values, rounded up to 8, which can be written at the output
    /// places.
    pub unsafe fn input(from: &[*const f32; POINTS], channels: usize, to: *mut f32, point: usize) => input_of
}
kernel! {
    /// Transforms gradients of the points, and adds them to those of the tile's inputs.
    ///
    /// # Safety
    /// As for [`input`].
    pub unsafe fn input_gradient(from: *const f32, point: usize, channels: usize, to: &[*mut f32; POINTS]) => input_gradient_of
}
kernel! {
    /// Transforms the 36 products to the tile's outputs, and adds a bias.
    ///
    /// # Safety
    /// As for [`input`].
    pub unsafe fn output(from: *const f32, point: usize, channels: usize, bias: *const f32, to: &[*mut f32; 16]) => output_of
}
kernel! {
    /// Transforms gradients of the outputs to those of the products.
    ///
    /// # Safety
    /// As for [`input`].
    pub unsafe fn output_gradient(from: &[*const f32; 16], channels: usize, to: *mut f32, point: usize) => output_gradient_of
}
kernel! {
    /// Transforms kernels, with `count` values for each tap, to points.
    ///
    /// # Safety
    /// As for [`input`].
    pub unsafe fn kernels(from: *const f32, tap: usize, count: usize, to: *mut f32, point: usize) => kernel_of
}
kernel! {
    /// Transforms gradients of the points to those of the kernels.
    ///
    /// # Safety
    /// As for [`input`].
    pub unsafe fn kernels_gradient(from: *const f32, point: usize, count: usize, to: *mut f32, tap: usize) => kernel_gradient_of
}
