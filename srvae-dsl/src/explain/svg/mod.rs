//! The graph as a picture: p solid, q dashed, observed variables shaded, determined ones with a double line, families as
//! plates.

mod condense;
mod curve;
mod draw;
mod layout;
mod route;

use crate::plan::Plan;

/// The picture, a whole SVG file.
pub fn svg(plan: &Plan) -> String {
    let graph = condense::condensed(plan);
    draw::draw(plan, &graph, &layout::layout(&graph))
}
