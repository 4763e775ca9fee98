//! Rows of records that have a step of a sequence, and those of records that end before it.

use crate::cpu::{Float, Values, copy, filled_rows, slice};
use crate::cuda::Backend;
use crate::vector::by_real;
use crate::{DType, Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, WithDType};
use std::sync::Arc;

/// Numbers `[rows]`, with 0 in rows of records that end before a step. `steps` are the numbers of steps of each record, `[rows, 1]`.
///
/// # Errors
/// Another number of rows than of lengths.
pub fn mask(value: &Tensor, steps: &Tensor, step: usize) -> Result<Tensor> {
    match reaching(value, steps, step)? {
        Some(reaching) => crate::tape::op1(&value.contiguous()?, Only { reaching, others: false }),
        None => {
            let reaches = steps.flatten_all()?.ge(step as f64)?;
            // Values beyond the end are arbitrary, possibly NaN.
            reaches.where_cond(value, &value.zeros_like()?)
        }
    }
}

/// Values `[rows, …]`, replaced by others of the same shape in rows of records that end before a step.
///
/// # Errors
/// Shapes that differ, or another number of rows than of lengths.
pub fn within(value: &Tensor, other: &Tensor, steps: &Tensor, step: usize) -> Result<Tensor> {
    match reaching(value, steps, step)? {
        Some(reaching) if value.dims() == other.dims() => {
            crate::tape::op2(&value.contiguous()?, &other.contiguous()?, Within { reaching })
        }
        _ => {
            let mut rows = vec![1; value.rank()];
            rows[0] = value.dim(0)?;
            let reaches = steps.flatten_all()?.ge(step as f64)?.reshape(rows)?;
            reaches.broadcast_as(value.shape())?.where_cond(value, other)
        }
    }
}

/// For each row whether its record has the step, if the rows are on the CPU.
fn reaching(value: &Tensor, steps: &Tensor, step: usize) -> Result<Option<Arc<[bool]>>> {
    fn of<T: Float + Into<f64>>(steps: &Tensor, step: usize) -> Result<Arc<[bool]>> {
        let steps = steps.contiguous()?;
        let steps = Values::<T>::of(&steps)?;
        Ok(steps.iter().map(|steps| (*steps).into() >= step as f64).collect())
    }
    let fits = matches!(Backend::of(value), Backend::Host) && value.rank() > 0 && value.dim(0)? == steps.elem_count();
    Ok(match steps.dtype() {
        DType::F32 if fits => Some(of::<f32>(steps, step)?),
        DType::F64 if fits => Some(of::<f64>(steps, step)?),
        _ => None,
    })
}

/// Rows of the first values where `reaching` says so, else of the second ones, or 0.
fn chosen<T: Float>(reaching: &[bool], value: &[T], other: Option<&[T]>) -> Vec<T> {
    let row = value.len() / reaching.len().max(1);
    // SAFETY: all values of a row are written.
    unsafe {
        filled_rows(value.len(), row.max(1), value.len(), |number, to| {
            let from = if reaching[number] { Some(value) } else { other };
            match from {
                Some(from) => copy(&from[number * row..][..row], to),
                None => to.iter_mut().for_each(|to| _ = to.write(T::default())),
            }
        })
    }
}

/// The rows that reach the step, or the others; 0 elsewhere.
struct Only {
    reaching: Arc<[bool]>,
    others: bool,
}

impl CustomOp1 for Only {
    fn name(&self) -> &'static str {
        "only_rows"
    }

    fn cpu_fwd(&self, value: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let kept: Vec<bool> = self.reaching.iter().map(|reaches| *reaches != self.others).collect();
        by_real!(self.name(), value.dtype(), T => {
            let out = chosen::<T>(&kept, slice(value, layout)?, None);
            Ok((T::to_cpu_storage_owned(out), layout.shape().clone()))
        })
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op1_no_bwd(self).map(Some)
    }
}

struct Within {
    reaching: Arc<[bool]>,
}

impl CustomOp2 for Within {
    fn name(&self) -> &'static str {
        "within_length"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        by_real!(self.name(), a.dtype(), T => {
            let out = chosen::<T>(&self.reaching, slice(a, at_a)?, Some(slice(b, at_b)?));
            Ok((T::to_cpu_storage_owned(out), at_a.shape().clone()))
        })
    }

    fn bwd(
        &self,
        value: &Tensor,
        other: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let of = |input: &Tensor, others: bool| {
            let only = Only { reaching: self.reaching.clone(), others };
            input.track_op().then(|| gradient.apply_op1_no_bwd(&only)).transpose()
        };
        Ok((of(value, false)?, of(other, true)?))
    }
}

#[cfg(test)]
mod tests {
    use super::{mask, within};
    use crate::testing::agree;
    use crate::{Device, Result, Tensor};
    use candle_core::Var;

    /// Records of no, one, two and three steps.
    fn steps() -> Result<Tensor> {
        Tensor::new(&[[0f64], [1.0], [2.0], [3.0]], &Device::Cpu)
    }

    #[test]
    fn a_record_reaches_its_last_step_and_no_further() -> Result<()> {
        let values = Tensor::new(&[f64::NAN, 5.0, 6.0, 7.0], &Device::Cpu)?;
        let masked = |step| mask(&values, &steps()?, step)?.to_vec1::<f64>();
        assert_eq!(masked(1)?, [0.0, 5.0, 6.0, 7.0]);
        assert_eq!(masked(2)?, [0.0, 0.0, 6.0, 7.0]);
        assert_eq!(masked(4)?, [0.0; 4]);
        let pairs = Tensor::new(&[[1f64, 2.0]; 4], &Device::Cpu)?;
        let chosen = within(&pairs, &pairs.neg()?, &steps()?, 3)?.to_vec2::<f64>()?;
        assert_eq!(chosen, [[-1.0, -2.0], [-1.0, -2.0], [-1.0, -2.0], [1.0, 2.0]]);
        Ok(())
    }

    /// Value and gradients are those of a choice by candle; rows beyond the end have no gradient, even if their values are not finite.
    #[test]
    fn rows_beyond_the_end_have_no_gradient() -> Result<()> {
        let reaches = steps()?.ge(2.0)?;
        let choice = |a: &Tensor, b: &Tensor| reaches.broadcast_as(a.shape())?.where_cond(a, b);
        agree(&[&[4, 3], &[4, 3]], |[a, b]| within(a, b, &steps()?, 2), |[a, b]| choice(a, b))?;
        agree(&[&[4]], |[a]| mask(a, &steps()?, 2), |[a]| reaches.flatten_all()?.where_cond(a, &a.zeros_like()?))?;
        let value = Var::from_tensor(&Tensor::new(&[f64::NAN, f64::INFINITY, 6.0, 7.0], &Device::Cpu)?)?;
        let gradient = mask(value.as_tensor(), &steps()?, 2)?.sum_all()?.backward()?;
        assert_eq!(gradient.get(&value).expect("a gradient").to_vec1::<f64>()?, [0.0, 0.0, 1.0, 1.0]);
        Ok(())
    }
}
