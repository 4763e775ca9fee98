//! Bends edges so that they avoid nodes and other edges.

use super::curve::{Curve, Point, cross};

/// Radius of a node.
pub const RADIUS: f64 = 22.0;
/// The minimum distance of an edge from the centre of other nodes.
const CLEARANCE: f64 = RADIUS + 12.0;
/// Points of two edges closer than this count as touching.
const NEAR: f64 = 9.0;
/// The number of sample points for comparing curves.
const SAMPLES: usize = 20;
/// The bends to try, small ones first.
const BENDS: [f64; 11] = [0.0, 0.13, -0.13, 0.22, -0.22, 0.32, -0.32, 0.44, -0.44, 0.58, -0.58];

/// An edge by the positions of its nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
}

impl Edge {
    /// Whether another edge joins the same two nodes.
    fn meets_twice(self, other: Self) -> bool {
        (self.from, self.to) == (other.from, other.to) || (self.from, self.to) == (other.to, other.from)
    }
}

/// A bend for each edge, and the total cost: crossings, touched nodes, bends, length.
pub fn route(nodes: &[Point], edges: &[Edge], rounds: usize) -> (Vec<f64>, f64) {
    let bends = edges.iter().map(|edge| start(edges, *edge)).collect();
    let mut routes = Routes::new(nodes, edges, bends);
    for _ in 0..rounds {
        let mut changed = false;
        for at in 0..edges.len() {
            changed |= routes.improve(&[at], BENDS.iter().map(|bend| vec![*bend]));
            let partner = (at + 1..edges.len()).find(|other| edges[at].meets_twice(edges[*other]));
            if let Some(partner) = partner {
                let pairs = BENDS.iter().flat_map(|one| BENDS.iter().map(|other| vec![*one, *other]));
                changed |= routes.improve(&[at, partner], pairs);
            }
        }
        if !changed {
            break;
        }
    }
    let total = (0..edges.len()).map(|at| routes.alone(at) + 0.5 * routes.among(at)).sum();
    (routes.bends, total)
}

/// The current edges.
struct Routes<'r> {
    nodes: &'r [Point],
    edges: &'r [Edge],
    bends: Vec<f64>,
    paths: Vec<Path>,
}

impl<'r> Routes<'r> {
    fn new(nodes: &'r [Point], edges: &'r [Edge], bends: Vec<f64>) -> Self {
        let paths = edges.iter().zip(&bends).map(|(edge, bend)| Path::new(nodes, *edge, *bend)).collect();
        Self { nodes, edges, bends, paths }
    }

    /// Gives some edges the best of these bends. Returns whether the cost has decreased.
    fn improve(&mut self, which: &[usize], choices: impl Iterator<Item = Vec<f64>>) -> bool {
        let before: Vec<f64> = which.iter().map(|at| self.bends[*at]).collect();
        let (mut best, mut best_cost) = (before.clone(), self.cost(which));
        for choice in choices {
            self.set(which, &choice);
            if which.iter().map(|at| self.alone(*at)).sum::<f64>() < best_cost {
                let cost = self.cost(which);
                if cost < best_cost - 1e-9 {
                    (best, best_cost) = (choice, cost);
                }
            }
        }
        self.set(which, &best);
        best != before
    }

    fn set(&mut self, which: &[usize], bends: &[f64]) {
        for (at, bend) in which.iter().zip(bends) {
            if self.bends[*at] != *bend {
                self.bends[*at] = *bend;
                self.paths[*at] = Path::new(self.nodes, self.edges[*at], *bend);
            }
        }
    }

    /// The cost of these edges. Pairs among them count once.
    fn cost(&self, which: &[usize]) -> f64 {
        let each: f64 = which.iter().map(|at| self.alone(*at) + self.among(*at)).sum();
        let twice = match which {
            [one, other] => between(&self.paths[*one], &self.paths[*other]),
            _ => 0.0,
        };
        each - twice
    }

    /// The cost of an edge independent of the others.
    fn alone(&self, at: usize) -> f64 {
        let (path, bend) = (&self.paths[at], self.bends[at]);
        let mut cost = 0.02 * path.length + 30.0 * bend * bend + 4.0 * bend.abs();
        let others = (0..self.nodes.len()).filter(|node| *node != path.edge.from && *node != path.edge.to);
        for node in others {
            let nearest = path.points.iter().map(|point| point.distance(self.nodes[node]));
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            if nearest < CLEARANCE {
                cost += 60.0 + 6.0 * (CLEARANCE - nearest);
            }
        }
        cost
    }

