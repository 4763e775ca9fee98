//! The second phase: the factors, one by one, and the graphs they make.

use super::arguments::Signature;
use super::flows::Flows;
use super::heads::{Given, Wanted};
use super::network::Reads;
use super::{Checker, docs, factor_items};
use crate::ast::{self, Call, ExpressionKind, File, Item};
use crate::catalog::{self, Distribution, Function, show_shape, space_entry};
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Network, Role, Side, Use, VariableId, VariableSet};
use crate::source::Span;

/// A factor whose names are known.
pub(super) struct Head<'f> {
    pub factor: &'f ast::Factor,
    pub variable: VariableId,
    pub parents: Vec<VariableId>,
    /// The same as a set.
    pub set: VariableSet,
}

impl Checker<'_> {
    /// The factors of p and of q, parents before children.
    pub(super) fn factors(&mut self, file: &File) -> (Vec<Factor>, Vec<Factor>) {
        let mut heads: Vec<(&Item, Head<'_>)> = Vec::new();
        for (item, factor) in factor_items(file) {
            heads.extend(self.head(factor).map(|head| (item, head)));
        }
        let links: Vec<_> = heads
            .iter()
            .map(|(_, head)| (head.factor.side, head.variable, head.parents.clone(), head.factor.head))
            .collect();
        self.complete(file, &links);
        let mut factors: Vec<Factor> = Vec::new();
        for (item, head) in &heads {
            if let Some(body) = self.body(head) {
                factors.push(Factor {
                    side: head.factor.side,
                    variable: head.variable,
                    parents: head.parents.clone(),
                    body,
                    path: self.factor_path(head.factor),
                    docs: docs(item),
                    span: head.factor.head,
                });
            }
        }
        let (p, q): (Vec<_>, Vec<_>) = factors.into_iter().partition(|factor| factor.side == Side::P);
        self.lasting_experts(&q);
        (self.ordered(p), self.ordered(q))
    }

    /// Where the parameters of a factor lie.
    fn factor_path(&self, factor: &ast::Factor) -> String {
        let (side, variable) = (factor.side.name(), &factor.variable.text);
        self.paths.get(&format!("{side}({variable})")).cloned().unwrap_or_else(|| format!("{side}_{variable}"))
    }

    fn head<'f>(&mut self, factor: &'f ast::Factor) -> Option<Head<'f>> {
        let variable = self.lookup(&factor.variable);
        let (mut parents, mut set): (Vec<VariableId>, VariableSet) = (Vec::new(), VariableSet::default());
        let mut complete = true;
        for name in &factor.parents {
            let Some(id) = self.lookup(name) else {
                complete = false;
                continue;
            };
            if Some(id) == variable {
                self.findings.push(messages::own_parent(&name.text, name.span));
                complete = false;
            } else if set.insert(id) {
                parents.push(id);
            } else {
                let first = factor.parents.iter().find(|first| first.text == name.text).map_or(name.span, |it| it.span);
                self.findings.push(messages::parent_twice(&name.text, name.span, first));
                complete = false;
            }
        }
        let variable = variable?;
        self.roles(factor, variable)?;
        complete.then_some(Head { factor, variable, parents, set })
    }

    pub(super) fn lookup(&mut self, name: &ast::Name) -> Option<VariableId> {
        let found = self.find_variable(&name.text);
        if found.is_none() {
            let error = messages::unknown_variable(&name.text, name.span, self.variable_names());
            self.findings.push(error);
        }
        found
    }

    /// p has factors of what is not given, q of what is latent.
    fn roles(&mut self, factor: &ast::Factor, id: VariableId) -> Option<()> {
        let variable = self.variable(id);
        let (name, span, declared) = (&variable.name, factor.variable.span, variable.span);
        let error = match (variable.role, factor.side) {
            (Role::Given, side) => messages::factor_of_given(side.name(), name, span, declared),
            (Role::Observed, Side::Q) => messages::factor_of_observed(name, span, declared),
            (Role::Observed, Side::P) | (Role::Latent | Role::Partly, _) => return Some(()),
        };
        self.findings.push(error);
        None
    }

    fn body(&mut self, head: &Head<'_>) -> Option<Body> {
        if !head.factor.experts.is_empty() {
            return self.product(head);
        }
        let stages = head.factor.body.stages();
        let (first, flows) = stages.split_first()?;
        let Some(call) = first.as_call() else {
            self.findings.push(messages::network_for_distribution(first.span));
            return None;
        };
        let name = call.name.text.as_str();
        if let Some(function) = catalog::function(name) {
            return self.deterministic(head, function, call, first.span, flows.first().map(|flow| flow.span));
        }
        if let Some(entry) = catalog::distribution(name) {
            return match wrapped(entry, call, flows) {
                Some((entry, call, flows)) => self.stochastic(head, entry, &call, first.span, flows),
                None => self.stochastic(head, entry, call, first.span, flows),
            };
        }
        match catalog::flow(name).is_some() || self.flows.contains(name) {
            // A flow alone stands over the standard normal.
            true => {
                let base = catalog::distribution("standard_normal")?;
                let call = Call { name: call.name.clone(), arguments: None };
                self.stochastic(head, base, &call, first.span, stages)
            }
            false => {
                let error = match self.what_is(name) {
                    Some(what) => messages::not_a_distribution(name, what, call.name.span),
                    None => messages::unknown_distribution(name, call.name.span, distribution_names()),
                };
                self.findings.push(error);
                None
            }
        }
    }

    fn deterministic(
        &mut self,
        head: &Head<'_>,
        function: &'static Function,
        call: &Call,
        span: Span,
        flow: Option<Span>,
    ) -> Option<Body> {
        let factor = head.factor;
        if factor.side == Side::P {
            self.findings.push(messages::deterministic_in_p(function.name, call.name.span, factor.head));
            return None;
        }
        if let Some(after) = flow.or(factor.network.as_ref().map(|network| network.span)) {
            self.findings.push(messages::over_function(function.name, after));
            return None;
        }
        let given = call.arguments.as_deref().unwrap_or_default();
        let first = given.first().filter(|argument| argument.name.is_none()).map(|argument| argument.value.ungrouped());
        let Some((ExpressionKind::Call(Call { name: input, arguments: None }), rest)) =
            first.map(|first| (&first.kind, &given[1..]))
        else {
            self.findings.push(messages::function_input(function.name, first.map_or(span, |first| first.span)));
            return None;
        };
        let id = self.lookup(input)?;
        if !head.set.contains(id) {
            self.findings.push(messages::not_right_of_bar(&input.text, input.span, factor.head));
            return None;
        }
        let source = self.variable(id);
        if self.variable(head.variable).role == Role::Partly {
            let (name, declared) = (&self.variable(head.variable).name, self.variable(head.variable).span);
            self.findings.push(messages::partly_determined(name, span, declared));
            return None;
        }
        if function.origin == catalog::Origin::Data && source.role == Role::Latent {
            let error = messages::label_of_latent(function.name, &input.text, span, source.span);
            self.findings.push(error);
            return None;
        }
        self.all_read(head, &std::iter::once(id).collect())?;
        let signature = Signature { name: function.name, parameters: function.parameters };
        let args = self.arguments(signature, rest, span)?.args;
        let function = Use { entry: function, args, span };
        self.range(head, &function, id)?;
        Some(Body::Deterministic { function, input: id })
    }

    /// The function's values must be the variable's.
    fn range(&mut self, head: &Head<'_>, function: &Use<Function>, input: VariableId) -> Option<()> {
        let (variable, source) = (self.variable(head.variable), self.variable(input));
        let entry = function.entry;
        let found = match (entry.range)(&function.values(), source.space, &source.shape) {
            Ok(Some((space, shape))) if (space, &shape) == (variable.space, &variable.shape) => return Some(()),
            Ok(None) if entry.spaces.contains(&variable.space) => return Some(()),
            Ok(Some((space, shape))) => format!("{}{}", space_entry(space).name, show_shape(&shape)),
            Ok(None) => {
                let spaces = entry.spaces.iter().map(|space| format!("{}[…]", space_entry(*space).name));
                spaces.collect::<Vec<_>>().join(" or ")
            }
            Err(why) => {
                let error = messages::function_refuses(entry.name, &why, function.span, &source.name, source.span);
                self.findings.push(error);
                return None;
            }
        };
        let space = format!("{}{}", space_entry(variable.space).name, show_shape(&variable.shape));
        let declared = self.space_spans[head.variable.0];
        let error = messages::range_does_not_fit(entry.name, &found, function.span, &variable.name, &space, declared);
        self.findings.push(error);
        None
    }

    fn stochastic(
        &mut self,
        head: &Head<'_>,
        entry: &'static Distribution,
        call: &Call,
        span: Span,
        flows: &[ast::Expression],
    ) -> Option<Body> {
        let fits = self.produces(head, entry, call.name.span, !flows.is_empty());
        let signature = Signature { name: entry.name, parameters: entry.parameters };
        let (given, rest) = self.split(entry, call.arguments.as_deref().unwrap_or_default())?;
        let arguments = self.arguments(signature, &rest, span);
        let flows = self.flows_of(head, entry, span, flows);
        let base = Use { entry, args: arguments?.args, span };
        fits?;
        let flows = flows?;
        let network = self.feed(head, &base, &given, &flows, head.factor.network.as_ref())?;
        let mut read = flows.read;
        network.iter().for_each(|network| read.include(&network.reads(&self.nets.done)));
        self.all_read(head, &read)?;
        self.no_flow_over_past(network.as_ref(), flows.stages.last().map(|stage| stage.flow.span))?;
        for network in network.iter().chain(flows.stages.iter().filter_map(|stage| stage.context.as_ref())) {
            self.causal(network)?;
        }
        Some(Body::Stochastic { base, flows: flows.stages, network })
    }

    /// Whether a distribution is one over the variable, or under flows over real numbers.
    pub(super) fn produces(&mut self, head: &Head<'_>, entry: &Distribution, place: Span, flows: bool) -> Option<()> {
        let variable = self.variable(head.variable);
        let space = variable.space;
        let is_filled =
            catalog::FLOWS.iter().filter_map(|flow| flow.flow()).any(|ways| ways.values.contains(&space.name()));
        let is_flowed = flows && entry.continuous && (is_filled || !space_entry(space).discrete);
        if entry.spaces.contains(&variable.space) || (is_flowed && entry.spaces.contains(&catalog::Space::Real)) {
            return Some(());
        }
        let able = catalog::DISTRIBUTIONS.iter().filter(|other| other.spaces.contains(&space)).map(|other| other.name);
        let error = messages::space_out_of_reach(
            entry.name,
            place,
            &variable.name,
            space_entry(space).name,
            variable.span,
            able,
        );
        self.findings.push(error);
        None
    }

    /// The network behind a distribution, where it needs one.
    pub(super) fn feed(
        &mut self,
        head: &Head<'_>,
        base: &Use<Distribution>,
        given: &[Given<'_>],
        flows: &Flows,
        network: Option<&ast::Expression>,
    ) -> Option<Option<Network>> {
        let variable = self.variable(head.variable);
        let (name, place) = (base.entry.name, base.span);
        let wanted = match base.entry.head(&base.values(), &flows.inner) {
            Ok(wanted) => wanted,
            Err(why) => {
                let error = messages::distribution_does_not_fit(name, &why, place, &variable.name, variable.span);
                self.findings.push(error);
                return None;
            }
        };
        match (wanted, network) {
            (None, None) => Some(None),
            (None, Some(network)) => {
                self.findings.push(messages::root_with_network(name, place, network.span));
                None
            }
            (Some(_), None) if given.is_empty() && !head.parents.is_empty() => {
                let example = self.with_network(head, name);
                self.findings.push(messages::network_missing(name, place, &example));
                None
            }
            (Some(_), _) if flows.inner != variable.shape => {
                let reshaping = flows.stages.iter().find(|stage| stage.inner != stage.shape);
                let flow = reshaping.map_or("", |stage| stage.flow.entry.name);
                let span = reshaping.map_or(place, |stage| stage.flow.span);
                self.findings.push(messages::flow_reshapes(flow, span, name, place));
                None
            }
            (Some(wanted), expression) => {
                let needs = format!(
                    "{name} over {}{} needs {}",
                    space_entry(variable.space).name,
                    show_shape(&variable.shape),
                    show_shape(&wanted)
                );
                let reads = Reads::Parents(head);
                let (shape, dims) = (variable.shape.clone(), variable.dims.clone());
                let is_root = head.parents.is_empty();
                let wanted = Wanted {
                    base,
                    given,
                    network: expression,
                    head: &wanted,
                    needs: &needs,
                    shape: &shape,
                    dims: &dims,
                    is_root,
                };
                let network = self.head_network(reads, &wanted)?;
                Some(Some(network))
            }
        }
    }

    /// `q(z | x)`.
    pub(super) fn factor_text(&self, head: &Head<'_>) -> String {
        let parents: Vec<_> = head.parents.iter().map(|id| self.variable(*id).name.as_str()).collect();
        let bar = if parents.is_empty() { String::new() } else { format!(" | {}", parents.join(", ")) };
        format!("{}({}{bar})", head.factor.side.name(), self.variable(head.variable).name)
    }

    /// What could stand instead of a distribution without its network.
    fn with_network(&self, head: &Head<'_>, distribution: &str) -> String {
        let parent = head.parents.first().map_or("", |parent| &self.variable(*parent).name);
        format!("add what it reads: `{distribution} from {parent} |> …`")
    }

    /// What stands right of the bar is read.
    pub(super) fn all_read(&mut self, head: &Head<'_>, read: &VariableSet) -> Option<()> {
        let mut complete = Some(());
        for (name, id) in head.factor.parents.iter().zip(&head.parents) {
            if !read.contains(*id) {
                self.findings.push(messages::parent_not_read(&name.text, name.span));
                complete = None;
            }
        }
        complete
    }
}

fn distribution_names() -> Vec<&'static str> {
    let distributions = catalog::DISTRIBUTIONS.iter().map(|entry| entry.name);
    let flows = catalog::FLOWS.iter().map(|block| block.name);
    distributions.chain(flows).chain(catalog::FUNCTIONS.iter().map(|entry| entry.name)).collect()
}

/// `negative_binomial(mean: m) |> zero_inflated(logits: l)` is `zero_inflated_negative_binomial(mean: m, logits: l)`, where
/// the catalogue has it: a first stage that changes which distribution it is, not the values that are drawn.
fn wrapped<'f>(
    entry: &Distribution,
    call: &Call,
    flows: &'f [ast::Expression],
) -> Option<(&'static Distribution, Call, &'f [ast::Expression])> {
    let (first, rest) = flows.split_first()?;
    let outer = first.as_call()?;
    let entry = catalog::distribution(&format!("{}_{}", outer.name.text, entry.name))?;
    let of = |call: &Call| call.arguments.clone().unwrap_or_default();
    let arguments: Vec<_> = of(call).into_iter().chain(of(outer)).collect();
    let arguments = Some(arguments).filter(|arguments| !arguments.is_empty());
    Some((entry, Call { name: call.name.clone(), arguments }, rest))
}
