//! One plane and its kernel.
//!
//! A plane is copied into rows with zeros around them. With rows of `stride` values, the inputs of a tap are the plane
//! moved by a fixed number of places.

use crate::fast::depthwise::{self as fast, Sizes};
use crate::fast::padded;
use crate::vector::{Real, folded, total};
use std::mem::MaybeUninit;

/// Sizes of one plane and its kernel.
#[derive(Clone, Copy)]
pub struct Plane {
    height: usize,
    width: usize,
    kernel: usize,
}

impl Plane {
    pub fn of(x: &[usize], weight: &[usize]) -> Self {
        Self { height: x[2], width: x[3], kernel: weight[1] }
    }

    pub fn len(self) -> usize {
        self.height * self.width
    }

    pub fn taps(self) -> usize {
        self.kernel * self.kernel
    }

    /// The taps of a channel.
    pub fn kernel<T>(self, channel: usize, weight: &[T]) -> &[T] {
        &weight[channel * self.taps()..][..self.taps()]
    }

    /// The zeros before the first row and the first column.
    fn margin(self) -> usize {
        self.kernel / 2
    }

    /// From one row to the next.
    fn stride(self) -> usize {
        self.width + 2 * self.margin()
    }

    /// Rows and columns whose sums are computed.
    fn computed(self) -> [usize; 2] {
        [self.height.next_multiple_of(fast::ROWS), padded(self.width)]
    }

    /// The plane with zeros around it, also for the inputs of computed rows and columns beyond its end.
    pub fn surrounded<T: Real>(self, plane: &[T]) -> Vec<T> {
        let ([rows, columns], more) = (self.computed(), 2 * self.margin());
        let mut out = vec![T::default(); (rows + more) * self.stride() + columns + more];
        let first = self.margin() * self.stride() + self.margin();
        for (row, values) in plane.chunks_exact(self.width).enumerate() {
            out[first + row * self.stride()..][..self.width].copy_from_slice(values);
        }
        out
    }

    /// From the place of a sum to the input of a tap.
    fn offset(self, tap: usize) -> usize {
        tap / self.kernel * self.stride() + tap % self.kernel
    }
}

/// The two passes over surrounded planes.
pub trait Passes: Real {
    /// The convolution plus the bias. Writes all of `out`.
    fn convolve(plane: Plane, x: &[Self], weight: &[Self], bias: Self, out: &mut [MaybeUninit<Self>]);
    /// For every tap, the inner product of the gradient with the tap's inputs.
    fn correlate(plane: Plane, x: &[Self], dy: &[Self], out: &mut [Self]);
}

impl Passes for f64 {
    fn convolve(plane: Plane, x: &[f64], weight: &[f64], bias: f64, out: &mut [MaybeUninit<f64>]) {
        let mut sums = vec![0.0; plane.width];
        for (row, out) in out.chunks_exact_mut(plane.width).enumerate() {
            sums.fill(bias);
            for (tap, weight) in weight.iter().enumerate() {
                let x = &x[row * plane.stride() + plane.offset(tap)..];
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x);
            }
            out.iter_mut().zip(&sums).for_each(|(out, sum)| _ = out.write(*sum));
        }
    }

    fn correlate(plane: Plane, x: &[f64], dy: &[f64], out: &mut [f64]) {
        let (stride, margin) = (plane.stride(), plane.margin());
        for (tap, out) in out[..plane.taps()].iter_mut().enumerate() {
            let rows = (0..plane.height).map(|row| {
                let dy = &dy[(row + margin) * stride + margin..][..plane.width];
                total([dy, &x[row * stride + plane.offset(tap)..]], |[dy, x]| dy * x)
            });
            *out = rows.sum();
        }
    }
}

impl Passes for f32 {
    fn convolve(plane: Plane, x: &[f32], weight: &[f32], bias: f32, out: &mut [MaybeUninit<f32>]) {
        let [rows, columns] = plane.computed();
        let sizes = Sizes { kernel: plane.kernel, stride: plane.stride(), rows, columns };
        assert!(weight.len() == plane.taps() && x.len() >= sizes.reach(), "sizes of a plane");
        let whole = [rows, columns] == [plane.height, plane.width] && out.len() == plane.len();
        if whole {
            // SAFETY: `x` and `weight` as asserted, and `out` has exactly the computed rows and columns.
            unsafe { fast::convolve(sizes, x.as_ptr(), weight.as_ptr(), bias, out.as_mut_ptr().cast()) };
            return;
        }
        let mut sums = vec![0.0; rows * columns];
        // SAFETY: as above, for `sums`.
        unsafe { fast::convolve(sizes, x.as_ptr(), weight.as_ptr(), bias, sums.as_mut_ptr()) };
        for (out, sums) in out.chunks_exact_mut(plane.width).zip(sums.chunks_exact(columns)) {
            out.iter_mut().zip(sums).for_each(|(out, sum)| _ = out.write(*sum));
        }
    }

    /// The rows of x are taken as one long row: between two of them the gradient is 0.
    fn correlate(plane: Plane, x: &[f32], dy: &[f32], out: &mut [f32]) {
        let (stride, margin) = (plane.stride(), plane.margin());
        let block = fast::Block::of(plane.kernel);
        let mut lanes = [[0.0; fast::LANES]; fast::MOST];
        for first in (0..plane.taps()).filter(|tap| block.begins(*tap, plane.kernel)) {
            // The gradients for the last row of the block come first.
            let last = first / plane.kernel + block.down - 1;
            let x = &x[margin * stride + first % plane.kernel..];
            let dy = &dy[2 * margin * stride + margin - last * stride..];
            let count = padded(plane.height * stride);
            assert!(
                x.len() >= count + block.right - 1 && dy.len() >= count + (block.down - 1) * stride,
                "a plane's rows"
            );
            // SAFETY: the lengths above.
            unsafe { fast::correlate(block, [x.as_ptr(), dy.as_ptr()], stride, count, &mut lanes) };
            for (number, lanes) in lanes[..block.down * block.right].iter().enumerate() {
                let tap = first + number / block.right * plane.kernel + number % block.right;
                out[tap] = folded(lanes.map(f64::from)) as f32;
            }
        }
    }
}
