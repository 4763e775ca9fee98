//! The elements of the drawing.

use super::curve::{Curve, Point};
use super::layout::Layout;
use super::ring::ring;
use super::route::RADIUS;
use super::strokes::{HEAD, INK, dashes, head, said};
use crate::explain::condense::{Condensed, Edge};
use crate::explain::notation::{determined, split_name, sure};
use crate::graph::{Role, Side, family};
use crate::plan::Plan;
use std::fmt::Write as _;

/// The margin around the drawing.
const MARGIN: f64 = 16.0;
const FONT: &str = "'Latin Modern Roman', 'STIX Two Text', 'Times New Roman', 'DejaVu Serif', serif";
const SHADE: &str = "#d9d9d9";
/// The height of a line of the legend.
const LINE: f64 = 19.0;

/// The complete SVG file.
pub fn draw(plan: &Plan, graph: &Condensed, layout: &Layout) -> String {
    let mut body = String::new();
    for (plate, corners) in graph.plates.iter().zip(&layout.plates) {
        frame(&mut body, &plate.label, *corners);
    }
    for (line, bend) in &layout.edges {
        edge(&mut body, layout, line, *bend);
    }
    for line in &layout.rings {
        ring(&mut body, layout.nodes[line.from], line);
    }
    for (one, point) in graph.nodes.iter().zip(&layout.nodes) {
        node(&mut body, &one.name, one.role, one.determined, *point);
    }
    labels(&mut body, layout);
    let (mut least, mut most) = bounds(layout);
    let entries = legend(plan, graph);
    let width = entries.iter().map(|entry| 44.0 + 6.3 * entry.letters() as f64).fold(0.0, f64::max);
    let middle = (least.x + most.x) / 2.0;
    (least.x, most.x) = (least.x.min(middle - width / 2.0), most.x.max(middle + width / 2.0));
    let mut y = most.y + LINE + 4.0;
    for entry in &entries {
        entry.draw(&mut body, Point::new(middle - width / 2.0, y));
        y += LINE;
    }
    let (x, top) = (least.x - MARGIN, least.y - MARGIN);
    let (width, height) = (most.x - least.x + 2.0 * MARGIN, y - LINE + 8.0 - least.y + 2.0 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{x:.1} {top:.1} {width:.1} {height:.1}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"{FONT}\" fill=\"none\" stroke=\"{INK}\" \
         stroke-width=\"1.3\">\n<title>The model {}</title>\n{body}</svg>\n",
        plan.model.name
    )
}

/// The bounding box of everything but the legend.
fn bounds(layout: &Layout) -> (Point, Point) {
    let (mut least, mut most) = (Point::new(0.0, 0.0), Point::new(0.0, 0.0));
    let mut include = |point: Point, around: f64| {
        least = Point::new(least.x.min(point.x - around), least.y.min(point.y - around));
        most = Point::new(most.x.max(point.x + around), most.y.max(point.y + around));
    };
    for node in &layout.nodes {
        include(*node, RADIUS + 2.0);
    }
    for (least, most) in &layout.plates {
        include(*least, 2.0);
        include(*most, 2.0);
    }
    for (line, bend) in &layout.edges {
        let curve = Curve::bent(layout.nodes[line.from], layout.nodes[line.to], *bend);
        curve.points(30).for_each(|point| include(point, 3.0));
    }
    (least, most)
}

/// A plate with its index in the corner.
fn frame(body: &mut String, label: &str, (least, most): (Point, Point)) {
    let (x, y, width, height) = (least.x, least.y, most.x - least.x, most.y - least.y);
    writeln!(
        body,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"9\" stroke=\"#777\" stroke-width=\"1\"/>"
    )
    .ok();
    said(body, label, Point::new(least.x + 8.0, least.y + 11.0), "start");
}

