//! Dense layers, channel attention, weight normalisation.

use super::conv::{between, bias_gradient, plain, pointwise};
use super::machine::{Buffer, Call, Machine, Place, of_type, place};
use super::op::{Operation, apply1, apply2, apply3, gradient_of};
use crate::arguments::{Attention, DenseStep};
use crate::{DType, Result, Tensor};
use candle_core::Shape;

/// See [`crate::dense_layer`]. A step is a GEMM, a convolution, and one kernel that appends, adds the bias and applies
/// ELU.
///
/// # Errors
/// Shapes that do not fit.
pub fn dense_layer(x: &Tensor, steps: &[DenseStep], attention: &Attention) -> Result<Tensor> {
    between(x, |x| {
        let mut stack = x.clone();
        for step in steps {
            let squeezed = pointwise(&stack, &step.squeeze, &step.squeeze_bias)?;
            let grown = plain(&squeezed, &step.grow, 1)?;
            stack = append(&stack, &grown, &step.grow_bias)?;
        }
        channel_attention(&stack, attention)
    })
}

/// ELU of the state with grown + bias appended.
fn append(stack: &Tensor, grown: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (images, below, height, width) = stack.dims4()?;
    let added = grown.dim(1)?;
    if grown.dims() != [images, added, height, width] || bias.dims() != [added] {
        candle_core::bail!("a stack {:?} that {:?} is appended to", stack.dims(), grown.dims());
    }
    apply3(Append { images, below, added, height, width }, stack, grown, bias)
}

struct Append {
    images: usize,
    below: usize,
    added: usize,
    height: usize,
    width: usize,
}

impl Append {
    fn call(&self, kernel: &str, dtype: DType) -> Result<Call> {
        let rows = self.images * (self.below + self.added);
        Call::rows(of_type(kernel, dtype), rows, self.height * self.width)
    }

    fn sizes(&self) -> [usize; 3] {
        [self.below, self.added, self.height * self.width]
    }
}

impl Operation<3> for Append {
    fn name(&self) -> &'static str {
        "cuda_append"
    }

    fn forward(&self, machine: &dyn Machine, [stack, grown, bias]: [Place; 3]) -> Result<(Buffer, Shape)> {
        let shape = Shape::from((self.images, self.below + self.added, self.height, self.width));
        let out = machine.alloc(stack.dtype, shape.elem_count())?;
        let call = self.call("append", stack.dtype)?.place(stack).place(grown).place(bias).place(out.place()?);
        machine.launch(&call.sizes(self.sizes())?)?;
        Ok((out, shape))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [stack, grown, _]: [&Tensor; 3],
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        let for_stack = machine.alloc(stack.dtype(), stack.elem_count())?;
        let for_grown = machine.alloc(grown.dtype(), grown.elem_count())?;
        let call = self.call("append_backward", stack.dtype())?.place(place(output)?).place(place(gradient)?);
        let call = call.place(for_stack.place()?).place(for_grown.place()?);
        machine.launch(&call.sizes(self.sizes())?)?;
        let for_grown = for_grown.tensor(grown.shape())?;
        let for_bias = bias_gradient(machine, &for_grown)?;
        Ok([Some(for_stack.tensor(stack.shape())?), Some(for_grown), Some(for_bias)])
    }
}

/// See [`crate::channel_attention`].
///
/// # Errors
/// Shapes that do not fit.
pub fn channel_attention(h: &Tensor, weights: &Attention) -> Result<Tensor> {
    let (images, channels, height, width) = h.dims4()?;
    let planes = Planes { images, channels, height, width };
    let mean = apply1(Mean(planes), h)?;
    let squeezed = pointwise(&mean, &weights.squeeze, &weights.squeeze_bias)?;
    let logits = pointwise(&squeezed, &weights.excite, &weights.excite_bias)?;
    if logits.elem_count() != images * channels {
        candle_core::bail!("channel attention over {channels} channels with logits {:?}", logits.dims());
    }
    apply2(Gate(planes), h, &logits)
}

#[derive(Clone, Copy)]
struct Planes {
    images: usize,
    channels: usize,
    height: usize,
    width: usize,
}

impl Planes {
    fn call(&self, kernel: &str, dtype: DType) -> Result<Call> {
        Call::rows(of_type(kernel, dtype), self.images * self.channels, self.height * self.width)
    }

    fn pixels(&self) -> [usize; 1] {
        [self.height * self.width]
    }
}

