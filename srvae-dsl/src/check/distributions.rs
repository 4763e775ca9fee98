//! Factors that are distributions: the space of the variable, and the network of the natural parameters.

use super::Checker;
use super::arguments::Signature;
use super::factors::Head;
use super::flows::Flows;
use super::heads::{Given, Wanted};
use super::network::Reads;
use crate::ast::{self, Call};
use crate::catalog::{self, Distribution, show_shape, space_entry};
use crate::diagnostics::messages;
use crate::graph::{Body, Network, Use};
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn stochastic(
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
        network.iter().for_each(|network| read.include(&network.reads(&self.nets.done).all()));
        self.all_read(head, &read)?;
        self.no_flow_over_past(network.as_ref(), flows.stages.last().map(|stage| stage.flow.span))?;
        for network in network.iter().chain(flows.stages.iter().filter_map(|stage| stage.context.as_ref())) {
            self.causal(network)?;
        }
        Some(Body::Stochastic { base, flows: flows.stages, network })
    }

    /// Whether a distribution is defined over the variable's space, or over real numbers under flows.
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

    /// The network of a distribution, if it needs one.
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
                let named = (name, !base.args.is_empty());
                let error = messages::distribution_does_not_fit(named, &why, place, &variable.name, variable.span);
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
            (Some(wanted), network) => self.fed(head, base, given, &wanted, network).map(Some),
        }
    }

    /// The network that ends at the head of this shape.
    fn fed(
        &mut self,
        head: &Head<'_>,
        base: &Use<Distribution>,
        given: &[Given<'_>],
        wanted: &[usize],
        network: Option<&ast::Expression>,
    ) -> Option<Network> {
        let variable = self.variable(head.variable);
        let space = space_entry(variable.space).name;
        let (shape, dims) = (variable.shape.clone(), variable.dims.clone());
        let needs = format!("{} over {space}{} needs {}", base.entry.name, show_shape(&shape), show_shape(wanted));
        let is_root = head.parents.is_empty();
        let is_constant = is_root || !head.factor.experts.is_empty();
        let (shape, dims) = (&shape, &dims);
        let wanted = Wanted { base, given, network, head: wanted, needs: &needs, shape, dims, is_root, is_constant };
        self.head_network(Reads::Parents(head), &wanted)
    }

    /// The suggestion for a distribution without its network.
    fn with_network(&self, head: &Head<'_>, distribution: &str) -> String {
        let parent = head.parents.first().map_or("", |parent| &self.variable(parent).name);
        format!("add what it reads: `{distribution} from {parent} |> …`")
    }
}
