//! Winograd's algorithm for 3x3 convolutions at stride 2 and their transposes: 81 multiplications instead of 144.
//!
//! Along one side, every second pixel of the large image uses only the middle tap, and the others use the two outer
//! taps. The first are multiplied directly. The second are convolutions with two taps, for which F(4, 2) needs five
//! multiplications instead of eight. Four pixels of the small image, or eight of the large one, thus need 4 + 5 = 9
//! products, and a tile 81. These products share 36 kernel values, because the middle tap is used in all of its four
//! places.
//!
//! The interpolation points are ±3/8, ±9/8 and infinity. In f32 the error is about twice that of the direct sum.
//! *Points* are the 81 values of a transformed tile: along a side five of F(4, 2), then four direct ones.

mod tiles;

pub use tiles::Tiles;

use super::separable::{Transform, each, scatter};
use crate::lanes::{Lanes, kernel};

/// Pixels of the small image along a tile's side.
pub const SIDE: usize = 4;
/// Pixels of the large image along a tile's side.
pub const LARGE: usize = 2 * SIDE;
/// Pixels of the small image on which a tile of the large one depends, along a side.
pub const SMALL_REACH: usize = SIDE + 1;
/// Pixels of the large image on which a tile of the small one depends, along a side.
pub const LARGE_REACH: usize = LARGE + 1;
/// Points along a side.
const ALONG: usize = 9;
/// Products of a tile.
pub const POINTS: usize = ALONG * ALONG;
/// Distinct values of a transformed kernel along a side.
const KERNELS_ALONG: usize = 6;
/// Distinct values of a transformed kernel.
pub const KERNELS: usize = KERNELS_ALONG * KERNELS_ALONG;
/// Values of a kernel.
pub const TAPS: usize = 9;

/// The points that use a value of the transformed kernel.
pub fn points(kernel: usize) -> impl Iterator<Item = usize> {
    let along = |at: usize| if at < SIDE + 1 { at..at + 1 } else { SIDE + 1..ALONG };
    along(kernel / KERNELS_ALONG).flat_map(move |y| along(kernel % KERNELS_ALONG).map(move |x| y * ALONG + x))
}

const A: f32 = 0.375;
const B: f32 = 1.125;
const A2: f32 = A * A;
const B2: f32 = B * B;
/// Coefficients of (x² − a²)(x² − b²).
const MIDDLE: f32 = -(A2 + B2);
const LOW: f32 = A2 * B2;
/// The divisors of the kernel's transform at ±a and at ±b.
const AT_A: f32 = 1.0 / (2.0 * A * (A2 - B2));
const AT_B: f32 = 1.0 / (2.0 * B * (B2 - A2));

/// Five inputs of F(4, 2) to its points.
#[inline(always)]
unsafe fn spread<S: Lanes>(d: [S::V; 5]) -> [S::V; 5] {
    // SAFETY: arithmetic on vectors of the set that the caller runs on, as in the rest of this file.
    unsafe {
        let pair = |own: f32, other: f32| {
            let odd = S::fma(d[1], S::splat(-other), d[3]);
            let even = S::mul(S::fma(d[0], S::splat(-other), d[2]), S::splat(own));
            (S::add(odd, even), S::sub(odd, even))
        };
        let ((a, minus_a), (b, minus_b)) = (pair(A, B2), pair(B, A2));
        [a, minus_a, b, minus_b, S::fma(d[0], S::splat(LOW), S::fma(d[2], S::splat(MIDDLE), d[4]))]
    }
}

/// Products of F(4, 2) to its four outputs.
#[inline(always)]
unsafe fn gather<S: Lanes>(m: [S::V; 5]) -> [S::V; 4] {
    // SAFETY: as above.
    unsafe {
        let (even_a, odd_a) = (S::add(m[0], m[1]), S::sub(m[0], m[1]));
        let (even_b, odd_b) = (S::add(m[2], m[3]), S::sub(m[2], m[3]));
        let sum = |a, b, p: f32, q: f32| S::fma(b, S::splat(q), S::mul(a, S::splat(p)));
        [
            S::add(even_a, even_b),
            sum(odd_a, odd_b, A, B),
            sum(even_a, even_b, A2, B2),
            S::add(m[4], sum(odd_a, odd_b, A * A2, B * B2)),
        ]
    }
}

struct FromLarge;
struct FromSmall;
struct ToLarge;
struct ToSmall;
struct ToSmallTransposed;
struct Kernel;
struct KernelTransposed;

