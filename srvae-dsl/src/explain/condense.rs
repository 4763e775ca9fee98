//! The graph for drawings. A family of variables is one node on a plate, and its recurrence is an edge labelled with
//! the members that it joins.

mod apart;
#[cfg(test)]
mod tests;

use super::ends::values_of;
use crate::derive::is_deterministic;
use crate::graph::{Model, Role, Side, Spelling, VariableId, family};
use crate::plan::Plan;
use apart::Apart;
use petgraph::algo::toposort;
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A variable, or all members of a family.
#[derive(Debug, Clone)]
pub struct Node {
    /// `z`, `z[l]` or `z[t, k]` for a family, or a single member as the language writes it, `z[T]`.
    pub name: String,
    pub role: Role,
    /// Whether q determines it.
    pub determined: bool,
    /// The plate that contains it.
    pub plate: Option<usize>,
}

/// The parents of a factor, or of a family's factors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub side: Side,
    pub deterministic: bool,
    /// The members that the edge joins, if not each with its own or with all: `t − 1`, `l = 12`.
    pub label: String,
    /// Whether the child is drawn below the parent. This is false if only other steps are read.
    pub is_down: bool,
}

/// The indices of families with their ranges: `t = 1 … T`, `t = 1 … T, k = 1 … 3`.
#[derive(Debug, Clone)]
pub struct Plate {
    pub label: String,
}

/// Nodes, edges and plates, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Condensed {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    pub plates: Vec<Plate>,
}

/// The graph of the drawing. If families read each other in a cycle, every member is a separate node.
pub fn condense(plan: &Plan) -> Condensed {
    let families = families(&plan.model);
    let condensed = build(&plan.model, &families);
    if condensed.has_circle() { build(&plan.model, &Families::new()) } else { condensed }
}

/// The index values of the members of each family.
type Families<'m> = BTreeMap<&'m str, BTreeSet<Vec<i64>>>;

/// Families whose members all have the same role, and which have a member for all combinations of their index values.
fn families(model: &Model) -> Families<'_> {
    let mut all = Families::new();
    let mut mixed: BTreeSet<&str> = BTreeSet::new();
    let mut roles: BTreeMap<&str, Role> = BTreeMap::new();
    for variable in &model.variables {
        let name = family(&variable.name);
        match values_of(&variable.name) {
            Some((_, values)) if !indices_of(model, name).is_empty() => {
                all.entry(name).or_default().insert(values.collect());
                if *roles.entry(name).or_insert(variable.role) != variable.role {
                    mixed.insert(name);
                }
            }
            _ => {
                mixed.insert(name);
            }
        }
    }
    all.retain(|name, members| members.len() > 1 && !mixed.contains(name) && is_grid(members));
    all
}

fn is_grid(members: &BTreeSet<Vec<i64>>) -> bool {
    let places = members.first().map_or(0, Vec::len);
    (0..places).map(|place| at_place(members.iter(), place).len()).product::<usize>() == members.len()
}

/// The values of one index.
fn at_place<'v>(members: impl Iterator<Item = &'v Vec<i64>>, place: usize) -> BTreeSet<i64> {
    members.filter_map(|values| values.get(place)).copied().collect()
}

fn indices_of<'m>(model: &'m Model, family: &str) -> &'m [String] {
    model.indices.get(family).map_or(&[], Vec::as_slice)
}

fn build(model: &Model, families: &Families<'_>) -> Condensed {
    let (spelling, graph) = (Spelling::of(model), Condensed::default());
    let mut builder = Builder { model, spelling, families, graph, places: Vec::new(), plates: Vec::new() };
    builder.nodes();
    builder.edges();
    builder.graph
}

struct Builder<'m> {
    model: &'m Model,
    spelling: Spelling<'m>,
    families: &'m Families<'m>,
    graph: Condensed,
    /// The node of each [`VariableId`]. None for a length that nothing reads.
    places: Vec<Option<usize>>,
    /// The indices of each plate.
    plates: Vec<&'m [String]>,
}

/// Edges between two nodes: positions of consecutive parents, and the child.
type Joined = BTreeMap<(usize, usize, Side, bool), Vec<(Range<usize>, VariableId)>>;

