//! Convolutions as GEMMs: in f32 over pixels read in place, over planes, over Winograd tiles or over records of one pixel, in f64 over
//! patches gathered per image (im2col).
//!
//! There are three kernels: the forward pass, the gradient of the input and the gradient of the weight. The forward
//! pass of a transposed convolution is the input gradient of the convolution with the same weight, so its three passes
//! use the same kernels with the roles exchanged.

mod bias;
mod halved;
mod patches;
mod pointwise;
mod rows;
mod single;
mod tiled;

use super::bf16::opened;
use super::cpu::{Float, Values, slice};
use super::cuda::{self, Backend};
use super::profile::timed;
use super::reference;
use super::vector::by_real;
use crate::geometry;
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, InplaceOp3, Layout, Shape};
pub use geometry::Geometry;

/// Convolution of `[N, C, H, W]` with `[O, C, k, k]` and a bias `[O]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    conv2d_of_first(x, weight, bias, [stride, padding], usize::MAX)
}

/// Convolution with a masked weight: its taps, row by row, are zero from `seen` on, and their gradient is not needed and may be zero.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv2d_of_first(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    [stride, padding]: [usize; 2],
    seen: usize,
) -> Result<Tensor> {
    match Backend::of_activations(x) {
        Backend::Cuda => cuda::conv2d(x, weight, bias, stride, padding),
        Backend::Host => {
            let geometry = Geometry::new(x.dims4()?, weight.dims4()?, stride, padding)?.first(seen);
            let op = Biased { geometry, transposed: false, out: geometry.out_dims().to_vec().into() };
            crate::tape::op3_of_halves(&x.contiguous()?, &weight.contiguous()?, &bias.contiguous()?, op)
        }
        Backend::Candle => reference::conv2d(x, weight, bias, stride, padding),
    }
}

/// An affine map of vectors, `[N, C]`, with a weight `[O, C]` or `[O, C, 1, 1]` and a bias `[O]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn affine(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let ((batch, channels), filters) = (x.dims2()?, weight.dim(0)?);
    if !x.device().is_cpu() {
        let weight = weight.reshape((filters, (), 1, 1))?;
        return conv2d(&x.unsqueeze(2)?.unsqueeze(3)?, &weight, bias, 1, 0)?.flatten_from(1);
    }
    let geometry = Geometry::new((batch, channels, 1, 1), (filters, weight.elem_count() / filters.max(1), 1, 1), 1, 0)?;
    let op = Biased { geometry, transposed: false, out: (batch, filters).into() };
    crate::tape::op3_of_halves(&x.contiguous()?, &weight.contiguous()?, &bias.contiguous()?, op)
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
    match Backend::of_activations(x) {
        Backend::Cuda => cuda::conv_transpose2d(x, weight, bias, stride, padding, output_padding),
        Backend::Host => {
            let geometry = Geometry::transposed(x.dims4()?, weight.dims4()?, stride, padding, output_padding)?;
            let op = Biased { geometry, transposed: true, out: geometry.in_dims().to_vec().into() };
            crate::tape::op3_of_halves(&x.contiguous()?, &weight.contiguous()?, &bias.contiguous()?, op)
        }
        Backend::Candle => reference::conv_transpose2d(x, weight, bias, stride, padding, output_padding),
    }
}

/// The three kernels, which implement all passes of both convolutions.
trait Kernels: Float {
    /// `[N, filters, out_height, out_width]`.
    fn forward(g: &Geometry, x: &[Self], weight: &[Self], bias: Option<&[Self]>) -> Vec<Self>;
    /// `[N, channels, height, width]`.
    fn input_gradient(g: &Geometry, gradient: &[Self], weight: &[Self], bias: Option<&[Self]>) -> Vec<Self>;
    /// `[filters, channels, k, k]`.
    fn weight_gradient(g: &Geometry, x: &[Self], gradient: &[Self]) -> Vec<Self>;
}

/// `fastest!(g => pass(arguments))`: calls the pass of the module that needs the fewest operations.
macro_rules! fastest {
    ($g:ident => $pass:ident($($argument:ident),*)) => {
        if single::pays($g) {
            single::$pass($g, $($argument),*)
        } else if pointwise::pays($g) {
            pointwise::$pass($g, $($argument),*)
        } else if tiled::pays($g) {
            tiled::$pass($g, $($argument),*)
        } else if halved::pays($g) {
            halved::$pass($g, $($argument),*)
        } else {
            rows::$pass($g, $($argument),*)
        }
    };
}

impl Kernels for f32 {
    fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        fastest!(g => forward(x, weight, bias))
    }

    fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        fastest!(g => input_gradient(gradient, weight, bias))
    }

    fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        fastest!(g => weight_gradient(x, gradient))
    }
}

impl Kernels for f64 {
    fn forward(g: &Geometry, x: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
        g.forward(x, weight, bias)
    }

    fn input_gradient(g: &Geometry, gradient: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
        g.input_gradient(gradient, weight, bias)
    }

    fn weight_gradient(g: &Geometry, x: &[f64], gradient: &[f64]) -> Vec<f64> {
        g.weight_gradient(x, gradient)
    }
}

/// A convolution or its transpose, with a bias.
struct Biased {
    geometry: Geometry,
    transposed: bool,
    /// The shape of the result; that of an affine map has no height and width.
    out: Shape,
}

struct InputGradient(Geometry);
struct WeightGradient(Geometry);

