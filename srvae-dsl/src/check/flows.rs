//! The flows over a factor's distribution: those written in the factor, and those of `flow` statements.
//!
//! A factor lists its flows in the order in which a draw passes through them, from the base outwards. A `flow`
//! statement has the opposite order, as in papers: the variable passes through its stages from left to right, towards
//! the base.

use super::Checker;
use super::arguments::Signature;
use super::factors::Head;
use super::network::{Builder, Reads};
use crate::ast::{Argument, Call, Expression, File, ItemKind};
use crate::catalog::{self, Block, Distribution, Space, Ways, show_shape};
use crate::diagnostics::{MOST_BLOCKS, messages};
use crate::graph::{Network, Role, Side, Stage, Use, VariableSet};
use crate::source::Span;
use std::collections::BTreeMap;

/// A flow named by a statement.
pub(super) struct NamedFlow<'a> {
    value: &'a Expression,
    span: Span,
    used: bool,
}

/// The flows named by statements.
#[derive(Default)]
pub(super) struct NamedFlows<'a>(BTreeMap<String, NamedFlow<'a>>);

impl NamedFlows<'_> {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }

    /// Names and places of flows that no factor uses.
    pub(super) fn unused(&self) -> impl Iterator<Item = (&str, Span)> {
        self.0.iter().filter(|(_, flow)| !flow.used).map(|(name, flow)| (name.as_str(), flow.span))
    }
}

/// A stage as written, after named flows are expanded.
struct Written<'e> {
    stage: &'e Expression,
    /// The `flow` statement that contains it, and its position there.
    named: Option<(String, usize)>,
    /// Its place in the factor, for messages.
    place: Span,
    /// Its name in the factor.
    word: String,
}

/// The flows of a factor.
pub(super) struct Flows {
    /// From the base outwards.
    pub stages: Vec<Stage>,
    /// The shape of the base.
    pub inner: Vec<usize>,
    /// Variables that contexts read.
    pub read: VariableSet,
}

impl<'a> Checker<'a> {
    pub(super) fn declare_flows(&mut self, file: &'a File) {
        for item in &file.items {
            if let ItemKind::Flow { name, value } = &item.kind {
                let flow = NamedFlow { value, span: name.span, used: false };
                self.flows.0.entry(name.text.clone()).or_insert(flow);
            }
        }
    }

    /// The flows over a base. None if one is wrong; the error is then reported.
    pub(super) fn flows_of(
        &mut self,
        head: &Head<'_>,
        base: &Distribution,
        base_span: Span,
        written: &[Expression],
    ) -> Option<Flows> {
        let mut all: Vec<Written<'_>> = Vec::new();
        for stage in written {
            let word = stage.as_call().map_or_else(String::new, |call| call.name.text.clone());
            let mut expanded = Vec::new();
            self.expand(Written { stage, named: None, place: stage.span, word }, &mut Vec::new(), &mut expanded)?;
            // The stage of a statement that is next to the base is its last one.
            all.extend(expanded.into_iter().rev());
        }
        let mut shape = self.variable(head.variable).shape.clone();
        let (mut stages, mut read, mut complete) = (Vec::new(), VariableSet::default(), true);
        for (at, written) in all.iter().enumerate().rev() {
            let is_outermost = at + 1 == all.len();
            match self.stage(head, (base, base_span), written, &shape, is_outermost) {
                Some(stage) => {
                    stage.context.iter().for_each(|context| read.include(&context.reads(&self.nets.done).all()));
                    shape.clone_from(&stage.inner);
                    stages.push(stage);
                }
                None => complete = false,
            }
        }
        stages.reverse();
        complete.then_some(Flows { stages, inner: shape, read })
    }

    /// Expands a named flow into its stages, in the order of writing.
    fn expand<'e>(&mut self, written: Written<'e>, inside: &mut Vec<String>, all: &mut Vec<Written<'e>>) -> Option<()>
    where
        'a: 'e,
    {
        let call = written.stage.as_call();
        let Some((name, flow)) = call.and_then(|call| {
            let flow = self.flows.0.get_mut(&call.name.text)?;
            call.arguments.is_none().then_some((call.name.text.clone(), flow))
        }) else {
            if all.len() >= MOST_BLOCKS {
                self.findings.push(messages::too_many_blocks(all.len() + 1, MOST_BLOCKS, written.place, all.len() + 1));
                return None;
            }
            all.push(written);
            return Some(());
        };
        flow.used = true;
        let (value, defined) = (flow.value, flow.span);
        if inside.contains(&name) || inside.len() >= MOST_BLOCKS.min(64) {
            self.findings.push(messages::flow_circle(&name, defined));
            return None;
        }
        inside.push(name.clone());
        for (at, stage) in value.stages().iter().enumerate() {
            let named = Some((name.clone(), at));
            self.expand(Written { stage, named, place: written.place, word: written.word.clone() }, inside, all)?;
        }
        inside.pop();
        Some(())
    }