/// The labels of edges between two nodes. Each is on its curve, at the point farthest from nodes and earlier labels.
fn labels(body: &mut String, layout: &Layout) {
    let mut placed: Vec<Point> = Vec::new();
    for (line, bend) in layout.edges.iter().filter(|(line, _)| !line.label.is_empty()) {
        let curve = Curve::bent(layout.nodes[line.from], layout.nodes[line.to], *bend);
        // Labels are wide and flat, so vertical distances count double.
        let apart = |at: Point, other: &Point| (at.x - other.x).hypot(2.0 * (at.y - other.y));
        let free = |at: Point| {
            let labels = placed.iter().map(|other| apart(at, other)).fold(60.0, f64::min);
            labels.min(layout.nodes.iter().map(|node| at.distance(*node)).fold(60.0, f64::min))
        };
        let places = [0.5, 0.42, 0.58, 0.34, 0.66].map(|part| curve.at(part));
        let best = places.into_iter().reduce(|best, other| if free(other) > free(best) + 1.0 { other } else { best });
        if let Some(at) = best {
            said(body, &line.label, at, "middle");
            placed.push(at);
        }
    }
}

fn edge(body: &mut String, layout: &Layout, line: &Edge, bend: f64) {
    let curve = Curve::bent(layout.nodes[line.from], layout.nodes[line.to], bend).trimmed(RADIUS + 1.0, RADIUS + 2.5);
    arrow(body, &curve, line.side, line.deterministic);
}

/// A curve with a head at its end, which is hollow if the factor is a function.
fn arrow(body: &mut String, curve: &Curve, side: Side, hollow: bool) {
    let shaft = curve.trimmed(0.0, HEAD - 1.0);
    let dash = dashes(side);
    let Curve { from, control, to } = shaft;
    writeln!(
        body,
        "<path d=\"M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}\"{dash}/>",
        from.x, from.y, control.x, control.y, to.x, to.y
    )
    .ok();
    head(body, curve.to, shaft.to, hollow);
}

fn node(body: &mut String, name: &str, role: Role, determined: bool, at: Point) {
    let fill = if matches!(role, Role::Latent | Role::Global | Role::Partly) { "white" } else { SHADE };
    if role == Role::Given {
        let (x, y, size) = (at.x - RADIUS * 0.86, at.y - RADIUS * 0.86, RADIUS * 1.72);
        writeln!(
            body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{size:.1}\" height=\"{size:.1}\" rx=\"3\" fill=\"{fill}\"/>"
        )
        .ok();
    } else {
        writeln!(body, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{RADIUS}\" fill=\"{fill}\"/>", at.x, at.y).ok();
    }
    if role == Role::Partly {
        half(body, at, RADIUS);
    }
    if determined {
        writeln!(body, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{}\"/>", at.x, at.y, RADIUS - 3.5).ok();
    }
    let (base, index) = split_name(name);
    let size = match name.chars().count() {
        0..=2 => 19.0,
        3..=4 => 15.0,
        // A long name becomes wider than its node rather than too small to read.
        letters => (64.0 / letters as f64).max((150.0 / letters as f64).min(9.0)),
    };
    // The halo where the name crosses the node's edge.
    let halo = match name.chars().count() {
        0..=7 => "stroke=\"none\"".to_owned(),
        _ => format!("stroke=\"{fill}\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\""),
    };
    let index = match index {
        "" => String::new(),
        index => format!("<tspan font-size=\"{:.1}\" font-style=\"normal\" dy=\"4\">{index}</tspan>", size * 0.65),
    };
    let y = at.y + size * 0.31;
    writeln!(
        body,
        "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"{size:.1}\" font-style=\"italic\" \
         fill=\"{INK}\" {halo}>{base}{index}</text>",
        at.x
    )
    .ok();
}

/// The shaded lower half of a partly observed node.
fn half(body: &mut String, at: Point, radius: f64) {
    let (left, right) = (at.x - radius, at.x + radius);
    writeln!(
        body,
        "<path d=\"M{left:.1} {0:.1}A{radius} {radius} 0 0 0 {right:.1} {0:.1}Z\" fill=\"{SHADE}\" stroke=\"none\"/>\
         <circle cx=\"{1:.1}\" cy=\"{0:.1}\" r=\"{radius}\" fill=\"none\"/>",
        at.y, at.x
    )
    .ok();
}

