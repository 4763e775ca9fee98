//! The bound in segments, for `checkpoint`: training keeps only the values that later segments read, and recomputes the
//! others in the backward pass.
//!
//! In the program, terms come after all draws. Here each value is computed right after the last draw on which it depends,
//! and a value that depends on no draw right before it is first read, so that few values are read by later segments. The order
//! of the draws is unchanged, so each has the same noise as without segments. Distributions and values that are the same for
//! all rows are recomputed in every segment that reads them: only tensors are passed from one segment to another.
//!
//! A segment begins with a draw, and segments have equal numbers of draws. In a recurrence they then do the same for
//! different steps, and generated code has one method for all of them.

use super::program::{Operation, Output, Program, Rate, Value, ValueId};
use crate::graph::Checkpoint;
use std::collections::{BTreeMap, BTreeSet};

/// Positions `from..to`.
pub type Positions = (usize, usize);

/// The bound in segments.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    pub all: Vec<Segment>,
    /// The results of the bound, by their positions among the tensors that segments make.
    pub outputs: Vec<Positions>,
}

/// A part of a program that is computed as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The values of the segment, in the order of their computation.
    pub values: Vec<ValueId>,
    /// The tensors of earlier segments that this segment reads.
    pub reads: Vec<ValueId>,
    /// Their positions among the tensors that segments make, in the order in which they are made.
    pub read_at: Vec<Positions>,
    /// The tensors of this segment that later segments read or the program returns.
    pub makes: Vec<ValueId>,
}

impl Segment {
    /// The segment as a program of its own, whose inputs are those of the whole program. It returns what the segment
    /// makes.
    pub fn program(&self, whole: &Program) -> Program {
        let mut moved: BTreeMap<ValueId, ValueId> = BTreeMap::new();
        let mut values: Vec<Value> = Vec::new();
        let given = whole.ids().filter(|(_, value)| value.operation.is_given()).map(|(id, value)| (id, value.clone()));
        let read = self.reads.iter().map(|id| {
            let Value { rate, over, name, .. } = whole.value(*id).clone();
            (*id, Value { operation: Operation::Kept, inputs: Vec::new(), rate, over, name, scope: None })
        });
        let own = self.values.iter().filter(|id| !whole.value(**id).operation.is_given());
        let own = own.map(|id| (*id, Value { scope: None, ..whole.value(*id).clone() }));
        for (id, mut value) in given.chain(read).chain(own) {
            value.inputs.iter_mut().for_each(|input| *input = moved.get(input).copied().unwrap_or(*input));
            moved.insert(id, ValueId(values.len()));
            values.push(value);
        }
        let makes = self.makes.iter().filter_map(|id| moved.get(id).copied()).collect();
        let (scores, addends, gains) = (Vec::new(), Vec::new(), Vec::new());
        Program { values, output: Output::Terms(makes), scores, addends, gains, ..whole.clone() }
    }
}

/// Divides a program into segments of about as many draws as `checkpoint` has values of its index.
pub fn segments(program: &Program, checkpoint: Checkpoint) -> Segments {
    let outputs = program.outputs();
    let returned: BTreeSet<ValueId> = outputs.iter().copied().collect();
    let is_local: Vec<bool> = program.ids().map(|(id, _)| is_local(program, id) && !returned.contains(&id)).collect();
    let order = by_turn(program).into_iter().filter(|turn| !is_local[turn.id.0]).collect();
    let parts = parts(program, order, checkpoint);
    let mut segment_of = vec![usize::MAX; program.values.len()];
    for (at, own) in parts.iter().enumerate() {
        own.iter().for_each(|id| segment_of[id.0] = at);
    }
    let each = parts.iter().enumerate().map(|(at, own)| {
        let (mut values, mut seen, mut reads) = (Vec::with_capacity(own.len()), BTreeSet::new(), BTreeSet::new());
        for id in own {
            local_inputs(program, *id, &is_local, &mut seen, &mut values);
            values.push(*id);
        }
        for value in values.iter().map(|id| program.value(*id)) {
            reads.extend(value.inputs.iter().filter(|input| !is_local[input.0] && segment_of[input.0] != at));
        }
        Segment { values, reads: reads.into_iter().collect(), read_at: Vec::new(), makes: Vec::new() }
    });
    let mut all: Vec<Segment> = each.collect();
    let made: BTreeSet<ValueId> = all.iter().flat_map(|segment| &segment.reads).copied().chain(returned).collect();
    made.into_iter().for_each(|id| all[segment_of[id.0]].makes.push(id));
    let places = all.iter().flat_map(|segment| &segment.makes).enumerate().map(|(at, id)| (*id, at));
    let places: BTreeMap<ValueId, usize> = places.collect();
    all.iter_mut().for_each(|segment| segment.read_at = positions(&segment.reads, &places));
    Segments { outputs: positions(&outputs, &places), all }
}

