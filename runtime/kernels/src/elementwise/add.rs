//! The sum of two tensors, and sums of gradients in place.

use crate::cpu::{Float, PART, filled, slice, unsupported};
use crate::cuda::Backend;
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, InplaceOp2, Layout, Shape};
use rayon::prelude::*;

/// a + b, of equal shapes.
///
/// # Errors
/// Shapes that differ.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match Backend::of(a) {
        Backend::Host if a.dims() == b.dims() => crate::tape::op2(&a.contiguous()?, &b.contiguous()?, Add),
        Backend::Cuda | Backend::Host | Backend::Candle => a + b,
    }
}

/// Adds `values` to `sum` in place, if both are contiguous and on the CPU. Returns whether it did.
///
/// # Errors
/// Types that differ.
pub fn add_to(sum: &Tensor, values: &Tensor) -> Result<bool> {
    let host = sum.device().is_cpu() && values.device().is_cpu() && sum.dims() == values.dims();
    if !host || !sum.is_contiguous() || !values.is_contiguous() || !matches!(sum.dtype(), DType::F32 | DType::F64) {
        return Ok(false);
    }
    sum.inplace_op2(values, &AddTo)?;
    Ok(true)
}

struct Add;

impl CustomOp2 for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        fn sum<T: Float>(a: &[T], b: &[T]) -> Vec<T> {
            // SAFETY: all values of a part are written.
            unsafe {
                filled(a.len(), |at, to| {
                    let terms = a[at..].iter().zip(&b[at..]);
                    to.iter_mut().zip(terms).for_each(|(to, (a, b))| _ = to.write(*a + *b));
                })
            }
        }
        let out = match a.dtype() {
            DType::F32 => CpuStorage::F32(sum(slice::<f32>(a, at_a)?, slice(b, at_b)?)),
            DType::F64 => CpuStorage::F64(sum(slice::<f64>(a, at_a)?, slice(b, at_b)?)),
            other => return unsupported(self.name(), other),
        };
        Ok((out, at_a.shape().clone()))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let of = |input: &Tensor| input.track_op().then(|| gradient.clone());
        Ok((of(a), of(b)))
    }
}

struct AddTo;

impl InplaceOp2 for AddTo {
    fn name(&self) -> &'static str {
        "add_to"
    }

    fn cpu_fwd(&self, sum: &mut CpuStorage, at: &Layout, values: &CpuStorage, at_values: &Layout) -> Result<()> {
        fn add<T: Float>(sum: &mut [T], values: &[T]) {
            let parts = sum.par_chunks_mut(PART).zip(values.par_chunks(PART)).with_min_len(4);
            parts.for_each(|(sum, values)| sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value));
        }
        let Some((start, end)) = at.contiguous_offsets() else {
            candle_core::bail!("{}: a sum that is not contiguous", self.name());
        };
        match sum {
            CpuStorage::F32(sum) => add(&mut sum[start..end], slice(values, at_values)?),
            CpuStorage::F64(sum) => add(&mut sum[start..end], slice(values, at_values)?),
            other => return unsupported(self.name(), other.dtype()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;
    use crate::testing::{agree, made, same};
    use candle_core::Var;

    #[test]
    fn sums_are_those_of_candle() -> Result<()> {
        agree(&[&[2, 3, 2], &[2, 3, 2]], |[a, b]| add(a, b), |[a, b]| a + b)?;
        assert!(add(made(&[2, 3], 0.1)?.as_tensor(), made(&[3, 2], 0.1)?.as_tensor()).is_err());
        Ok(())
    }

    /// Terms that are used several times share no memory with the gradients of others.
    #[test]
    fn gradients_of_shared_terms_stay_apart() -> Result<()> {
        let [a, b] = [made(&[5], 0.1)?, made(&[5], 0.7)?];
        let loss = || -> Result<Tensor> {
            let (a, b) = (crate::softplus(a.as_tensor())?, crate::elu(b.as_tensor())?);
            let sum = add(&a, &b)?;
            let twice = add(&sum, &a)?;
            add(&add(&twice, &sum)?, &crate::elu(&twice)?)?.sum_all()
        };
        let tape = Tape::begin();
        let ours = tape.backward(&loss()?)?;
        let theirs = loss()?.backward()?;
        for var in [&a, &b] {
            same(ours.get(var).expect("a gradient"), theirs.get(var).expect("a gradient"), 1e-14)?;
        }
        Ok(())
    }

    /// Only contiguous values of one shape are added in place.
    #[test]
    fn views_are_not_added_in_place() -> Result<()> {
        let sum = Var::from_tensor(&Tensor::zeros((2, 3), DType::F64, &crate::Device::Cpu)?)?.as_tensor().detach();
        assert!(add_to(&sum, made(&[2, 3], 0.1)?.as_tensor())?);
        assert!(!add_to(&sum, &made(&[3, 2], 0.1)?.as_tensor().t()?)?);
        assert!(!add_to(&sum, made(&[3, 2], 0.1)?.as_tensor())?);
        same(&sum, made(&[2, 3], 0.1)?.as_tensor(), 1e-15)
    }
}
