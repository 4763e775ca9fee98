//! Random numbers generated on the device.

use super::machine::{Argument, Call, Place, on_machine, place};
use crate::{DType, Device, Result, Tensor};
use std::ops::Range;

/// The distribution of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Standard normal.
    Normal,
    /// Uniform on [0, 1).
    Uniform,
}

/// Independent numbers that are a function of the seed, the number of the draw and their position. `base`, one i64, is
/// added to the number of the draw at the time of execution.
///
/// # Errors
/// A failed launch.
pub fn draw(
    law: Law,
    shape: &[usize],
    seed: u64,
    number: u64,
    base: Option<&Tensor>,
    device: &Device,
) -> Result<Tensor> {
    fill(law, shape, [1, shape.iter().product(), 1], seed, (number, base), device)
}

/// Rows that are samples of images, where the sample is the slow index. Each row is a function of the seed, its
/// sample's and its image's number and the position. Both numbers are below 2³².
///
/// # Errors
/// A failed launch, or a shape with another number of rows.
pub fn draw_rows(
    law: Law,
    shape: &[usize],
    seed: u64,
    samples: &Range<usize>,
    images: &Range<usize>,
    device: &Device,
) -> Result<Tensor> {
    let rows = samples.len() * images.len();
    if shape.first() != Some(&rows) {
        candle_core::bail!("draws of shape {shape:?} for {rows} rows");
    }
    let first = (images.start as u64) << 32 | samples.start as u64;
    fill(law, shape, [rows, shape[1..].iter().product(), images.len()], seed, (first, None), device)
}

/// `sizes`: rows, numbers per row, images.
fn fill(
    law: Law,
    shape: &[usize],
    sizes: [usize; 3],
    seed: u64,
    (first, base): (u64, Option<&Tensor>),
    device: &Device,
) -> Result<Tensor> {
    on_machine(device, |machine| {
        let [rows, size, _] = sizes;
        let out = machine.alloc(DType::F32, rows * size)?;
        let kernel = match law {
            Law::Normal => "gaussian_f32",
            Law::Uniform => "uniform_f32",
        };
        let call = Call::each(kernel, rows * size.div_ceil(4))?.place(out.place()?).sizes(sizes)?;
        let call = call.with(Argument::Long(seed)).with(Argument::Long(first));
        machine.launch(&call.place(base.map_or(Ok(Place::NOWHERE), place)?))?;
        out.tensor(shape)
    })
}
