//! Convolutions: 1x1 as products of matrices, the others by a library or as products over patches.

use super::machine::{Buffer, Call, Convolution, Machine, Matrix, Pass, Place, Precision, Product, of_type, place};
use super::op::{Operation, apply2, apply3};
use super::precision;
use crate::{DType, Result, Tensor};
use candle_core::Shape;

/// Images whose gradients for a weight are computed side by side, and then summed.
const PARTS: usize = 8;

/// The sizes of a convolution from x `[images, channels, height, width]` to y `[images, filters, out_height, out_width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Geometry {
    pub images: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub filters: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub out_height: usize,
    pub out_width: usize,
}

impl Geometry {
    fn new(
        (images, channels, height, width): (usize, usize, usize, usize),
        (filters, weight_channels, kernel, kernel_width): (usize, usize, usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let fits = |size: usize| size + 2 * padding >= kernel;
        if channels != weight_channels || kernel != kernel_width || !fits(height) || !fits(width) || stride == 0 {
            candle_core::bail!(
                "a convolution of {:?} with {:?}",
                [images, channels, height, width],
                [filters, weight_channels, kernel, kernel_width]
            );
        }
        let out = |size: usize| (size + 2 * padding - kernel) / stride + 1;
        let (out_height, out_width) = (out(height), out(width));
        Ok(Self { images, channels, height, width, filters, kernel, stride, padding, out_height, out_width })
    }

    fn x_shape(&self) -> [usize; 4] {
        [self.images, self.channels, self.height, self.width]
    }

    fn y_shape(&self) -> [usize; 4] {
        [self.images, self.filters, self.out_height, self.out_width]
    }

    fn weight_shape(&self) -> [usize; 4] {
        [self.filters, self.channels, self.kernel, self.kernel]
    }

    /// Numbers of a patch: rows of the matrix of patches.
    fn patch(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    fn pixels(&self) -> usize {
        self.out_height * self.out_width
    }

    fn x_size(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether patches are the image itself.
    fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0
    }

    /// Images that are computed at once: those whose patches are held. A multiple of [`PARTS`] where it is no less.
    fn share(&self, room: usize) -> usize {
        let most = if self.is_pointwise() { self.images } else { room / (self.patch() * self.pixels()).max(1) };
        let share = most.clamp(1, self.images.max(1));
        if share < PARTS || share == self.images { share } else { share / PARTS * PARTS }
    }
}

/// y = weight ∗ x.
fn forward(machine: &dyn Machine, g: &Geometry, x: Place, weight: Place, y: Place, precision: Precision) -> Result<()> {
    if !g.is_pointwise()
        && machine.convolution(&Convolution { pass: Pass::Forward, geometry: *g, x, weight, y, precision })?
    {
        return Ok(());
    }
    for_shares(machine, g, x.dtype, |first, images, patches| {
        let right = match patches {
            None => {
                Matrix { place: x.at(first * g.x_size()), width: g.pixels(), transposed: false, stride: g.x_size() }
            }
            Some(patches) => {
                gather(machine, g, x.at(first * g.x_size()), images, patches)?;
                Matrix { place: patches, width: g.pixels(), transposed: false, stride: g.patch() * g.pixels() }
            }
        };
        machine.product(&Product {
            left: Matrix { place: weight, width: g.patch(), transposed: false, stride: 0 },
            right,
            out: y.at(first * g.filters * g.pixels()),
            m: g.filters,
            n: g.pixels(),
            k: g.patch(),
            batch: images,
            out_stride: g.filters * g.pixels(),
            add: false,
            precision,
        })
    })
}

/// x's gradient = weightᵀ · y's, scattered.
fn input_gradient(
    machine: &dyn Machine,
    g: &Geometry,
    x: Place,
    weight: Place,
    y: Place,
    precision: Precision,
) -> Result<()> {
    if !g.is_pointwise()
        && machine.convolution(&Convolution { pass: Pass::Input, geometry: *g, x, weight, y, precision })?
    {
        return Ok(());
    }
    for_shares(machine, g, x.dtype, |first, images, patches| {
        let x = x.at(first * g.x_size());
        machine.product(&Product {
            left: Matrix { place: weight, width: g.patch(), transposed: true, stride: 0 },
            right: Matrix {
                place: y.at(first * g.filters * g.pixels()),
                width: g.pixels(),
                transposed: false,
                stride: g.filters * g.pixels(),
            },
            out: patches.unwrap_or(x),
            m: g.patch(),
            n: g.pixels(),
            k: g.filters,
            batch: images,
            out_stride: g.patch() * g.pixels(),
            add: false,
            precision,
        })?;
        let Some(patches) = patches else { return Ok(()) };
        let call = Call::rows(of_type("unpatch", x.dtype), images * g.channels, g.height * g.width)?;
        let sizes = [g.height, g.width, g.kernel, g.stride, g.padding, g.out_height, g.out_width];
        machine.launch(&call.place(patches).place(x).sizes(sizes)?)
    })
}

/// The weight's gradient = Σ over images of y's · patchesᵀ, in a fixed order.
fn weight_gradient(machine: &dyn Machine, g: &Geometry, x: Place, y: Place, precision: Precision) -> Result<Buffer> {
    let size = g.filters * g.patch();
    let out = machine.alloc(DType::F32, size)?;
    if !g.is_pointwise() && by_library(machine, g, x, y, &out, precision)? {
        return Ok(out);
    }
    // No more than the first share has, so that the first round writes all of them.
    let parts = PARTS.min(g.share(machine.patch_room()));
    let sums = machine.alloc(DType::F32, parts * size)?;
    for_shares(machine, g, x.dtype, |share, images, patches| {
        if let Some(patches) = patches {
            gather(machine, g, x.at(share * g.x_size()), images, patches)?;
        }
        for first in (0..images).step_by(parts) {
            let right = match patches {
                None => x.at((share + first) * g.x_size()),
                Some(patches) => patches.at(first * g.patch() * g.pixels()),
            };
            machine.product(&Product {
                left: Matrix {
                    place: y.at((share + first) * g.filters * g.pixels()),
                    width: g.pixels(),
                    transposed: false,
                    stride: g.filters * g.pixels(),
                },
                right: Matrix { place: right, width: g.pixels(), transposed: true, stride: g.patch() * g.pixels() },
                out: sums.place()?,
                m: g.filters,
                n: g.patch(),
                k: g.pixels(),
                batch: parts.min(images - first),
                out_stride: size,
                add: share + first > 0,
                precision,
            })?;
        }
        Ok(())
    })?;
    let call = Call::each("sum_parts_f32", size)?.place(sums.place()?).place(out.place()?);
    machine.launch(&call.sizes([parts, size])?)?;
    Ok(out)
}

/// The weight's gradient by a library, which writes it in the type of x.
fn by_library(
    machine: &dyn Machine,
    g: &Geometry,
    x: Place,
    y: Place,
    out: &Buffer,
    precision: Precision,
) -> Result<bool> {
    let (pass, count) = (Pass::Weight, g.filters * g.patch());
    if x.dtype == DType::F32 {
        let weight = out.place()?;
        return machine.convolution(&Convolution { pass, geometry: *g, x, weight, y, precision });
    }
    let narrow = machine.alloc(x.dtype, count)?;
    let weight = narrow.place()?;
    if !machine.convolution(&Convolution { pass, geometry: *g, x, weight, y, precision })? {
        return Ok(false);
    }
    let call = Call::each("widen_bf16", count)?.place(weight).place(out.place()?);
    machine.launch(&call.sizes([count])?)?;
    Ok(true)
}

/// Runs `work` on parts of the batch: the first image, how many, and room for their patches where patches are needed.
fn for_shares(
    machine: &dyn Machine,
    g: &Geometry,
    dtype: DType,
    mut work: impl FnMut(usize, usize, Option<Place>) -> Result<()>,
) -> Result<()> {
    if g.is_pointwise() {
        return work(0, g.images, None);
    }
    let share = g.share(machine.patch_room());
    let room = machine.alloc(dtype, share * g.patch() * g.pixels())?;
    for first in (0..g.images).step_by(share) {
        work(first, share.min(g.images - first), Some(room.place()?))?;
    }
    Ok(())
}

fn gather(machine: &dyn Machine, g: &Geometry, x: Place, images: usize, patches: Place) -> Result<()> {
    let call = Call::rows(of_type("patches", x.dtype), images * g.patch(), g.pixels())?.place(x).place(patches);
    let sizes = [g.height, g.width, g.kernel, g.stride, g.padding, g.out_height, g.out_width, g.channels];
    machine.launch(&call.sizes(sizes)?)
}

/// The weight in the activations' type, and the buffer that holds it if that is another than its own.
fn weight_as(machine: &dyn Machine, weight: Place, dtype: DType, count: usize) -> Result<(Place, Option<Buffer>)> {
    if weight.dtype == dtype {
        return Ok((weight, None));
    }
    let narrow = machine.alloc(dtype, count)?;
    let call = Call::each("narrow_bf16", count)?.place(weight).place(narrow.place()?);
    machine.launch(&call.sizes([count])?)?;
    Ok((narrow.place()?, Some(narrow)))
}

/// A convolution, or its transpose: that takes y and gives x.
struct Conv {
    g: Geometry,
    transposed: bool,
    precision: Precision,
}

impl Conv {
    fn run(&self, machine: &dyn Machine, input: Place, weight: Place) -> Result<(Buffer, Shape)> {
        let shape = if self.transposed { self.g.x_shape() } else { self.g.y_shape() };
        let out = machine.alloc(input.dtype, shape.iter().product())?;
        self.pass(machine, self.transposed, input, weight, out.place()?)?;
        Ok((out, shape.to_vec().into()))
    }

    /// The pass from x to y, or `back` from y to x.
    fn pass(&self, machine: &dyn Machine, back: bool, from: Place, weight: Place, to: Place) -> Result<()> {
        let count = self.g.weight_shape().iter().product();
        let (weight, _held) = weight_as(machine, weight, from.dtype, count)?;
        if back {
            input_gradient(machine, &self.g, to, weight, from, self.precision)
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
        // Data has no gradient; do not compute one.
        if input.track_op() {
            let out = machine.alloc(input.dtype(), input.elem_count())?;
            self.pass(machine, !self.transposed, from, place(weight)?, out.place()?)?;
            for_input = Some(out.tensor(input.shape())?);
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
        let [images, channels, height, width] = if self.0.transposed { self.0.g.x_shape() } else { self.0.g.y_shape() };
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

/// The sum of a gradient `[N, C, H, W]` over all but the channels: `[C]`.
///
/// # Errors
/// A failed launch.
pub(super) fn bias_gradient(machine: &dyn Machine, gradient: &Tensor) -> Result<Tensor> {
    let (images, channels, height, width) = gradient.dims4()?;
    let out = machine.alloc(DType::F32, channels)?;
    let call = Call::rows(of_type("bias_gradient", gradient.dtype()), channels, height * width)?;
    let call = call.place(place(gradient)?).place(out.place()?);
    machine.launch(&call.sizes([images, channels, height * width])?)?;
    out.tensor(channels)
}

/// See [`crate::ops::conv2d`]. Between f32 and f32; at the precision bf16 the product is of bf16 numbers.
///
/// # Errors
/// Shapes that do not fit.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let g = Geometry::new(x.dims4()?, weight.dims4()?, stride, padding)?;
    between(x, |x| apply3(Biased(Conv { g, transposed: false, precision: precision() }), x, weight, bias))
}

/// See [`crate::ops::conv_transpose2d`].
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
    let (images, _, height, width) = x.dims4()?;
    let (_, channels, kernel, _) = weight.dims4()?;
    let grown = |size: usize| ((size - 1) * stride + kernel + output_padding).checked_sub(2 * padding);
    let (Some(out_height), Some(out_width)) = (grown(height), grown(width)) else {
        candle_core::bail!("a transposed convolution of {:?} with {:?}", x.dims(), weight.dims());
    };
    let g = Geometry::new((images, channels, out_height, out_width), weight.dims4()?, stride, padding)?;
    if g.y_shape() != x.dims() {
        candle_core::bail!("a transposed convolution of {:?} with {:?}", x.dims(), weight.dims());
    }
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
    // At bf16, what has stayed f32 is small: channel attention's vectors.
    let precision = match precision() {
        Precision::Bf16 if x.dtype() == DType::F32 => Precision::F32,
        other => other,
    };
    apply3(Biased(Conv { g, transposed: false, precision }), x, weight, bias)
}

/// Runs `work` in the activations' type of the precision; what comes in and goes out has x's own.
pub(super) fn between(x: &Tensor, work: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    match precision() {
        Precision::Bf16 => work(&x.to_dtype(DType::BF16)?)?.to_dtype(x.dtype()),
        _ => work(x),
    }
}