impl<'m> Builder<'m> {
    fn nodes(&mut self) {
        let is_read =
            |id: VariableId| self.model.p.iter().chain(&self.model.q).any(|factor| factor.parents.contains(id));
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, variable) in self.model.variables.iter().enumerate() {
            let id = VariableId(at);
            let name = family(&variable.name);
            if self.model.length == Some(id) && !self.families.is_empty() && !is_read(id) {
                self.places.push(None);
                continue;
            }
            if let Some(place) = seen.get(name) {
                self.places.push(Some(*place));
                continue;
            }
            let determined = self.model.q_of(id).is_some_and(is_deterministic);
            let name_of_one = self.spelling.text(&variable.name);
            let mut node = Node { name: name_of_one, role: variable.role, determined, plate: None };
            if self.families.contains_key(name) {
                let indices = indices_of(self.model, name);
                seen.insert(name, self.graph.nodes.len());
                node.name = format!("{name}[{}]", indices.join(", "));
                node.plate = Some(self.plate(indices));
            }
            self.places.push(Some(self.graph.nodes.len()));
            self.graph.nodes.push(node);
        }
    }

    /// The plate of indices. Its ranges cover all families of these indices.
    fn plate(&mut self, indices: &'m [String]) -> usize {
        if let Some(at) = self.plates.iter().position(|other| *other == indices) {
            return at;
        }
        let is_of = |name: &str| indices_of(self.model, name) == indices;
        let members = || self.families.iter().filter(|(name, _)| is_of(name)).flat_map(|(_, members)| members);
        let range = |(place, index): (usize, &String)| {
            let is_step = |variable: &crate::graph::Variable| {
                let name = family(&variable.name);
                variable.step.is_some() && is_of(name) && self.spelling.is_step(name, place)
            };
            let length = self.model.length.filter(|_| self.model.variables.iter().any(is_step));
            let values = at_place(members(), place);
            let range = match (length, values.first()) {
                (Some(length), Some(first)) => format!("{first} … {}", self.model.variable(length).name),
                _ => listed(&values, |value| value.to_string()),
            };
            format!("{index} = {range}")
        };
        let label = indices.iter().enumerate().map(range).collect::<Vec<_>>().join(", ");
        self.plates.push(indices);
        self.graph.plates.push(Plate { label });
        self.plates.len() - 1
    }

    fn edges(&mut self) {
        let mut joined = Joined::new();
        let mut order = Vec::new();
        for factor in self.model.p.iter().chain(&self.model.q) {
            for piece in self.model.pieces(&factor.parents).flat_map(|piece| self.of_one_node(piece)) {
                let (Some(from), Some(to)) = (self.places[piece.start], self.places[factor.variable.0]) else {
                    continue;
                };
                let key = (from, to, factor.side, is_deterministic(factor));
                let pairs = joined.entry(key).or_default();
                if pairs.is_empty() {
                    order.push(key);
                }
                pairs.push((piece, factor.variable));
            }
        }
        for key in order {
            let (from, to, side, deterministic) = key;
            let (label, is_down) = self.label(from, to, &joined[&key]);
            self.graph.edges.push(Edge { from, to, side, deterministic, label, is_down });
        }
    }

    /// Members of a family that is not one node, or over several indices, one by one.
    fn of_one_node(&self, piece: Range<usize>) -> Vec<Range<usize>> {
        let name = family(&self.model.variables[piece.start].name);
        match self.families.contains_key(name) && indices_of(self.model, name).len() == 1 {
            true => vec![piece],
            false => piece.map(|at| at..at + 1).collect(),
        }
    }

    /// The values of a variable's indices.
    fn values(&self, at: usize) -> Vec<i64> {
        values_of(&self.model.variables[at].name).map_or_else(Vec::new, |(_, values)| values.collect())
    }

    /// The members that an edge joins, and whether the child is drawn below its parent.
    fn label(&self, from: usize, to: usize, pairs: &[(Range<usize>, VariableId)]) -> (String, bool) {
        match (self.graph.nodes[from].plate, self.graph.nodes[to].plate) {
            (Some(one), Some(other)) => self.apart((from, one), (to, other), pairs),
            (Some(_), None) => {
                let each = pairs.iter().flat_map(|(piece, _)| piece.clone());
                (self.some(from, each, &[]), true)
            }
            (None, Some(_)) => (self.some(to, pairs.iter().map(|(_, child)| child.0), &[]), true),
            (None, None) => (String::new(), true),
        }
    }

    /// The distances of the members that an edge joins, in the indices that both have.
    fn apart(
        &self,
        (from, one): (usize, usize),
        (to, other): (usize, usize),
        pairs: &[(Range<usize>, VariableId)],
    ) -> (String, bool) {
        let (of_parent, of_child) = (self.plates[one], self.plates[other]);
        let place = |index: &String| of_child.iter().position(|own| own == index);
        let shared: Vec<(usize, usize)> =
            of_parent.iter().enumerate().filter_map(|(at, index)| Some((at, place(index)?))).collect();
        let mut all: Vec<Apart> = shared.iter().map(|_| Apart::default()).collect();
        let mut is_down = false;
        for (piece, child) in pairs {
            let (first, last, child) = (self.values(piece.start), self.values(piece.end - 1), self.values(child.0));
            let distances = shared.iter().map(|(from, to)| (first[*from] - child[*to], last[*from] - child[*to]));
            let distances: Vec<(i64, i64)> = distances.collect();
            is_down |= distances.iter().all(|(first, last)| (*first..=*last).contains(&0));
            all.iter_mut().zip(distances).for_each(|(apart, (first, last))| apart.include(first, last));
        }
        let distances = all.iter().zip(&shared).map(|(apart, (at, _))| apart.text(&of_parent[*at]));
        // The values of an index that only one of them has.
        let parents = self.some(from, pairs.iter().flat_map(|(piece, _)| piece.clone()), of_child);
        let children = self.some(to, pairs.iter().map(|(_, child)| child.0), of_parent);
        let texts = distances.chain([parents, children]);
        (joined_texts(texts), is_down)
    }

    /// `l = 12`, if the edge does not join all members of a family: of its indices without some others.
    fn some(&self, node: usize, members: impl Iterator<Item = usize>, without: &[String]) -> String {
        let family = family(&self.graph.nodes[node].name);
        let joined: BTreeSet<Vec<i64>> = members.map(|at| self.values(at)).collect();
        let own = indices_of(self.model, family).iter().enumerate().filter(|(_, index)| !without.contains(index));
        joined_texts(own.map(|(place, index)| {
            let (values, all) = (at_place(joined.iter(), place), at_place(self.families[family].iter(), place));
            Self::of_all(&values, &all, index, |value| self.spelling.value(family, place, value))
        }))
    }

    /// `l = 12` for some of the values of an index.
    fn of_all(values: &BTreeSet<i64>, all: &BTreeSet<i64>, index: &str, said: impl Fn(i64) -> String) -> String {
        if values == all {
            return String::new();
        }
        match (values.first(), values.last()) {
            (Some(first), last) if values.len() > 1 && last == all.last() && is_run(values) => {
                format!("{index} ≥ {}", said(*first))
            }
            (first, Some(last)) if values.len() > 1 && first == all.first() && is_run(values) => {
                format!("{index} ≤ {}", said(*last))
            }
            _ => format!("{index} = {}", listed(values, said)),
        }
    }
}

