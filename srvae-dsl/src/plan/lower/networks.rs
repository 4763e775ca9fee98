//! Lowers networks node by node, named networks in place, and the values of the file.

use super::Lowering;
use crate::catalog::Role;
use crate::graph::{NetBody, NetId, Network, Op, VariableId};
use crate::plan::parts::{call, net_path};
use crate::plan::program::{Operation, ValueId};

impl Lowering<'_> {
    /// A network with its parameters below `path`.
    pub(super) fn network(&mut self, network: &Network, path: &str, formals: &[ValueId]) -> ValueId {
        let output = self.nodes(network, path, formals)[network.output.0];
        // All inputs of a network are known; only experts may have unknown ones.
        output.unwrap_or_else(|| unreachable!("{path} reads what is not known"))
    }

    /// The values of the nodes. None for a node that reads an unknown variable.
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
                    Some(value) => self.without_gradient(*value),
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
                Op::Known(id) => self.known_of(*id),
                Op::Formal(at) => formals[*at],
                // The output of a factor's network, computed from the other nodes.
                Op::Experts { .. } => {
                    nodes.push(None);
                    continue;
                }
                Op::Net(net) => self.net(*net, inputs),
                Op::Let(id) => match self.read(*id) {
                    Some(value) if self.of_baselines.contains(id) => value,
                    Some(value) => self.without_gradient(value),
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

    /// What the data say of a partly observed variable, whatever has been drawn.
    fn known_of(&mut self, id: VariableId) -> ValueId {
        let name = &self.model.variable(id).name;
        let known = format!("known_{name}");
        if let Some(own) = self.partly.get(&id).copied() {
            return self.value(Operation::WithPresence, vec![own.presence, own.value], &known);
        }
        match self.given.contains(&id) {
            true => {
                let own = self.value(Operation::Given(id), Vec::new(), name);
                self.value(Operation::WithPresence, vec![own], &known)
            }
            false => self.value(Operation::Absent(id), Vec::new(), &known),
        }
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

    /// The value of a `let`, computed where it is first read. None if it reads an unknown variable.
    fn shared(&mut self, id: NetId) -> Option<ValueId> {
        let model = self.model;
        let mut waiting = vec![id];
        // Values that it reads come first. There is no recursion, because each step of a sequence may depend on the one
        // before.
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

    /// The value of a `let` as read at this point. Outside of the sequence, a forward recurrence is read at the end of
    /// each record.
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

    /// The value of a `let`, from known values.
    pub(super) fn computed(&mut self, id: NetId, network: &Network) -> Option<ValueId> {
        let step = std::mem::replace(&mut self.step, self.model.nets[id.0].step);
        let detaches = std::mem::replace(&mut self.detaches, self.of_baselines.contains(&id));
        let value = self.nodes(network, &net_path(self.model, id), &[])[network.output.0];
        (self.step, self.detaches) = (step, detaches);
        let value = value?;
        Some(self.within(id, value))
    }

    /// A value that a learned baseline reads of the model. The data have no gradient anyway.
    fn without_gradient(&mut self, value: ValueId) -> ValueId {
        if !self.detaches || self.values[value.0].operation.is_given() {
            return value;
        }
        let name = format!("{}_detached", self.values[value.0].name);
        self.value(Operation::Detach, vec![value], &name)
    }

    /// The value of a learned baseline, one number per row.
    pub(super) fn baseline(&mut self, id: NetId, step: Option<usize>) -> Option<ValueId> {
        let outer = std::mem::replace(&mut self.step, step);
        let value = self.read(id);
        self.step = outer;
        value
    }

    /// Sets the value of a variable from here on. Cached values of a `let` that depend on it are discarded.
    pub(super) fn know(&mut self, variable: VariableId, value: ValueId) {
        let is_changed = self.known.insert(variable, value).is_some_and(|before| before != value);
        let nets = &self.model.nets;
        self.lets.retain(|id, value| value.is_some() && !(is_changed && nets[id.0].reads.values.contains(variable)));
    }

    /// A backward recurrence: in the padding after a record's end, the value is that of the following step.
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
        // All layers were built in the same traversal, so the part exists.
        let part = self.parts.find(path).unwrap_or_else(|| unreachable!("no part at {path}"));
        let field = &self.parts.part(part).field;
        self.value(Operation::Layer(part), inputs, field)
    }
}
