//! Densities, divergences and draws of diagonal normals.

use super::machine::{Argument, Buffer, Call, Machine, Place, place};
use super::op::{Operation, apply1, apply3};
use crate::{DType, Result, Tensor};
use candle_core::Shape;

/// See [`crate::normal_log_prob`], which checks the shapes.
///
/// # Errors
/// A failed launch.
pub fn normal_log_prob(z: &Tensor, mean: &Tensor, log_var: &Tensor) -> Result<Tensor> {
    apply3(Summed { rows: Rows::of(z)?, term: &DENSITY }, z, mean, log_var)
}

/// log N(z; 0, 1) summed over all but the first dimension: `[N]` nats.
///
/// # Errors
/// A failed launch.
pub fn standard_normal_log_prob(z: &Tensor) -> Result<Tensor> {
    apply1(Summed { rows: Rows::of(z)?, term: &DENSITY }, z)
}

/// See [`crate::normal_kl`], which checks the shapes.
///
/// # Errors
/// A failed launch.
pub fn normal_kl(q_mean: &Tensor, q_log_var: &Tensor, p_mean: &Tensor, p_log_var: &Tensor) -> Result<Tensor> {
    let distance = (q_mean - p_mean)?;
    apply3(Summed { rows: Rows::of(&distance)?, term: &DIVERGENCE }, &distance, q_log_var, p_log_var)
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

    /// One number per row, by a kernel with the arguments places and row length.
    fn reduce(&self, machine: &dyn Machine, kernel: &str, places: &[Place]) -> Result<(Buffer, Shape)> {
        let out = machine.alloc(DType::F32, self.count)?;
        let call = places.iter().fold(Call::rows(kernel, self.count, self.length)?, |call, at| call.place(*at));
        machine.launch(&call.place(out.place()?).sizes([self.length])?)?;
        Ok((out, Shape::from(self.count)))
    }

    /// The gradients of `N` arguments, by a kernel with the arguments places, memory for the gradients, count and
    /// length.
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

/// A function of three numbers, with the kernels that sum it over rows and compute its gradients.
struct Term {
    name: &'static str,
    kernel: &'static str,
    backward: &'static str,
}

/// log N(z; mean, exp(log_var)); with only z, for the standard normal.
const DENSITY: Term = Term { name: "cuda_normal", kernel: "normal_f32", backward: "normal_backward_f32" };
/// As a function of the difference of the means and the two log-variances.
const DIVERGENCE: Term = Term { name: "cuda_normal_kl", kernel: "divergence_f32", backward: "divergence_backward_f32" };

/// A term with `N` arguments, summed over each row.
struct Summed {
    rows: Rows,
    term: &'static Term,
}

impl<const N: usize> Operation<N> for Summed {
    fn name(&self) -> &'static str {
        self.term.name
    }

    fn forward(&self, machine: &dyn Machine, inputs: [Place; N]) -> Result<(Buffer, Shape)> {
        let mut places = [Place::NOWHERE; 3];
        places[..N].copy_from_slice(&inputs);
        self.rows.reduce(machine, self.term.kernel, &places)
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        inputs: [&Tensor; N],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; N]> {
        let (mut places, mut wanted) = ([Place::NOWHERE; 4], [None; 3]);
        for (at, input) in inputs.into_iter().enumerate() {
            places[at] = place(input)?;
            wanted[at] = input.track_op().then_some(input);
        }
        places[3] = place(gradient)?;
        let mut slopes = self.rows.spread(machine, self.term.backward, &places, wanted)?.into_iter();
        Ok(std::array::from_fn(|_| slopes.next().flatten()))
    }
}

/// The first or the second half of the channels of `[N, 2C, …]`, `[N, C, …]`, clamped to ± `bound`.
///
/// # Errors
/// An odd number of channels.
pub fn half(x: &Tensor, second: bool, bound: f32) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    match shape.get_mut(1) {
        Some(channels) if *channels % 2 == 0 => *channels /= 2,
        _ => candle_core::bail!("a half of the channels of {:?}", x.dims()),
    }
    apply1(Half { rows: Rows::of(x)?, shape: shape.into(), second, bound }, x)
}

struct Half {
    /// The rows of both halves.
    rows: Rows,
    shape: Shape,
    second: bool,
    bound: f32,
}

impl Half {
    /// The arguments after the places.
    fn launch(&self, machine: &dyn Machine, call: Call) -> Result<()> {
        let sizes = [self.shape.elem_count(), self.rows.length / 2, usize::from(self.second)];
        machine.launch(&call.sizes(sizes)?.with(Argument::Real(self.bound)))
    }
}

impl Operation<1> for Half {
    fn name(&self) -> &'static str {
        "cuda_half"
    }

    fn forward(&self, machine: &dyn Machine, [x]: [Place; 1]) -> Result<(Buffer, Shape)> {
        let out = machine.alloc(DType::F32, self.shape.elem_count())?;
        self.launch(machine, Call::each("half_f32", self.shape.elem_count())?.place(x).place(out.place()?))?;
        Ok((out, self.shape.clone()))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [x]: [&Tensor; 1],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let out = machine.alloc(DType::F32, self.rows.size())?;
        let call = Call::each("half_backward_f32", self.shape.elem_count())?.place(place(x)?);
        self.launch(machine, call.place(place(gradient)?).place(out.place()?))?;
        Ok([Some(out.tensor(x.shape())?)])
    }
}

/// See [`crate::normal_draw`], which checks the shapes. No gradient for the noise.
///
/// # Errors
/// A failed launch.
pub fn normal_draw(mean: &Tensor, log_var: &Tensor, noise: &Tensor) -> Result<Tensor> {
    apply3(NormalDraw(mean.shape().clone()), mean, log_var, noise)
}

struct NormalDraw(Shape);

impl Operation<3> for NormalDraw {
    fn name(&self) -> &'static str {
        "cuda_normal_draw"
    }

    fn forward(&self, machine: &dyn Machine, inputs: [Place; 3]) -> Result<(Buffer, Shape)> {
        let count = self.0.elem_count();
        let out = machine.alloc(DType::F32, count)?;
        let call = inputs.into_iter().fold(Call::each("normal_draw_f32", count)?, Call::place);
        machine.launch(&call.place(out.place()?).sizes([count])?)?;
        Ok((out, self.0.clone()))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [_, log_var, noise]: [&Tensor; 3],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let count = self.0.elem_count();
        let out = machine.alloc(DType::F32, count)?;
        let places = [place(log_var)?, place(noise)?, place(gradient)?];
        let call = places.into_iter().fold(Call::each("normal_draw_backward_f32", count)?, Call::place);
        machine.launch(&call.place(out.place()?).sizes([count])?)?;
        Ok([Some(gradient.clone()), Some(out.tensor(log_var.shape())?), None])
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
