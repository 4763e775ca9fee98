//! What edges and nodes are drawn with: dashes, arrow heads and labels.

use super::curve::Point;
use crate::graph::Side;
use std::fmt::Write as _;

/// The length of an arrow's head.
pub const HEAD: f64 = 9.0;
pub const INK: &str = "#1a1a1a";

/// A label centred vertically at a point, with a halo over what is below.
pub fn said(body: &mut String, text: &str, at: Point, anchor: &str) {
    let text = text.replace('<', "&lt;").replace('>', "&gt;");
    writeln!(
        body,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" font-size=\"12\" font-style=\"italic\" fill=\"{INK}\" \
         stroke=\"white\" stroke-width=\"4\" paint-order=\"stroke\">{text}</text>",
        at.x,
        at.y + 4.0
    )
    .ok();
}

/// Solid for p, dashed for q.
pub fn dashes(side: Side) -> &'static str {
    match side {
        Side::P => "",
        Side::Q => " stroke-dasharray=\"5 3.5\"",
    }
}

/// The head of an arrow from the direction of `back`.
pub fn head(body: &mut String, tip: Point, back: Point, hollow: bool) {
    let length = tip.distance(back).max(1e-6);
    let (along, across) = ((tip.x - back.x) / length, (tip.y - back.y) / length);
    let corner =
        |side: f64| Point::new(tip.x - HEAD * along - side * 3.6 * across, tip.y - HEAD * across + side * 3.6 * along);
    let (a, b) = (corner(1.0), corner(-1.0));
    let fill = if hollow { "white" } else { INK };
    writeln!(
        body,
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z\" fill=\"{fill}\" stroke-width=\"1\" stroke-linejoin=\"round\"/>",
        tip.x, tip.y, a.x, a.y, b.x, b.y
    )
    .ok();
}
