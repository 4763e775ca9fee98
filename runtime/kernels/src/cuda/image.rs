//! Changes of resolution and of layout, and batches from bytes on the device.

use super::machine::{Buffer, Call, Machine, Place, place, with_machine};
use super::op::{Operation, apply1};
use crate::{DType, Result, Tensor};
use candle_core::Shape;

/// See [`crate::transform::downscale`], which checks the shapes. Factors up to 7. Without a gradient.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn downscale(x: &Tensor, factor: usize) -> Result<Tensor> {
    resized(x, "downscale_f32", factor, |size| size / factor)
}

/// The largest factor, limited by the kernel's memory for the filter.
pub const LARGEST_FACTOR: usize = 7;

/// See [`crate::upsample`]. Without a gradient.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn upsample(x: &Tensor, factor: usize) -> Result<Tensor> {
    resized(x, "upsample_f32", factor, |size| size * factor)
}

/// See [`crate::transform::quantise`]. Without a gradient.
///
/// # Errors
/// A failed launch.
pub fn quantise(x: &Tensor) -> Result<Tensor> {
    let (x, count) = (x.contiguous()?, x.elem_count());
    with_machine(&x, |machine| {
        let out = machine.alloc(DType::F32, count)?;
        machine.launch(&Call::each("quantise_f32", count)?.place(place(&x)?).place(out.place()?).sizes([count])?)?;
        out.tensor(x.shape())
    })
}

fn resized(x: &Tensor, kernel: &str, factor: usize, size: impl Fn(usize) -> usize) -> Result<Tensor> {
    let x = x.contiguous()?;
    let (images, channels, height, width) = x.dims4()?;
    let shape = Shape::from((images, channels, size(height), size(width)));
    with_machine(&x, |machine| {
        let out = machine.alloc(DType::F32, shape.elem_count())?;
        let call = Call::each(kernel, shape.elem_count())?.place(place(&x)?).place(out.place()?);
        machine.launch(&call.sizes([images * channels, height, width, factor])?)?;
        out.tensor(shape.clone())
    })
}

/// Space to channels: `[N, C, H, W]` to `[N, 4C, H/2, W/2]`, or with `back` the inverse. `diagonal` selects the
/// alternate order of the four pixels. The caller checks the shapes.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn squeeze(h: &Tensor, diagonal: bool, back: bool) -> Result<Tensor> {
    let (images, channels, height, width) = h.dims4()?;
    let large = if back { [images, channels / 4, 2 * height, 2 * width] } else { [images, channels, height, width] };
    apply1(Squeeze { large, diagonal, back }, h)
}

struct Squeeze {
    /// The shape with the fewer channels.
    large: [usize; 4],
    diagonal: bool,
    back: bool,
}

impl Squeeze {
    fn run(&self, machine: &dyn Machine, from: Place, back: bool) -> Result<(Buffer, Shape)> {
        let [images, channels, height, width] = self.large;
        let count = images * channels * height * width;
        let out = machine.alloc(DType::F32, count)?;
        let call = Call::each("squeeze_f32", count)?.place(from).place(out.place()?);
        let sizes = [count, channels, height, width, usize::from(self.diagonal), usize::from(back)];
        machine.launch(&call.sizes(sizes)?)?;
        let shape = if back { self.large } else { [images, 4 * channels, height / 2, width / 2] };
        Ok((out, shape.to_vec().into()))
    }
}

impl Operation<1> for Squeeze {
    fn name(&self) -> &'static str {
        "cuda_squeeze"
    }

    fn forward(&self, machine: &dyn Machine, [x]: [Place; 1]) -> Result<(Buffer, Shape)> {
        self.run(machine, x, self.back)
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        _: [&Tensor; 1],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let (out, shape) = self.run(machine, place(gradient)?, !self.back)?;
        Ok([Some(out.tensor(shape)?)])
    }
}

/// Images `[N, C, H, W]` from a data set of bytes. `plan` has four numbers per image, i32: its index, whether it is
/// mirrored, and its shift down and to the right in pixels. Values are k/255, or 0 and 1 if `binary`.
///
/// # Errors
/// A plan of another length.
pub fn batch(data: &Tensor, plan: &Tensor, shape: [usize; 3], binary: bool) -> Result<Tensor> {
    let [channels, height, width] = shape;
    let images = plan.elem_count() / 4;
    let out_shape = Shape::from((images, channels, height, width));
    with_machine(data, |machine| {
        let out = machine.alloc(DType::F32, out_shape.elem_count())?;
        let call = Call::each("batch_f32", out_shape.elem_count())?.place(place(data)?).place(place(plan)?);
        let sizes = [images, channels, height, width, usize::from(binary)];
        machine.launch(&call.place(out.place()?).sizes(sizes)?)?;
        out.tensor(out_shape.clone())
    })
}