    /// The cost of an edge with respect to the others.
    fn among(&self, at: usize) -> f64 {
        let others = (0..self.paths.len()).filter(|other| *other != at);
        others.map(|other| between(&self.paths[at], &self.paths[other])).sum()
    }
}

/// The initial bend. Edges in both directions between two nodes bend away from each other.
pub fn start(edges: &[Edge], edge: Edge) -> f64 {
    let has_partner = edges.iter().any(|other| other.from == edge.to && other.to == edge.from);
    if has_partner { 0.13 } else { 0.0 }
}

/// An edge as points, without the parts inside its own nodes.
struct Path {
    edge: Edge,
    points: Vec<Point>,
    length: f64,
    /// The corners of its bounding box.
    least: Point,
    most: Point,
}

impl Path {
    fn new(nodes: &[Point], edge: Edge, bend: f64) -> Self {
        let curve = Curve::bent(nodes[edge.from], nodes[edge.to], bend).trimmed(RADIUS, RADIUS + 4.0);
        let points: Vec<Point> = curve.points(SAMPLES).collect();
        let length = points.windows(2).map(|pair| pair[0].distance(pair[1])).sum();
        let far =
            |pick: fn(&Point) -> f64, fold: fn(f64, f64) -> f64, from: f64| points.iter().map(pick).fold(from, fold);
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        let least = Point::new(far(|point| point.x, f64::min, low), far(|point| point.y, f64::min, low));
        let most = Point::new(far(|point| point.x, f64::max, high), far(|point| point.y, f64::max, high));
        Self { edge, points, length, least, most }
    }

    /// Whether two bounding boxes are so far apart that the paths cannot touch.
    fn is_apart(&self, other: &Self) -> bool {
        let beside =
            |low: f64, high: f64, other_low: f64, other_high: f64| low > other_high + NEAR || other_low > high + NEAR;
        beside(self.least.x, self.most.x, other.least.x, other.most.x)
            || beside(self.least.y, self.most.y, other.least.y, other.most.y)
    }
}

/// The cost of two edges with respect to each other.
fn between(a: &Path, b: &Path) -> f64 {
    let mut cost = 0.0;
    // Two edges that meet in a node should meet it at different points.
    for (mine, my_node) in [(a.points[0], a.edge.from), (a.points[SAMPLES - 1], a.edge.to)] {
        for (theirs, their_node) in [(b.points[0], b.edge.from), (b.points[SAMPLES - 1], b.edge.to)] {
            if my_node == their_node {
                cost += 2.5 * (16.0 - mine.distance(theirs)).max(0.0);
            }
        }
    }
    if a.is_apart(b) {
        return cost;
    }
    let close = |p: &Point| b.points.iter().any(|q| p.distance(*q) < NEAR);
    cost += 2.0 * a.points[2..SAMPLES - 2].iter().filter(|point| close(point)).count() as f64;
    for mine in a.points.windows(2) {
        for theirs in b.points.windows(2) {
            if cross((mine[0], mine[1]), (theirs[0], theirs[1])) {
                cost += 25.0;
            }
        }
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_keep_clear_of_nodes_and_of_each_other() {
        let nodes = [Point::new(0.0, 0.0), Point::new(0.0, 90.0), Point::new(0.0, 180.0)];
        let edge = |from, to| Edge { from, to };
        let edges = [edge(0, 1), edge(1, 2), edge(0, 2), edge(2, 1)];
        let (bends, _) = route(&nodes, &edges, 5);
        let through = Path::new(&nodes, edges[2], bends[2]);
        assert!(through.points.iter().all(|point| point.distance(nodes[1]) > RADIUS + 5.0), "{bends:?}");
        let (down, up) = (Path::new(&nodes, edges[1], bends[1]), Path::new(&nodes, edges[3], bends[3]));
        assert!(down.points[SAMPLES / 2].distance(up.points[SAMPLES / 2]) > 9.0, "{bends:?}");
    }
}
