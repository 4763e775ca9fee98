//! The graph for drawings. A family of variables is one node on a plate, and its recurrence is an edge labelled with
//! the members that it joins.

use crate::derive::is_deterministic;
use crate::graph::{Model, Role, Side, Spelling, VariableId, family, member};
use crate::plan::Plan;
use petgraph::algo::toposort;
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A variable, or all members of a family.
#[derive(Debug, Clone)]
pub struct Node {
    /// `z`, `z[l]` for a family, or a single member as the language writes it, `z[T]`.
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

/// An index with its range: `t = 1 … T`.
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
    if condensed.has_circle() { build(&plan.model, &BTreeMap::new()) } else { condensed }
}

/// Families whose members all have the same role, with the members' index values.
fn families(model: &Model) -> BTreeMap<&str, BTreeSet<i64>> {
    let mut all: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let mut mixed: BTreeSet<&str> = BTreeSet::new();
    let mut roles: BTreeMap<&str, Role> = BTreeMap::new();
    for variable in &model.variables {
        let name = family(&variable.name);
        match member(&variable.name) {
            Some((_, value)) if index_of(model, name).is_some() => {
                all.entry(name).or_default().insert(value);
                if *roles.entry(name).or_insert(variable.role) != variable.role {
                    mixed.insert(name);
                }
            }
            _ => {
                mixed.insert(name);
            }
        }
    }
    all.retain(|name, members| members.len() > 1 && !mixed.contains(name));
    all
}

/// The index of a family that has one.
fn index_of<'m>(model: &'m Model, family: &str) -> Option<&'m str> {
    match model.indices.get(family)?.as_slice() {
        [index] => Some(index),
        _ => None,
    }
}

fn build(model: &Model, families: &BTreeMap<&str, BTreeSet<i64>>) -> Condensed {
    let (spelling, graph) = (Spelling::of(model), Condensed::default());
    let mut builder = Builder { model, spelling, families, graph, places: Vec::new(), plates: Vec::new() };
    builder.nodes();
    builder.edges();
    builder.graph
}

