//! The graph for Graphviz.

use super::condense::{Condensed, condense};
use crate::graph::{Role, Side};
use crate::plan::Plan;
use std::fmt::Write as _;

/// A digraph: p solid, q dashed, observed variables shaded, given ones as boxes, determined ones with a double border,
/// a family as one node on a plate.
pub fn dot(plan: &Plan) -> String {
    let model = &plan.model;
    let mut text = format!("digraph {} {{\n  node [shape=circle, fontname=\"serif\", style=filled, ", model.name);
    text += "fillcolor=white];\n  edge [arrowsize=0.7];\n";
    let graph = condense(plan);
    for (plate, label) in graph.plates.iter().map(|plate| &plate.label).enumerate() {
        let on = graph.nodes.iter().filter(|node| node.plate == Some(plate));
        let on: Vec<String> = on.map(|node| format!("{};", quoted(&node.name))).collect();
        writeln!(text, "  subgraph cluster_{plate} {{ label=\"{label}\"; {} }}", on.join(" ")).ok();
    }
    for node in &graph.nodes {
        let fill = match node.role {
            Role::Latent | Role::Global => "white",
            Role::Partly => "\"white;0.5:gray85\", gradientangle=90, style=filled",
            Role::Observed | Role::Given => "gray85",
        };
        let shape = if node.role == Role::Given { "box" } else { "circle" };
        let lines = if node.determined { 2 } else { 1 };
        let label = match super::notation::split_name(&node.name) {
            (base, "") => format!("<<i>{base}</i>>"),
            (base, index) => format!("<<i>{base}</i><sub>{index}</sub>>"),
        };
        let name = quoted(&node.name);
        writeln!(text, "  {name} [label={label}, shape={shape}, fillcolor={fill}, peripheries={lines}];").ok();
    }
    edges(&mut text, &graph);
    text + "}\n"
}

fn edges(text: &mut String, graph: &Condensed) {
    for edge in &graph.edges {
        let mut style = Vec::new();
        if edge.side == Side::Q {
            style.push("style=dashed".to_owned());
        }
        if edge.deterministic {
            style.push("arrowhead=empty".to_owned());
        }
        // Only p determines the vertical order.
        if edge.side == Side::Q || !edge.is_down {
            style.push("constraint=false".to_owned());
        }
        if !edge.label.is_empty() {
            style.push(format!("label=\"{}\"", edge.label));
        }
        let style = if style.is_empty() { String::new() } else { format!(" [{}]", style.join(", ")) };
        let [from, to] = [edge.from, edge.to].map(|at| quoted(&graph.nodes[at].name));
        writeln!(text, "  {from} -> {to}{style};").ok();
    }
}

/// A name quoted for Graphviz.
fn quoted(name: &str) -> String {
    if name.contains('[') { format!("\"{name}\"") } else { name.to_owned() }
}
