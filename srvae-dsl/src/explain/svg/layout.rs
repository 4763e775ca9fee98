//! Where the variables stand: in layers from the roots of p down to the data, side by side so that edges are short,
//! straight and apart.

use super::curve::Point;
use super::route::{Edge, route, start};
use crate::derive::is_deterministic;
use crate::graph::{Model, Role, Side, VariableId};
use crate::plan::Plan;
use petgraph::Direction;
use petgraph::algo::toposort;

/// Between one layer and the next.
const DOWN: f64 = 92.0;
/// Positions in a layer are multiples of this.
const ACROSS: f64 = 46.0;
/// Nodes of one layer stand at least this many positions apart.
const APART: i32 = 2;
/// Graphs with more edges than this are not improved position by position, and their edges not bend by bend: every step
/// of that compares all edges with each other.
const MOST_EDGES: usize = 40;
/// In graphs with more edges than this, positions are compared by edges as they start, not as they would be routed.
const MOST_ROUTED: usize = 12;

/// A placed graph.
pub struct Layout {
    /// By [`VariableId`].
    pub nodes: Vec<Point>,
    pub edges: Vec<Line>,
}

/// An edge: a factor's dependence on one parent.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub from: usize,
    pub to: usize,
    pub side: Side,
    pub deterministic: bool,
    /// As [`super::curve::Curve::bent`] has it.
    pub bend: f64,
}

/// Places a model's variables.
pub fn layout(plan: &Plan) -> Layout {
    let model = &plan.model;
    let mut lines: Vec<Line> = Vec::new();
    for factor in model.p.iter().chain(&model.q) {
        let (side, deterministic) = (factor.side, is_deterministic(factor));
        let to = factor.variable.0;
        lines.extend(factor.parents.iter().map(|from| Line { from: from.0, to, side, deterministic, bend: 0.0 }));
    }
    let layers = layers(model);
    let edges: Vec<Edge> = lines.iter().map(|line| Edge { from: line.from, to: line.to }).collect();
    let columns = columns(&layers, &edges);
    let nodes = points(&layers, &columns);
    let bends = match edges.len() {
        0..=MOST_EDGES => route(&nodes, &edges, 6).0,
        _ => edges.iter().map(|edge| start(&edges, *edge)).collect(),
    };
    for (line, bend) in lines.iter_mut().zip(bends) {
        line.bend = bend;
    }
    Layout { nodes, edges: lines }
}

/// The layer of each variable: below all its parents in p; what is given just above its first child.
fn layers(model: &Model) -> Vec<usize> {
    let graph = model.dag(Side::P);
    let mut layers: Vec<usize> = vec![0; model.variables.len()];
    // The checks leave no circle, so that every variable is in the order.
    let order = toposort(&graph, None).unwrap_or_default();
    for node in &order {
        let below =
            graph.neighbors_directed(*node, Direction::Incoming).map(|parent| layers[graph[parent].0] + 1).max();
        layers[graph[*node].0] = below.unwrap_or(0);
    }
    for node in order {
        let VariableId(at) = graph[node];
        if model.variables[at].role == Role::Given {
            let child = graph.neighbors_directed(node, Direction::Outgoing).map(|child| layers[graph[child].0]).min();
            layers[at] = child.unwrap_or(1).saturating_sub(1);
        }
    }
    layers
}

fn points(layers: &[usize], columns: &[i32]) -> Vec<Point> {
    let place = |(layer, column): (&usize, &i32)| Point::new(f64::from(*column) * ACROSS, *layer as f64 * DOWN);
    layers.iter().zip(columns).map(place).collect()
}

/// The position of each variable in its layer.
fn columns(layers: &[usize], edges: &[Edge]) -> Vec<i32> {
    let mut columns = vec![0; layers.len()];
    let deepest = layers.iter().copied().max().unwrap_or(0);
    let mut widest = 0;
    for layer in 0..=deepest {
        let members: Vec<usize> = (0..layers.len()).filter(|at| layers[*at] == layer).collect();
        let width = (members.len() as i32 - 1) * APART;
        widest = widest.max(width);
        for (at, member) in members.iter().enumerate() {
            columns[*member] = at as i32 * APART - width / 2;
        }
    }
    if edges.len() > MOST_EDGES {
        return columns;
    }
    let reach = widest / 2 + 2;
    let rounds = if edges.len() > MOST_ROUTED { 0 } else { 2 };
    let cost = |columns: &[i32]| {
        let offset: i32 = columns.iter().map(|column| column.abs()).sum();
        route(&points(layers, columns), edges, rounds).1 + 2.0 * f64::from(offset)
    };
    let mut best = cost(&columns);
    for _ in 0..4 {
        let before = best;
        for at in 0..layers.len() {
            for column in -reach..=reach {
                let mut tried = columns.clone();
                // Whoever stands there changes places with the one that comes.
                match (0..layers.len()).find(|other| *other != at && near(layers, &columns, *other, at, column)) {
                    Some(other) if columns[other] == column => tried.swap(at, other),
                    Some(_) => continue,
                    None => tried[at] = column,
                }
                let cost = cost(&tried);
                if cost < best - 1e-6 {
                    (columns, best) = (tried, cost);
                }
            }
        }
        if best >= before {
            break;
        }
    }
    columns
}

/// Whether a node of the same layer is too close to a column.
fn near(layers: &[usize], columns: &[i32], other: usize, at: usize, column: i32) -> bool {
    layers[other] == layers[at] && (columns[other] - column).abs() < APART
}