impl Transform<LARGE_REACH, ALONG> for FromLarge {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(v: [S::V; 9]) -> [S::V; 9] {
        // SAFETY: as above.
        let [a, minus_a, b, minus_b, end] = unsafe { spread::<S>([v[0], v[2], v[4], v[6], v[8]]) };
        [a, minus_a, b, minus_b, end, v[1], v[3], v[5], v[7]]
    }
}

impl Transform<SMALL_REACH, ALONG> for FromSmall {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(v: [S::V; 5]) -> [S::V; 9] {
        // SAFETY: as above.
        let [a, minus_a, b, minus_b, end] = unsafe { spread::<S>(v) };
        [a, minus_a, b, minus_b, end, v[0], v[1], v[2], v[3]]
    }
}

impl Transform<ALONG, LARGE> for ToLarge {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(m: [S::V; 9]) -> [S::V; 8] {
        // SAFETY: as above.
        let odd = unsafe { gather::<S>([m[0], m[1], m[2], m[3], m[4]]) };
        [m[5], odd[0], m[6], odd[1], m[7], odd[2], m[8], odd[3]]
    }
}

impl Transform<ALONG, SIDE> for ToSmall {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(m: [S::V; 9]) -> [S::V; 4] {
        // SAFETY: as above.
        unsafe {
            let outer = gather::<S>([m[0], m[1], m[2], m[3], m[4]]);
            [S::add(outer[0], m[5]), S::add(outer[1], m[6]), S::add(outer[2], m[7]), S::add(outer[3], m[8])]
        }
    }
}

impl Transform<SIDE, ALONG> for ToSmallTransposed {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(y: [S::V; 4]) -> [S::V; 9] {
        // SAFETY: as above.
        unsafe {
            let pair = |p: f32| {
                let even = S::fma(y[2], S::splat(p * p), y[0]);
                let odd = S::mul(S::fma(y[3], S::splat(p * p), y[1]), S::splat(p));
                (S::add(even, odd), S::sub(even, odd))
            };
            let ((a, minus_a), (b, minus_b)) = (pair(A), pair(B));
            [a, minus_a, b, minus_b, y[3], y[0], y[1], y[2], y[3]]
        }
    }
}

impl Transform<3, KERNELS_ALONG> for Kernel {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(g: [S::V; 3]) -> [S::V; 6] {
        // SAFETY: as above.
        unsafe {
            let pair = |p: f32, scale: f32| {
                let (first, second) = (S::mul(g[0], S::splat(scale)), S::mul(g[2], S::splat(p * scale)));
                (S::add(second, first), S::sub(second, first))
            };
            let ((a, minus_a), (b, minus_b)) = (pair(A, AT_A), pair(B, AT_B));
            [a, minus_a, b, minus_b, g[2], g[1]]
        }
    }
}

impl Transform<KERNELS_ALONG, 3> for KernelTransposed {
    #[inline(always)]
    unsafe fn apply<S: Lanes>(u: [S::V; 6]) -> [S::V; 3] {
        // SAFETY: as above.
        unsafe {
            let sum = |a, b, p: f32, q: f32| S::fma(b, S::splat(q), S::mul(a, S::splat(p)));
            [
                sum(S::sub(u[0], u[1]), S::sub(u[2], u[3]), AT_A, AT_B),
                u[5],
                S::add(u[4], sum(S::add(u[0], u[1]), S::add(u[2], u[3]), A * AT_A, B * AT_B)),
            ]
        }
    }
}

#[inline(always)]
unsafe fn from_large_of<S: Lanes>(
    from: &[[*const f32; LARGE_REACH]; LARGE_REACH],
    channels: usize,
    to: *mut f32,
    point: usize,
) {
    // SAFETY: the contracts of the entry points below.
    unsafe { scatter::<S, FromLarge, 9, 9>(0..channels, |i, j| from[i][j], to, point) }
}

#[inline(always)]
unsafe fn from_small_of<S: Lanes>(
    from: &[[*const f32; SMALL_REACH]; SMALL_REACH],
    channels: usize,
    to: *mut f32,
    point: usize,
) {
    // SAFETY: as above.
    unsafe { scatter::<S, FromSmall, 5, 9>(0..channels, |i, j| from[i][j], to, point) }
}

