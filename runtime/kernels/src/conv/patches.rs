//! The plain kernels: GEMMs over patches that are gathered per image (im2col).

use super::geometry::Geometry;
use crate::cpu::{Float, Matrix, matmul};
use rayon::prelude::*;

/// The number of parts of the batch for the weight's gradient. It is fixed, so that sums do not depend on the number of
/// threads.
const PARTS: usize = 4;

impl Geometry {
    /// Patches of one image: `[channels · k · k, out_height · out_width]`.
    fn gather<T: Float>(&self, image: &[T], patches: &mut [T]) {
        patches.fill(T::default());
        self.visit(|tap, y, input, dx| {
            let out = &mut patches[tap * self.pixels() + y * self.out_width..][..self.out_width];
            let (first, end) = self.columns(dx);
            let start = input + first * self.stride + dx - self.padding;
            if self.stride == 1 {
                out[first..end].copy_from_slice(&image[start..start + end - first]);
            } else {
                for (value, from) in out[first..end].iter_mut().zip((start..).step_by(self.stride)) {
                    *value = image[from];
                }
            }
        });
    }

    /// The transpose of [`Geometry::gather`]: adds patches to the image at their places.
    fn scatter<T: Float>(&self, patches: &[T], image: &mut [T]) {
        self.visit(|tap, y, input, dx| {
            let from = &patches[tap * self.pixels() + y * self.out_width..][..self.out_width];
            let (first, end) = self.columns(dx);
            let start = input + first * self.stride + dx - self.padding;
            for (value, at) in from[first..end].iter().zip((start..).step_by(self.stride)) {
                image[at] += *value;
            }
        });
    }

    /// `weight · patches` for every image.
    pub fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        let (patch, pixels) = (self.patch(), self.pixels());
        let mut out = vec![T::default(); self.batch * self.filters * pixels];
        out.par_chunks_mut(self.filters * pixels).zip(x.par_chunks(self.image())).for_each_init(
            Vec::new,
            |buffer, (out, x)| {
                if let Some(bias) = bias {
                    out.chunks_mut(pixels).zip(bias).for_each(|(row, bias)| row.fill(*bias));
                }
                let patches = self.patches(x, buffer);
                let sizes = [self.filters, pixels, patch];
                matmul(out, sizes, Matrix::rows(weight, patch), Matrix::rows(patches, pixels), bias.is_some());
            },
        );
        out
    }

    /// `weightᵀ · gradient`, scattered, for every image.
    pub fn input_gradient<T: Float>(&self, gradient: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        let (patch, pixels) = (self.patch(), self.pixels());
        let mut out = vec![T::default(); self.batch * self.image()];
        let area = self.height * self.width;
        out.par_chunks_mut(self.image()).zip(gradient.par_chunks(self.filters * pixels)).for_each_init(
            Vec::new,
            |buffer, (out, gradient)| {
                if let Some(bias) = bias {
                    out.chunks_mut(area).zip(bias).for_each(|(plane, bias)| plane.fill(*bias));
                }
                let sizes = [patch, pixels, self.filters];
                let (left, right) = (Matrix::rows(weight, patch).transposed(), Matrix::rows(gradient, pixels));
                if self.is_pointwise() {
                    return matmul(out, sizes, left, right, bias.is_some());
                }
                buffer.resize(patch * pixels, T::default());
                matmul(buffer, sizes, left, right, false);
                self.scatter(buffer, out);
            },
        );
        out
    }

    /// `gradient · patchesᵀ`, summed over the images in a fixed order.
    pub fn weight_gradient<T: Float>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
        let (patch, pixels) = (self.patch(), self.pixels());
        let share = self.batch.div_ceil(PARTS).max(1);
        let parts: Vec<Vec<T>> = x
            .par_chunks(share * self.image())
            .zip(gradient.par_chunks(share * self.filters * pixels))
            .map(|(x, gradient)| {
                let (mut sum, mut buffer) = (vec![T::default(); self.filters * patch], Vec::new());
                for (x, gradient) in x.chunks(self.image()).zip(gradient.chunks(self.filters * pixels)) {
                    let patches = self.patches(x, &mut buffer);
                    let (left, right) = (Matrix::rows(gradient, pixels), Matrix::rows(patches, pixels).transposed());
                    matmul(&mut sum, [self.filters, patch, pixels], left, right, true);
                }
                sum
            })
            .collect();
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_else(|| vec![T::default(); self.filters * patch]);
        for part in parts {
            total.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
        total
    }

    fn patches<'a, T: Float>(&self, x: &'a [T], buffer: &'a mut Vec<T>) -> &'a [T] {
        if self.is_pointwise() {
            return x;
        }
        buffer.resize(self.patch() * self.pixels(), T::default());
        self.gather(x, buffer);
        buffer
    }
}
