//! The graph with families as plates: every member of a long family is one node, and what a member depends on of another step
//! or level is one edge that says which.

use crate::derive::is_deterministic;
use crate::graph::{Factor, Model, Role, Side, VariableId, in_ranges, member};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Members from which on a family is one node.
const LEAST: usize = 3;

/// A variable, or a family of them.
#[derive(Debug, Clone)]
pub struct Item {
    /// `z`, or `z[1..12]`.
    pub name: String,
    pub role: Role,
    pub determined: bool,
    /// What stands in the corner of its plate: `1..12`.
    pub plate: Option<String>,
}

/// A dependence between two nodes, by their positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub from: usize,
    pub to: usize,
    pub side: Side,
    pub deterministic: bool,
    pub reach: Reach,
}

/// Which members a member of a family depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Whether it depends on the member of its own step.
    pub own: bool,
    /// By how many steps others are away: the nearest and the farthest before it, and after it.
    before: Option<(i64, i64)>,
    after: Option<(i64, i64)>,
}

impl Reach {
    fn of(distance: i64) -> Self {
        let mut reach = Self { own: distance == 0, before: None, after: None };
        match distance {
            0 => {}
            ..0 => reach.before = Some((distance, distance)),
            _ => reach.after = Some((distance, distance)),
        }
        reach
    }

    fn and(self, other: Self) -> Self {
        let both = |a: Option<(i64, i64)>, b: Option<(i64, i64)>| match (a, b) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        Self {
            own: self.own || other.own,
            before: both(self.before, other.before),
            after: both(self.after, other.after),
        }
    }

    /// `−1`, `<`, `≤`, `+1`, `>`, `≥`, `all`; nothing for the member of the same step.
    pub fn text(self) -> &'static str {
        match (self.before, self.own, self.after) {
            (None, _, None) => "",
            (Some((-1, -1)), false, None) => "−1",
            (Some((-1, -1)), true, None) => "0, −1",
            (Some(_), false, None) => "&lt;",
            (Some(_), true, None) => "≤",
            (None, false, Some((1, 1))) => "+1",
            (None, true, Some((1, 1))) => "0, +1",
            (None, false, Some(_)) => "&gt;",
            (None, true, Some(_)) => "≥",
            (Some(_), _, Some(_)) => "all",
        }
    }
}

/// The nodes in the file's order, and the edges in the factors'.
pub struct Condensed {
    pub items: Vec<Item>,
    pub links: Vec<Link>,
}

pub fn condensed(plan: &Plan) -> Condensed {
    let model = &plan.model;
    let families = families(model);
    let (mut items, mut of_family): (Vec<Item>, BTreeMap<&str, usize>) = Default::default();
    // The node of each variable; a length that nothing reads is no node.
    let mut places: Vec<Option<usize>> = Vec::with_capacity(model.variables.len());
    for (at, variable) in model.variables.iter().enumerate() {
        if model.length == Some(VariableId(at)) {
            places.push(None);
            continue;
        }
        let family = member(&variable.name).map(|(family, _)| family).filter(|family| families.contains_key(family));
        let next = items.len();
        let place = family.map_or(next, |family| *of_family.entry(family).or_insert(next));
        if place == next {
            let determined = model.q_of(VariableId(at)).is_some_and(is_deterministic);
            let range = family.and_then(|family| families.get(family)).map(|members| range(members));
            let name = match (family, &range) {
                (Some(family), Some(range)) => format!("{family}[{range}]"),
                _ => variable.name.clone(),
            };
            items.push(Item { name, role: variable.role, determined, plate: range });
        }
        places.push(Some(place));
    }
    let mut links: Vec<Link> = Vec::new();
    let mut known: BTreeMap<(Side, usize, usize), usize> = BTreeMap::new();
    for factor in model.p.iter().chain(&model.q) {
        for parent in &factor.parents {
            let (Some(from), Some(to)) = (places[parent.0], places[factor.variable.0]) else { continue };
            let reach =
                Reach::of(distance(model, factor, *parent, items[to].plate.is_some() && items[from].plate.is_some()));
            let next = links.len();
            match known.insert((factor.side, from, to), next) {
                Some(before) => {
                    links[before].reach = links[before].reach.and(reach);
                    known.insert((factor.side, from, to), before);
                }
                None => {
                    let (side, deterministic) = (factor.side, is_deterministic(factor));
                    links.push(Link { from, to, side, deterministic, reach });
                }
            }
        }
    }
    Condensed { items, links }
}

/// The members of each family that is one node, in the order of the file.
fn families(model: &Model) -> BTreeMap<&str, Vec<i64>> {
    let mut all: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for variable in &model.variables {
        if let Some((family, value)) = member(&variable.name) {
            all.entry(family).or_default().push(value);
        }
    }
    all.retain(|_, members| members.len() >= LEAST);
    all
}

/// `1..12`, or `16, 8, 4`.
fn range(members: &[i64]) -> String {
    let names: Vec<String> = members.iter().map(|value| format!("z[{value}]")).collect();
    let ranges = in_ranges(names.iter().map(String::as_str));
    let each = ranges.iter().map(|name| name.trim_start_matches("z[").trim_end_matches(']'));
    each.collect::<Vec<_>>().join(", ")
}

/// How many steps a parent is after the variable of a factor; 0 where not both are members of families.
fn distance(model: &Model, factor: &Factor, parent: VariableId, both: bool) -> i64 {
    let value = |id: VariableId| member(&model.variable(id).name).map(|(_, value)| value);
    match (value(parent), value(factor.variable)) {
        (Some(parent), Some(own)) if both => parent - own,
        _ => 0,
    }
}
