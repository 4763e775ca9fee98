//! The common form of all operations: a forward pass from places to a buffer, a backward pass from tensors to tensors.

use super::machine::{Buffer, Machine, Place, imitation, with_machine};
#[cfg(feature = "cuda")]
use super::place::device_place;
use super::place::{host_place, offset};
use crate::{Result, Tensor, tape};
use candle_core::{CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Shape};

/// An operation with `N` arguments, all contiguous.
pub trait Operation<const N: usize>: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// # Errors
    /// A failed launch.
    fn forward(&self, machine: &dyn Machine, inputs: [Place; N]) -> Result<(Buffer, Shape)>;

    /// Gradients of the arguments, none for those that need none. `gradient` is contiguous.
    ///
    /// # Errors
    /// A failed launch.
    fn backward(
        &self,
        machine: &dyn Machine,
        inputs: [&Tensor; N],
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; N]>;
}

/// The place for the gradient of argument `number`, `input`, and whether the gradient must be added to the existing
/// values there.
///
/// # Errors
/// No memory.
pub fn gradient_of(machine: &dyn Machine, number: usize, input: &Tensor) -> Result<(Tensor, bool)> {
    match tape::before(number) {
        Some(sum) => Ok((sum, true)),
        None => Ok((machine.alloc(input.dtype(), input.elem_count())?.tensor(input.shape())?, false)),
    }
}

/// An operation as a custom operation of candle.
struct Wrapped<T>(T);

/// Applies an operation; arguments are made contiguous.
///
/// # Errors
/// A failed launch.
pub fn apply1(op: impl Operation<1>, x: &Tensor) -> Result<Tensor> {
    crate::tape::op1(&x.contiguous()?, Wrapped(op))
}

/// See [`apply1`].
///
/// # Errors
/// A failed launch.
pub fn apply2(op: impl Operation<2>, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    crate::tape::op2(&a.contiguous()?, &b.contiguous()?, Wrapped(op))
}

/// See [`apply1`].
///
/// # Errors
/// A failed launch.
pub fn apply3(op: impl Operation<3>, a: &Tensor, b: &Tensor, c: &Tensor) -> Result<Tensor> {
    crate::tape::op3(&a.contiguous()?, &b.contiguous()?, &c.contiguous()?, Wrapped(op))
}

fn on_host<const N: usize>(op: &impl Operation<N>, inputs: [(&CpuStorage, &Layout); N]) -> Result<(CpuStorage, Shape)> {
    let mut places = [Place::NOWHERE; N];
    for (place, (storage, layout)) in places.iter_mut().zip(inputs) {
        *place = host_place(storage, offset(layout)?)?;
    }
    match op.forward(imitation()?, places)? {
        (Buffer::Host(storage), shape) => Ok((storage, shape)),
        #[cfg(feature = "cuda")]
        _ => candle_core::bail!("{}: a buffer of another machine", op.name()),
    }
}

#[cfg(feature = "cuda")]
fn on_device<const N: usize>(
    op: &impl Operation<N>,
    inputs: [(&CudaStorage, &Layout); N],
) -> Result<(CudaStorage, Shape)> {
    let gpu = super::gpu::Gpu::of(&inputs[0].0.device)?;
    let mut places = [Place::NOWHERE; N];
    for (place, (storage, layout)) in places.iter_mut().zip(inputs) {
        *place = device_place(storage, offset(layout)?)?;
    }
    match op.forward(&*gpu, places)? {
        (Buffer::Device(storage), shape) => Ok((storage, shape)),
        (Buffer::Host(_), _) => candle_core::bail!("{}: a buffer of another machine", op.name()),
    }
}

#[cfg(not(feature = "cuda"))]
fn on_device<const N: usize>(op: &impl Operation<N>, _: [(&CudaStorage, &Layout); N]) -> Result<(CudaStorage, Shape)> {
    candle_core::bail!("{}: this program was built without CUDA", op.name())
}

fn backward<const N: usize>(
    op: &impl Operation<N>,
    inputs: [&Tensor; N],
    output: &Tensor,
    gradient: &Tensor,
) -> Result<[Option<Tensor>; N]> {
    let gradient = gradient.contiguous()?;
    with_machine(&gradient, |machine| op.backward(machine, inputs, output, &gradient))
}

impl<T: Operation<1>> CustomOp1 for Wrapped<T> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout) -> Result<(CpuStorage, Shape)> {
        on_host(&self.0, [(x, xl)])
    }

    fn cuda_fwd(&self, x: &CudaStorage, xl: &Layout) -> Result<(CudaStorage, Shape)> {
        on_device(&self.0, [(x, xl)])
    }

    fn bwd(&self, x: &Tensor, output: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let [for_x] = backward(&self.0, [x], output, gradient)?;
        Ok(for_x)
    }
}

impl<T: Operation<2>> CustomOp2 for Wrapped<T> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(&self, a: &CpuStorage, al: &Layout, b: &CpuStorage, bl: &Layout) -> Result<(CpuStorage, Shape)> {
        on_host(&self.0, [(a, al), (b, bl)])
    }

    fn cuda_fwd(&self, a: &CudaStorage, al: &Layout, b: &CudaStorage, bl: &Layout) -> Result<(CudaStorage, Shape)> {
        on_device(&self.0, [(a, al), (b, bl)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [for_a, for_b] = backward(&self.0, [a, b], output, gradient)?;
        Ok((for_a, for_b))
    }
}

impl<T: Operation<3>> CustomOp3 for Wrapped<T> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        al: &Layout,
        b: &CpuStorage,
        bl: &Layout,
        c: &CpuStorage,
        cl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        on_host(&self.0, [(a, al), (b, bl), (c, cl)])
    }

    fn cuda_fwd(
        &self,
        a: &CudaStorage,
        al: &Layout,
        b: &CudaStorage,
        bl: &Layout,
        c: &CudaStorage,
        cl: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        on_device(&self.0, [(a, al), (b, bl), (c, cl)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [for_a, for_b, for_c] = backward(&self.0, [a, b, c], output, gradient)?;
        Ok((for_a, for_b, for_c))
    }
}
