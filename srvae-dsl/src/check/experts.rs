//! Products of experts: `q(z | x, w) = (normal from x |> …) * (normal from w |> …) * standard_normal`.
//!
//! A product of diagonal normals is a diagonal normal. Later stages see only a network whose nodes are the heads of all
//! experts and whose output is the product.

use super::Checker;
use super::arguments::Signature;
use super::factors::Head;
use super::flows::Flows;
use crate::ast;
use crate::catalog;
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Network, Node, NodeId, Op, Role, Use, VariableId, VariableSet};
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn product(&mut self, head: &Head<'_>) -> Option<Body> {
        let entry = catalog::distribution("normal")?;
        let experts = &head.factor.experts;
        let place = experts.first()?.span.to(experts.last()?.span);
        self.produces(head, entry, place, false)?;
        let (mut networks, mut standard, mut complete) = (Vec::new(), 0, true);
        for expert in experts {
            match self.expert(head, expert) {
                Some(Some(network)) => networks.push(network),
                Some(None) => standard += 1,
                None => complete = false,
            }
        }
        if !complete {
            return None;
        }
        if networks.is_empty() {
            self.findings.push(messages::not_an_expert("`standard_normal` alone", place, "reads nothing"));
            return None;
        }
        let network = joined(networks, standard, place);
        self.all_read(head, &network.reads(&self.nets.done))?;
        self.causal(&network)?;
        let base = Use { entry, args: Vec::new(), span: place };
        Some(Body::Stochastic { base, flows: Vec::new(), network: Some(network) })
    }

    /// The network of an expert; none for a standard normal.
    fn expert(&mut self, head: &Head<'_>, expert: &ast::Expert) -> Option<Option<Network>> {
        let call = expert.body.as_call();
        let Some(call) = call else {
            let why = "a flow has no product in closed form";
            self.findings.push(messages::not_an_expert("a distribution with a flow", expert.span, why));
            return None;
        };
        let (name, span) = (call.name.text.as_str(), call.name.span);
        if !matches!(name, "normal" | "standard_normal") {
            let why = "its product with others has no closed form";
            self.findings.push(messages::not_an_expert(&format!("`{name}`"), span, why));
            return None;
        }
        let entry = catalog::distribution(name)?;
        let (given, rest) = self.split(entry, call.arguments.as_deref().unwrap_or_default())?;
        let args = self.arguments(Signature { name: entry.name, parameters: entry.parameters }, &rest, span)?.args;
        let flows = Flows {
            stages: Vec::new(),
            inner: self.variable(head.variable).shape.clone(),
            read: VariableSet::default(),
        };
        self.feed(head, &Use { entry, args, span }, &given, &flows, expert.network.as_ref())
    }

    /// At least one expert of every product must remain, whatever variables a record lacks.
    pub(super) fn lasting_experts(&mut self, q: &[Factor]) {
        for factor in q {
            let Body::Stochastic { network: Some(network), .. } = &factor.body else { continue };
            let Some((experts, 0)) = network.experts() else { continue };
            let may_be_missing =
                |id: VariableId| self.variable(id).role == Role::Partly && q.iter().all(|other| other.variable != id);
            let above = |(expert, _): &(NodeId, u32)| network.variables_above(*expert, &self.nets.done);
            if experts.iter().all(|expert| above(expert).iter().any(may_be_missing)) {
                self.findings.push(messages::no_lasting_expert(factor.span));
            }
        }
    }
}

/// Joins the networks, each with its number in the paths of its parameters, and appends their product.
fn joined(networks: Vec<Network>, standard: usize, span: Span) -> Network {
    let (mut nodes, mut outputs): (Vec<Node>, Vec<NodeId>) = (Vec::new(), Vec::new());
    let given = networks.iter().map(|network| network.given).collect();
    for (at, network) in networks.into_iter().enumerate() {
        let offset = nodes.len();
        let moved = |id: NodeId| NodeId(id.0 + offset);
        outputs.push(moved(network.output));
        nodes.extend(network.nodes.into_iter().map(|node| {
            let path = if node.path.is_empty() { String::new() } else { format!("{}.{}", at + 1, node.path) };
            Node { inputs: node.inputs.into_iter().map(moved).collect(), path, ..node }
        }));
    }
    let shape = outputs.first().map_or_else(Vec::new, |output| nodes[output.0].shape.clone());
    nodes.push(Node { op: Op::Experts { given, standard }, inputs: outputs, shape, path: String::new(), span });
    Network { output: NodeId(nodes.len() - 1), nodes, given: 0 }
}
