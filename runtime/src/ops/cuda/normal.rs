//! Densities and divergences of diagonal normals.

use super::machine::{Buffer, Call, Machine, Place, place};
use super::op::{Operation, apply1, apply3};
use crate::{DType, Result, Tensor};
use candle_core::Shape;

/// See [`crate::ops::normal_log_prob`], which has looked at the shapes.
///
/// # Errors
/// A failed launch.
pub fn normal_log_prob(z: &Tensor, mean: &Tensor, log_var: &Tensor) -> Result<Tensor> {
    apply3(LogProb(Rows::of(z)?), z, mean, log_var)
}

/// log N(z; 0, 1) summed over all but the first dimension: `[N]` nats.
///
/// # Errors
/// A failed launch.
pub fn standard_normal_log_prob(z: &Tensor) -> Result<Tensor> {
    apply1(StandardLogProb(Rows::of(z)?), z)
}

/// See [`crate::ops::normal_kl`], which has looked at the shapes.
///
/// # Errors
/// A failed launch.
pub fn normal_kl(q_mean: &Tensor, q_log_var: &Tensor, p_mean: &Tensor, p_log_var: &Tensor) -> Result<Tensor> {
    apply3(Divergence(Rows::of(q_mean)?), &(q_mean - p_mean)?, q_log_var, p_log_var)
}

/// The sum over all but the first dimension, `[N]`.
///
/// # Errors
/// A failed launch.
pub fn sum_batch(each: &Tensor) -> Result<Tensor> {
    let rows = Rows::of(each)?;
    apply1(RowSum { rows, part: rows.length }, each)
}

/// The sum over the first half of the channels of `[N, 2C, …]`, `[N]`.
///
/// # Errors
/// A failed launch.
pub(super) fn sum_first_half(each: &Tensor) -> Result<Tensor> {
    let rows = Rows::of(each)?;
    apply1(RowSum { rows, part: rows.length / 2 }, each)
}

#[derive(Clone, Copy)]
struct Rows {
    count: usize,
    length: usize,
}

impl Rows {
    fn of(tensor: &Tensor) -> Result<Self> {
        let count = tensor.dim(0)?;
        Ok(Self { count, length: tensor.elem_count() / count.max(1) })
    }

    fn size(&self) -> usize {
        self.count * self.length
    }

    /// One number a row, by a kernel that takes the places and the rows' length.
    fn reduce(&self, machine: &dyn Machine, kernel: &str, places: &[Place]) -> Result<(Buffer, Shape)> {
        let out = machine.alloc(DType::F32, self.count)?;
        let call = places.iter().fold(Call::rows(kernel, self.count, self.length)?, |call, at| call.place(*at));
        machine.launch(&call.place(out.place()?).sizes([self.length])?)?;
        Ok((out, Shape::from(self.count)))
    }

    /// The slopes of `N` arguments, by a kernel that takes the places, room for the slopes, count and length.
    fn spread<const N: usize>(
        &self,
        machine: &dyn Machine,
        kernel: &str,
        places: &[Place],
        wanted: [Option<&Tensor>; N],
    ) -> Result<[Option<Tensor>; N]> {
        let mut call = places.iter().fold(Call::each(kernel, self.size())?, |call, at| call.place(*at));
        let mut buffers = [const { None }; N];
        for (buffer, wanted) in buffers.iter_mut().zip(wanted) {
            if wanted.is_some() {
                *buffer = Some(machine.alloc(DType::F32, self.size())?);
            }
            call = call.place(buffer.as_ref().map_or(Ok(Place::NOWHERE), Buffer::place)?);
        }
        machine.launch(&call.sizes([self.size(), self.length])?)?;
        let mut slopes = [const { None }; N];
        for ((slope, buffer), wanted) in slopes.iter_mut().zip(buffers).zip(wanted) {
            if let (Some(buffer), Some(tensor)) = (buffer, wanted) {
                *slope = Some(buffer.tensor(tensor.shape())?);
            }
        }
        Ok(slopes)
    }
}

struct LogProb(Rows);

impl Operation<3> for LogProb {
    fn name(&self) -> &'static str {
        "cuda_normal"
    }

    fn forward(&self, machine: &dyn Machine, inputs: [Place; 3]) -> Result<(Buffer, Shape)> {
        self.0.reduce(machine, "normal_f32", &inputs)
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        inputs: [&Tensor; 3],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let [z, mean, log_var] = inputs;
        let places = [place(z)?, place(mean)?, place(log_var)?, place(gradient)?];
        let wanted = inputs.map(|input| input.track_op().then_some(input));
        self.0.spread(machine, "normal_backward_f32", &places, wanted)
    }
}

struct StandardLogProb(Rows);

impl Operation<1> for StandardLogProb {
    fn name(&self) -> &'static str {
        "cuda_standard_normal"
    }

    fn forward(&self, machine: &dyn Machine, [z]: [Place; 1]) -> Result<(Buffer, Shape)> {
        self.0.reduce(machine, "normal_f32", &[z, Place::NOWHERE, Place::NOWHERE])
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [z]: [&Tensor; 1],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let places = [place(z)?, Place::NOWHERE, Place::NOWHERE, place(gradient)?];
        let [for_z, _, _] = self.0.spread(machine, "normal_backward_f32", &places, [Some(z), None, None])?;
        Ok([for_z])
    }
}

/// Of the means' distance and the two log-variances.
struct Divergence(Rows);

impl Operation<3> for Divergence {
    fn name(&self) -> &'static str {
        "cuda_normal_kl"
    }

    fn forward(&self, machine: &dyn Machine, inputs: [Place; 3]) -> Result<(Buffer, Shape)> {
        self.0.reduce(machine, "divergence_f32", &inputs)
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        inputs: [&Tensor; 3],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let [distance, q, p] = inputs;
        let places = [place(distance)?, place(q)?, place(p)?, place(gradient)?];
        self.0.spread(machine, "divergence_backward_f32", &places, inputs.map(Some))
    }
}

/// The sum of the first `part` values of each row.
struct RowSum {
    rows: Rows,
    part: usize,
}

impl Operation<1> for RowSum {
    fn name(&self) -> &'static str {
        "cuda_row_sum"
    }

    fn forward(&self, machine: &dyn Machine, [x]: [Place; 1]) -> Result<(Buffer, Shape)> {
        let out = machine.alloc(DType::F32, self.rows.count)?;
        let call = Call::rows("row_sum_f32", self.rows.count, self.part)?.place(x).place(out.place()?);
        machine.launch(&call.sizes([self.rows.length, self.part])?)?;
        Ok((out, Shape::from(self.rows.count)))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [x]: [&Tensor; 1],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let out = machine.alloc(DType::F32, self.rows.size())?;
        let call = Call::rows("row_sum_backward_f32", self.rows.count, self.rows.length)?;
        let call = call.place(place(gradient)?).place(out.place()?).sizes([self.rows.length, self.part])?;
        machine.launch(&call)?;
        Ok([Some(out.tensor(x.shape())?)])
    }
}
