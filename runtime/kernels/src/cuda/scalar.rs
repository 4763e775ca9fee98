//! Scalar functions, with kernels generated from their definitions.

use super::machine::{Buffer, Call, Machine, Place, of_type, place};
use super::op::{Operation, apply1};
use crate::scalar::Scalar;
use crate::{Result, Tensor};
use candle_core::Shape;
use std::marker::PhantomData;

/// See [`crate::elementwise::apply`].
///
/// # Errors
/// A failed launch.
pub fn scalar<S: Scalar>(x: &Tensor) -> Result<Tensor> {
    apply1(Apply::<S>(x.shape().clone(), PhantomData), x)
}

struct Apply<S>(Shape, PhantomData<S>);

impl<S: Scalar> Operation<1> for Apply<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn forward(&self, machine: &dyn Machine, [x]: [Place; 1]) -> Result<(Buffer, Shape)> {
        let count = self.0.elem_count();
        let out = machine.alloc(x.dtype, count)?;
        let call = Call::each(of_type(S::NAME, x.dtype), count)?.place(x).place(out.place()?);
        machine.launch(&call.sizes([count])?)?;
        Ok((out, self.0.clone()))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [x]: [&Tensor; 1],
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 1]> {
        let count = self.0.elem_count();
        let out = machine.alloc(x.dtype(), count)?;
        let call = Call::each(of_type(&format!("{}_backward", S::NAME), x.dtype()), count)?;
        let call = call.place(place(x)?).place(place(output)?).place(place(gradient)?).place(out.place()?);
        machine.launch(&call.sizes([count])?)?;
        Ok([Some(out.tensor(x.shape())?)])
    }
}
