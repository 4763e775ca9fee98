//! Some columns of a matrix, as a matrix of their own.

use crate::cpu::{Float, slice, unsupported};
use crate::vector::by_real;
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, InplaceOp2, Layout, Shape, WithDType};

/// `count` columns of `[N, C]` from `first`. Unlike candle's `narrow`, its backward pass adds to an existing gradient in place.
///
/// # Errors
/// Columns that the matrix does not have.
pub fn columns(x: &Tensor, first: usize, count: usize) -> Result<Tensor> {
    let part = x.narrow(1, first, count)?;
    if !x.device().is_cpu() || !x.is_contiguous() {
        return part.contiguous();
    }
    crate::tape::op1(x, Columns { first, count })
}

#[derive(Clone, Copy)]
struct Columns {
    first: usize,
    count: usize,
}

impl Columns {
    /// The columns of every row.
    fn of<T>(self, values: &[T], width: usize) -> impl Iterator<Item = &[T]> {
        values.chunks_exact(width).map(move |row| &row[self.first..][..self.count])
    }
}

impl CustomOp1 for Columns {
    fn name(&self) -> &'static str {
        "columns"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (records, width) = layout.shape().dims2()?;
        by_real!(CustomOp1::name(self), x.dtype(), T => {
            let rows: Vec<&[T]> = self.of(slice::<T>(x, layout)?, width).collect();
            Ok((T::to_cpu_storage_owned(rows.concat()), (records, self.count).into()))
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let sum = crate::tape::before(0).map_or_else(|| x.zeros_like(), Ok)?;
        sum.inplace_op2(&gradient.contiguous()?, self)?;
        Ok(Some(sum))
    }
}

/// Adds to the columns.
impl InplaceOp2 for Columns {
    fn name(&self) -> &'static str {
        "columns_gradient"
    }

    fn cpu_fwd(&self, sum: &mut CpuStorage, at: &Layout, gradient: &CpuStorage, layout: &Layout) -> Result<()> {
        let (_, width) = at.shape().dims2()?;
        let Some((start, end)) = at.contiguous_offsets() else {
            candle_core::bail!("an existing gradient that is not contiguous");
        };
        match sum {
            CpuStorage::F32(sum) => self.add(&mut sum[start..end], slice(gradient, layout)?, width),
            CpuStorage::F64(sum) => self.add(&mut sum[start..end], slice(gradient, layout)?, width),
            other => return unsupported(InplaceOp2::name(self), other.dtype()),
        }
        Ok(())
    }
}

impl Columns {
    fn add<T: Float>(self, sum: &mut [T], gradient: &[T], width: usize) {
        for (row, gradient) in sum.chunks_exact_mut(width).zip(gradient.chunks_exact(self.count)) {
            row[self.first..][..self.count].iter_mut().zip(gradient).for_each(|(sum, value)| *sum += *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::columns;
    use crate::tape::Tape;
    use crate::testing::made;
    use crate::{Result, Tensor};

    /// On a tape as without one, where another gradient of the matrix exists already, and where none does.
    #[test]
    fn columns_and_their_gradients_are_those_of_candle() -> Result<()> {
        let x = made(&[3, 5], 0.2)?;
        let loss = |part: &dyn Fn(&Tensor, usize, usize) -> Result<Tensor>| -> Result<Tensor> {
            let (first, second) = (part(&x, 0, 2)?, part(&x, 1, 3)?);
            (first.sqr()?.sum_all()? + second.exp()?.sum_all()?)? + x.sum_all()?
        };
        let narrow = |x: &Tensor, first: usize, count: usize| x.narrow(1, first, count);
        let expected = loss(&narrow)?.backward()?;
        let tape = Tape::begin();
        let on_tape = tape.backward(&loss(&columns)?)?;
        for store in [loss(&columns)?.backward()?, on_tape] {
            // Sums of three numbers of order one, in another order.
            let apart = (store.get(&x).unwrap() - expected.get(&x).unwrap())?.abs()?.max_all()?.to_scalar::<f64>()?;
            assert!(apart < 1e-14, "{apart:e}");
        }
        assert!(columns(&x, 3, 3).is_err());
        Ok(())
    }
}
