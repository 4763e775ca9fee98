//! Factors as rows, those of a family as one: `p(z[l] | z[<l])`.

use super::blocks::{Block, Over, gathered};
use super::ends::{Ends, key};
use super::known::marked;
use super::members::Row;
use super::notation::density;
use crate::derive::is_deterministic;
use crate::graph::{Factor, Side, VariableId, in_pieces};
use crate::plan::Plan;

/// A factor, or those of several members of a family, with printed names.
pub struct Head<'p> {
    pub over: Option<Over<'p>>,
    pub side: Side,
    pub deterministic: bool,
    pub own: String,
    pub parents: Vec<String>,
    /// `~ normal`: the right side without the network.
    pub right: String,
    /// The variable of the first.
    pub first: VariableId,
}

impl Head<'_> {
    /// `p(z[l] | z[<l])`.
    pub fn text(&self) -> String {
        head(self.side.name(), &self.own, &self.parents)
    }
}

/// `q(u | y)`.
pub fn head(letter: &str, own: &str, parents: &[String]) -> String {
    let bar = if parents.is_empty() { "" } else { " | " };
    format!("{letter}({own}{bar}{})", parents.join(", "))
}

/// The factors, with those of a family as one.
pub fn factors<'p>(plan: &'p Plan, all: impl Iterator<Item = &'p Factor>, ends: &'p Ends<'p>) -> Vec<Head<'p>> {
    let all: Vec<&Factor> = all.collect();
    let row = |factor: &&'p Factor| {
        let name = plan.name(factor.variable);
        let sign = if is_deterministic(factor) { "=" } else { "~" };
        let row = Row::of(key(factor.side.name(), name), ends.member(name));
        let row = row.text(&format!("{sign} {}", density(plan, factor)), ends);
        row.list(in_pieces(std::iter::once(name))).list(plan.model.listed_pieces(&factor.parents))
    };
    let rows: Vec<Row<'_>> = all.iter().map(row).collect();
    let mut heads = Vec::new();
    for (joined, over) in gathered(&rows, ends).into_iter().flat_map(Block::each) {
        let factor = all[joined.rows[0]];
        heads.push(Head {
            over,
            side: factor.side,
            deterministic: is_deterministic(factor),
            own: joined.list(0).join(", "),
            parents: marked(&plan.model, &[factor], joined.list(1)),
            right: joined.text(0),
            first: factor.variable,
        });
    }
    heads
}