fn store<T: Float>(values: Vec<T>, dims: impl Into<Shape>) -> Result<(CpuStorage, Shape)> {
    Ok((T::to_cpu_storage_owned(values), dims.into()))
}

impl CustomOp3 for Biased {
    fn name(&self) -> &'static str {
        if self.transposed { "conv_transpose2d" } else { "conv2d" }
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
        by_real!(self.name(), x.dtype(), T => {
            let (x, weight) = (slice::<T>(x, x_layout)?, slice(weight, weight_layout)?);
            let bias = Some(slice(bias, bias_layout)?);
            let pass = if self.transposed { T::input_gradient } else { T::forward };
            store(timed("convolution", || pass(&self.geometry, x, weight, bias)), self.out.clone())
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
        let (gradient, g) = (gradient.contiguous()?, self.geometry);
        let for_bias = Some(bias::gradient(&gradient)?);
        if let Some([for_input, for_weight]) = self.joint_gradients(x, weight, &gradient)? {
            return Ok((Some(for_input), Some(for_weight), for_bias));
        }
        // Values in bf16 are opened for this product alone.
        let for_weight = {
            let x = &opened(x)?;
            let [left, right] = if self.transposed { [&gradient, x] } else { [x, &gradient] };
            self.weight_gradient(left, right)?.reshape(weight.shape())?
        };
        let weight = &opened(weight)?;
        // The gradient of data is not computed.
        let for_input = x.track_op().then(|| match self.transposed {
            true => gradient.apply_op2_no_bwd(weight, &Plain(g)),
            false => gradient.apply_op2_no_bwd(weight, &InputGradient(g)),
        });
        let for_input = for_input.transpose()?.map(|found| found.reshape(x.shape())).transpose()?;
        Ok((for_input, Some(for_weight), for_bias))
    }
}

impl Biased {
    /// The gradients of input and weight, where one pass computes both faster than two.
    fn joint_gradients(&self, x: &Tensor, weight: &Tensor, gradient: &Tensor) -> Result<Option<[Tensor; 2]>> {
        let g = &self.geometry;
        if !(self.transposed && x.track_op() && gradient.dtype() == DType::F32 && halved::pays(g)) {
            return Ok(None);
        }
        let (inputs, weights) = (opened(x)?, opened(weight)?);
        let (inputs, weights, outputs) = (Values::of(&inputs)?, Values::of(&weights)?, Values::of(gradient)?);
        let found = timed("convolution", || halved::transposed_gradients(g, &inputs, &weights, &outputs));
        let [for_input, for_weight] = found;
        Ok(Some([
            Tensor::from_vec(for_input, x.shape(), x.device())?,
            Tensor::from_vec(for_weight, weight.shape(), weight.device())?,
        ]))
    }

    /// The gradient of the weight. That of an affine map, which a recurrence uses many times, is added to an existing one in place.
    fn weight_gradient(&self, left: &Tensor, right: &Tensor) -> Result<Tensor> {
        let existing =
            if single::pays(&self.geometry) && left.dtype() == DType::F32 { crate::tape::before(1) } else { None };
        let Some(existing) = existing else { return left.apply_op2_no_bwd(right, &WeightGradient(self.geometry)) };
        existing.inplace_op3(left, right, &AddWeightGradient(self.geometry))?;
        Ok(existing)
    }
}

/// Adds the gradient of an affine map's weight.
struct AddWeightGradient(Geometry);

impl InplaceOp3 for AddWeightGradient {
    fn name(&self) -> &'static str {
        "affine_weight_gradient"
    }

    fn cpu_fwd(
        &self,
        sum: &mut CpuStorage,
        at_sum: &Layout,
        x: &CpuStorage,
        at_x: &Layout,
        gradient: &CpuStorage,
        at_gradient: &Layout,
    ) -> Result<()> {
        let (Some((start, end)), CpuStorage::F32(sum)) = (at_sum.contiguous_offsets(), sum) else {
            candle_core::bail!("{}: an existing gradient that is not contiguous, or not of f32", self.name());
        };
        let (x, gradient) = (slice::<f32>(x, at_x)?, slice::<f32>(gradient, at_gradient)?);
        timed("convolution", || single::add_weight_gradient(&self.0, x, gradient, &mut sum[start..end]));
        Ok(())
    }
}

/// The convolution without a bias.
struct Plain(Geometry);

macro_rules! two_argument_op {
    ($op:ident, $name:literal, |$t:ident, $geometry:ident, $a:ident, $b:ident| $values:expr, $dims:expr) => {
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
                by_real!($name, a.dtype(), $t => {
                    let ($a, $b) = (slice::<$t>(a, a_layout)?, slice::<$t>(b, b_layout)?);
                    store(timed("convolution", || $values), $dims)
                })
            }
        }
    };
}

two_argument_op!(Plain, "conv2d", |T, g, x, weight| T::forward(g, x, weight, None), g.out_dims().to_vec());
two_argument_op!(
    InputGradient,
    "conv2d_input_gradient",
    |T, g, gradient, weight| T::input_gradient(g, gradient, weight, None),
    g.in_dims().to_vec()
);
two_argument_op!(
    WeightGradient,
    "conv2d_weight_gradient",
    |T, g, x, gradient| T::weight_gradient(g, x, gradient),
    vec![g.filters, g.channels, g.kernel, g.kernel]
);