/// The places of values, consecutive ones together.
fn positions(of: &[ValueId], places: &BTreeMap<ValueId, usize>) -> Vec<Positions> {
    let mut all: Vec<Positions> = Vec::new();
    for at in of.iter().filter_map(|id| places.get(id).copied()) {
        match all.last_mut() {
            Some((_, to)) if *to == at => *to = at + 1,
            _ => all.push((at, at + 1)),
        }
    }
    all
}

/// The values of each segment, from all values in order. A draw and its log-probability, which are one operation, stay
/// together.
fn parts(program: &Program, order: Vec<Turn>, checkpoint: Checkpoint) -> Vec<Vec<ValueId>> {
    let draws = order.last().map_or(0, |last| last.draws);
    let Checkpoint { values, every } = checkpoint;
    let (turns, count) = ((draws * every / values.max(1)).max(1), values.div_ceil(every.max(1)).max(1));
    let size = order.len().div_ceil(count).max(1);
    let mut parts: Vec<Vec<ValueId>> = Vec::new();
    for group in order.chunk_by(|one, next| one.group(turns) == next.group(turns)) {
        // A recurrence over the data depends on no draw. All of it comes before the first one.
        let free = group.iter().take_while(|turn| turn.is_free).count();
        let (free, rest) = group.split_at(if free < values { 0 } else { free });
        parts.extend(pieces(program, free, free.len().div_ceil(count)));
        let pieces_of_rest = if rest.len() > size + size / 2 { rest.len().div_ceil(size) } else { 1 };
        parts.extend(pieces(program, rest, rest.len().div_ceil(pieces_of_rest)));
    }
    parts
}

/// Values in pieces of about this number.
fn pieces(program: &Program, of: &[Turn], size: usize) -> Vec<Vec<ValueId>> {
    let is_apart = |id: ValueId| matches!(program.value(id).operation, Operation::DrawOf | Operation::LogProbOf);
    let mut all: Vec<Vec<ValueId>> = Vec::new();
    for Turn { id, .. } in of {
        match all.last_mut().filter(|own| own.len() < size || is_apart(*id)) {
            Some(own) => own.push(*id),
            None => all.push(vec![*id]),
        }
    }
    all
}

/// The place of a value in the order of segments.
struct Turn {
    id: ValueId,
    /// The number of draws up to it, its own among them.
    draws: usize,
    /// Whether it depends on no draw.
    is_free: bool,
}

impl Turn {
    fn group(&self, turns: usize) -> usize {
        self.draws.saturating_sub(1) / turns
    }
}

/// Whether a value is recomputed in every segment that reads it: inputs, distributions, and values that are the same for
/// all rows.
fn is_local(program: &Program, id: ValueId) -> bool {
    let value = program.value(id);
    let is_given = value.operation.is_given() || value.operation == Operation::Presence;
    is_given || program.is_distribution(id) || (value.rate == Rate::Constant && !value.operation.is_draw())
}

