//! The picture's elements.

use super::curve::{Curve, Point};
use super::layout::{Layout, Line};
use super::route::RADIUS;
use crate::explain::notation::{determined, split_name, sure};
use crate::graph::{Role, Side};
use crate::plan::Plan;
use std::fmt::Write as _;

/// Around everything.
const MARGIN: f64 = 16.0;
/// Length of an arrow's head.
const HEAD: f64 = 9.0;
const FONT: &str = "'Latin Modern Roman', 'STIX Two Text', 'Times New Roman', 'DejaVu Serif', serif";
const INK: &str = "#1a1a1a";
const SHADE: &str = "#d9d9d9";
/// Of a legend's line.
const LINE: f64 = 19.0;

/// The whole file.
pub fn draw(plan: &Plan, layout: &Layout) -> String {
    let mut body = String::new();
    for line in &layout.edges {
        edge(&mut body, layout, line);
    }
    for (variable, point) in plan.model.variables.iter().zip(&layout.nodes) {
        let determined = plan.model.variables.iter().position(|other| other.name == variable.name).is_some_and(|at| {
            plan.model.q_of(crate::graph::VariableId(at)).is_some_and(crate::derive::is_deterministic)
        });
        node(&mut body, &variable.name, variable.role, determined, *point);
    }
    let (mut least, mut most) = bounds(layout);
    let entries = legend(plan);
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

/// The corners of everything but the legend.
fn bounds(layout: &Layout) -> (Point, Point) {
    let (mut least, mut most) = (Point::new(0.0, 0.0), Point::new(0.0, 0.0));
    let mut include = |point: Point, around: f64| {
        least = Point::new(least.x.min(point.x - around), least.y.min(point.y - around));
        most = Point::new(most.x.max(point.x + around), most.y.max(point.y + around));
    };
    for node in &layout.nodes {
        include(*node, RADIUS + 2.0);
    }
    for line in &layout.edges {
        let curve = Curve::bent(layout.nodes[line.from], layout.nodes[line.to], line.bend);
        curve.points(30).for_each(|point| include(point, 3.0));
    }
    (least, most)
}

fn edge(body: &mut String, layout: &Layout, line: &Line) {
    let curve =
        Curve::bent(layout.nodes[line.from], layout.nodes[line.to], line.bend).trimmed(RADIUS + 1.0, RADIUS + 2.5);
    arrow(body, &curve, line.side, line.deterministic);
}

/// A curve with a head at its end; hollow where the factor is a function.
fn arrow(body: &mut String, curve: &Curve, side: Side, hollow: bool) {
    let shaft = curve.trimmed(0.0, HEAD - 1.0);
    let dash = match side {
        Side::P => "",
        Side::Q => " stroke-dasharray=\"5 3.5\"",
    };
    let Curve { from, control, to } = shaft;
    writeln!(
        body,
        "<path d=\"M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}\"{dash}/>",
        from.x, from.y, control.x, control.y, to.x, to.y
    )
    .ok();
    let (tip, back) = (curve.to, shaft.to);
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
        letters => (64.0 / letters as f64).max(5.0),
    };
    let index = match index {
        "" => String::new(),
        index => format!("<tspan font-size=\"{:.1}\" font-style=\"normal\" dy=\"4\">{index}</tspan>", size * 0.65),
    };
    let y = at.y + size * 0.31;
    writeln!(
        body,
        "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"{size:.1}\" font-style=\"italic\" \
         fill=\"{INK}\" stroke=\"none\">{base}{index}</text>",
        at.x
    )
    .ok();
}

/// The shaded lower half of a node that some records observe.
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

fn legend(plan: &Plan) -> Vec<Entry> {
    let entry = |sample, text: &str| Entry { sample, text: text.to_owned() };
    let has = |role: Role| plan.model.variables.iter().any(|variable| variable.role == role);
    let mut entries =
        vec![entry(Sample::Arrow(Side::P, false), "generative model <tspan font-style=\"italic\">p</tspan>")];
    if plan.model.q.iter().any(|factor| !crate::derive::is_deterministic(factor)) {
        entries.push(entry(Sample::Arrow(Side::Q, false), "inference model <tspan font-style=\"italic\">q</tspan>"));
    }
    for factor in sure(plan).into_iter().chain(determined(plan)) {
        let text = format!("{} = {}", plan.name(factor.variable), plan.function_text(factor));
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
    /// Letters of the text, without what marks it up.
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
