//! The terms of the bound as rows, those of a family as one: `KL_z[l]`, and their sum.

use super::blocks::{Block, Over, gathered};
use super::bound::{Form, Statement};
use super::ends::{Ends, key};
use super::known::marked;
use super::members::{Joined, Row};
use crate::derive::{Presence, Term, TermKind};
use crate::graph::{Factor, Parents, Piece, VariableId, VariableSet, in_pieces};
use crate::plan::Plan;

/// Lists of a term's row. Those of separate factors of the expectation, each with its parents, come last.
const OWN: usize = 0;
const P: usize = 1;
const Q: usize = 2;
const OVER: usize = 3;
const OVER_GIVEN: usize = 4;
const FACTORS: usize = 5;

/// A term, or those of several members of a family, with printed names.
pub struct Printed<'p> {
    pub over: Option<Over<'p>>,
    /// The position of the first of its terms.
    pub at: usize,
    /// `RE` or `KL`.
    pub kind: String,
    pub own: String,
    /// The parents in p; for a sum over latents the variables before its own.
    pub p: Vec<String>,
    /// The parents in q.
    pub q: Vec<String>,
    /// The factors of its expectation, as heads: variables and their parents. Members of families are one head.
    pub expectation: Vec<(Vec<String>, Vec<String>)>,
    /// The estimator and the reason.
    pub estimate: [String; 2],
}

/// The terms, with those of a family as one.
pub fn printed<'p>(plan: &'p Plan, statements: &[Statement<'p>], ends: &'p Ends<'p>) -> Vec<Printed<'p>> {
    let rows: Vec<Row<'p>> = statements.iter().map(|statement| row(plan, statement, ends)).collect();
    let each = gathered(&rows, ends).into_iter().flat_map(Block::each);
    each.map(|(joined, over)| of_joined(plan, &joined, over, &statements[joined.rows[0]])).collect()
}

/// One term, with the names of its own members.
pub fn alone<'p>(plan: &'p Plan, statement: &Statement<'p>, ends: &'p Ends<'p>) -> Printed<'p> {
    let joined = row(plan, statement, ends).joined(0, ends);
    of_joined(plan, &joined, None, statement)
}

fn of_joined<'p>(
    plan: &'p Plan,
    joined: &Joined<'p>,
    over: Option<Over<'p>>,
    statement: &Statement<'p>,
) -> Printed<'p> {
    let model = &plan.model;
    let q = |ids: &[VariableId]| -> Vec<&Factor> { ids.iter().filter_map(|id| model.q_of(*id)).collect() };
    let kind = statement.term.name.split_once('_').map_or(statement.term.name.as_str(), |(kind, _)| kind);
    let joint = (joined.list(OVER), marked(model, &q(&statement.over), joined.list(OVER_GIVEN)));
    let factors = (FACTORS..joined.lists()).step_by(2).zip(&statement.over);
    let factors = factors.map(|(at, id)| (joined.list(at), marked(model, &q(&[*id]), joined.list(at + 1))));
    Printed {
        over,
        at: joined.rows[0],
        kind: kind.to_owned(),
        own: joined.list(OWN).join(", "),
        p: joined.list(P),
        q: marked(model, &q(&[statement.term.variable]), joined.list(Q)),
        expectation: factors.chain(std::iter::once(joint)).filter(|(own, _)| !own.is_empty()).collect(),
        estimate: [joined.text(0), joined.text(1)],
    }
}

