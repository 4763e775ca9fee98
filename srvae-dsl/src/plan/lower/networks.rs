//! Networks node by node, those with names in place, and the values of the file.

use super::Lowering;
use crate::catalog::Role;
use crate::graph::{NetBody, NetId, Network, Op, VariableId};
use crate::plan::parts::{call, net_path};
use crate::plan::program::{Operation, ValueId};

impl Lowering<'_> {
    /// A network, its parameters below `path`.
    pub(super) fn network(&mut self, network: &Network, path: &str, formals: &[ValueId]) -> ValueId {
        let output = self.nodes(network, path, formals)[network.output.0];
        // What a network reads is known: only experts are asked for without.
        output.unwrap_or_else(|| unreachable!("{path} reads what is not known"))
    }

    /// The same node by node; none for what reads a variable that is not known here.
    pub(super) fn nodes(&mut self, network: &Network, path: &str, formals: &[ValueId]) -> Vec<Option<ValueId>> {
        let mut nodes: Vec<Option<ValueId>> = Vec::with_capacity(network.nodes.len());
        for node in &network.nodes {
            let inputs: Option<Vec<ValueId>> = node.inputs.iter().map(|input| nodes[input.0]).collect();
            let (known, Some(inputs)) = (&self.known, inputs) else {
                nodes.push(None);
                continue;
            };
            let value = match &node.op {
                Op::Variable(id) => match known.get(id) {
                    Some(value) => *value,
                    None => {
                        nodes.push(None);
                        continue;
                    }
                },
                Op::Past(id) => match self.partial.or_else(|| known.get(id).copied()) {
                    Some(value) => {
                        let name = format!("past_{}", self.model.variable(*id).name);
                        self.value(Operation::Past, vec![value], &name)
                    }
                    None => {
                        nodes.push(None);
                        continue;
                    }
                },
                Op::Formal(at) => formals[*at],
                // The output of a factor's network, which is made of the others.
                Op::Experts { .. } => {
                    nodes.push(None);
                    continue;
                }
                Op::Net(net) => self.net(*net, inputs),
                Op::Let(id) => match self.read(*id) {
                    Some(value) => value,
                    None => {
                        nodes.push(None);
                        continue;
                    }
                },
                Op::Block { block, .. } if block.entry.role == Role::Layer => {
                    self.layer(&format!("{path}.{}", node.path), inputs)
                }
                Op::Block { block, .. } => self.value(Operation::Function(call(block)), inputs, block.entry.name),
            };
            nodes.push(Some(value));
        }
        nodes
    }

    fn net(&mut self, net: NetId, inputs: Vec<ValueId>) -> ValueId {
        let model = self.model;
        let key = (net, inputs);
        if let Some(value) = self.applied.get(&key) {
            return *value;
        }
        let path = net_path(model, net);
        let value = match &model.nets[net.0].body {
            NetBody::Network(network) => self.network(network, &path, &key.1),
            NetBody::Rust { .. } => self.layer(&path, key.1.clone()),
        };
        self.applied.insert(key, value);
        value
    }

    /// The value of a `let`, which is computed where it is first read; none where it reads what is not known here.
    fn shared(&mut self, id: NetId) -> Option<ValueId> {
        let model = self.model;
        let mut waiting = vec![id];
        // Those that it reads come first: without recursion, for each step of a sequence may go on from the last.
        while let Some(at) = waiting.last().copied() {
            let before = waiting.len();
            if let (false, NetBody::Network(network)) = (self.lets.contains_key(&at), &model.nets[at.0].body) {
                waiting.extend(network.lets().filter(|id| !self.lets.contains_key(id)));
                if waiting.len() == before {
                    let value = self.computed(at, network);
                    self.lets.insert(at, value);
                }
            }
            if waiting.len() == before {
                waiting.pop();
            }
        }
        self.lets.get(&id).copied().flatten()
    }

    /// The value of a `let` as what is lowered reads it. What is of no step reads of a recurrence that runs up what it is at the end
    /// of each record.
    fn read(&mut self, id: NetId) -> Option<ValueId> {
        let model = self.model;
        let steps = model.length.and_then(|id| self.known.get(&id).copied());
        let (Some(steps), None, false) = (steps, self.step, self.has_values) else { return self.shared(id) };
        let mut chain = vec![id];
        while let Some(before) = chain.last().and_then(|id| model.comes_from(*id)) {
            chain.push(before);
        }
        let mut end = None;
        for id in chain.into_iter().rev() {
            let value = self.shared(id)?;
            let net = &model.nets[id.0];
            end = Some(match (end, net.step) {
                (Some(before), Some(step)) if step > 1 => {
                    self.value(Operation::Within(step), vec![value, before, steps], &format!("{}_end", net.name))
                }
                _ => value,
            });
        }
        end
    }

    /// The same, from values that are there.
    pub(super) fn computed(&mut self, id: NetId, network: &Network) -> Option<ValueId> {
        let outer = std::mem::replace(&mut self.step, self.model.nets[id.0].step);
        let value = self.nodes(network, &net_path(self.model, id), &[])[network.output.0];
        self.step = outer;
        let value = value?;
        Some(self.within(id, value))
    }

    /// A variable has a value from here on: what was computed from another one, or not at all, is no longer what a `let` stands
    /// for.
    pub(super) fn know(&mut self, variable: VariableId, value: ValueId) {
        let is_changed = self.known.insert(variable, value).is_some_and(|before| before != value);
        let nets = &self.model.nets;
        self.lets.retain(|id, value| value.is_some() && !(is_changed && nets[id.0].reads.contains(variable)));
    }

    /// What goes on from a later step: over the padding after a record's end it is what that step has.
    fn within(&mut self, net: NetId, value: ValueId) -> ValueId {
        let model = self.model;
        let (Some(later), Some(step)) = (model.goes_on_from(net), model.nets[net.0].step) else { return value };
        let steps = model.length.and_then(|id| self.known.get(&id).copied());
        let other = self.lets.get(&later).copied().flatten();
        let name = self.values[value.0].name.clone();
        match (other, steps) {
            (Some(other), Some(steps)) => self.value(Operation::Within(step), vec![value, other, steps], &name),
            _ => value,
        }
    }

    fn layer(&mut self, path: &str, inputs: Vec<ValueId>) -> ValueId {
        // Every layer was built: parts are found on the same walk.
        let part = self.parts.find(path).unwrap_or_else(|| unreachable!("no part at {path}"));
        let field = &self.parts.part(part).field;
        self.value(Operation::Layer(part), inputs, field)
    }
}
