//! The graph as a drawing: p solid, q dashed, observed variables shaded, determined ones with a double border, a family
//! as one node on a plate.

mod curve;
mod draw;
mod layout;
mod ring;
mod route;
mod strokes;

use super::condense::condense;
use crate::plan::Plan;

/// The drawing, as a complete SVG file.
pub fn svg(plan: &Plan) -> String {
    let graph = condense(plan);
    draw::draw(plan, &graph, &layout::layout(&graph))
}
