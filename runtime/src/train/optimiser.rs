//! Adamax over all parameters, with a state that can be saved.

use crate::{Params, Tensor};
use anyhow::Result;
use candle_core::backprop::GradStore;
use std::collections::BTreeMap;

const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-7;

/// Running means and running maxima of the gradients.
#[derive(Debug)]
pub struct Optimiser {
    params: Params,
    moments: Vec<(Tensor, Tensor)>,
    steps: usize,
}

impl Optimiser {
    /// # Errors
    /// A failed tensor operation.
    pub fn new(params: &Params) -> Result<Self> {
        let zeros = params.entries().into_iter().map(|(_, var)| Ok((var.zeros_like()?, var.zeros_like()?)));
        Ok(Self { params: params.clone(), moments: zeros.collect::<Result<_>>()?, steps: 0 })
    }

    /// One step down the gradients.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn step(&mut self, gradients: &GradStore, rate: f64) -> Result<()> {
        self.steps += 1;
        let rate = rate / (1.0 - BETAS.0.powi(self.steps as i32));
        for ((_, var), (mean, peak)) in self.params.entries().iter().zip(&mut self.moments) {
            let Some(gradient) = gradients.get(var) else { continue };
            *mean = ((&*mean * BETAS.0)? + (gradient * (1.0 - BETAS.0))?)?;
            *peak = (&*peak * BETAS.1)?.maximum(&(gradient.abs()? + EPSILON)?)?;
            var.set(&(var.as_tensor() - ((&*mean / &*peak)? * rate)?)?)?;
        }
        self.params.touch();
        Ok(())
    }

    pub fn state(&self) -> Vec<(String, Tensor)> {
        let entries = self.params.entries();
        let named = entries.iter().zip(&self.moments);
        named
            .flat_map(|((name, _), (mean, peak))| {
                [(format!("{name}.mean"), mean.clone()), (format!("{name}.peak"), peak.clone())]
            })
            .collect()
    }

    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>, steps: usize) -> Result<()> {
        for ((name, _), (mean, peak)) in self.params.entries().iter().zip(&mut self.moments) {
            let find = |part: &str| {
                state
                    .get(&format!("{name}.{part}"))
                    .ok_or_else(|| anyhow::anyhow!("the optimiser's state lacks {name}.{part}"))
            };
            (*mean, *peak) = (find("mean")?.clone(), find("peak")?.clone());
        }
        self.steps = steps;
        Ok(())
    }
}
