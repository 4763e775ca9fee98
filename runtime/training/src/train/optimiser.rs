//! Adamax over all parameters, with a state that can be saved.

use crate::ops::cuda::{
    self,
    optimiser::{Entry, Step},
};
use crate::ops::{self, Adamax};
use crate::{Params, Tensor};
use anyhow::{Context, Result};
use candle_core::Var;
use candle_core::backprop::GradStore;
use rayon::prelude::*;
use std::collections::BTreeMap;

const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-7;

/// Running means and running maxima of the gradients.
#[derive(Debug)]
pub struct Optimiser {
    params: Params,
    /// For each parameter `[2, …]`: the mean, then the maximum.
    moments: Vec<Tensor>,
    steps: usize,
}

impl Optimiser {
    /// # Errors
    /// A failed tensor operation.
    pub fn new(params: &Params) -> Result<Self> {
        let zeros = params.entries().into_iter().map(|(_, var)| {
            let shape: Vec<usize> = std::iter::once(2).chain(var.dims().iter().copied()).collect();
            Ok(Tensor::zeros(shape, var.dtype(), var.device())?)
        });
        Ok(Self { params: params.clone(), moments: zeros.collect::<Result<_>>()?, steps: 0 })
    }

    /// One step down the gradients.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn step(&mut self, gradients: &GradStore, rate: f64) -> Result<()> {
        let how = Adamax { betas: BETAS, epsilon: EPSILON, rate: self.next_rate(rate) };
        let entries = self.params.entries();
        let step = |((_, var), moments): (&(String, Var), &Tensor)| match gradients.get(var) {
            Some(gradient) => ops::adamax(var, gradient, moments, how),
            None => Ok(()),
        };
        if entries.first().is_some_and(|(_, var)| cuda::takes(var)) {
            self.step_on_gpu(gradients, &Tensor::from_slice(&[how.rate as f32], 1, self.params.device())?)?;
        } else if self.params.device().is_cpu() {
            entries.par_iter().zip(&self.moments).try_for_each(step)?;
        } else {
            entries.iter().zip(&self.moments).try_for_each(step)?;
        }
        self.params.touch();
        Ok(())
    }

    /// Increments the step counter, and returns the rate corrected for the bias of the mean.
    pub fn next_rate(&mut self, rate: f64) -> f64 {
        self.steps += 1;
        rate / (1.0 - BETAS.0.powi(self.steps as i32))
    }

    /// A step in a few launches, without incrementing the counter. Parameters and moments are changed in place, with
    /// the value of `rate` on the device at the time of the launch.
    pub(crate) fn step_on_gpu(&self, gradients: &GradStore, rate: &Tensor) -> Result<()> {
        let entries = self.params.entries();
        let mut parts = Vec::with_capacity(entries.len());
        for ((_, var), moments) in entries.iter().zip(&self.moments) {
            if let Some(gradient) = gradients.get(var) {
                parts.push((var, gradient.contiguous()?, moments.get(0)?, moments.get(1)?));
            }
        }
        let all: Vec<Entry<'_>> =
            parts.iter().map(|(parameter, gradient, mean, peak)| Entry { parameter, gradient, mean, peak }).collect();
        Ok(cuda::optimiser::adamax(&all, rate, &Step { factor: 1.0, betas: BETAS, epsilon: EPSILON })?)
    }

    /// Copies of the running means and maxima, `NAME.mean` and `NAME.peak`.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let mut state = Vec::with_capacity(2 * self.moments.len());
        for ((name, _), moments) in self.params.entries().iter().zip(&self.moments) {
            for (row, part) in PARTS.into_iter().enumerate() {
                state.push((format!("{name}.{part}"), moments.get(row)?.force_contiguous()?));
            }
        }
        Ok(state)
    }

    /// # Errors
    /// A state without a parameter.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>, steps: usize) -> Result<()> {
        for ((name, _), moments) in self.params.entries().iter().zip(&mut self.moments) {
            let find = |part: &str| {
                let key = format!("{name}.{part}");
                state.get(&key).with_context(|| format!("the optimiser's state lacks {key}"))
            };
            *moments = Tensor::stack(&[find(PARTS[0])?, find(PARTS[1])?], 0)?;
        }
        self.steps = steps;
        Ok(())
    }
}

/// The names of the moments in a checkpoint.
pub(super) const PARTS: [&str; 2] = ["mean", "peak"];

#[cfg(test)]
mod tests {
    use super::Optimiser;
    use crate::{DType, Device, Params, Tensor};

    /// With a constant gradient g the mean is (1 − β₁ᵗ) g and the maximum close to |g|, so with the correction each step
    /// is the rate in the direction of the gradient.
    #[test]
    fn the_mean_is_corrected_for_its_bias() {
        let params = Params::new(1, DType::F32, &Device::Cpu);
        let var = params.constant("v", &[2], 0.0).unwrap();
        let slope = Tensor::new(&[1f32, -2.0], &Device::Cpu).unwrap();
        let mut optimiser = Optimiser::new(&params).unwrap();
        for step in 1..=3 {
            let loss = (var.as_tensor() * &slope).unwrap().sum_all().unwrap();
            optimiser.step(&loss.backward().unwrap(), 0.1).unwrap();
            let wanted = 0.1 * step as f32;
            let found: Vec<f32> = var.to_vec1().unwrap();
            // The maximum decays by a thousandth a step and grows by 1e-7; rounding of f32.
            assert!((found[0] + wanted).abs() < 1e-6 && (found[1] - wanted).abs() < 1e-6, "step {step}: {found:?}");
        }
    }
}
