//! The graph for Graphviz.

use super::notation::determined;
use crate::derive::is_deterministic;
use crate::graph::{Role, Side, VariableId};
use crate::plan::Plan;
use std::fmt::Write as _;

/// A digraph: p solid, q dashed, observed variables shaded, given ones as boxes, determined ones with a double line.
pub fn dot(plan: &Plan) -> String {
    let model = &plan.model;
    let mut text = format!("digraph {} {{\n  node [shape=circle, fontname=\"serif\", style=filled, ", model.name);
    text += "fillcolor=white];\n  edge [arrowsize=0.7];\n";
    for (index, variable) in model.variables.iter().enumerate() {
        let id = VariableId(index);
        let fill = match variable.role {
            Role::Latent | Role::Global => "white",
            Role::Partly => "\"white;0.5:gray85\", gradientangle=90, style=filled",
            Role::Observed | Role::Given => "gray85",
        };
        let shape = if variable.role == Role::Given { "box" } else { "circle" };
        let lines = if determined(plan).iter().any(|factor| factor.variable == id) { 2 } else { 1 };
        let label = match super::notation::split_name(&variable.name) {
            (base, "") => format!("<<i>{base}</i>>"),
            (base, index) => format!("<<i>{base}</i><sub>{index}</sub>>"),
        };
        let name = &variable.name;
        writeln!(text, "  {name} [label={label}, shape={shape}, fillcolor={fill}, peripheries={lines}];").ok();
    }
    for factor in model.p.iter().chain(&model.q) {
        let style = match factor.side {
            Side::P => "",
            // Only p decides what stands above what.
            Side::Q if is_deterministic(factor) => " [style=dashed, arrowhead=empty, constraint=false]",
            Side::Q => " [style=dashed, constraint=false]",
        };
        for parent in &factor.parents {
            writeln!(text, "  {} -> {}{style};", plan.name(*parent), plan.name(factor.variable)).ok();
        }
    }
    text + "}\n"
}