#[inline(always)]
unsafe fn to_large_of<S: Lanes>(
    from: *const f32,
    point: usize,
    channels: usize,
    bias: *const f32,
    to: &[[*mut f32; LARGE]; LARGE],
) {
    // SAFETY: as above.
    unsafe {
        each::<S, ToLarge, 9, 8>(
            0..channels,
            |i, j| from.add((i * ALONG + j) * point),
            |at, c, v| S::store(to[at / LARGE][at % LARGE].add(c), S::add(v, S::load(bias.add(c)))),
        );
    }
}

#[inline(always)]
unsafe fn to_small_of<S: Lanes>(
    from: *const f32,
    point: usize,
    channels: usize,
    bias: *const f32,
    to: &[[*mut f32; SIDE]; SIDE],
) {
    // SAFETY: as above.
    unsafe {
        each::<S, ToSmall, 9, 4>(
            0..channels,
            |i, j| from.add((i * ALONG + j) * point),
            |at, c, v| S::store(to[at / SIDE][at % SIDE].add(c), S::add(v, S::load(bias.add(c)))),
        );
    }
}

#[inline(always)]
unsafe fn to_small_gradient_of<S: Lanes>(from: &[[*mut f32; SIDE]; SIDE], channels: usize, to: *mut f32, point: usize) {
    // SAFETY: as above.
    unsafe {
        scatter::<S, ToSmallTransposed, 4, 9>(0..channels, |i, j| from[i][j].cast_const(), to, point);
    }
}

#[inline(always)]
unsafe fn kernel_of<S: Lanes>(from: *const f32, tap: isize, count: usize, to: *mut f32, point: usize) {
    // SAFETY: as above.
    unsafe {
        scatter::<S, Kernel, 3, 6>(0..count, |i, j| from.offset((i * 3 + j) as isize * tap), to, point);
    }
}

#[inline(always)]
unsafe fn kernel_gradient_of<S: Lanes>(from: *const f32, point: usize, count: usize, to: *mut f32, tap: usize) {
    // SAFETY: as above.
    unsafe {
        scatter::<S, KernelTransposed, 6, 3>(0..count, |i, j| from.add((i * KERNELS_ALONG + j) * point), to, tap);
    }
}

kernel! {
    /// Transforms a tile of the large image to its 81 points, `point` values apart.
    ///
    /// # Safety
    /// For all seven functions: every place has `channels` values, rounded up to 16, which can be written at the output
    /// places.
    pub unsafe fn from_large(from: &[[*const f32; LARGE_REACH]; LARGE_REACH], channels: usize, to: *mut f32, point: usize)
        => from_large_of
}
kernel! {
    /// Transforms a tile of the small image to its points.
    ///
    /// # Safety
    /// As for [`from_large`].
    pub unsafe fn from_small(from: &[[*const f32; SMALL_REACH]; SMALL_REACH], channels: usize, to: *mut f32, point: usize)
        => from_small_of
}
kernel! {
    /// Transforms the 81 products to the large image's pixels, and adds a bias.
    ///
    /// # Safety
    /// As for [`from_large`].
    pub unsafe fn to_large(
        from: *const f32, point: usize, channels: usize, bias: *const f32, to: &[[*mut f32; LARGE]; LARGE]
    ) => to_large_of
}
kernel! {
    /// Transforms the products to the small image's pixels, and adds a bias.
    ///
    /// # Safety
    /// As for [`from_large`].
    pub unsafe fn to_small(
        from: *const f32, point: usize, channels: usize, bias: *const f32, to: &[[*mut f32; SIDE]; SIDE]
    ) => to_small_of
}
kernel! {
    /// Transforms gradients of the small image's pixels to those of the products: the transpose of [`to_small`].
    ///
    /// # Safety
    /// As for [`from_large`].
    pub unsafe fn to_small_gradient(from: &[[*mut f32; SIDE]; SIDE], channels: usize, to: *mut f32, point: usize)
        => to_small_gradient_of
}
kernel! {
    /// Transforms kernels, with `count` values for each tap, to their 36 values. `tap` is negative for a kernel rotated
    /// by 180 degrees.
    ///
    /// # Safety
    /// As for [`from_large`].
    pub unsafe fn kernels(from: *const f32, tap: isize, count: usize, to: *mut f32, point: usize) => kernel_of
}
kernel! {
    /// Transforms gradients of the 36 values to those of the kernels.
    ///
    /// # Safety
    /// As for [`from_large`].
    pub unsafe fn kernels_gradient(from: *const f32, point: usize, count: usize, to: *mut f32, tap: usize)
        => kernel_gradient_of
}
