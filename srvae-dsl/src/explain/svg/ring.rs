//! An edge from a node to itself, for a family that reads other steps of its own.

use super::curve::Point;
use super::route::RADIUS;
use super::strokes::{HEAD, dashes, head, said};
use crate::explain::condense::Edge;
use crate::graph::Side;
use std::fmt::Write as _;

/// Its extent to the side, from the centre of the node.
const REACH: f64 = RADIUS + 20.0;

/// The distance from the centre of the node to the end of the label.
pub fn reach(label: &str) -> f64 {
    REACH + 6.5 * label.chars().count() as f64
}

/// Right of the node for p, left of it for q, with its label beyond.
pub fn ring(body: &mut String, at: Point, line: &Edge) {
    let way = if line.side == Side::P { 1.0 } else { -1.0 };
    let (across, up) = (0.8, 0.6);
    let from = Point::new(at.x + way * RADIUS * across, at.y - RADIUS * up);
    let tip = Point::new(at.x + way * (RADIUS + 2.5) * across, at.y + (RADIUS + 2.5) * up);
    let control = |side: f64| Point::new(at.x + way * (REACH + 4.0), at.y + side * RADIUS);
    let (above, below) = (control(-1.0), control(1.0));
    let length = tip.distance(below);
    let back = tip.towards(below, (HEAD - 1.0) / length);
    writeln!(
        body,
        "<path d=\"M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\"{}/>",
        from.x,
        from.y,
        above.x,
        above.y,
        below.x,
        below.y,
        back.x,
        back.y,
        dashes(line.side)
    )
    .ok();
    head(body, tip, back, line.deterministic);
    let anchor = if way > 0.0 { "start" } else { "end" };
    said(body, &line.label, Point::new(at.x + way * (REACH - 2.0), at.y), anchor);
}
