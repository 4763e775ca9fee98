//! A network, node by node, with names for fields and values, and with what is computed once an image set apart.

use crate::catalog::Role;
use crate::graph::{Model, NetId, Network, Node, NodeId, Op, VariableId};

/// A network as it is built and run.
#[derive(Debug, Clone)]
pub struct NetworkPlan {
    pub nodes: Vec<NodePlan>,
    pub output: NodeId,
    /// Nodes whose values do not depend on the sample and that the rest reads; empty where there are none, or where
    /// nothing depends on the sample.
    pub once: Vec<NodeId>,
    /// Variables that the nodes computed once read, and those that the others read directly.
    pub once_reads: Vec<VariableId>,
    pub reads: Vec<VariableId>,
}

/// A node with its names.
#[derive(Debug, Clone)]
pub struct NodePlan {
    pub node: Node,
    /// The field of a layer or a named network; empty for functions and inputs.
    pub field: String,
    /// The local variable that holds the value.
    pub local: String,
    /// Whether it is computed once an image.
    pub is_once: bool,
    /// Whether the shape of its output must be known to build what comes after.
    pub shape_needed: bool,
}

/// A named network.
#[derive(Debug, Clone)]
pub enum NetPlan {
    Built { name: String, network: NetworkPlan },
    Rust { name: String, path: String },
}

impl NetworkPlan {
    pub fn node(&self, id: NodeId) -> &NodePlan {
        &self.nodes[id.0]
    }

    /// Named networks this one applies, each once.
    pub fn nets(&self) -> Vec<NetId> {
        let mut nets: Vec<NetId> = Vec::new();
        for node in &self.nodes {
            if let Op::Net(net) = node.node.op
                && !nets.contains(&net)
            {
                nets.push(net);
            }
        }
        nets
    }
}

impl NodePlan {
    /// Whether it stands for a struct that is built once.
    pub fn is_layer(&self) -> bool {
        matches!(&self.node.op, Op::Block { block, .. } if block.entry.role == Role::Layer)
    }

    fn is_input(&self) -> bool {
        matches!(self.node.op, Op::Variable(_) | Op::Formal(_))
    }
}

/// Plans a network; `invariant` variables do not depend on the sample. A named one must know the shape of its output.
pub fn network(model: &Model, network: &Network, invariant: &[VariableId], is_named: bool) -> NetworkPlan {
    let mut nodes: Vec<NodePlan> = Vec::with_capacity(network.nodes.len());
    let mut computed = 0;
    for node in &network.nodes {
        let is_once = match node.op {
            Op::Variable(id) => invariant.contains(&id),
            Op::Formal(_) => false,
            _ => node.inputs.iter().all(|input| nodes[input.0].is_once),
        };
        let field = match &node.op {
            Op::Block { block, .. } if block.entry.role == Role::Layer => node.path.replace('.', "_"),
            Op::Net(net) => model.nets[net.0].name.clone(),
            _ => String::new(),
        };
        computed += usize::from(!matches!(node.op, Op::Variable(_) | Op::Formal(_)));
        let local = local_name(model, node, computed);
        nodes.push(NodePlan { node: node.clone(), field, local, is_once, shape_needed: false });
    }
    nodes[network.output.0].shape_needed = is_named;
    mark_shapes(&mut nodes);
    let whole = nodes[network.output.0].is_once;
    let once: Vec<NodeId> = if whole { Vec::new() } else { boundary(&nodes) };
    if whole || once.is_empty() {
        nodes.iter_mut().for_each(|node| node.is_once = false);
    }
    let once_reads = reads(&nodes, |node| node.is_once);
    let direct = reads(&nodes, |node| !node.is_once);
    NetworkPlan { nodes, output: network.output, once, once_reads, reads: direct }
}

fn local_name(model: &Model, node: &Node, computed: usize) -> String {
    match &node.op {
        Op::Variable(id) => super::local(&model.variable(*id).name),
        Op::Formal(at) => format!("input{at}"),
        _ => format!("h{computed}"),
    }
}

/// Nodes computed once an image, not mere inputs, that something computed for each sample reads.
fn boundary(nodes: &[NodePlan]) -> Vec<NodeId> {
    let read = |at: usize| nodes.iter().any(|node| !node.is_once && node.node.inputs.contains(&NodeId(at)));
    let at = nodes.iter().enumerate().filter(|(at, node)| node.is_once && !node.is_input() && read(*at));
    at.map(|(at, _)| NodeId(at)).collect()
}

/// Variables that nodes of one kind read, in the order they are first read.
fn reads(nodes: &[NodePlan], kind: impl Fn(&NodePlan) -> bool) -> Vec<VariableId> {
    let mut all: Vec<VariableId> = Vec::new();
    for node in nodes.iter().filter(|node| !node.is_input() && kind(node)) {
        for input in &node.node.inputs {
            if let Op::Variable(id) = nodes[input.0].node.op
                && !all.contains(&id)
            {
                all.push(id);
            }
        }
    }
    all
}

/// Layers and named networks are built from the shapes of their inputs, which follow from those before.
fn mark_shapes(nodes: &mut [NodePlan]) {
    for at in (0..nodes.len()).rev() {
        let builds = nodes[at].is_layer() || matches!(nodes[at].node.op, Op::Net(_));
        let passes_on = nodes[at].shape_needed && !nodes[at].is_input();
        if builds || passes_on {
            for input in nodes[at].node.inputs.clone() {
                nodes[input.0].shape_needed = true;
            }
        }
    }
}
