//! The steps of a mode as rows.

use super::blocks::{Block, Over};
use super::ends::{Ends, key};
use super::factors::head;
use super::known::marked;
use super::members::{Joined, Row};
use crate::derive::{Mode, Step};
use crate::graph::{Side, in_pieces};
use crate::plan::{Plan, StepText};

/// One row for each step.
pub fn rows<'p>(plan: &'p Plan, mode: &'p Mode, ends: &Ends<'p>) -> Vec<Row<'p>> {
    let each = mode.steps.iter().zip(plan.step_texts(mode)).zip(mode.intermediate());
    let each = each.map(|((step, text), is_intermediate)| {
        let name = plan.name(step.variable);
        let row = Row::of(key(step.side.name(), name), ends.member(name));
        let way = match step.side == Side::Q && mode.partly.contains(step.variable) {
            true => "    where it is missing",
            false if is_intermediate => "    intermediate",
            false => "",
        };
        match text {
            StepText::Draw(side, parents) => {
                let row = row.text(side.name(), ends).text(way, ends);
                row.list(in_pieces(std::iter::once(name))).list(plan.model.listed_pieces(&parents))
            }
            StepText::Other(text) => row.text(&text, ends).text(way, ends),
        }
    });
    each.collect()
}

/// The lines of a block. One for each member is indented below the clause; one line has it at its end.
pub fn lines(plan: &Plan, mode: &Mode, block: &Block<'_>) -> Vec<Vec<String>> {
    let line = |row: &Joined<'_>| line(plan, mode.steps[row.rows[0]], row);
    let clause = |over: &Option<Over<'_>>| over.as_ref().map(Over::clause);
    match (&block.over, block.rows.as_slice()) {
        (Some(over), rows @ [_, _, ..]) => {
            let below = rows.iter().map(|(row, own)| [Some(format!("  {}", line(row))), clause(own)]);
            std::iter::once(vec![over.clause()]).chain(below.map(|row| row.into_iter().flatten().collect())).collect()
        }
        _ => {
            let each = block.clone().each().map(|(row, over)| [Some(line(&row)), clause(&over)]);
            each.map(|row| row.into_iter().flatten().collect()).collect()
        }
    }
}

fn line(plan: &Plan, step: Step, row: &Joined<'_>) -> String {
    let way = row.text(1);
    match row.lists() {
        0 => row.text(0) + &way,
        _ => {
            let own = row.list(0).join(", ");
            let factor: Vec<_> = plan.model.factor(step.side, step.variable).into_iter().collect();
            let parents = marked(&plan.model, &factor, row.list(1));
            format!("{own} ~ {}{way}", head(&row.text(0), &own, &parents))
        }
    }
}
