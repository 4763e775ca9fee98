//! Estimates the memory of a model: what the runtime's kernels allocate and keep.

mod segments;

use super::Interpreted;
use srvae_dsl::catalog::Work;
use srvae_dsl::graph::{Body, Factor, Model};
use srvae_dsl::plan::Plan;
use srvae_numerics::ops::memory::{EVALUATION_COPIES, Held, SAVING_COPIES, TRAINING_COPIES};

/// Bytes of a number.
const BYTES: u64 = 4;
/// Elements that training keeps for each element of a head: its parts, its gradient and the scaled gradient.
const OF_A_HEAD: u64 = 3;
/// Elements that training keeps for each element of a variable: noise, scaled noise, value, and a term of its density.
const OF_A_VALUE: u64 = 4;
/// Elements that training keeps for each entry of a table of a sum over latents: the factor, the two tables that it joins, their sum,
/// its difference from the peak and the exponential of this.
const OF_AN_ENTRY: u64 = 6;
/// What training keeps is a quarter more than this, because some gradients are freed later than they could be.
const QUARTERS: u64 = 5;
/// The maximum memory of the rows that evaluation computes at once, in bytes.
const AT_ONCE: u64 = 256 << 20;
/// The memory of the program itself, its threads and tables, in bytes.
const PROGRAM: u64 = 20_000_000;

/// Memory in bytes, for f32 on the CPU.
///
/// A training step needs the program, six copies of the parameters, the composed kernels of dense layers, and the transformed
/// kernels of the largest layer. Per image it needs the output of every layer, every head three times, every variable four times, and
/// the peak temporary memory of any layer's backward pass; with `checkpoint`, only that of the largest segment and of what
/// segments pass on. Writing a checkpoint needs the program and twenty copies of the
/// parameters. Evaluation needs the program, two copies of the parameters and the same kernels; per sample, the variables, the heads,
/// and the input and output of the widest layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub training_fixed: u64,
    /// Per image of a batch, with one sample.
    pub training_image: u64,
    /// While a checkpoint is written, between two steps.
    pub saving: u64,
    pub evaluation_fixed: u64,
    /// Per image of a batch, times the number of samples.
    pub evaluation_image: u64,
}

impl Interpreted {
    /// The memory for training and evaluating the model.
    pub fn memory(&self) -> Memory {
        Memory::of(&self.core.plan)
    }
}

impl Memory {
    /// The memory of the model of a plan, compiled or interpreted: both use the same kernels.
    pub fn of(plan: &Plan) -> Self {
        let model = &plan.model;
        let cost = model.cost();
        let values = total(model.variables.iter().map(|variable| size(&variable.shape)));
        let of_sum = |factor: &Factor| u64::try_from(model.sum.combinations(factor)).unwrap_or(u64::MAX);
        let heads = model.p.iter().chain(&model.q).map(|factor| head(model, factor).saturating_mul(of_sum(factor)));
        let heads = total(heads);
        let entries = u64::try_from(model.sum.entries()).unwrap_or(u64::MAX);
        let held: Vec<(Held, u64)> = cost.work.iter().map(|(work, count)| (held(work), *count)).collect();
        let all = |of: fn(&Held) -> u64| total(held.iter().map(|(held, count)| of(held).saturating_mul(*count)));
        let most = |of: fn(&Held) -> u64| held.iter().map(|(held, _)| of(held)).max().unwrap_or(0);
        let kernels = all(|held| held.composed).saturating_add(most(|held| held.transformed));
        let (kept, passing, widest) = (all(|held| held.kept), most(|held| held.passing), most(|held| held.ends));
        let copies = |copies: u64, others: u64| {
            cost.parameters.saturating_mul(copies).saturating_add(others).saturating_mul(BYTES).saturating_add(PROGRAM)
        };
        let image = |elements: &[u64]| total(elements.iter().copied()).saturating_mul(BYTES);
        let entries = entries.saturating_mul(OF_AN_ENTRY);
        let all = [kept, heads.saturating_mul(OF_A_HEAD), values.saturating_mul(OF_A_VALUE), entries];
        let all = total(all.into_iter());
        let trained = [passing, segments::elements(plan).map_or(all, |elements| elements.min(all))];
        Self {
            training_fixed: copies(TRAINING_COPIES, kernels),
            training_image: image(&trained) / 4 * QUARTERS,
            saving: copies(SAVING_COPIES, 0),
            evaluation_fixed: copies(EVALUATION_COPIES, kernels),
            evaluation_image: image(&[widest, heads, values]),
        }
    }

    /// Training with this many images and one sample each: the larger of a step and a checkpoint.
    pub fn training(&self, batch: u64) -> u64 {
        self.training_fixed.saturating_add(self.training_image.saturating_mul(batch)).max(self.saving)
    }

    /// Evaluation of this many rows (samples of images) at once.
    pub fn evaluation(&self, rows: u64) -> u64 {
        self.evaluation_fixed.saturating_add(self.evaluation_image.saturating_mul(rows))
    }

    /// The number of rows for which evaluation needs at most 256 MB beside its constant memory. More rows would not be
    /// faster, because each is a large amount of work.
    pub fn rows_at_once(&self) -> u64 {
        AT_ONCE.checked_div(self.evaluation_image).unwrap_or(u64::MAX).max(1)
    }

    /// The largest batch for training in this much memory. 0 if not even one image fits.
    pub fn largest_batch(&self, memory: u64) -> u64 {
        if memory < self.saving {
            return 0;
        }
        memory.saturating_sub(self.training_fixed).checked_div(self.training_image).unwrap_or(u64::MAX)
    }
}

/// The memory that the kernels keep for an operation.
fn held(work: &Work) -> Held {
    match *work {
        Work::Values(elements) => Held::by_values(elements),
        Work::Convolution { channels, kernel, positions } => Held::by_convolution(channels, kernel, positions),
        Work::Dense { channels, growth, steps, positions } => Held::by_dense_layer(channels, growth, steps, positions),
    }
}

/// Elements of a factor's head; none at a root.
fn head(model: &Model, factor: &Factor) -> u64 {
    let Body::Stochastic { base, .. } = &factor.body else { return 0 };
    // A factor that passed the checks has a head.
    let head = base.entry.head(&base.values(), &model.variable(factor.variable).shape).ok().flatten();
    head.map_or(0, |head| size(&head))
}

fn total(elements: impl Iterator<Item = u64>) -> u64 {
    elements.fold(0, u64::saturating_add)
}

fn size(shape: &[usize]) -> u64 {
    shape.iter().fold(1, |total: u64, &size| total.saturating_mul(size as u64))
}