/// What is said of several indices.
fn joined_texts(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}

impl Condensed {
    fn has_circle(&self) -> bool {
        toposort(&self.order(), None).is_err()
    }

    /// The order of the nodes in p. Node weights are positions.
    pub fn order(&self) -> DiGraph<usize, ()> {
        let mut graph = DiGraph::new();
        let nodes: Vec<_> = (0..self.nodes.len()).map(|at| graph.add_node(at)).collect();
        for edge in self.edges.iter().filter(|edge| edge.side == Side::P && edge.is_down && edge.from != edge.to) {
            graph.add_edge(nodes[edge.from], nodes[edge.to], ());
        }
        graph
    }
}

fn is_run(values: &BTreeSet<i64>) -> bool {
    matches!((values.first(), values.last()), (Some(first), Some(last)) if last - first + 1 == values.len() as i64)
}

/// `1 … 12`, or `4, 8, 16`.
fn listed(values: &BTreeSet<i64>, said: impl Fn(i64) -> String) -> String {
    match (values.first(), values.last()) {
        (Some(first), Some(last)) if values.len() > 2 && is_run(values) => {
            format!("{} … {}", said(*first), said(*last))
        }
        _ => values.iter().map(|value| said(*value)).collect::<Vec<_>>().join(", "),
    }
}