/// `[N, C, H, W]` to the mean of each plane, `[N, C, 1, 1]` in f32.
struct Mean(Planes);

impl Operation<1> for Mean {
    fn name(&self) -> &'static str {
        "cuda_plane_mean"
    }

    fn forward(&self, machine: &dyn Machine, [x]: [Place; 1]) -> Result<(Buffer, Shape)> {
        let out = machine.alloc(DType::F32, self.0.images * self.0.channels)?;
        let call = self.0.call("plane_mean", x.dtype)?.place(x).place(out.place()?);
        machine.launch(&call.sizes(self.0.pixels())?)?;
        Ok((out, Shape::from((self.0.images, self.0.channels, 1, 1))))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [x]: [&Tensor; 1],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let (out, add) = gradient_of(machine, 0, x)?;
        let kernel = if add { "plane_mean_add" } else { "plane_mean_backward" };
        let call = self.0.call(kernel, x.dtype())?.place(place(gradient)?).place(place(&out)?);
        machine.launch(&call.sizes(self.0.pixels())?)?;
        Ok([Some(out)])
    }
}

/// x · sigmoid(logit of the plane).
struct Gate(Planes);

impl Operation<2> for Gate {
    fn name(&self) -> &'static str {
        "cuda_gate"
    }

    fn forward(&self, machine: &dyn Machine, [x, logits]: [Place; 2]) -> Result<(Buffer, Shape)> {
        let shape = Shape::from((self.0.images, self.0.channels, self.0.height, self.0.width));
        let out = machine.alloc(x.dtype, shape.elem_count())?;
        let call = self.0.call("gate", x.dtype)?.place(x).place(logits).place(out.place()?);
        machine.launch(&call.sizes(self.0.pixels())?)?;
        Ok((out, shape))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [x, logits]: [&Tensor; 2],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let for_x = machine.alloc(x.dtype(), x.elem_count())?;
        let for_logits = machine.alloc(DType::F32, logits.elem_count())?;
        let call = self.0.call("gate_backward", x.dtype())?.place(place(x)?).place(place(logits)?);
        let call = call.place(place(gradient)?).place(for_x.place()?).place(for_logits.place()?);
        machine.launch(&call.sizes(self.0.pixels())?)?;
        Ok([Some(for_x.tensor(x.shape())?), Some(for_logits.tensor(logits.shape())?)])
    }
}

/// See [`crate::weight_norm`].
///
/// # Errors
/// Shapes that do not fit.
pub fn weight_norm(v: &Tensor, g: &Tensor, dim: usize) -> Result<Tensor> {
    let dims = v.dims();
    if dim >= dims.len() || g.elem_count() != dims[dim] {
        candle_core::bail!("a weight {dims:?} normalised along dimension {dim} with scales {:?}", g.dims());
    }
    let (outer, inner) = (dims[..dim].iter().product(), dims[dim + 1..].iter().product());
    apply2(WeightNorm { shape: v.shape().clone(), outer, size: dims[dim], inner }, v, g)
}

/// Over `[outer, size, inner]`, along the middle.
struct WeightNorm {
    shape: Shape,
    outer: usize,
    size: usize,
    inner: usize,
}

impl WeightNorm {
    fn call(&self, kernel: &str) -> Result<Call> {
        Call::rows(kernel, self.size, self.outer * self.inner)
    }
}

impl Operation<2> for WeightNorm {
    fn name(&self) -> &'static str {
        "cuda_weight_norm"
    }

    fn forward(&self, machine: &dyn Machine, [v, g]: [Place; 2]) -> Result<(Buffer, Shape)> {
        let out = machine.alloc(DType::F32, self.shape.elem_count())?;
        let call = self.call("weight_norm")?.place(v).place(g).place(out.place()?);
        machine.launch(&call.sizes([self.outer, self.size, self.inner])?)?;
        Ok((out, self.shape.clone()))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [v, g]: [&Tensor; 2],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let for_v = machine.alloc(DType::F32, v.elem_count())?;
        let for_g = machine.alloc(DType::F32, g.elem_count())?;
        let call = self.call("weight_norm_backward")?.place(place(v)?).place(place(g)?).place(place(gradient)?);
        let call = call.place(for_v.place()?).place(for_g.place()?);
        machine.launch(&call.sizes([self.outer, self.size, self.inner])?)?;
        Ok([Some(for_v.tensor(v.shape())?), Some(for_g.tensor(g.shape())?)])
    }
}
