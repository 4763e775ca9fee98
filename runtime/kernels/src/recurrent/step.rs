//! A step of a recurrent unit as one operation, f32 on the CPU: the affine maps of input and hidden vector, and the next state.

use super::unit::{Map, Recurrent, Sizes};
use super::{backward, forward};
use crate::cpu::Values;
use crate::profile::timed;
use crate::tape;
use crate::{DType, Device, Result, Tensor};
use candle_core::{CpuStorage, Shape};
use std::marker::PhantomData;

/// The next state, or nothing where this operation is not for these tensors: on other devices, for other types, without values, and in
/// candle's graph.
///
/// # Errors
/// Shapes that do not fit, or a failed tensor operation.
pub fn step<U: Recurrent>(x: &Tensor, state: &Tensor, maps: [Map<'_>; 2]) -> Result<Option<Tensor>> {
    let (x, state) = (&x.contiguous()?, &state.contiguous()?);
    let inputs = [x, state, maps[0].0, maps[0].1, maps[1].0, maps[1].1];
    let sizes = Sizes::of::<U>(inputs)?;
    let here = |t: &&Tensor| t.device().is_cpu() && t.dtype() == DType::F32 && t.is_contiguous() && t.elem_count() > 0;
    let recorded = tape::records(&inputs);
    if !inputs.iter().all(here) || !recorded && inputs.iter().any(|input| input.track_op()) {
        return Ok(None);
    }
    let values = inputs.iter().map(|input| Values::<f32>::of(input)).collect::<Result<Vec<_>>>()?;
    let [x, state, of_x, bias_x, of_h, bias_h] = std::array::from_fn(|at| &*values[at]);
    let maps = [(of_x, bias_x), (of_h, bias_h)];
    let (next, kept) = timed(U::NAME, || forward::pass::<U>(sizes, [x, state], maps, recorded));
    let made = (CpuStorage::F32(next), Shape::from((sizes.records, U::STATES * sizes.width)));
    let step = recorded.then(|| Box::new(Step::<U> { sizes, kept, unit: PhantomData }) as Box<dyn tape::Operator>);
    Ok(Some(tape::made_by(&inputs, made, step)))
}

struct Step<U> {
    sizes: Sizes,
    kept: Vec<f32>,
    unit: PhantomData<U>,
}

impl<U: Recurrent> tape::Operator for Step<U> {
    fn backward(&self, inputs: &[Tensor], gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let [x, state, weights @ ..] = inputs else { candle_core::bail!("{}: a step of {inputs:?}", U::NAME) };
        let (gradient, mut sums) = (gradient.contiguous()?, Vec::new());
        for (at, of) in weights.iter().enumerate() {
            sums.push(match tape::before(at + 2) {
                Some(sum) => crate::cpu::taken(sum)?,
                None => vec![0.0; of.elem_count()],
            });
        }
        let for_x = timed(U::GRADIENT, || {
            let inputs = inputs.iter().map(Values::<f32>::of).collect::<Result<Vec<_>>>()?;
            let by = Values::<f32>::of(&gradient)?;
            let read = std::array::from_fn(|at| &*inputs[at]);
            Ok::<_, candle_core::Error>(backward::pass::<U>(self.sizes, &self.kept, read, &by, x.track_op(), &mut sums))
        })?;
        let of = |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.shape(), &Device::Cpu);
        let [for_x, for_state] = for_x;
        let mut all = vec![for_x.map(|values| of(values, x)).transpose()?];
        all.push(for_state.map(|values| of(values, state)).transpose()?);
        for (sum, weight) in sums.into_iter().zip(weights) {
            all.push(Some(of(sum, weight)?));
        }
        Ok(all)
    }
}
