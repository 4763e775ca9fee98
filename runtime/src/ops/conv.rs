//! Convolutions: products of matrices over patches that are gathered image by image, never for a whole batch.
//!
//! Three kernels make all: the forward pass, the gradient for the input and the gradient for the weight. A transposed
//! convolution is the gradient for the input of the convolution with the same weight, so its three passes are the same
//! kernels in other roles.

use super::cpu::{Float, Matrix, matmul, slice, unsupported};
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Layout, Shape};
use rayon::prelude::*;

/// Parts that the batch is split into for the weight's gradient: fixed, so that sums do not depend on the thread count.
const PARTS: usize = 4;

/// Convolution of `[N, C, H, W]` with `[O, C, k, k]` and a bias `[O]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return super::reference::conv2d(x, weight, bias, stride, padding);
    }
    let geometry = Geometry::new(x.dims4()?, weight.dims4()?, stride, padding)?;
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Conv(geometry))
}

/// Transposed convolution of `[N, C, H, W]` with `[C, O, k, k]` and a bias `[O]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return super::reference::conv_transpose2d(x, weight, bias, stride, padding, output_padding);
    }
    let (batch, _, height, width) = x.dims4()?;
    let (_, channels, kernel, _) = weight.dims4()?;
    let grown = |size: usize| (size - 1) * stride + kernel + output_padding - 2 * padding;
    let output = (batch, channels, grown(height), grown(width));
    let geometry = Geometry::new(output, weight.dims4()?, stride, padding)?;
    if geometry.out_dims() != x.dims() {
        candle_core::bail!("a transposed convolution of {:?} with {:?}", x.dims(), weight.dims());
    }
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, ConvTranspose(geometry))
}

/// The sizes of a convolution from `[batch, channels, height, width]` to `[batch, filters, out_height, out_width]`.
#[derive(Debug, Clone, Copy)]
struct Geometry {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
    filters: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    out_height: usize,
    out_width: usize,
}