/// All values, sorted by the number of draws before them. The sort is stable, except that the parts of a draw with its
/// log-probability follow it.
fn by_turn(program: &Program) -> Vec<Turn> {
    let (mut turns, mut draws) = (vec![0usize; program.values.len()], 0);
    for (id, value) in program.ids() {
        if value.operation.is_draw() {
            draws += 1;
        }
        let inputs = value.inputs.iter().map(|input| turns[input.0]).max().unwrap_or(0);
        turns[id.0] = if value.operation.is_draw() { draws } else { inputs };
    }
    let is_free: Vec<bool> = turns.iter().map(|turn| *turn == 0).collect();
    // A value that depends on no draw moves to its first reader.
    let mut first = vec![usize::MAX; program.values.len()];
    for (id, value) in program.ids().rev() {
        if turns[id.0] == 0 && first[id.0] != usize::MAX {
            turns[id.0] = first[id.0];
        }
        value.inputs.iter().for_each(|input| first[input.0] = first[input.0].min(turns[id.0]));
    }
    let mut order: Vec<(ValueId, ValueId)> = program.ids().map(|(id, _)| (id, id)).collect();
    for (id, value) in program.ids() {
        if matches!(value.operation, Operation::DrawOf | Operation::LogProbOf) {
            order[id.0].1 = value.inputs[0];
        }
    }
    order.sort_by_key(|(id, after)| (turns[id.0], *after, *id));
    order.into_iter().map(|(id, _)| Turn { id, draws: turns[id.0], is_free: is_free[id.0] }).collect()
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
    use crate::graph::Checkpoint;
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

    fn every(steps: usize) -> Checkpoint {
        Checkpoint { values: 12, every: steps }
    }

    /// Every value is computed after its inputs, each value is passed on once and found at its position, and the order of
    /// the draws is unchanged.
    #[test]
    fn segments_are_the_program() {
        let plan = plan();
        let program = &plan.bound;
        for steps in [1, 2, 3, 5, 12, 1000] {
            let parts = segments(program, every(steps));
            let at = |positions: &[(usize, usize)]| -> Vec<ValueId> {
                let made: Vec<ValueId> = parts.all.iter().flat_map(|segment| &segment.makes).copied().collect();
                positions.iter().flat_map(|(from, to)| made[*from..*to].to_vec()).collect()
            };
            let mut kept: BTreeSet<ValueId> = BTreeSet::new();
            for segment in &parts.all {
                assert_eq!(at(&segment.read_at), segment.reads);
                assert!(segment.reads.iter().all(|id| kept.contains(id)));
                let mut there: BTreeSet<ValueId> = segment.reads.iter().copied().collect();
                for id in &segment.values {
                    assert!(program.value(*id).inputs.iter().all(|input| there.contains(input)), "{steps}: {id:?}");
                    there.insert(*id);
                }
                assert!(segment.makes.iter().all(|id| there.contains(id) && kept.insert(*id)));
            }
            assert_eq!(at(&parts.outputs), program.outputs());
            let is_draw = |id: &&ValueId| matches!(program.value(**id).operation, Operation::Draw(..));
            let draws: Vec<ValueId> =
                parts.all.iter().flat_map(|it| it.values.iter().filter(is_draw).copied()).collect();
            let wanted: Vec<ValueId> = program.ids().map(|(id, _)| id).filter(|id| is_draw(&id)).collect();
            assert_eq!(draws, wanted);
            // At most as many again for the recurrence over the data.
            let count = 12usize.div_ceil(steps);
            assert!((count..=2 * count + 1).contains(&parts.all.len()), "{steps}: {}", parts.all.len());
        }
    }

    /// Of a chain of draws few values are passed from one segment to the next.
    #[test]
    fn few_values_are_kept() {
        let plan = plan();
        let parts = segments(&plan.bound, every(3));
        let outputs: BTreeSet<ValueId> = plan.bound.outputs().into_iter().collect();
        let kept = |segment: &Segment| segment.makes.iter().filter(|id| !outputs.contains(id)).count();
        // The 12 steps of the backward recurrence, and at each of the cuts a state and the values being computed.
        let all: Vec<usize> = parts.all.iter().map(kept).collect();
        assert!(all.iter().sum::<usize>() < 12 + 3 * 6, "{all:?}");
    }

    /// Segments in the middle of a sequence do the same for different steps.
    #[test]
    fn segments_are_alike() {
        let plan = plan();
        let parts = segments(&plan.bound, every(3));
        let programs: Vec<_> = parts.all.iter().map(|segment| segment.program(&plan.bound)).collect();
        let alike = |one: &crate::plan::Program, other: &crate::plan::Program| {
            let kinds = |program: &crate::plan::Program| -> Vec<_> {
                let kind = |value: &crate::plan::Value| std::mem::discriminant(&value.operation);
                program.values.iter().map(kind).collect()
            };
            kinds(one) == kinds(other)
        };
        let [.., third, second, _] = programs.as_slice() else { panic!("few segments") };
        assert!(alike(third, second), "{third:?}\n{second:?}");
    }
}