fn row<'p>(plan: &'p Plan, statement: &Statement<'p>, ends: &Ends<'p>) -> Row<'p> {
    let (model, variable) = (&plan.model, statement.term.variable);
    let name = plan.name(variable);
    let listed = |factor: Option<&'p Factor>| factor.map_or_else(Vec::new, |it| model.listed_pieces(&it.parents));
    let p = match &statement.before {
        Some(before) => in_pieces(before.iter().map(|id| plan.name(*id))),
        None => listed(model.p_of(variable)),
    };
    let (how, why) = statement.estimate();
    let form = match statement.form {
        Form::LogLikelihood => "likelihood",
        Form::Divergence => "divergence",
        Form::LogRatio => "ratio",
    };
    let presence = match statement.term.presence {
        None => "",
        Some(Presence::There) => "there",
        Some(Presence::Missing) => "missing",
    };
    let kind = statement.term.name.split('_').next().unwrap_or_default();
    let row = Row::of(key(kind, name), ends.member(name));
    let row = row.text(how, ends).text(&why, ends).text(form, ends).text(presence, ends);
    let mut row = row.list(in_pieces(std::iter::once(name))).list(p).list(listed(model.q_of(variable)));
    let is_joint = ends.member(name).is_some() || statement.over.iter().any(|id| ends.member(plan.name(*id)).is_some());
    if is_joint {
        let (own, given) = joint(plan, &statement.over);
        return row.list(own).qualifier(given);
    }
    row = row.list(Vec::new()).list(Vec::new());
    for id in &statement.over {
        row = row.list(in_pieces(std::iter::once(plan.name(*id)))).list(listed(model.q_of(*id)));
    }
    row
}

/// q's joint distribution of the variables that it draws, and the data that they are drawn given.
fn joint<'p>(plan: &'p Plan, over: &[VariableId]) -> (Vec<Piece<'p>>, Vec<Piece<'p>>) {
    let drawn: VariableSet = over.iter().copied().collect();
    let mut above = VariableSet::default();
    over.iter().for_each(|id| plan.derivation.ancestry.include_above(*id, &mut above));
    let pieces = |ids: &mut dyn Iterator<Item = VariableId>| plan.model.listed_pieces(&ids.collect::<Parents>());
    let is_data = |id: &VariableId| plan.model.q_of(*id).is_none();
    (pieces(&mut drawn.iter()), pieces(&mut above.iter().filter(is_data)))
}

/// A signed sum of terms, with a weight for each: `RE_x − Σ_{l=1..12} KL_z[l]`.
pub fn sum<'p>(plan: &'p Plan, terms: impl Iterator<Item = (&'p Term, String)>, ends: &'p Ends<'p>) -> String {
    let addends = addends(plan, terms, ends).into_iter().enumerate().map(|(at, addend)| {
        let sign = match (at, addend.adds) {
            (0, true) => "",
            (_, true) => "+ ",
            (_, false) => "− ",
        };
        let over = addend.over.map_or_else(String::new, |over| format!("Σ_{{{}}} ", over.range()));
        format!("{sign}{over}{}{}_{}", addend.weight, addend.kind, addend.own)
    });
    super::fold::listed(addends.collect()).join(" ")
}

/// A part of a sum of terms.
pub struct Addend<'p> {
    pub over: Option<Over<'p>>,
    pub adds: bool,
    /// Printed before the term.
    pub weight: String,
    pub kind: String,
    pub own: String,
    /// The first of its terms.
    pub term: &'p Term,
}

/// Terms with their weights, those of a family as one.
pub fn addends<'p>(
    plan: &'p Plan,
    terms: impl Iterator<Item = (&'p Term, String)>,
    ends: &'p Ends<'p>,
) -> Vec<Addend<'p>> {
    let terms: Vec<(&Term, String)> = terms.collect();
    let rows: Vec<Row<'p>> = terms
        .iter()
        .map(|(term, weight)| {
            let (name, kind) = (plan.name(term.variable), term.name.split('_').next().unwrap_or_default());
            let row = Row::of(key(kind, name), ends.member(name));
            row.text(weight, ends).list(in_pieces(std::iter::once(name)))
        })
        .collect();
    let each = gathered(&rows, ends).into_iter().flat_map(Block::each).map(|(joined, over)| {
        let term = terms[joined.rows[0]].0;
        Addend {
            over,
            adds: term.kind == TermKind::Reconstruction,
            weight: joined.text(0),
            kind: term.name.split('_').next().unwrap_or_default().to_owned(),
            own: joined.list(0).join(", "),
            term,
        }
    });
    each.collect()
}
