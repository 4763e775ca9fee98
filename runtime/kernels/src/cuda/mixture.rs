//! The discretised logistic mixture: one launch for value and gradient.

use super::machine::{Buffer, Call, Machine, Place, place, with_machine};
use super::op::{Operation, apply2};
use crate::{DType, Result, Tensor};
use candle_core::Shape;
use std::sync::Mutex;

/// See [`crate::logistic_mixture_log_prob`], which checks the shapes.
///
/// # Errors
/// A failed launch.
pub fn logistic_mixture_log_prob(x: &Tensor, logits: &Tensor, components: usize) -> Result<Tensor> {
    let (images, channels, height, width) = x.dims4()?;
    let sizes = [images, channels, height * width, components];
    let groups = logits.dim(1)?;
    let slopes = logits.track_op().then(Mutex::default);
    apply2(Mixture { sizes, groups, slopes }, x, logits)
}

/// See [`crate::logistic_mixture_value`], which checks the shapes.
///
/// # Errors
/// A failed launch.
pub fn logistic_mixture_value(
    logits: &Tensor,
    components: usize,
    channels: usize,
    pick: Option<&Tensor>,
    spread: Option<&Tensor>,
) -> Result<Tensor> {
    let (images, _, height, width) = logits.dims4()?;
    let (logits, pick) = (logits.contiguous()?, pick.map(Tensor::contiguous).transpose()?);
    let spread = spread.map(Tensor::contiguous).transpose()?;
    let or_nowhere = |draws: &Option<Tensor>| draws.as_ref().map_or(Ok(Place::NOWHERE), place);
    with_machine(&logits, |machine| {
        let out = machine.alloc(DType::F32, images * channels * height * width)?;
        let call = Call::each("mixture_value_f32", images * height * width)?.place(place(&logits)?);
        let call = call.place(or_nowhere(&pick)?).place(or_nowhere(&spread)?).place(out.place()?);
        machine.launch(&call.sizes([images, channels, height * width, components])?)?;
        out.tensor((images, channels, height, width))
    })
}

struct Mixture {
    /// Images, channels, pixels, components.
    sizes: [usize; 4],
    groups: usize,
    /// The gradient computed in the forward pass, if it will be needed.
    slopes: Option<Mutex<Option<Buffer>>>,
}

impl Mixture {
    /// log p of each pixel, `[N, pixels]`, and the gradient with respect to the logits.
    fn run(
        &self,
        machine: &dyn Machine,
        x: Place,
        logits: Place,
        with_slopes: bool,
    ) -> Result<(Buffer, Option<Buffer>)> {
        let [images, _, pixels, _] = self.sizes;
        let log_prob = machine.alloc(DType::F32, images * pixels)?;
        let slopes = match with_slopes {
            true => Some(machine.alloc(DType::F32, images * self.groups * pixels)?),
            false => None,
        };
        let to = slopes.as_ref().map_or(Ok(Place::NOWHERE), Buffer::place)?;
        let call =
            Call::each("mixture_f32", images * pixels)?.place(x).place(logits).place(log_prob.place()?).place(to);
        machine.launch(&call.sizes(self.sizes)?)?;
        Ok((log_prob, slopes))
    }
}

impl Operation<2> for Mixture {
    fn name(&self) -> &'static str {
        "cuda_logistic_mixture"
    }

    fn forward(&self, machine: &dyn Machine, [x, logits]: [Place; 2]) -> Result<(Buffer, Shape)> {
        let [images, _, pixels, _] = self.sizes;
        let (log_prob, slopes) = self.run(machine, x, logits, self.slopes.is_some())?;
        if let Some(kept) = &self.slopes {
            *kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = slopes;
        }
        let out = machine.alloc(DType::F32, images)?;
        let call = Call::rows("row_sum_f32", images, pixels)?.place(log_prob.place()?).place(out.place()?);
        machine.launch(&call.sizes([pixels, pixels])?)?;
        Ok((out, Shape::from(images)))
    }

    fn backward(
        &self,
        machine: &dyn Machine,
        [x, logits]: [&Tensor; 2],
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 2]> {
        let kept =
            self.slopes.as_ref().and_then(|kept| kept.lock().unwrap_or_else(|poison| poison.into_inner()).take());
        // In a second backward pass, the stored gradient is gone.
        let slopes = match kept {
            Some(slopes) => Some(slopes),
            None => self.run(machine, place(x)?, place(logits)?, true)?.1,
        };
        let Some(slopes) = slopes else { return Ok([None, None]) };
        let (count, [images, ..]) = (logits.elem_count(), self.sizes);
        let out = machine.alloc(DType::F32, count)?;
        let call = Call::each("scale_rows_f32", count)?.place(slopes.place()?).place(place(gradient)?);
        machine.launch(&call.place(out.place()?).sizes([count, count / images.max(1)])?)?;
        Ok([None, Some(out.tensor(logits.shape())?)])
    }
}
