//! Affine couplings: v = (z + t) · exp(s) on the changed part, with s and t from a network's output.

use super::machine::{Buffer, Call, Machine, Place, place};
use super::normal::{half, sum_first_half};
use super::op::{Operation, apply1, apply2};
use crate::arguments::Mask;
use crate::{DType, Result, Tensor};
use candle_core::Shape;

/// The kept part as an argument of the kernels: for a checkerboard the pixels with odd or even row + column; for
/// channels nothing, because the kept part is a separate tensor.
fn code(mask: Mask) -> usize {
    match mask {
        Mask::Checkerboard { reversed } => usize::from(reversed),
        Mask::Channel { .. } => 2,
    }
}

/// The half of the channels that changes, and the half that is kept.
fn halves(h: &Tensor, reversed: bool) -> Result<(Tensor, Tensor)> {
    let (first, second) = (half(h, false, f32::INFINITY)?, half(h, true, f32::INFINITY)?);
    Ok(if reversed { (second, first) } else { (first, second) })
}

/// See [`crate::coupling_context`].
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn coupling_context(h: &Tensor, mask: Mask) -> Result<Tensor> {
    match mask {
        Mask::Channel { reversed } => Ok(halves(h, reversed)?.1),
        Mask::Checkerboard { .. } => {
            let (_, _, height, width) = h.dims4()?;
            let sizes = [h.elem_count(), height * width, width, code(mask)];
            apply1(Keep { shape: h.shape().clone(), sizes }, h)
        }
    }
}

/// See [`crate::coupling()`].
///
/// # Errors
/// Shapes that do not fit.
pub fn coupling(h: &Tensor, network: &Tensor, rescale: &Tensor, mask: Mask, inverse: bool) -> Result<Tensor> {
    let scale_shift = scale_shift(network, rescale, mask)?;
    let change = |part: &Tensor| apply2(Affine::of(part, &scale_shift, inverse)?, part, &scale_shift);
    match mask {
        Mask::Checkerboard { .. } => change(h),
        Mask::Channel { reversed } => {
            let (part, stays) = halves(h, reversed)?;
            let changed = change(&part)?;
            if reversed { Tensor::cat(&[&stays, &changed], 1) } else { Tensor::cat(&[&changed, &stays], 1) }
        }
    }
}

/// See [`crate::coupling_log_det`].
///
/// # Errors
/// Shapes that do not fit.
pub fn coupling_log_det(network: &Tensor, rescale: &Tensor, mask: Mask) -> Result<Tensor> {
    sum_first_half(&scale_shift(network, rescale, mask)?)
}

/// s = tanh(first half of `network`) · rescale and t = its second half, both 0 on the kept part: `[N, 2C, H, W]`.
fn scale_shift(network: &Tensor, rescale: &Tensor, mask: Mask) -> Result<Tensor> {
    let (images, both, height, width) = network.dims4()?;
    if both % 2 != 0 || rescale.elem_count() != both / 2 {
        candle_core::bail!("scales and shifts {:?} rescaled by {:?}", network.dims(), rescale.dims());
    }
    let op = ScaleShift { images, channels: both / 2, pixels: height * width, width, mask: code(mask) };
    apply2(op, network, rescale)
}

struct Keep {
    shape: Shape,
    sizes: [usize; 4],
}

impl Keep {
    fn run(&self, machine: &dyn Machine, x: Place) -> Result<Buffer> {
        let out = machine.alloc(DType::F32, self.shape.elem_count())?;
        let call = Call::each("keep_f32", self.shape.elem_count())?.place(x).place(out.place()?);
        machine.launch(&call.sizes(self.sizes)?)?;
        Ok(out)
    }
}

impl Operation<1> for Keep {
    fn name(&self) -> &'static str {
        "cuda_coupling_stays"
    }

    fn forward(&self, machine: &dyn Machine, [x]: [Place; 1]) -> Result<(Buffer, Shape)> {
        Ok((self.run(machine, x)?, self.shape.clone()))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        _: [&Tensor; 1],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        Ok([Some(self.run(machine, place(gradient)?)?.tensor(self.shape.clone())?)])
    }
}

