//! The bound in segments, for `checkpoint`: training keeps only the values that later segments read, and recomputes the
//! others in the backward pass.
//!
//! In the program, terms come after all draws. Here each value is computed right after the last draw on which it depends,
//! and a value that depends on no draw right before it is first read, so that few values are read by later segments. The order
//! of the draws is unchanged, so each has the same noise as without segments. Distributions and values that are the same for
//! all rows are recomputed in every segment that reads them: only tensors are passed from one segment to another.

use super::program::{Operation, Program, Rate, ValueId};
use std::collections::BTreeSet;

/// A part of a program that is computed as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The values of the segment, in the order of their computation.
    pub values: Vec<ValueId>,
    /// The values of earlier segments that this segment reads.
    pub reads: Vec<ValueId>,
    /// The values of this segment that later segments read or the program returns.
    pub makes: Vec<ValueId>,
    /// The values that no segment after this one reads and the program does not return.
    pub frees: Vec<ValueId>,
}

/// Divides a program into at most `count` segments with about the same number of values.
pub fn segments(program: &Program, count: usize) -> Vec<Segment> {
    let outputs: BTreeSet<ValueId> = program.outputs().into_iter().collect();
    let is_local: Vec<bool> = program.ids().map(|(id, _)| is_local(program, id) && !outputs.contains(&id)).collect();
    let order: Vec<ValueId> = by_turn(program).into_iter().filter(|id| !is_local[id.0]).collect();
    let size = order.len().div_ceil(count.max(1)).max(1);
    let mut segment_of = vec![usize::MAX; program.values.len()];
    order.iter().enumerate().for_each(|(at, id)| segment_of[id.0] = at / size);
    let each = order.chunks(size).enumerate().map(|(at, own)| {
        let (mut values, mut seen, mut reads) = (Vec::with_capacity(own.len()), BTreeSet::new(), BTreeSet::new());
        for id in own {
            local_inputs(program, *id, &is_local, &mut seen, &mut values);
            values.push(*id);
        }
        for value in values.iter().map(|id| program.value(*id)) {
            reads.extend(value.inputs.iter().filter(|input| !is_local[input.0] && segment_of[input.0] != at));
        }
        Segment { values, reads: reads.into_iter().collect(), makes: Vec::new(), frees: Vec::new() }
    });
    let mut all: Vec<Segment> = each.collect();
    passed(&mut all, &segment_of, outputs);
    all
}

/// Sets what each segment makes for later ones, and what is freed after it.
fn passed(all: &mut [Segment], segment_of: &[usize], outputs: BTreeSet<ValueId>) {
    let mut is_freed = outputs.clone();
    let mut made = outputs;
    for segment in all.iter_mut().rev() {
        made.extend(&segment.reads);
        segment.frees = segment.reads.iter().copied().filter(|id| is_freed.insert(*id)).collect();
    }
    made.into_iter().for_each(|id| all[segment_of[id.0]].makes.push(id));
}

/// Whether a value is recomputed in every segment that reads it: inputs, distributions, and values that are the same for
/// all rows.
fn is_local(program: &Program, id: ValueId) -> bool {
    let value = program.value(id);
    let is_given = value.operation.is_given() || value.operation == Operation::Presence;
    is_given || program.is_distribution(id) || (value.rate == Rate::Constant && !value.operation.is_draw())
}

/// All values, sorted by the draw after which they are computed. The sort is stable.
fn by_turn(program: &Program) -> Vec<ValueId> {
    let (mut turns, mut draws) = (vec![0usize; program.values.len()], 0);
    for (id, value) in program.ids() {
        if value.operation.is_draw() {
            draws += 1;
        }
        let inputs = value.inputs.iter().map(|input| turns[input.0]).max().unwrap_or(0);
        turns[id.0] = if value.operation.is_draw() { draws } else { inputs };
    }
    // A value that depends on no draw moves to its first reader.
    let mut first = vec![usize::MAX; program.values.len()];
    for (id, value) in program.ids().rev() {
        if turns[id.0] == 0 && first[id.0] != usize::MAX {
            turns[id.0] = first[id.0];
        }
        value.inputs.iter().for_each(|input| first[input.0] = first[input.0].min(turns[id.0]));
    }
    let mut order: Vec<ValueId> = program.ids().map(|(id, _)| id).collect();
    order.sort_by_key(|id| turns[id.0]);
    order
}

