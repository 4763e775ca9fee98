//! Where the variables stand: in layers from the roots of p down to the data, side by side so that edges are short,
//! straight and apart.

use super::condense::{Condensed, Link};
use super::curve::Point;
use super::route::{Edge, route, start};
use crate::graph::{Role, Side};

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
    /// By the position of their items.
    pub nodes: Vec<Point>,
    pub edges: Vec<Line>,
    /// Edges from a node to itself.
    pub loops: Vec<Link>,
}

/// An edge between two nodes.
#[derive(Debug, Clone)]
pub struct Line {
    pub link: Link,
    /// As [`super::curve::Curve::bent`] has it.
    pub bend: f64,
}

/// Places a model's variables.
pub fn layout(graph: &Condensed) -> Layout {
    let (loops, links): (Vec<Link>, Vec<Link>) = graph.links.iter().cloned().partition(|link| link.from == link.to);
    let layers = layers(graph);
    let edges: Vec<Edge> = links.iter().map(|link| Edge { from: link.from, to: link.to }).collect();
    let columns = columns(&layers, &edges);
    let nodes = points(&layers, &columns);
    let bends = match edges.len() {
        0..=MOST_EDGES => route(&nodes, &edges, 6).0,
        _ => edges.iter().map(|edge| start(&edges, *edge)).collect(),
    };
    let edges = links.into_iter().zip(bends).map(|(link, bend)| Line { link, bend }).collect();
    Layout { nodes, edges, loops }
}

/// The layer of each node: below all its parents in p of the same step; what is given just above its first child.
fn layers(graph: &Condensed) -> Vec<usize> {
    let count = graph.items.len();
    let is_down = |link: &&Link| link.side == Side::P && link.from != link.to && link.reach.own;
    let down: Vec<(usize, usize)> = graph.links.iter().filter(is_down).map(|link| (link.from, link.to)).collect();
    let mut layers: Vec<usize> = vec![0; count];
    // As often as the longest way is long; the checks leave no circle among variables of one step.
    for _ in 0..count {
        let before = layers.clone();
        for (from, to) in &down {
            layers[*to] = layers[*to].max(layers[*from] + 1).min(count);
        }
        if layers == before {
            break;
        }
    }
    for (at, _) in graph.items.iter().enumerate().filter(|(_, item)| item.role == Role::Given) {
        let child = down.iter().filter(|(from, _)| *from == at).map(|(_, to)| layers[*to]).min();
        layers[at] = child.unwrap_or(1).saturating_sub(1);
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
