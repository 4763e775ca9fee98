//! A running average of the parameters, which is evaluated in their place.

use super::restore;
use crate::{Params, Tensor};
use anyhow::Result;
use std::collections::BTreeMap;

/// shadow ← decay · shadow + (1 − decay) · parameter, after every step.
#[derive(Debug)]
pub struct Average {
    decay: f64,
    shadow: BTreeMap<String, Tensor>,
}

impl Average {
    /// Starts at the current parameters.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn new(params: &Params, decay: f64) -> Result<Self> {
        Ok(Self { decay, shadow: values(params)? })
    }

    /// # Errors
    /// A failed tensor operation.
    pub fn update(&mut self, params: &Params) -> Result<()> {
        for (name, var) in params.entries() {
            if let Some(shadow) = self.shadow.get_mut(&name) {
                *shadow = ((&*shadow * self.decay)? + (var.as_tensor().detach() * (1.0 - self.decay))?)?;
            }
        }
        Ok(())
    }

    pub fn state(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        self.shadow.iter().map(|(name, tensor)| (name.clone(), tensor.clone()))
    }

    /// Continues from a saved state. If there is none (the option is new), it starts at the current parameters.
    pub fn resume(&mut self, state: BTreeMap<String, Tensor>) {
        self.shadow.extend(state);
    }

    /// Runs `work` with the average in place of the parameters.
    ///
    /// # Errors
    /// Those of `work`, or a failed tensor operation.
    pub fn in_place<T>(&self, params: &Params, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let kept = values(params)?;
        restore(params, &self.shadow, "the running average")?;
        let result = work();
        restore(params, &kept, "the parameters")?;
        result
    }
}

fn values(params: &Params) -> Result<BTreeMap<String, Tensor>> {
    params.entries().into_iter().map(|(name, var)| Ok((name, var.as_tensor().copy()?.detach()))).collect()
}