impl Geometry {
    fn new(
        (batch, channels, height, width): (usize, usize, usize, usize),
        (filters, weight_channels, kernel, kernel_width): (usize, usize, usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        if channels != weight_channels || kernel != kernel_width || height + 2 * padding < kernel {
            candle_core::bail!(
                "a convolution of [{batch}, {channels}, {height}, {width}] with [{filters}, {weight_channels}, {kernel}, {kernel_width}]"
            );
        }
        let out = |size: usize| (size + 2 * padding - kernel) / stride + 1;
        let (out_height, out_width) = (out(height), out(width));
        Ok(Self { batch, channels, height, width, filters, kernel, stride, padding, out_height, out_width })
    }

    fn in_dims(&self) -> [usize; 4] {
        [self.batch, self.channels, self.height, self.width]
    }

    fn out_dims(&self) -> [usize; 4] {
        [self.batch, self.filters, self.out_height, self.out_width]
    }

    fn patch(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    fn pixels(&self) -> usize {
        self.out_height * self.out_width
    }

    fn image(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether patches are the image itself.
    fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0
    }

    /// For each tap and each output row: the input row and the range of output columns inside the image.
    fn visit(&self, mut each: impl FnMut(usize, usize, usize, usize)) {
        for tap in 0..self.channels * self.kernel * self.kernel {
            let (channel, dy) = (tap / (self.kernel * self.kernel), tap / self.kernel % self.kernel);
            for y in 0..self.out_height {
                let row = y * self.stride + dy;
                if row >= self.padding && row - self.padding < self.height {
                    let input = (channel * self.height + row - self.padding) * self.width;
                    each(tap, y, input, tap % self.kernel);
                }
            }
        }
    }

    /// Output columns whose tap `dx` falls inside the image.
    fn columns(&self, dx: usize) -> (usize, usize) {
        let first = self.padding.saturating_sub(dx).div_ceil(self.stride);
        let end = (self.width + self.padding).saturating_sub(dx).div_ceil(self.stride).min(self.out_width);
        (first.min(end), end)
    }

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

    /// The transpose of [`Geometry::gather`]: adds patches to the image they came from.
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
    fn forward<T: Float>(&self, x: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
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
    fn input_gradient<T: Float>(&self, gradient: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
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
    fn weight_gradient<T: Float>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
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

struct Conv(Geometry);
struct ConvTranspose(Geometry);
struct InputGradient(Geometry);
struct WeightGradient(Geometry);

/// Runs `$body` with `$t` bound to the storage's element type.
macro_rules! by_type {
    ($name:expr, $storage:expr, $t:ident => $body:expr) => {
        match $storage.dtype() {
            DType::F32 => {
                type $t = f32;
                $body
            }
            DType::F64 => {
                type $t = f64;
                $body
            }
            other => unsupported($name, other),
        }
    };
}

fn store<T: Float>(values: Vec<T>, dims: impl Into<Shape>) -> Result<(CpuStorage, Shape)> {
    Ok((T::to_cpu_storage_owned(values), dims.into()))
}

impl CustomOp3 for Conv {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        by_type!(self.name(), x, T => {
            let (x, weight) = (slice::<T>(x, x_layout)?, slice(weight, weight_layout)?);
            store(self.0.forward(x, weight, Some(slice(bias, bias_layout)?)), self.0.out_dims().to_vec())
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let for_input = needed(x, || gradient.apply_op2_no_bwd(weight, &InputGradient(self.0)))?;
        let for_weight = x.apply_op2_no_bwd(&gradient, &WeightGradient(self.0))?;
        Ok((for_input, Some(for_weight), Some(bias_gradient(&gradient)?)))
    }
}

impl CustomOp3 for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        by_type!(self.name(), x, T => {
            let (x, weight) = (slice::<T>(x, x_layout)?, slice(weight, weight_layout)?);
            store(self.0.input_gradient(x, weight, Some(slice(bias, bias_layout)?)), self.0.in_dims().to_vec())
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let for_input = needed(x, || gradient.apply_op2_no_bwd(weight, &Plain(self.0)))?;
        let for_weight = gradient.apply_op2_no_bwd(x, &WeightGradient(self.0))?;
        Ok((for_input, Some(for_weight), Some(bias_gradient(&gradient)?)))
    }
}

/// Data has no gradient; do not compute one.
fn needed(x: &Tensor, gradient: impl FnOnce() -> Result<Tensor>) -> Result<Option<Tensor>> {
    if x.track_op() { gradient().map(Some) } else { Ok(None) }
}

fn bias_gradient(gradient: &Tensor) -> Result<Tensor> {
    gradient.flatten_from(2)?.sum(2)?.sum(0)
}

/// The convolution without a bias.
struct Plain(Geometry);

macro_rules! two_argument_op {
    ($op:ident, $name:literal, |$geometry:ident, $a:ident, $b:ident| $values:expr, $dims:expr) => {
        impl CustomOp2 for $op {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(
                &self,
                a: &CpuStorage,
                a_layout: &Layout,
                b: &CpuStorage,
                b_layout: &Layout,
            ) -> Result<(CpuStorage, Shape)> {
                use candle_core::backend::BackendStorage;
                let $geometry = &self.0;
                by_type!($name, a, T => {
                    let ($a, $b) = (slice::<T>(a, a_layout)?, slice::<T>(b, b_layout)?);
                    store($values, $dims)
                })
            }
        }
    };
}

two_argument_op!(Plain, "conv2d", |g, x, weight| g.forward(x, weight, None), g.out_dims().to_vec());
two_argument_op!(
    InputGradient,
    "conv2d_input_gradient",
    |g, gradient, weight| g.input_gradient(gradient, weight, None),
    g.in_dims().to_vec()
);
two_argument_op!(
    WeightGradient,
    "conv2d_weight_gradient",
    |g, x, gradient| g.weight_gradient(x, gradient),
    vec![g.filters, g.channels, g.kernel, g.kernel]
);