/// Adds the local values from which a value is computed, inputs first.
fn local_inputs(
    program: &Program,
    of: ValueId,
    is_local: &[bool],
    seen: &mut BTreeSet<ValueId>,
    all: &mut Vec<ValueId>,
) {
    let mut open: Vec<(ValueId, bool)> = program.value(of).inputs.iter().map(|input| (*input, false)).collect();
    while let Some((id, has_inputs)) = open.pop() {
        if has_inputs {
            all.push(id);
        } else if is_local[id.0] && seen.insert(id) {
            open.push((id, true));
            open.extend(program.value(id).inputs.iter().map(|input| (*input, false)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Segment, segments};
    use crate::plan::{Operation, Plan, ValueId};
    use crate::{Overrides, Source, compile};
    use std::collections::BTreeSet;

    const MODEL: &str = "model m\nlength T = 12\nindex t in 1..T\nobserved x[t]: binary[3]\nlatent z[t]: real[2]\n\
        let b[T + 1] = learned real[4]\nlet b[t] = gru(b[t + 1], x[t])\n\
        p(z[1]) = standard_normal\np(z[t] | z[t - 1]) = normal from z[t - 1] |> linear\np(x[t] | z[t]) = bernoulli from z[t] |> linear\n\
        q(z[1] | x[1..T]) = normal from b[1] |> linear\n\
        q(z[t] | z[t - 1], x[>=t]) = normal from concat(z[t - 1], b[t]) |> linear\n";

    fn plan() -> Plan {
        let compilation = compile(&Source::new("m.pgm", MODEL), &Overrides::default());
        compilation.plan().unwrap().clone()
    }

    /// Every value is computed after its inputs, each value is passed on once, freed values are not read again, and the
    /// order of the draws is unchanged.
    #[test]
    fn segments_are_the_program() {
        let plan = plan();
        let program = &plan.bound;
        for count in [1, 2, 3, 5, 1000] {
            let all = segments(program, count);
            let mut kept: BTreeSet<ValueId> = BTreeSet::new();
            for segment in &all {
                assert!(segment.reads.iter().all(|id| kept.contains(id)));
                let mut there: BTreeSet<ValueId> = segment.reads.iter().copied().collect();
                for id in &segment.values {
                    assert!(program.value(*id).inputs.iter().all(|input| there.contains(input)), "{count}: {id:?}");
                    there.insert(*id);
                }
                assert!(segment.makes.iter().all(|id| there.contains(id) && kept.insert(*id)));
                assert!(segment.frees.iter().all(|id| kept.remove(id)));
            }
            assert_eq!(kept, program.outputs().into_iter().collect());
            let is_draw = |id: &&ValueId| matches!(program.value(**id).operation, Operation::Draw(..));
            let draws: Vec<ValueId> = all.iter().flat_map(|it| it.values.iter().filter(is_draw).copied()).collect();
            let wanted: Vec<ValueId> = program.ids().map(|(id, _)| id).filter(|id| is_draw(&id)).collect();
            assert_eq!(draws, wanted);
            assert!(all.len() <= count && (count > 5 || all.len() == count), "{count}: {}", all.len());
        }
    }

    /// Of a chain of draws few values are passed from one segment to the next.
    #[test]
    fn few_values_are_kept() {
        let plan = plan();
        let all = segments(&plan.bound, 4);
        let outputs: BTreeSet<ValueId> = plan.bound.outputs().into_iter().collect();
        let kept = |segment: &Segment| segment.makes.iter().filter(|id| !outputs.contains(id)).count();
        // The 12 steps of the backward recurrence, and at each of the three cuts a state and the values being computed.
        assert!(all.iter().map(kept).sum::<usize>() < 12 + 3 * 6, "{:?}", all.iter().map(kept).collect::<Vec<_>>());
    }
}
