//! The sum of two tensors.

use crate::cpu::{Float, filled, slice};
use crate::cuda::Backend;
use crate::vector::by_real;
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape, WithDType};

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
        by_real!(self.name(), a.dtype(), T => {
            let out = sum::<T>(slice(a, at_a)?, slice(b, at_b)?);
            Ok((T::to_cpu_storage_owned(out), at_a.shape().clone()))
        })
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let of = |input: &Tensor| input.track_op().then(|| gradient.clone());
        Ok((of(a), of(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;
    use crate::testing::{agree, made, same};

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
}
