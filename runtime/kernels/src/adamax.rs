//! A step of Adamax (Kingma and Ba 2015) on one parameter in one pass, and sums of squares for the gradient's norm.

use super::cpu::slice;
use super::vector::{self, Loop};
use crate::arguments::Adamax;
use crate::{Result, Tensor};
use candle_core::{CpuStorage, DType, InplaceOp1, InplaceOp2, Layout, Storage, Var};
use rayon::prelude::*;
use std::cell::Cell;

/// Values of a parameter per task. Sums are computed over parts of this size for any number of threads.
pub const PART: usize = 1 << 14;

/// m ← β₁ m + (1 − β₁) g; u ← max(β₂ u, |g| + ε); parameter ← parameter − rate · m / u.
///
/// `moments` is `[2, …]`: m, then u, each with the parameter's shape. Moments and parameter are changed in place.
///
/// # Errors
/// Shapes that do not fit.
pub fn adamax(parameter: &Var, gradient: &Tensor, moments: &Tensor, how: Adamax) -> Result<()> {
    if gradient.dims() != parameter.dims() || moments.elem_count() != 2 * parameter.elem_count() {
        candle_core::bail!(
            "a step on a parameter of shape {:?} with a gradient of {:?} and moments of {:?}",
            parameter.dims(),
            gradient.dims(),
            moments.dims()
        );
    }
    if !parameter.device().is_cpu() || parameter.dtype() != DType::F32 || !parameter.is_contiguous() {
        return super::reference::adamax(parameter, gradient, moments, how);
    }
    parameter.inplace_op2(&gradient.contiguous()?, &Step { moments, how })
}

/// Σ of the squares of all values, in f64.
///
/// # Errors
/// A failed tensor operation.
pub fn sum_of_squares(values: &Tensor) -> Result<f64> {
    let values = values.contiguous()?;
    if values.device().is_cpu() && values.dtype() == DType::F32 {
        let (storage, layout) = values.storage_and_layout();
        if let Storage::Cpu(storage) = &*storage {
            let parts: Vec<f64> = slice::<f32>(storage, layout)?.par_chunks(PART).map(squares).collect();
            return Ok(parts.iter().sum());
        }
    }
    values.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar()
}

fn squares(values: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value) * f64::from(*value));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>()
}

struct Step<'a> {
    moments: &'a Tensor,
    how: Adamax,
}

impl InplaceOp2 for Step<'_> {
    fn name(&self) -> &'static str {
        "adamax"
    }

    fn cpu_fwd(&self, values: &mut CpuStorage, layout: &Layout, gradient: &CpuStorage, from: &Layout) -> Result<()> {
        let (values, gradient) = (slice_mut(values, layout)?, slice::<f32>(gradient, from)?);
        self.moments.inplace_op1(&Inner { how: self.how, work: Cell::new(Some((values, gradient))) })
    }
}

/// The step for a given parameter. An in-place operation changes one tensor, so this one is nested in the other.
struct Inner<'a> {
    how: Adamax,
    work: Cell<Option<(&'a mut [f32], &'a [f32])>>,
}

impl InplaceOp1 for Inner<'_> {
    fn name(&self) -> &'static str {
        "adamax"
    }

    fn cpu_fwd(&self, moments: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((values, gradient)) = self.work.take() else { return Ok(()) };
        let (means, peaks) = slice_mut(moments, layout)?.split_at_mut(values.len());
        let how = self.how;
        let parts = values.par_chunks_mut(PART).zip(gradient.par_chunks(PART));
        parts
            .zip(means.par_chunks_mut(PART))
            .zip(peaks.par_chunks_mut(PART))
            .for_each(|(((values, gradient), means), peaks)| vector::run(Part { how, values, gradient, means, peaks }));
        Ok(())
    }
}

/// The values of a contiguous tensor, mutable.
fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => candle_core::bail!("adamax changes contiguous tensors of f32"),
    }
}

struct Part<'a> {
    how: Adamax,
    values: &'a mut [f32],
    gradient: &'a [f32],
    means: &'a mut [f32],
    peaks: &'a mut [f32],
}

impl Loop for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [keep, take, decay] =
            [self.how.betas.0, 1.0 - self.how.betas.0, self.how.betas.1].map(|value| value as f32);
        let (epsilon, rate) = (self.how.epsilon as f32, self.how.rate as f32);
        let moments = self.means.iter_mut().zip(self.peaks);
        for (((value, gradient), mean), peak) in
            self.values.iter_mut().zip(self.gradient).zip(moments).map(|((v, g), (m, p))| (((v, g), m), p))
        {
            *mean = keep * *mean + take * *gradient;
            let (old, new) = (decay * *peak, gradient.abs() + epsilon);
            *peak = if old > new { old } else { new };
            *value -= rate * (*mean / *peak);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;
    use candle_core::Device;

    const HOW: Adamax = Adamax { betas: (0.9, 0.999), epsilon: 1e-7, rate: 2e-3 };

    fn far(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn steps_are_those_of_the_plain_formula() {
        for shape in [vec![1], vec![3, 1, 5], vec![2, 9001]] {
            let start = Tensor::randn(0f32, 1.0, shape.clone(), &Device::Cpu).unwrap();
            let mut both = Vec::new();
            let gradients: Vec<_> = (0..3).map(|_| start.randn_like(0.0, 2.0).unwrap()).collect();
            for step in [adamax, reference::adamax] {
                let parameter = Var::from_tensor(&start).unwrap();
                let moments = Tensor::stack(&[&start, &start], 0).unwrap().zeros_like().unwrap();
                for gradient in &gradients {
                    step(&parameter, gradient, &moments, HOW).unwrap();
                }
                both.push((parameter.as_detached_tensor(), moments));
            }
            assert!(far(&both[0].0, &start) > 0.0);
            // Each step adds a few rounding errors of numbers of order 1.
            assert!(far(&both[0].0, &both[1].0) < 1e-6 && far(&both[0].1, &both[1].1) < 1e-6);
        }
    }

    #[test]
    fn a_step_takes_a_gradient_that_is_not_contiguous() {
        let gradient = Tensor::randn(0f32, 1.0, (4, 3), &Device::Cpu).unwrap();
        let [plain, turned] = [gradient.t().unwrap().contiguous().unwrap(), gradient.t().unwrap()].map(|gradient| {
            let parameter = Var::zeros((3, 4), DType::F32, &Device::Cpu).unwrap();
            let moments = Tensor::zeros((2, 3, 4), DType::F32, &Device::Cpu).unwrap();
            adamax(&parameter, &gradient, &moments, HOW).unwrap();
            parameter.as_detached_tensor()
        });
        assert_eq!(far(&plain, &turned), 0.0);
    }

    #[test]
    fn sums_of_squares_do_not_depend_on_the_number_of_threads() {
        let values = Tensor::randn(0f32, 1.0, 100_003, &Device::Cpu).unwrap();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sum_of_squares(&values)).unwrap()
        };
        let plain: f64 = values.to_vec1::<f32>().unwrap().iter().map(|value| f64::from(*value).powi(2)).sum();
        // Rounding of 100,003 squares added up in f64 in another order: at worst 1e5 times 1e-16, in practice its root.
        assert!((with(1) / plain - 1.0).abs() < 1e-12);
        assert_eq!(with(1).to_bits(), with(2).to_bits());
        assert_eq!(with(1).to_bits(), with(3).to_bits());
    }
}
