//! Final passes over a program: unused values are removed, and values that only one distribution reads are assigned to
//! its scope.

use super::program::{Operation, Output, Program, ValueId};

/// Removes unused values, then finds the scopes.
pub fn finish(program: Program) -> Program {
    let mut program = without_unread(program);
    find_scopes(&mut program);
    program
}

fn without_unread(mut program: Program) -> Program {
    let mut read = vec![false; program.values.len()];
    program.outputs().iter().for_each(|id| read[id.0] = true);
    for (ValueId(at), value) in program.ids().rev() {
        read[at] |= value.operation.is_given();
        if read[at] {
            value.inputs.iter().for_each(|input| read[input.0] = true);
        }
    }
    let mut moved = vec![ValueId(0); read.len()];
    for (kept, (at, _)) in read.iter().enumerate().filter(|(_, read)| **read).enumerate() {
        moved[at] = ValueId(kept);
    }
    let mut keep = read.into_iter();
    program.values.retain(|_| keep.next().unwrap_or(false));
    let follow = |id: &mut ValueId| *id = moved[id.0];
    program.values.iter_mut().flat_map(|value| &mut value.inputs).for_each(follow);
    program
        .scores
        .iter_mut()
        .flat_map(|score| std::iter::once(&mut score.log_q).chain(&mut score.baseline))
        .for_each(follow);
    program.addends.iter_mut().chain(&mut program.gains).for_each(follow);
    match &mut program.output {
        Output::Terms(values) => values.iter_mut().for_each(follow),
        Output::Variables(values) => values.iter_mut().for_each(|(_, value)| follow(value)),
        Output::Distribution(value) | Output::Value(value) => follow(value),
    }
    program
}

/// Assigns a value to the scope of a distribution if nothing else reads it.
fn find_scopes(program: &mut Program) {
    let mut outside: Vec<bool> = vec![false; program.values.len()];
    program.outputs().iter().for_each(|id| outside[id.0] = true);
    let mut scopes: Vec<Option<ValueId>> = vec![None; program.values.len()];
    for at in (0..program.values.len()).rev() {
        let value = &program.values[at];
        let stays = outside[at]
            || value.operation.is_given()
            || value.operation.is_draw()
            || matches!(
                value.operation,
                Operation::Presence
                    | Operation::InOrder(..)
                    | Operation::Root(_)
                    | Operation::Enumerate { .. }
                    | Operation::Values(_)
            );
        if stays {
            scopes[at] = None;
        }
        // The scope of this value's inputs, as far as this value determines it.
        let own = match value.operation {
            Operation::Head { .. } => Some(ValueId(at)),
            _ => scopes[at],
        };
        for input in value.inputs.clone() {
            match own {
                Some(scope) if scopes[input.0].is_none_or(|other| other == scope) => scopes[input.0] = Some(scope),
                _ => outside[input.0] = true,
            }
        }
    }
    for (at, value) in program.values.iter_mut().enumerate() {
        value.scope = scopes[at].filter(|_| !outside[at]);
    }
    repeat_by_position(program);
}

/// Values that depend on a partly drawn variable are in the scope of its draw. All others are computed before the draw.
fn repeat_by_position(program: &mut Program) {
    for draw in 0..program.values.len() {
        let Operation::InOrder(..) = program.values[draw].operation else { continue };
        let Some(partial) = program.values[draw].inputs.first().copied() else { continue };
        let mut follows = vec![false; program.values.len()];
        follows[partial.0] = true;
        for at in partial.0 + 1..draw {
            follows[at] = program.values[at].inputs.iter().any(|input| follows[input.0]);
        }
        for at in 0..draw {
            let scope = program.values[at].scope;
            let in_following = scope.is_some_and(|scope| follows[scope.0]);
            program.values[at].scope = match (follows[at], in_following) {
                (true, true) => scope,
                (true, false) => Some(ValueId(draw)),
                (false, true) => None,
                (false, false) => scope,
            };
        }
    }
}
