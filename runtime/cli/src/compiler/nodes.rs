//! The graph as TensorBoard shows it.

use srvae_dsl::graph::{self, Model};
use srvae_training::train::tensorboard::Node;
use std::collections::{BTreeMap, BTreeSet};

/// The factors of p and of q as nodes, with those of a sequence's steps as one. Variables without a factor are data.
pub fn nodes(model: &Model) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (side, factors) in [(graph::Side::P, &model.p), (graph::Side::Q, &model.q)] {
        let place = |id: graph::VariableId| {
            let (known, variable) = (model.factor(side, id).is_some(), model.variable(id));
            let name = if variable.step.is_some() { graph::family(&variable.name) } else { &variable.name };
            format!("{}/{name}", if known { side.name() } else { "data" })
        };
        for factor in factors {
            let name = place(factor.variable);
            let at = *places.entry(name.clone()).or_insert(nodes.len());
            if at == nodes.len() {
                nodes.push(Node { name, operation: operation(factor), inputs: Vec::new() });
            }
            for piece in model.pieces(&factor.parents) {
                // Members of a family are consecutive.
                let is_family = model.variables[piece.start].step.is_some();
                for id in if is_family { piece.start..piece.start + 1 } else { piece } {
                    let input = place(graph::VariableId(id));
                    if !nodes[at].inputs.contains(&input) {
                        nodes[at].inputs.push(input);
                    }
                }
            }
        }
    }
    let mut known: BTreeSet<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let read = nodes.iter().flat_map(|node| &node.inputs).filter(|name| name.starts_with("data/"));
    let new: Vec<String> = read.filter(|name| known.insert((*name).clone())).cloned().collect();
    nodes.extend(new.into_iter().map(|name| Node { name, operation: "data".into(), inputs: Vec::new() }));
    nodes
}

fn operation(factor: &graph::Factor) -> String {
    match &factor.body {
        graph::Body::Stochastic { base, flows, .. } => {
            let flows = flows.iter().map(|stage| stage.flow.entry.name);
            std::iter::once(base.entry.name).chain(flows).collect::<Vec<_>>().join("_")
        }
        graph::Body::Deterministic { function, .. } => function.entry.name.to_owned(),
        graph::Body::Mixture { .. } => "mixture".to_owned(),
    }
}
