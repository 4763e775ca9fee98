//! Adamax over many tensors in a few launches, and the norm of their gradients.

use super::call::{TABLE, Table};
use super::machine::{Argument, Buffer, Call, Machine, place, with_machine};
use crate::{DType, Result, Tensor};

/// Blocks for each tensor.
const BLOCKS: u32 = 64;

/// A parameter with its gradient and its moments, all f32, contiguous and of the same size.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub parameter: &'a Tensor,
    pub gradient: &'a Tensor,
    pub mean: &'a Tensor,
    pub peak: &'a Tensor,
}

/// The hyperparameters of a step.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The factor of the gradient.
    pub factor: f64,
    pub betas: (f64, f64),
    pub epsilon: f64,
}

/// One step, which changes parameters and moments in place. `rate`, one number, is corrected for the bias of the mean,
/// and read at the time of execution.
///
/// # Errors
/// A failed launch.
pub fn adamax(entries: &[Entry<'_>], rate: &Tensor, step: &Step) -> Result<()> {
    for part in entries.chunks(TABLE) {
        let numbers = [step.factor, step.betas.0, step.betas.1, step.epsilon];
        with_machine(part[0].parameter, |machine| {
            let call = numbers.into_iter().fold(launch("adamax_f32", part)?.place(place(rate)?), |call, number| {
                call.with(Argument::Real(number as f32))
            });
            machine.launch(&call)
        })?;
    }
    Ok(())
}

/// The sum of the squares of all gradients, one number that remains on the gradients' device.
///
/// # Errors
/// A failed launch.
pub fn squares(gradients: &[&Tensor]) -> Result<Tensor> {
    let Some(first) = gradients.first() else { candle_core::bail!("the norm of no gradients") };
    with_machine(first, |machine| {
        let count = gradients.len() * BLOCKS as usize;
        let parts = machine.alloc(DType::F32, count)?;
        let mut at = parts.place()?;
        for part in gradients.chunks(TABLE) {
            let entries: Vec<Entry<'_>> = part
                .iter()
                .map(|gradient| Entry { parameter: gradient, gradient, mean: gradient, peak: gradient })
                .collect();
            machine.launch(&launch("squares_f32", &entries)?.place(at))?;
            at = at.at(part.len() * BLOCKS as usize);
        }
        sum(machine, &parts, count)?.tensor(())
    })
}

fn sum(machine: &dyn Machine, parts: &Buffer, count: usize) -> Result<Buffer> {
    let out = machine.alloc(DType::F32, 1)?;
    let call = Call::rows("row_sum_f32", 1, count)?.place(parts.place()?).place(out.place()?);
    machine.launch(&call.sizes([count, count])?)?;
    Ok(out)
}

fn launch(kernel: &str, entries: &[Entry<'_>]) -> Result<Call> {
    let zero = [0; TABLE];
    let mut table = Table { parameter: zero, gradient: zero, mean: zero, peak: zero, size: [0; TABLE] };
    for (index, entry) in entries.iter().enumerate() {
        let count = entry.parameter.elem_count();
        let all = [entry.parameter, entry.gradient, entry.mean, entry.peak];
        if all.iter().any(|tensor| tensor.elem_count() != count || tensor.dtype() != DType::F32) {
            candle_core::bail!("a parameter, its gradient and its moments must be f32 and of one size");
        }
        table.parameter[index] = place(entry.parameter)?.address;
        table.gradient[index] = place(entry.gradient)?.address;
        table.mean[index] = place(entry.mean)?.address;
        table.peak[index] = place(entry.peak)?.address;
        table.size[index] = u32::try_from(count).map_err(candle_core::Error::wrap)?;
    }
    let mut call = Call::rows(kernel, BLOCKS as usize, 256)?;
    call.grid.1 = entries.len() as u32;
    Ok(call.with(Argument::Table(Box::new(table))))
}
