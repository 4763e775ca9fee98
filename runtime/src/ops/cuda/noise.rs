//! Random numbers made where they are needed.

use super::machine::{Argument, Buffer, Call, Machine, with_machine};
use crate::{DType, Device, Result, Tensor};

/// Which numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Standard normal.
    Normal,
    /// Uniform on [0, 1).
    Uniform,
}

/// Independent numbers that are a function of the seed, the number of the draw and their place in it.
///
/// # Errors
/// A failed launch.
pub fn draw(law: Law, shape: &[usize], seed: u64, number: u64, device: &Device) -> Result<Tensor> {
    // A tensor that says which machine, and holds nothing.
    let anchor = Tensor::zeros(1, DType::F32, device)?;
    with_machine(&anchor, |machine| fill(machine, law, shape.iter().product(), seed, number)?.tensor(shape))
}

fn fill(machine: &dyn Machine, law: Law, count: usize, seed: u64, number: u64) -> Result<Buffer> {
    let out = machine.alloc(DType::F32, count)?;
    let kernel = match law {
        Law::Normal => "gaussian_f32",
        Law::Uniform => "uniform_f32",
    };
    let call = Call::each(kernel, count.div_ceil(4))?.place(out.place()?).sizes([count])?;
    machine.launch(&call.with(Argument::Long(seed)).with(Argument::Long(number)))?;
    Ok(out)
}