struct ScaleShift {
    images: usize,
    channels: usize,
    pixels: usize,
    width: usize,
    mask: usize,
}

impl ScaleShift {
    fn call(&self, kernel: &str) -> Result<Call> {
        Call::rows(kernel, self.images * 2 * self.channels, self.pixels)
    }

    fn sizes(&self) -> [usize; 4] {
        [self.channels, self.pixels, self.width, self.mask]
    }
}

impl Operation<2> for ScaleShift {
    fn name(&self) -> &'static str {
        "cuda_coupling_scale_shift"
    }

    fn forward(&self, machine: &dyn Machine, [head, rescale]: [Place; 2]) -> Result<(Buffer, Shape)> {
        let shape = [self.images, 2 * self.channels, self.pixels / self.width.max(1), self.width];
        let out = machine.alloc(DType::F32, shape.iter().product())?;
        let call = self.call("scale_shift_f32")?.place(head).place(rescale).place(out.place()?);
        machine.launch(&call.sizes(self.sizes())?)?;
        Ok((out, shape.to_vec().into()))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [head, rescale]: [&Tensor; 2],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let for_head = machine.alloc(DType::F32, head.elem_count())?;
        let call = self.call("scale_shift_backward_f32")?.place(place(head)?).place(place(rescale)?);
        let call = call.place(place(gradient)?).place(for_head.place()?);
        machine.launch(&call.sizes(self.sizes())?)?;
        let for_rescale = machine.alloc(DType::F32, self.channels)?;
        let call = Call::rows("rescale_gradient_f32", self.channels, self.pixels)?.place(place(head)?);
        let call = call.place(place(gradient)?).place(for_rescale.place()?).sizes([self.images])?;
        machine.launch(&call.sizes(self.sizes())?)?;
        Ok([Some(for_head.tensor(head.shape())?), Some(for_rescale.tensor(rescale.shape())?)])
    }
}

struct Affine {
    shape: Shape,
    /// The number of values of an image.
    size: usize,
    inverse: bool,
}

impl Affine {
    fn of(input: &Tensor, scale_shift: &Tensor, inverse: bool) -> Result<Self> {
        let (images, channels, height, width) = input.dims4()?;
        if scale_shift.dims() != [images, 2 * channels, height, width] {
            candle_core::bail!("a coupling of {:?} with scales and shifts {:?}", input.dims(), scale_shift.dims());
        }
        Ok(Self { shape: input.shape().clone(), size: channels * height * width, inverse })
    }

    fn kernel(&self, forward: &'static str, inverse: &'static str) -> &'static str {
        if self.inverse { inverse } else { forward }
    }
}

impl Operation<2> for Affine {
    fn name(&self) -> &'static str {
        "cuda_coupling"
    }

    fn forward(&self, machine: &dyn Machine, [input, scale_shift]: [Place; 2]) -> Result<(Buffer, Shape)> {
        let count = self.shape.elem_count();
        let out = machine.alloc(DType::F32, count)?;
        let call = Call::each(self.kernel("affine_f32", "affine_inverse_f32"), count)?.place(input).place(scale_shift);
        machine.launch(&call.place(out.place()?).sizes([count, self.size])?)?;
        Ok((out, self.shape.clone()))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [input, scale_shift]: [&Tensor; 2],
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let count = self.shape.elem_count();
        let for_input = machine.alloc(DType::F32, count)?;
        let for_both = machine.alloc(DType::F32, 2 * count)?;
        // The derivative of v with respect to s is v: the output of the forward map, or the input of the inverse.
        let v = if self.inverse { input } else { output };
        let call = Call::each(self.kernel("affine_backward_f32", "affine_inverse_backward_f32"), count)?;
        let call = call.place(place(v)?).place(place(scale_shift)?).place(place(gradient)?);
        machine.launch(&call.place(for_input.place()?).place(for_both.place()?).sizes([count, self.size])?)?;
        Ok([Some(for_input.tensor(input.shape())?), Some(for_both.tensor(scale_shift.shape())?)])
    }
}
