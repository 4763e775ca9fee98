//! Several distributions as one: `q(z | x, w) = (normal from x |> …) * (normal from w |> …) * standard_normal`, a product of
//! experts, and `mixture of (normal from x |> …), (normal from w |> …)`, a mixture of them.
//!
//! A product of diagonal normals is a diagonal normal, and so for every distribution whose entry in the catalogue has
//! `experts`. Later stages see only a network whose nodes are the heads of all experts and whose output is the product. A
//! mixture is represented in the same way. Its components are enumerated, as the values of an enumerated variable are.

use super::Checker;
use super::arguments::Signature;
use super::factors::Head;
use super::flows::Flows;
use crate::ast;
use crate::catalog::{self, Distribution};
use crate::derive::Ancestry;
use crate::diagnostics::messages;
use crate::graph::{
    Argument, Body, Draw, DrawMethod, Factor, Joint, Network, Node, NodeId, Op, Role, Side, Use, Value, VariableId,
    VariableSet,
};
use crate::source::Span;

/// A distribution of several, as it is stated.
struct Stated {
    entry: &'static Distribution,
    args: Vec<Argument>,
    network: Option<Network>,
    span: Span,
}

impl Checker<'_> {
    pub(super) fn several(&mut self, head: &Head<'_>) -> Option<Body> {
        match head.factor.joint {
            Joint::Product => self.product(head),
            Joint::Mean => self.mean(head),
        }
    }

    fn product(&mut self, head: &Head<'_>) -> Option<Body> {
        let experts = &head.factor.experts;
        let place = experts.first()?.span.to(experts.last()?.span);
        let entry = self.multiplied(experts)?;
        self.produces(head, entry, place, false)?;
        let (networks, roots) = self.experts(head, entry, experts, place)?;
        let base = Use { entry, args: Vec::new(), span: place };
        self.joined(head, base, (Joint::Product, roots), networks)
    }

    /// The distribution whose product the experts are: the first that can be multiplied, or that of which a root is a factor.
    fn multiplied(&mut self, experts: &[ast::Expert]) -> Option<&'static Distribution> {
        let mut stated = experts.iter().filter_map(|expert| catalog::distribution(&expert.body.as_call()?.name.text));
        let own = stated.clone().find(|entry| entry.experts.is_some());
        let found = own.or_else(|| stated.find_map(root_of));
        if found.is_none() {
            experts.iter().for_each(|expert| self.not_an_expert(expert, None));
        }
        found
    }

    /// The networks of a product's experts, and the number of its roots.
    fn experts(
        &mut self,
        head: &Head<'_>,
        entry: &'static Distribution,
        experts: &[ast::Expert],
        place: Span,
    ) -> Option<(Vec<Network>, usize)> {
        let stated = experts.iter().map(|expert| self.expert(head, entry, expert)).collect::<Vec<_>>();
        let stated = stated.into_iter().collect::<Option<Vec<_>>>()?;
        let roots = stated.iter().filter(|expert| expert.network.is_none()).count();
        let networks: Vec<Network> = stated.into_iter().filter_map(|expert| expert.network).collect();
        if let (true, Some(root)) = (networks.is_empty(), entry.experts.and_then(|experts| experts.root)) {
            self.findings.push(messages::not_an_expert(&format!("`{root}` alone"), place, "reads nothing"));
            return None;
        }
        Some((networks, roots))
    }

    fn mean(&mut self, head: &Head<'_>) -> Option<Body> {
        let components = &head.factor.experts;
        let place = components.first()?.span.to(components.last()?.span);
        let variable = self.variable(head.variable);
        if head.factor.side == Side::P || variable.role != Role::Latent || variable.step.is_some() {
            self.findings.push(messages::mean_elsewhere(place, head.factor.head));
            return None;
        }
        let stated = components.iter().map(|component| self.component(head, component)).collect::<Vec<_>>();
        let stated = stated.into_iter().collect::<Option<Vec<_>>>()?;
        let first = stated.first()?;
        let is_other = |other: &&Stated| other.entry.name != first.entry.name || other.args != first.args;
        if let Some(other) = stated.iter().find(is_other) {
            let error = messages::other_component(other.entry.name, other.span, first.entry.name, first.span);
            self.findings.push(error);
            return None;
        }
        let base = Use { entry: first.entry, args: first.args.clone(), span: place };
        let networks = stated.into_iter().filter_map(|component| component.network).collect();
        self.joined(head, base, (Joint::Mean, 0), networks)
    }

    /// A factor of several distributions, from their networks.
    fn joined(
        &mut self,
        head: &Head<'_>,
        base: Use<Distribution>,
        how: (Joint, usize),
        networks: Vec<Network>,
    ) -> Option<Body> {
        let network = joined(networks, how, base.span);
        self.all_read(head, &network.reads(&self.nets.done).all())?;
        self.causal(&network)?;
        Some(Body::Stochastic { base, flows: Vec::new(), network: Some(network) })
    }

    /// A distribution of a product with its network, or the root that may be a factor.
    fn expert(&mut self, head: &Head<'_>, entry: &'static Distribution, expert: &ast::Expert) -> Option<Stated> {
        let root = entry.experts.and_then(|experts| experts.root);
        let is_factor = |call: &&ast::Call| call.name.text == entry.name || Some(call.name.text.as_str()) == root;
        match expert.body.as_call().filter(is_factor) {
            Some(call) => self.stated(head, expert, call, catalog::distribution(&call.name.text)?),
            None => {
                self.not_an_expert(expert, Some(entry));
                None
            }
        }
    }

    /// Reports an expert that cannot be multiplied, or not with distributions of a type.
    fn not_an_expert(&mut self, expert: &ast::Expert, others: Option<&Distribution>) {
        let error = match (expert.body.as_call(), others) {
            (None, _) => {
                let why = "a flow has no product in closed form";
                messages::not_an_expert("a distribution with a flow", expert.span, why)
            }
            (Some(call), others) => {
                let (name, span) = (format!("`{}`", call.name.text), call.name.span);
                let multiplies = catalog::distribution(&call.name.text).is_some_and(|entry| entry.experts.is_some());
                match others.filter(|_| multiplies) {
                    Some(others) => messages::not_an_expert(&name, span, &format!("multiplies `{}`", others.name)),
                    None => messages::not_an_expert(&name, span, "its product with others has no closed form"),
                }
            }
        };
        self.findings.push(error);
    }

    /// A distribution whose draws have a gradient, with its network.
    fn component(&mut self, head: &Head<'_>, component: &ast::Expert) -> Option<Stated> {
        if !component.product.is_empty() {
            return self.product_as_component(head, component);
        }
        let Some(call) = component.body.as_call() else {
            let what = "a distribution under a flow";
            self.findings.push(messages::not_a_component(what, component.span, "stands under a flow"));
            return None;
        };
        let (name, span) = (call.name.text.as_str(), call.name.span);
        let Some(entry) = catalog::distribution(name) else {
            self.findings.push(messages::not_a_component(&format!("`{name}`"), span, "is no distribution"));
            return None;
        };
        if let (Some(entry), None, None) = (root_of(entry), &call.arguments, &component.network) {
            return self.stated(head, component, &of_zeros(entry, span), entry);
        }
        self.may_be_component(head, entry, span)?;
        let stated = self.stated(head, component, call, entry)?;
        if stated.network.is_none() {
            self.findings.push(messages::not_a_component(&format!("`{name}`"), span, "has no parameters"));
            return None;
        }
        Some(stated)
    }

    fn may_be_component(&mut self, head: &Head<'_>, entry: &Distribution, span: Span) -> Option<()> {
        self.produces(head, entry, span, false)?;
        if !entry.reparameterised {
            let why = "its draws have no gradient of their own";
            self.findings.push(messages::not_a_component(&format!("`{}`", entry.name), span, why));
            return None;
        }
        Some(())
    }

    /// A component that is a product, and so a distribution of the type of its factors.
    fn product_as_component(&mut self, head: &Head<'_>, component: &ast::Expert) -> Option<Stated> {
        let (entry, span) = (self.multiplied(&component.product)?, component.span);
        self.may_be_component(head, entry, span)?;
        let (networks, roots) = self.experts(head, entry, &component.product, span)?;
        let network = joined(networks, (Joint::Product, roots), span);
        Some(Stated { entry, args: Vec::new(), network: Some(network), span })
    }

    fn stated(
        &mut self,
        head: &Head<'_>,
        one: &ast::Expert,
        call: &ast::Call,
        entry: &'static Distribution,
    ) -> Option<Stated> {
        let span = call.name.span;
        let (given, rest) = self.split(entry, call.arguments.as_deref().unwrap_or_default())?;
        let args = self.arguments(Signature { name: entry.name, parameters: entry.parameters }, &rest, span)?.args;
        let flows = Flows {
            stages: Vec::new(),
            inner: self.variable(head.variable).shape.clone(),
            read: VariableSet::default(),
        };
        let base = Use { entry, args, span };
        let network = self.feed(head, &base, &given, &flows, one.network.as_ref())?;
        Some(Stated { entry, args: base.args, network, span })
    }

    /// At least one expert of every product must remain, whatever variables a record lacks, unless a product of none is uniform.
    /// A mixture needs none: without any component it has all of them, which then read zeros.
    pub(super) fn lasting_experts(&mut self, q: &[Factor]) {
        for factor in q.iter().filter(|factor| factor.components().is_none()) {
            let Body::Stochastic { base, network: Some(network), .. } = &factor.body else { continue };
            let Some((experts, 0)) = network.experts() else { continue };
            let Some(root) = base.entry.experts.and_then(|experts| experts.root) else { continue };
            let may_be_missing = |id: VariableId| {
                let is_never_drawn = q.iter().all(|other| other.variable != id);
                let is_drawn_later = self.only_where_observed.contains(&(factor.variable, id));
                self.variable(id).role == Role::Partly && (is_never_drawn || is_drawn_later)
            };
            let above = |(expert, _): &(NodeId, u32)| network.reads_above(*expert, &self.nets.done).values;
            if experts.iter().all(|expert| above(expert).iter().any(may_be_missing)) {
                self.findings.push(messages::no_lasting_expert(root, factor.span));
            }
        }
    }

    /// A mixture enumerates its components. The gain of a draw below it with the score gradient is not known for each of them.
    pub(super) fn means(&mut self, q: &[Factor], draws: &[Draw]) {
        let scored = || draws.iter().filter(|draw| draw.method == DrawMethod::Score);
        if scored().next().is_none() {
            return;
        }
        let ancestry = Ancestry::of(q);
        for mean in q.iter().filter(|factor| factor.components().is_some()) {
            let Some(below) = scored().find(|draw| ancestry.is_drawn_after(mean.variable, draw.variable)) else {
                continue;
            };
            let (own, other) = (&self.variable(mean.variable).name, &self.variable(below.variable).name);
            self.findings.push(messages::score_below_mean(own, mean.span, other, below.span));
        }
    }
}

/// The distribution in whose products this root may be a factor.
fn root_of(entry: &Distribution) -> Option<&'static Distribution> {
    let is_root = |other: &&Distribution| other.experts.and_then(|experts| experts.root) == Some(entry.name);
    catalog::DISTRIBUTIONS.iter().copied().find(is_root)
}

/// The root of a distribution's products as a component: all parameters of its head are 0.
fn of_zeros(entry: &Distribution, span: Span) -> ast::Call {
    let name = |text: &str| ast::Name { text: text.to_owned(), span, subscript: Vec::new() };
    let zero = || ast::Expression { kind: ast::ExpressionKind::Number(Value::Int(0)), span };
    let zeros = entry.natural.iter().map(|one| ast::Argument { name: Some(name(one.name)), value: zero() });
    ast::Call { name: name(entry.name), arguments: Some(zeros.collect()) }
}

/// Joins the networks, each with its number in the paths of its parameters, and appends their product or mean.
fn joined(networks: Vec<Network>, (joint, roots): (Joint, usize), span: Span) -> Network {
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
    nodes.push(Node { op: Op::Experts { joint, given, roots }, inputs: outputs, shape, path: String::new(), span });
    Network { output: NodeId(nodes.len() - 1), nodes, given: 0 }
}
