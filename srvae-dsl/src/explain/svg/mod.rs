//! The graph as a picture: p solid, q dashed, observed variables shaded, determined ones with a double line,
//! a family as one node on a plate.

mod curve;
mod draw;
mod layout;
mod ring;
mod route;

use super::condense::condense;
use crate::plan::Plan;

/// The picture, a whole SVG file.
pub fn svg(plan: &Plan) -> String {
    let graph = condense(plan);
    draw::draw(plan, &graph, &layout::layout(&graph))
}
