//! Sums of gradients in place.

use crate::cpu::{Float, PART, slice, unsupported};
use crate::{DType, Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, InplaceOp2, Layout};
use rayon::prelude::*;

/// Adds `values` to `sum` in place, if both are contiguous and on the CPU. Returns whether it did.
///
/// # Errors
/// Types that differ.
pub(super) fn add_to(sum: &Tensor, values: &Tensor) -> Result<bool> {
    let host = sum.device().is_cpu() && values.device().is_cpu() && sum.dims() == values.dims();
    if !host || !sum.is_contiguous() || !values.is_contiguous() || !matches!(sum.dtype(), DType::F32 | DType::F64) {
        return Ok(false);
    }
    sum.inplace_op2(values, &AddTo)?;
    Ok(true)
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
    use crate::testing::{made, same};
    use candle_core::Var;

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