struct Builder<'m> {
    model: &'m Model,
    spelling: Spelling<'m>,
    families: &'m BTreeMap<&'m str, BTreeSet<i64>>,
    graph: Condensed,
    /// The node of each [`VariableId`]. None for a length that nothing reads.
    places: Vec<Option<usize>>,
    /// The index of each plate.
    plates: Vec<&'m str>,
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
            if let Some(index) = index_of(self.model, name).filter(|_| self.families.contains_key(name)) {
                seen.insert(name, self.graph.nodes.len());
                node.name = format!("{name}[{index}]");
                node.plate = Some(self.plate(index));
            }
            self.places.push(Some(self.graph.nodes.len()));
            self.graph.nodes.push(node);
        }
    }

    /// The plate of an index. Its range covers all families of the index.
    fn plate(&mut self, index: &'m str) -> usize {
        if let Some(at) = self.plates.iter().position(|other| *other == index) {
            return at;
        }
        let of_index = |name: &&&str| index_of(self.model, name) == Some(index);
        let members: BTreeSet<i64> =
            self.families.keys().filter(of_index).flat_map(|name| &self.families[*name]).copied().collect();
        let is_step = |variable: &crate::graph::Variable| {
            variable.step.is_some() && index_of(self.model, family(&variable.name)) == Some(index)
        };
        let length = self.model.length.filter(|_| self.model.variables.iter().any(is_step));
        let range = match (length, members.first(), members.last()) {
            (Some(length), Some(first), _) => format!("{first} … {}", self.model.variable(length).name),
            _ => listed(&members, |value| value.to_string()),
        };
        self.plates.push(index);
        self.graph.plates.push(Plate { label: format!("{index} = {range}") });
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

    /// Members of a family that is not one node, one by one.
    fn of_one_node(&self, piece: Range<usize>) -> Vec<Range<usize>> {
        match self.families.contains_key(family(&self.model.variables[piece.start].name)) {
            true => vec![piece],
            false => piece.map(|at| at..at + 1).collect(),
        }
    }

    /// The members that an edge joins, and whether the child is drawn below its parent.
    fn label(&self, from: usize, to: usize, pairs: &[(Range<usize>, VariableId)]) -> (String, bool) {
        let value = |at: usize| member(&self.model.variables[at].name).map_or(0, |(_, value)| value);
        let values = |piece: &Range<usize>| (value(piece.start), value(piece.end - 1));
        let plates = (self.graph.nodes[from].plate, self.graph.nodes[to].plate);
        match plates {
            (Some(one), Some(other)) if one == other => {
                let mut apart = Apart::default();
                for (piece, child) in pairs {
                    let (first, last) = values(piece);
                    apart.include(first - value(child.0), last - value(child.0));
                }
                (apart.text(self.plates[one]), apart.has_none)
            }
            (Some(plate), None) => {
                let parents = pairs.iter().flat_map(|(piece, _)| {
                    let (first, last) = values(piece);
                    first..=last
                });
                (self.some(from, plate, parents), true)
            }
            (None, Some(plate)) => (self.some(to, plate, pairs.iter().map(|(_, child)| value(child.0))), true),
            _ => (String::new(), true),
        }
    }

    /// `l = 12`, if the edge does not join all members of a family.
    fn some(&self, node: usize, plate: usize, values: impl Iterator<Item = i64>) -> String {
        let values: BTreeSet<i64> = values.collect();
        let family = family(&self.graph.nodes[node].name);
        let all = &self.families[family];
        if values == *all {
            return String::new();
        }
        let (index, said) = (self.plates[plate], |value: i64| self.spelling.value(family, 0, value));
        match (values.first(), values.last()) {
            (Some(first), last) if values.len() > 1 && last == all.last() && is_run(&values) => {
                format!("{index} ≥ {}", said(*first))
            }
            (first, Some(last)) if values.len() > 1 && first == all.first() && is_run(&values) => {
                format!("{index} ≤ {}", said(*last))
            }
            _ => format!("{index} = {}", listed(&values, said)),
        }
    }
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

/// Distances between a step and the steps that it reads.
#[derive(Debug, Default)]
struct Apart {
    ends: Option<(i64, i64)>,
    /// Whether the step itself is among them.
    has_none: bool,
}

impl Apart {
    /// Adds a range of distances.
    fn include(&mut self, first: i64, last: i64) {
        let (least, most) = self.ends.unwrap_or((first, last));
        self.ends = Some((least.min(first), most.max(last)));
        self.has_none |= (first..=last).contains(&0);
    }

    fn text(&self, index: &str) -> String {
        let Some((least, most)) = self.ends else { return String::new() };
        let near = |distance: i64| match distance {
            0 => index.to_owned(),
            1.. => format!("{index} + {distance}"),
            _ => format!("{index} − {}", -distance),
        };
        match (least, most) {
            (0, 0) => String::new(),
            (least, most) if least == most => near(least),
            (-1, 0) | (0, 1) => format!("{}, {}", near(least), near(most)),
            (_, ..=-1) => format!("< {index}"),
            (_, 0) => format!("≤ {index}"),
            (1.., _) => format!("> {index}"),
            (0, _) => format!("≥ {index}"),
            _ if self.has_none => format!("all {index}"),
            _ => format!("others than {index}"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_said_in_the_index() {
        let said = |distances: &[i64]| {
            let mut apart = Apart::default();
            distances.iter().for_each(|distance| apart.include(*distance, *distance));
            apart.text("t")
        };
        assert_eq!(said(&[0]), "");
        assert_eq!(said(&[-1]), "t − 1");
        assert_eq!(said(&[-1, 0]), "t − 1, t");
        assert_eq!(said(&[-3, -2, -1]), "< t");
        assert_eq!(said(&[-3, -2, -1, 0]), "≤ t");
        assert_eq!(said(&[1, 2]), "> t");
        assert_eq!(said(&[-1, 0, 1]), "all t");
        assert_eq!(said(&[-1, 1]), "others than t");
    }

    /// A single member at the last step, and the steps that an edge joins.
    #[test]
    fn the_last_step_has_the_name_of_the_length() {
        let text = "model m\nlength T = 4\nindex t in 1..T\nindex f in 1..2\nobserved x[t]: real[2]\nobserved w[t, f]: real[2]\n\
            observed y: label[3]\nlatent z[t]: real[2]\np(z[t]) = standard_normal\np(x[t] | z[t]) = normal from z[t] |> linear\n\
            p(w[t, f] | z[t]) = normal from z[t] |> linear\np(y | z[1..T]) = categorical from h[T] |> linear\n\
            let h[1] = z[1] |> linear(out: 2)\nlet h[t] = gru(h[t - 1], z[t]) for t in 2..T\n\
            q(z[t] | x[t]) = normal from x[t] |> linear for t in 1..3\nq(z[4] | x[4], y) = normal from concat(x[4], y) |> linear\n";
        let compilation = crate::compile(&crate::Source::new("m.pgm", text), &crate::Overrides::default());
        let graph = condense(compilation.plan().unwrap());
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        assert!(names.contains(&"w[T,2]") && names.contains(&"w[3,1]") && names.contains(&"z[t]"), "{names:?}");
        let labels: BTreeSet<&str> = graph.edges.iter().map(|edge| edge.label.as_str()).collect();
        assert!(labels.contains("t = T") && !labels.contains("t = 4"), "{labels:?}");
    }
}