    fn stage(
        &mut self,
        head: &Head<'_>,
        (base, base_span): (&Distribution, Span),
        written: &Written<'_>,
        shape: &[usize],
        is_outermost: bool,
    ) -> Option<Stage> {
        let span = written.named.as_ref().map_or(written.place, |_| written.stage.span);
        let call = written.stage.as_call();
        let Some((call, block)) = call.and_then(|call| Some((call, catalog::flow(&call.name.text)?))) else {
            self.no_flow(call, span);
            return None;
        };
        let over = match head.factor.side {
            _ if !base.continuous => Some(messages::flow_over_discrete(block.name, span, base.name, base_span)),
            Side::Q if !base.reparameterised => Some(messages::flow_over_jumps(block.name, span, base.name, base_span)),
            Side::P | Side::Q => None,
        };
        if let Some(error) = over {
            self.findings.push(error);
            return None;
        }
        let ways = block.flow()?;
        self.directions(head, block, ways, span)?;
        self.fills(head, block, ways, span, is_outermost)?;
        self.same_shape(written, shape)?;
        let given = call.arguments.as_deref().unwrap_or_default();
        // A flow without arguments of its own may have its context as a positional argument.
        let is_context = |argument: &&Argument| match &argument.name {
            Some(name) => ways.context && name.text == "context",
            None => ways.context && block.parameters.is_empty(),
        };
        let context = given.iter().find(is_context);
        let rest: Vec<Argument> = given.iter().filter(|argument| !is_context(argument)).cloned().collect();
        let signature = Signature { name: block.name, parameters: block.parameters };
        let args = self.arguments(signature, &rest, span)?.args;
        let context = match context {
            Some(argument) => Some(self.context(head, &argument.value)?),
            None => None,
        };
        let flow = Use { entry: block, args, span: written.place };
        let inner = self.inner_shape(head, &flow, context.as_ref(), shape, span)?;
        let named = written.named.as_ref().map(|(name, at)| (self.path_of(name), *at));
        Some(Stage { flow, context, shape: shape.to_vec(), inner, named, word: written.word.clone() })
    }

    /// The shape inside a flow, for one outside of it.
    fn inner_shape(
        &mut self,
        head: &Head<'_>,
        flow: &Use<Block>,
        context: Option<&Network>,
        shape: &[usize],
        span: Span,
    ) -> Option<Vec<usize>> {
        let beside = context.map(|context| context.nodes[context.output.0].shape.as_slice());
        let inputs: Vec<&[usize]> = std::iter::once(shape).chain(beside).collect();
        let found = (flow.entry.shape)(&flow.values(), &inputs);
        if let Err(why) = &found {
            let variable = self.variable(head.variable);
            let shapes = inputs.iter().map(|shape| show_shape(shape)).collect::<Vec<_>>().join(" and ");
            let (name, place) = (&variable.name, variable.span);
            let error = messages::flow_does_not_fit(flow.entry.name, why, span, name, place, &shapes);
            self.findings.push(error);
        }
        found.ok()
    }

    /// The path of the parameters of a named flow.
    fn path_of(&self, name: &str) -> String {
        self.paths.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn no_flow(&mut self, call: Option<&Call>, span: Span) {
        let name = call.map_or("this", |call| call.name.text.as_str());
        let is_known = call.is_none()
            || catalog::is_taken(name)
            || self.what_is(name).is_some()
            || self.nets.find(name).is_some()
            || self.flows.contains(name);
        let known = catalog::FLOWS.iter().map(|block| block.name).chain(self.flows.names());
        let error = match is_known {
            true => messages::not_a_flow(name, span, known),
            false => messages::unknown_flow(name, span, known),
        };
        self.findings.push(error);
    }

    /// The network of a flow's context, from the factor's parents.
    fn context(&mut self, head: &Head<'_>, value: &Expression) -> Option<crate::graph::Network> {
        Builder::new(self, Reads::Parents(head)).network(value, None)
    }

    /// A draw needs the direction from the base, which every flow has. The log-density of a given value needs the
    /// inverse.
    fn directions(&mut self, head: &Head<'_>, block: &Block, ways: &Ways, span: Span) -> Option<()> {
        let is_partly = self.variable(head.variable).role == Role::Partly;
        if (head.factor.side == Side::P || is_partly) && !ways.forward {
            let why = match head.factor.side {
                Side::P => "the bound needs the log-density of a value that q drew",
                Side::Q => "the bound needs the log-density of a value that is observed",
            };
            self.findings.push(messages::flow_direction(block.name, span, head.factor.head, why));
            return None;
        }
        Some(())
    }

    /// What comes out of the outermost flow must be the variable's values.
    fn fills(&mut self, head: &Head<'_>, block: &Block, ways: &Ways, span: Span, is_outermost: bool) -> Option<()> {
        let variable = self.variable(head.variable);
        let space = variable.space.name();
        let is_likelihood = head.factor.side == Side::P && variable.role == Role::Observed;
        if ways.values.contains(&"image") && !(is_outermost && is_likelihood && space == "image") {
            self.findings.push(messages::dequantise_elsewhere(block.name, span, &variable.name, variable.span));
            return None;
        }
        if !is_outermost || space == Space::Real.name() || ways.values.contains(&space) {
            return Some(());
        }
        let able = catalog::FLOWS.iter().filter(|entry| entry.flow().is_some_and(|ways| ways.values.contains(&space)));
        let able = able.map(|entry| entry.name);
        let error = messages::space_out_of_reach(block.name, span, &variable.name, space, variable.span, able);
        self.findings.push(error);
        None
    }

    /// A named flow is one flow, so all its uses must have the same shape.
    fn same_shape(&mut self, written: &Written<'_>, shape: &[usize]) -> Option<()> {
        let Some((name, at)) = &written.named else { return Some(()) };
        let key = format!("{name} {at}");
        match self.flow_shapes.get(&key) {
            Some((first, _)) if first == shape => Some(()),
            Some((first, place)) => {
                let (here, there) = (show_shape(shape), show_shape(first));
                let error = messages::flow_at_two_shapes(name, written.place, &here, *place, &there);
                self.findings.push(error);
                None
            }
            None => {
                self.flow_shapes.insert(key, (shape.to_vec(), written.place));
                Some(())
            }
        }
    }
}
