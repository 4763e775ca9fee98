//! Nodes of a network that yield the same values.

use crate::catalog::Role;
use crate::graph::{Node, Op};
use std::collections::BTreeMap;

/// What a node computes: the operation, its arguments, and the first of the nodes that are equal to each of its inputs.
type Key = (&'static str, String, Vec<usize>);

/// For every node the first one that yields the same values.
pub fn first_of_equals(nodes: &[Node]) -> Vec<usize> {
    let (mut known, mut firsts): (BTreeMap<Key, usize>, _) = (BTreeMap::new(), Vec::with_capacity(nodes.len()));
    for (at, node) in nodes.iter().enumerate() {
        let first = key(node, &firsts).map_or(at, |key| *known.entry(key).or_insert(at));
        firsts.push(first);
    }
    firsts
}

/// None for what has parameters of its own, and for distributions.
fn key(node: &Node, firsts: &[usize]) -> Option<Key> {
    let (name, arguments) = match &node.op {
        Op::Block { block, .. } if block.entry.role == Role::Function => {
            let arguments = block.args.iter().map(|argument| format!("{}: {}, ", argument.name, argument.value));
            (block.entry.name, arguments.collect())
        }
        Op::Block { .. } | Op::Experts { .. } => return None,
        Op::Net(net) | Op::Let(net) => ("net", net.0.to_string()),
        Op::Variable(id) => ("variable", id.0.to_string()),
        Op::Known(id) => ("known", id.0.to_string()),
        Op::Past(id) => ("past", id.0.to_string()),
        Op::Formal(argument) => ("formal", argument.to_string()),
    };
    Some((name, arguments, node.inputs.iter().map(|input| firsts[input.0]).collect()))
}
