//! What training in segments keeps: everything of the largest segment, and what segments pass on.

use super::{OF_A_HEAD, OF_A_VALUE, held, size, total};
use srvae_dsl::plan::{Operation, PartKind, Plan, Program, Value, ValueId};

/// What is passed on is kept, and copied as the input of a segment.
const COPIES: u64 = 2;

/// Elements per image. None without `checkpoint`.
pub fn elements(plan: &Plan) -> Option<u64> {
    let (program, parts) = (&plan.bound, &plan.segments.all);
    let sizes = sizes(plan, program);
    let of = |ids: &[ValueId]| total(ids.iter().map(|id| kept(plan, program.value(*id), &sizes)));
    let largest = parts.iter().map(|segment| of(&segment.values)).max()?;
    let passed = total(parts.iter().flat_map(|segment| &segment.makes).map(|id| sizes[id.0]));
    Some(largest.saturating_add(passed.saturating_mul(COPIES)))
}

/// Elements that training keeps for a value, by the rules for whole models.
fn kept(plan: &Plan, value: &Value, sizes: &[u64]) -> u64 {
    let of_inputs = || total(value.inputs.iter().map(|input| sizes[input.0]));
    match &value.operation {
        Operation::Layer(part) => {
            let part = plan.parts.part(*part);
            let PartKind::Layer { block, .. } = &part.kind else { return of_inputs() };
            let inputs: Vec<&[usize]> = part.inputs.iter().map(Vec::as_slice).collect();
            let cost = (block.entry.cost)(&block.values(), &inputs);
            total(cost.work.iter().map(|(work, count)| held(work).kept.saturating_mul(*count)))
        }
        Operation::Function(_) => of_inputs(),
        Operation::Head { .. } => of_inputs().saturating_mul(OF_A_HEAD),
        Operation::Draw(id, _) | Operation::Scored(id) | Operation::Dequantise(id) => {
            size(&plan.model.variable(*id).shape).saturating_mul(OF_A_VALUE)
        }
        _ => 0,
    }
}

/// The elements of every value. A function's output is taken to be as large as its inputs together.
fn sizes(plan: &Plan, program: &Program) -> Vec<u64> {
    let mut sizes: Vec<u64> = Vec::with_capacity(program.values.len());
    for value in &program.values {
        let of_inputs = || value.inputs.iter().map(|input| sizes[input.0]);
        let own = match &value.operation {
            Operation::Given(id)
            | Operation::Partly(id)
            | Operation::Draw(id, _)
            | Operation::Scored(id)
            | Operation::Dequantise(id)
            | Operation::Absent(id) => size(&plan.model.variable(*id).shape),
            Operation::Layer(part) => {
                let part = plan.parts.part(*part);
                let inputs: Vec<&[usize]> = part.inputs.iter().map(Vec::as_slice).collect();
                match &part.kind {
                    // The shapes passed the checks.
                    PartKind::Layer { block, .. } => {
                        (block.entry.shape)(&block.values(), &inputs).map_or(0, |shape| size(&shape))
                    }
                    PartKind::Rust(_) | PartKind::Root(_) | PartKind::Flow(_) => total(of_inputs()),
                }
            }
            Operation::Function(_) | Operation::Strata { .. } => total(of_inputs()),
            // One number per row.
            Operation::LogProb
            | Operation::LogProbOf
            | Operation::Divergence
            | Operation::LogRatio
            | Operation::Mask(_)
            | Operation::PerSample
            | Operation::Presence => 1,
            _ => of_inputs().max().unwrap_or(1),
        };
        sizes.push(own);
    }
    sizes
}