/// A line of the legend.
struct Entry {
    sample: Sample,
    text: String,
}

enum Sample {
    Arrow(Side, bool),
    Shaded,
    Half,
    Boxed,
    Doubled,
}

fn legend(plan: &Plan, graph: &Condensed) -> Vec<Entry> {
    let entry = |sample, text: &str| Entry { sample, text: text.to_owned() };
    let has = |role: Role| graph.nodes.iter().any(|node| node.role == role);
    let mut entries =
        vec![entry(Sample::Arrow(Side::P, false), "generative model <tspan font-style=\"italic\">p</tspan>")];
    if plan.model.q.iter().any(|factor| !crate::derive::is_deterministic(factor)) {
        entries.push(entry(Sample::Arrow(Side::Q, false), "inference model <tspan font-style=\"italic\">q</tspan>"));
    }
    // For a family, the first member represents all.
    let functions: Vec<_> = sure(plan).into_iter().chain(determined(plan)).collect();
    let spelling = crate::graph::Spelling::of(&plan.model);
    let family_of = |factor: &crate::graph::Factor| (factor.side, family(plan.name(factor.variable)));
    for (at, factor) in functions.iter().enumerate() {
        let own = family_of(factor);
        if functions[..at].iter().any(|other| family_of(other) == own) {
            continue;
        }
        let rest = if functions[at + 1..].iter().any(|other| family_of(other) == own) { ", …" } else { "" };
        let text = format!("{} = {}{rest}", plan.name(factor.variable), plan.function_text(factor));
        let text = spelling.text(&text);
        entries.push(entry(Sample::Arrow(factor.side, true), &text));
    }
    let is_doubled = |factor: &&crate::graph::Factor| plan.model.variable(factor.variable).role == Role::Latent;
    if determined(plan).iter().any(is_doubled) {
        entries.push(entry(Sample::Doubled, "latent that <tspan font-style=\"italic\">q</tspan> computes"));
    }
    if has(Role::Observed) {
        entries.push(entry(Sample::Shaded, "observed"));
    }
    if has(Role::Partly) {
        entries.push(entry(Sample::Half, "partly observed"));
    }
    if has(Role::Given) {
        entries.push(entry(Sample::Boxed, "given"));
    }
    entries
}

impl Entry {
    /// The number of letters of the text, without markup.
    fn letters(&self) -> usize {
        let mut inside = false;
        let is_shown = |letter: char| {
            inside = (inside || letter == '<') && letter != '>';
            !inside && letter != '>'
        };
        self.text.chars().map(is_shown).filter(|shown| *shown).count()
    }

    fn draw(&self, body: &mut String, at: Point) {
        match self.sample {
            Sample::Arrow(side, hollow) => {
                let line = Curve::bent(Point::new(at.x, at.y), Point::new(at.x + 34.0, at.y), 0.0);
                arrow(body, &line, side, hollow);
            }
            Sample::Shaded => {
                writeln!(body, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"6\" fill=\"{SHADE}\"/>", at.x + 17.0, at.y).ok();
            }
            Sample::Half => half(body, Point::new(at.x + 17.0, at.y), 6.0),
            Sample::Doubled => {
                for radius in [6.0, 3.5] {
                    let (x, y) = (at.x + 17.0, at.y);
                    writeln!(body, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"white\"/>").ok();
                }
            }
            Sample::Boxed => {
                let (x, y) = (at.x + 11.0, at.y - 6.0);
                writeln!(
                    body,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{SHADE}\"/>"
                )
                .ok();
            }
        }
        writeln!(
            body,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" fill=\"{INK}\" stroke=\"none\">{}</text>",
            at.x + 44.0,
            at.y + 4.0,
            self.text
        )
        .ok();
    }
}
