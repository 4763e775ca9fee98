//! Convolutions: 1x1 as GEMMs, the others by a library or as GEMMs over patches.

mod passes;

use super::machine::{Buffer, Call, Machine, Place, Precision, of_type, place};
use super::op::{Operation, apply2, apply3, gradient_of};
use super::precision;
use crate::geometry::Geometry;
use crate::{DType, Result, Tensor};
use candle_core::Shape;
use passes::{forward, input_gradient, weight_as, weight_gradient};

/// A convolution, or its transpose, which maps y to x.
struct Conv {
    g: Geometry,
    transposed: bool,
    precision: Precision,
}

impl Conv {
    fn run(&self, machine: &dyn Machine, input: Place, weight: Place) -> Result<(Buffer, Shape)> {
        let shape = if self.transposed { self.g.in_dims() } else { self.g.out_dims() };
        let out = machine.alloc(input.dtype, shape.iter().product())?;
        self.pass(machine, self.transposed, input, weight, out.place()?, false)?;
        Ok((out, shape.to_vec().into()))
    }

    /// The pass from x to y, or with `back` from y to x. With `add` (only for a 1x1 convolution) the result is added to
    /// the existing one.
    fn pass(&self, machine: &dyn Machine, back: bool, from: Place, weight: Place, to: Place, add: bool) -> Result<()> {
        let count = self.g.filters * self.g.patch();
        let (weight, _held) = weight_as(machine, weight, from.dtype, count)?;
        if back {
            input_gradient(machine, &self.g, to, weight, from, self.precision, add)
        } else {
            forward(machine, &self.g, from, weight, to, self.precision)
        }
    }

    fn gradients(
        &self,
        machine: &dyn Machine,
        input: &Tensor,
        weight: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let from = place(gradient)?;
        let mut for_input = None;
        // The gradient of data is not computed.
        if input.track_op() {
            let (out, add) = match self.g.is_pointwise() && !self.transposed {
                true => gradient_of(machine, 0, input)?,
                false => (machine.alloc(input.dtype(), input.elem_count())?.tensor(input.shape())?, false),
            };
            self.pass(machine, !self.transposed, from, place(weight)?, place(&out)?, add)?;
            for_input = Some(out);
        }
        let (x, y) = if self.transposed { (from, place(input)?) } else { (place(input)?, from) };
        let for_weight = weight_gradient(machine, &self.g, x, y, self.precision)?;
        Ok([for_input, Some(for_weight.tensor(weight.shape())?)])
    }
}

/// Without a bias.
struct Plain(Conv);

impl Operation<2> for Plain {
    fn name(&self) -> &'static str {
        "cuda_convolution"
    }

    fn forward(&self, machine: &dyn Machine, [input, weight]: [Place; 2]) -> Result<(Buffer, Shape)> {
        self.0.run(machine, input, weight)
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [input, weight]: [&Tensor; 2],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        self.0.gradients(machine, input, weight, gradient)
    }
}

/// With a bias, added in place.
struct Biased(Conv);

impl Operation<3> for Biased {
    fn name(&self) -> &'static str {
        "cuda_convolution_with_bias"
    }

    fn forward(&self, machine: &dyn Machine, [input, weight, bias]: [Place; 3]) -> Result<(Buffer, Shape)> {
        let (out, shape) = self.0.run(machine, input, weight)?;
        let [images, channels, height, width] =
            if self.0.transposed { self.0.g.in_dims() } else { self.0.g.out_dims() };
        let call = Call::rows(of_type("add_bias", input.dtype), images * channels, height * width)?;
        machine.launch(&call.place(out.place()?).place(bias).sizes([channels, height * width])?)?;
        Ok((out, shape))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [input, weight, bias]: [&Tensor; 3],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let [for_input, for_weight] = self.0.gradients(machine, input, weight, gradient)?;
        Ok([for_input, for_weight, Some(bias_gradient(machine, gradient)?.reshape(bias.shape())?)])
    }
}

/// The number of values that a block of [`bias_gradient`] sums.
const PART: usize = 4096;

/// The sum of a gradient `[N, C, H, W]` over all dimensions but the channels: `[C]`.
///
/// # Errors
/// A failed launch.
pub(super) fn bias_gradient(machine: &dyn Machine, gradient: &Tensor) -> Result<Tensor> {
    let (images, channels, height, width) = gradient.dims4()?;
    let pixels = height * width;
    // Several blocks per channel, for parts of the batch, if one would have too much work.
    let parts = (images * pixels / PART).clamp(1, images.max(1));
    let together = images.div_ceil(parts).max(1);
    let parts = images.div_ceil(together).max(1);
    let sums = machine.alloc(DType::F32, parts * channels)?;
    let mut call = Call::rows(of_type("bias_gradient", gradient.dtype()), channels, together * pixels)?;
    call.grid.1 = u32::try_from(parts).map_err(candle_core::Error::wrap)?;
    let call = call.place(place(gradient)?).place(sums.place()?);
    machine.launch(&call.sizes([images, channels, pixels, together])?)?;
    if parts == 1 {
        return sums.tensor(channels);
    }
    let out = machine.alloc(DType::F32, channels)?;
    let call = Call::each("sum_parts_f32", channels)?.place(sums.place()?).place(out.place()?);
    machine.launch(&call.sizes([parts, channels])?)?;
    out.tensor(channels)
}

/// See [`crate::conv2d`]. Input and output are f32; at the precision bf16 the GEMM is in bf16.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let g = Geometry::new(x.dims4()?, weight.dims4()?, stride, padding)?;
    between(x, |x| apply3(Biased(Conv { g, transposed: false, precision: precision() }), x, weight, bias))
}

/// See [`crate::conv_transpose2d`].
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
    let g = Geometry::transposed(x.dims4()?, weight.dims4()?, stride, padding, output_padding)?;
    between(x, |x| apply3(Biased(Conv { g, transposed: true, precision: precision() }), x, weight, bias))
}

/// A convolution between activations of the type of `x`, without a bias.
///
/// # Errors
/// Shapes that do not fit.
pub(super) fn plain(x: &Tensor, weight: &Tensor, padding: usize) -> Result<Tensor> {
    let g = Geometry::new(x.dims4()?, weight.dims4()?, 1, padding)?;
    apply2(Plain(Conv { g, transposed: false, precision: precision() }), x, weight)
}

/// A 1x1 convolution between activations of the type of `x`.
///
/// # Errors
/// Shapes that do not fit.
pub(super) fn pointwise(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let g = Geometry::new(x.dims4()?, weight.dims4()?, 1, 0)?;
    // At bf16, tensors that remain f32 are small: the vectors of channel attention.
    let precision = match precision() {
        Precision::Bf16 if x.dtype() == DType::F32 => Precision::F32,
        other => other,
    };
    apply3(Biased(Conv { g, transposed: false, precision }), x, weight, bias)
}

/// Runs `work` in the activations' type of the precision. Input and output have the type of x.
pub(super) fn between(x: &Tensor, work: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    match precision() {
        Precision::Bf16 => work(&x.to_dtype(DType::BF16)?)?.to_dtype(x.dtype()),
        _ => work(x),
    }
}
