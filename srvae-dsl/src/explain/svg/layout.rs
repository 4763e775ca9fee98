//! Places the variables in layers, from the roots of p down to the data. In each layer they are placed so that edges
//! are short, straight and separate.

use super::curve::Point;
use super::ring::reach;
use super::route::{Edge, RADIUS, route, start};
use crate::explain::condense::{Condensed, Edge as Line};
use crate::graph::{Role, Side};
use petgraph::Direction;
use petgraph::algo::toposort;

/// The distance between layers.
const DOWN: f64 = 92.0;
/// The unit of positions in a layer.
const ACROSS: f64 = 46.0;
/// The minimum distance of two nodes in one layer, in positions.
const APART: i32 = 2;
/// The unit of positions if edges have labels.
const ACROSS_LABELS: f64 = 66.0;
/// The distance between a node and the border of its plate.
const MARGIN: f64 = 13.0;
/// The height of a plate's label.
const LABEL: f64 = 16.0;
/// In graphs with more edges, neither positions nor bends are optimised one by one, because every step compares all
/// pairs of edges.
const MOST_EDGES: usize = 40;
/// In graphs with more edges, positions are compared with initial instead of routed edges.
const MOST_ROUTED: usize = 12;

/// A placed graph.
pub struct Layout {
    /// By node.
    pub nodes: Vec<Point>,
    /// Edges between two nodes, each with its bend as in [`super::curve::Curve::bent`].
    pub edges: Vec<(Line, f64)>,
    /// Edges from a node to itself.
    pub rings: Vec<Line>,
    /// The bounding box of each plate.
    pub plates: Vec<(Point, Point)>,
}

/// Places a graph's nodes.
pub fn layout(graph: &Condensed) -> Layout {
    let (rings, lines): (Vec<Line>, Vec<Line>) = graph.edges.iter().cloned().partition(|line| line.from == line.to);
    let layers = layers(graph);
    let edges: Vec<Edge> = lines.iter().map(|line| Edge { from: line.from, to: line.to }).collect();
    let columns = columns(graph, &layers, &edges);
    let nodes = points(graph, &layers, &columns);
    let bends = match edges.len() {
        0..=MOST_EDGES => route(&nodes, &edges, 6).0,
        _ => edges.iter().map(|edge| start(&edges, *edge)).collect(),
    };
    let plates = plates(graph, &nodes);
    Layout { nodes, edges: lines.into_iter().zip(bends).collect(), rings, plates }
}

/// The bounding box of each plate, around its nodes and their edges to themselves.
fn plates(graph: &Condensed, nodes: &[Point]) -> Vec<(Point, Point)> {
    let corners = |plate: usize| {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut least, mut most) = (Point::new(low, low), Point::new(high, high));
        let members = graph.nodes.iter().enumerate().filter(|(_, node)| node.plate == Some(plate));
        for (at, _) in members {
            let ring = |side: Side| {
                let rings = graph.edges.iter().filter(|edge| edge.from == at && edge.to == at && edge.side == side);
                rings.map(|edge| reach(&edge.label)).fold(RADIUS, f64::max) + MARGIN
            };
            let point = nodes[at];
            let (left, right) = (point.x - ring(Side::Q), point.x + ring(Side::P));
            least = Point::new(least.x.min(left), least.y.min(point.y - RADIUS - MARGIN - LABEL));
            most = Point::new(most.x.max(right), most.y.max(point.y + RADIUS + MARGIN));
        }
        most.x = most.x.max(least.x + 8.0 * graph.plates[plate].label.chars().count() as f64);
        (least, most)
    };
    (0..graph.plates.len()).map(corners).collect()
}

/// The number of nodes on a plate that is not theirs, and of overlapping plates.
fn strangers(graph: &Condensed, nodes: &[Point]) -> usize {
    let plates = plates(graph, nodes);
    let is_on = |(least, most): &(Point, Point), point: &Point| {
        let beside = |low: f64, at: f64, high: f64| low - RADIUS < at && at < high + RADIUS;
        beside(least.x, point.x, most.x) && beside(least.y, point.y, most.y)
    };
    let on = |plate: usize| {
        let others = graph.nodes.iter().zip(nodes).filter(|(node, _)| node.plate != Some(plate));
        others.filter(|(_, point)| is_on(&plates[plate], point)).count()
    };
    (0..plates.len()).map(on).sum()
}

/// The layer of each node: below all its parents in p. Given variables are one layer above their first child.
fn layers(condensed: &Condensed) -> Vec<usize> {
    let graph = condensed.order();
    let mut layers: Vec<usize> = vec![0; condensed.nodes.len()];
    // The graph has no cycle, so every node is in the order.
    let order = toposort(&graph, None).unwrap_or_default();
    for node in &order {
        let below = graph.neighbors_directed(*node, Direction::Incoming).map(|parent| layers[graph[parent]] + 1).max();
        layers[graph[*node]] = below.unwrap_or(0);
    }
    for node in order {
        let at = graph[node];
        if condensed.nodes[at].role == Role::Given {
            let child = graph.neighbors_directed(node, Direction::Outgoing).map(|child| layers[graph[child]]).min();
            layers[at] = child.unwrap_or(1).saturating_sub(1);
        }
    }
    layers
}

fn points(graph: &Condensed, layers: &[usize], columns: &[i32]) -> Vec<Point> {
    let across = if graph.plates.is_empty() { ACROSS } else { ACROSS_LABELS };
    let place = |(layer, column): (&usize, &i32)| Point::new(f64::from(*column) * across, *layer as f64 * DOWN);
    layers.iter().zip(columns).map(place).collect()
}

/// The position of each node in its layer.
fn columns(graph: &Condensed, layers: &[usize], edges: &[Edge]) -> Vec<i32> {
    let mut columns = vec![0; layers.len()];
    let deepest = layers.iter().copied().max().unwrap_or(0);
    let mut widest = 0;
    for layer in 0..=deepest {
        let mut members: Vec<usize> = (0..layers.len()).filter(|at| layers[*at] == layer).collect();
        members.sort_by_key(|at| graph.nodes[*at].plate);
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
        let points = points(graph, layers, columns);
        let strangers = 400.0 * strangers(graph, &points) as f64;
        route(&points, edges, rounds).1 + 2.0 * f64::from(offset) + strangers
    };
    let mut best = cost(&columns);
    for _ in 0..4 {
        let before = best;
        for at in 0..layers.len() {
            for column in -reach..=reach {
                let mut tried = columns.clone();
                // If the position is taken, the two nodes swap.
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
