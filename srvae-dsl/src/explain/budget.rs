//! What a model needs before anything runs: parameters, arithmetic and memory.

use crate::catalog::Cost;
use crate::plan::Plan;

/// Bytes of a number.
const BYTES: u64 = 4;
/// Copies of every parameter that training holds: the weight, its gradient, and two moments of Adamax.
const TRAINING_COPIES: u64 = 4;

/// Memory is estimated, in bytes, at single precision: every layer's output once for the gradient; in evaluation the
/// largest input and output of a stage together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub parameters: u64,
    /// Of one image's forward pass through every factor.
    pub multiply_accumulates: u64,
    pub training_fixed: u64,
    /// For each image of a batch, at one sample.
    pub training_image: u64,
    pub evaluation_fixed: u64,
    pub evaluation_image: u64,
}

impl Budget {
    pub fn of(plan: &Plan) -> Self {
        let cost = plan.model.cost();
        Self {
            parameters: cost.parameters,
            multiply_accumulates: cost.multiply_accumulates,
            training_fixed: cost.parameters.saturating_mul(TRAINING_COPIES * BYTES),
            training_image: kept(plan, &cost).saturating_mul(BYTES),
            evaluation_fixed: cost.parameters.saturating_mul(BYTES),
            evaluation_image: cost.widest.saturating_mul(BYTES),
        }
    }

    /// The largest batch that training fits into this much memory; 0 where not even one image does.
    pub fn largest_batch(&self, memory: u64) -> u64 {
        memory.saturating_sub(self.training_fixed).checked_div(self.training_image).unwrap_or(u64::MAX)
    }
}

/// Elements kept for the gradient, an image.
fn kept(plan: &Plan, cost: &Cost) -> u64 {
    let values: u64 = plan.model.variables.iter().map(|variable| size(&variable.shape)).sum();
    cost.kept.saturating_add(values)
}

fn size(shape: &[usize]) -> u64 {
    shape.iter().fold(1, |total: u64, &size| total.saturating_mul(size as u64))
}
