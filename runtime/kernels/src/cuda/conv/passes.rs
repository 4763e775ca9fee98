//! The three passes of a convolution: by a library, or as GEMMs over patches.

use super::Geometry;
use crate::cuda::machine::{Buffer, Call, Convolution, Machine, Matrix, Pass, Place, Precision, Product, of_type};
use crate::{DType, Result};

/// y = weight ∗ x.
pub(super) fn forward(
    machine: &dyn Machine,
    g: &Geometry,
    x: Place,
    weight: Place,
    y: Place,
    precision: Precision,
) -> Result<()> {
    if !g.is_pointwise()
        && machine.convolution(&Convolution { pass: Pass::Forward, geometry: *g, x, weight, y, precision })?
    {
        return Ok(());
    }
    for_shares(machine, g, x.dtype, |first, images, patches| {
        let right = match patches {
            None => Matrix { place: x.at(first * g.image()), width: g.pixels(), transposed: false, stride: g.image() },
            Some(patches) => {
                gather(machine, g, x.at(first * g.image()), images, patches)?;
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

/// x's gradient = weightᵀ · y's, scattered. With `add` (only for a 1x1 convolution) it is added to the existing one.
pub(super) fn input_gradient(
    machine: &dyn Machine,
    g: &Geometry,
    x: Place,
    weight: Place,
    y: Place,
    precision: Precision,
    add: bool,
) -> Result<()> {
    if !g.is_pointwise()
        && machine.convolution(&Convolution { pass: Pass::Input, geometry: *g, x, weight, y, precision })?
    {
        return Ok(());
    }
    for_shares(machine, g, x.dtype, |first, images, patches| {
        let x = x.at(first * g.image());
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
            add,
            precision,
        })?;
        let Some(patches) = patches else { return Ok(()) };
        let call = Call::rows(of_type("unpatch", x.dtype), images * g.channels, g.height * g.width)?;
        let sizes = [g.height, g.width, g.kernel, g.stride, g.padding, g.out_height, g.out_width];
        machine.launch(&call.place(patches).place(x).sizes(sizes)?)
    })
}

/// The weight's gradient = Σ over images of y's · patchesᵀ, in a fixed order.
pub(super) fn weight_gradient(
    machine: &dyn Machine,
    g: &Geometry,
    x: Place,
    y: Place,
    precision: Precision,
) -> Result<Buffer> {
    let size = g.filters * g.patch();
    let out = machine.alloc(DType::F32, size)?;
    if !g.is_pointwise() && by_library(machine, g, x, y, &out, precision)? {
        return Ok(out);
    }
    // As many images in parallel as there is memory for their sums, so that the GEMM fills the GPU, but no more than in
    // the first share, so that the first round writes all of them.
    let parts = (machine.patch_room() / 8 / size.max(1)).clamp(1, share(g, machine.patch_room()).max(1));
    let sums = machine.alloc(DType::F32, parts * size)?;
    for_shares(machine, g, x.dtype, |start, images, patches| {
        if let Some(patches) = patches {
            gather(machine, g, x.at(start * g.image()), images, patches)?;
        }
        for first in (0..images).step_by(parts) {
            let right = match patches {
                None => x.at((start + first) * g.image()),
                Some(patches) => patches.at(first * g.patch() * g.pixels()),
            };
            machine.product(&Product {
                left: Matrix {
                    place: y.at((start + first) * g.filters * g.pixels()),
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
                add: start + first > 0,
                precision,
            })?;
        }
        Ok(())
    })?;
    let call = Call::each("sum_parts_f32", size)?.place(sums.place()?).place(out.place()?);
    machine.launch(&call.sizes([parts, size])?)?;
    Ok(out)
}

/// The weight's gradient by a library, in the type of x.
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

/// The number of images computed at once, limited by the memory for their patches.
fn share(g: &Geometry, room: usize) -> usize {
    let most = if g.is_pointwise() { g.batch } else { room / (g.patch() * g.pixels()).max(1) };
    most.clamp(1, g.batch.max(1))
}

/// Runs `work` on parts of the batch, with the first image, the number of images, and memory for their patches if
/// needed.
fn for_shares(
    machine: &dyn Machine,
    g: &Geometry,
    dtype: DType,
    mut work: impl FnMut(usize, usize, Option<Place>) -> Result<()>,
) -> Result<()> {
    if g.is_pointwise() {
        return work(0, g.batch, None);
    }
    let share = share(g, machine.patch_room());
    let room = machine.alloc(dtype, share * g.patch() * g.pixels())?;
    for first in (0..g.batch).step_by(share) {
        work(first, share.min(g.batch - first), Some(room.place()?))?;
    }
    Ok(())
}

fn gather(machine: &dyn Machine, g: &Geometry, x: Place, images: usize, patches: Place) -> Result<()> {
    let call = Call::rows(of_type("patches", x.dtype), images * g.patch(), g.pixels())?.place(x).place(patches);
    let sizes = [g.height, g.width, g.kernel, g.stride, g.padding, g.out_height, g.out_width, g.channels];
    machine.launch(&call.sizes(sizes)?)
}

/// The weight in the activations' type, and its buffer if it was converted.
pub(super) fn weight_as(
    machine: &dyn Machine,
    weight: Place,
    dtype: DType,
    count: usize,
) -> Result<(Place, Option<Buffer>)> {
    if weight.dtype == dtype {
        return Ok((weight, None));
    }
    let narrow = machine.alloc(dtype, count)?;
    let call = Call::each("narrow_bf16", count)?.place(weight).place(narrow.place()?);
    machine.launch(&call.sizes([count])?)?;
    Ok((narrow.place()?, Some(narrow)))
}
