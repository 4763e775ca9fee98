//! Stages of a pipeline: blocks, named networks and values, applied to the piped value and their other inputs.

use super::{Builder, Reads};
use crate::ast::{Argument, Call, Expression, ExpressionKind};
use crate::catalog::{self, Arity};
use crate::check::arguments::Signature;
use crate::diagnostics::{Diagnostic, messages};
use crate::graph::{self, NodeId, Number, Op, Use, Value};
use crate::source::Span;

impl Builder<'_, '_> {
    /// Applies a block or a named network to the piped value and to the inputs among its arguments.
    pub(super) fn apply(
        &mut self,
        call: &Call,
        span: Span,
        piped: Option<NodeId>,
        head: Option<&[usize]>,
    ) -> Option<NodeId> {
        let name = &call.name;
        let given = call.arguments.as_deref().unwrap_or_default();
        if name.text == "past" {
            return self.past(given, span, piped);
        }
        if self.checker.is_known(call) {
            return self.known(given, span, piped);
        }
        if let Some(index) = self.checker.nets.find(&name.text) {
            return self.apply_net(index, call, given, span, piped);
        }
        let Some(block) = catalog::block(&name.text) else {
            let error = self.unknown_block(call);
            self.checker.findings.push(error);
            return None;
        };
        if block.flow().is_some() {
            self.checker.findings.push(messages::flow_in_network(block.name, name.span));
            return None;
        }
        let (nodes, rest) = self.block_inputs(block, given, span, piped)?;
        let signature = Signature { name: block.name, parameters: block.parameters };
        let mut arguments = self.checker.arguments(signature, rest, span)?;
        if arguments.out_missing {
            let Some(out) = head.and_then(|head| head.first()) else {
                let error = self.out_missing(block.name, name.span);
                self.checker.findings.push(error);
                return None;
            };
            let value = Value::Int(i64::try_from(*out).unwrap_or(i64::MAX));
            for argument in arguments.args.iter_mut().filter(|argument| argument.name == "out") {
                let number = self.out.clone().unwrap_or(Number::Literal(value.clone()));
                (argument.number, argument.value) = (number, value.clone());
            }
        }
        let entry = Use { entry: block, args: arguments.args, span };
        let shape = self.shape(&entry, &nodes, name.span)?;
        let path = if block.role == catalog::Role::Layer { self.path(block.name) } else { String::new() };
        let op = Op::Block { block: entry, inferred: arguments.out_missing && self.out.is_none() };
        Some(self.push(op, nodes, shape, path, span, name.span))
    }

    /// The inputs of a block, the piped value first, and its other arguments.
    fn block_inputs<'a>(
        &mut self,
        block: &catalog::Block,
        given: &'a [Argument],
        span: Span,
        piped: Option<NodeId>,
    ) -> Option<(Vec<NodeId>, &'a [Argument])> {
        let positional = given.iter().take_while(|argument| argument.name.is_none()).count();
        let here = match block.arity {
            Arity::None => 0,
            Arity::One => usize::from(piped.is_none()).min(positional),
            Arity::Two => (2 - usize::from(piped.is_some())).min(positional),
            Arity::Three => (3 - usize::from(piped.is_some())).min(positional),
            Arity::Many | Arity::Some => positional,
        };
        let (inputs, rest) = given.split_at(here);
        let nodes = self.inputs(piped, inputs)?;
        let wanted = match block.arity {
            Arity::One if nodes.len() != 1 => Some("one input"),
            Arity::Two if nodes.len() != 2 => Some("two inputs"),
            Arity::Three if nodes.len() != 3 => Some("three inputs"),
            Arity::Many if nodes.len() < 2 => Some("at least two inputs"),
            Arity::Some if nodes.is_empty() => Some("at least one input"),
            Arity::None if !nodes.is_empty() => Some("no input"),
            _ => None,
        };
        if let Some(wanted) = wanted {
            self.checker.findings.push(messages::wrong_inputs(block.name, wanted, nodes.len(), false, span));
            return None;
        }
        Some((nodes, rest))
    }

    pub(super) fn apply_net(
        &mut self,
        index: usize,
        call: &Call,
        given: &[Argument],
        span: Span,
        piped: Option<NodeId>,
    ) -> Option<NodeId> {
        let name = &call.name;
        if self.checker.nets.declared[index].is_let() {
            return self.apply_let(index, call, span, piped);
        }
        if let Reads::Formals { net, .. } = self.reads
            && index >= net
        {
            let defined = self.checker.nets.declared[index].span;
            self.checker.findings.push(messages::net_before_definition(&name.text, name.span, defined));
            return None;
        }
        if let Some(named) = given.iter().find_map(|argument| argument.name.as_ref()) {
            let error = messages::unknown_argument(&name.text, &named.text, named.span, []);
            self.checker.findings.push(error);
            return None;
        }
        let nodes = self.inputs(piped, given)?;
        let formals = self.checker.nets.declared[index].formals.len();
        if nodes.len() != formals {
            let wanted = if formals == 1 { "one input".to_owned() } else { format!("{formals} inputs") };
            let is_multiple = nodes.len() > formals && nodes.len().is_multiple_of(formals);
            self.checker.findings.push(messages::wrong_inputs(&name.text, &wanted, nodes.len(), is_multiple, span));
            return None;
        }
        let shapes = nodes.iter().map(|node| self.nodes[node.0].shape.clone()).collect();
        let id = self.checker.use_net(index, shapes, name.span)?;
        let shape = self.checker.nets.done[id.0].output.clone();
        Some(self.push(Op::Net(id), nodes, shape, String::new(), span, name.span))
    }

    /// A `let`. The variables that it depends on must be right of the bar, as if they were read directly.
    pub(super) fn apply_let(&mut self, index: usize, call: &Call, span: Span, piped: Option<NodeId>) -> Option<NodeId> {
        let name = &call.name;
        if piped.is_some() || call.arguments.is_some() {
            self.checker.findings.push(messages::let_applied(&name.text, span));
            return None;
        }
        let stands_for = &self.checker.nets.declared[index].reads;
        let known = stands_for.known.iter().next();
        let error = match self.reads {
            Reads::Parents(head) => match (stands_for.beyond(&head.set), known) {
                (Some(id), _) => {
                    let variable = &self.checker.variable(id).name;
                    Some(messages::let_reads_more(&name.text, variable, name.span, head.factor.head))
                }
                (None, Some(id)) if head.factor.side == graph::Side::P => {
                    Some(messages::known_in_p(&self.checker.variable(id).name, name.span, head.factor.head))
                }
                (None, _) => None,
            },
            // A network may read only its arguments and learned values.
            Reads::Formals { names, .. } if !stands_for.is_empty() => {
                let known = names.iter().map(String::as_str).collect::<Vec<_>>();
                Some(messages::unknown_in_network(&name.text, name.span, known, std::iter::empty()))
            }
            Reads::Formals { .. } | Reads::Variables { .. } => None,
        };
        if let Some(error) = error {
            self.checker.findings.push(error);
            return None;
        }
        let id = self.checker.use_net(index, Vec::new(), name.span)?;
        let shape = self.checker.nets.done[id.0].output.clone();
        Some(self.push(Op::Let(id), Vec::new(), shape, String::new(), span, name.span))
    }

    /// The piped value, then the inputs among the arguments, each as a separate branch.
    pub(super) fn inputs(&mut self, piped: Option<NodeId>, given: &[Argument]) -> Option<Vec<NodeId>> {
        let mut nodes: Vec<_> = piped.into_iter().map(Some).collect();
        for argument in given {
            let outer = self.prefix.clone();
            if let Some(start) = branch_start(&argument.value)
                && given.len() + usize::from(piped.is_some()) > 1
            {
                self.prefix = format!("{}.", graph::family(start));
            }
            nodes.push(self.value(&argument.value, None));
            self.prefix = outer;
        }
        nodes.into_iter().collect()
    }

    pub(super) fn unknown_block(&self, call: &Call) -> Diagnostic {
        let name = &call.name;
        if let Some(what) = self.checker.what_is(&name.text) {
            return messages::not_a_block(&name.text, what, name.span);
        }
        let blocks = catalog::BLOCKS.iter().map(|block| block.name);
        let nets = self.checker.nets.declared.iter().map(|net| net.name.as_str());
        messages::unknown_block(&name.text, name.span, blocks.chain(nets).collect::<Vec<_>>())
    }

    pub(super) fn out_missing(&self, block: &str, place: Span) -> Diagnostic {
        match self.reads {
            Reads::Formals { net, .. } | Reads::Variables { of: net } => {
                let declared = &self.checker.nets.declared[net];
                messages::net_out_missing(block, &declared.name, declared.is_let(), place)
            }
            Reads::Parents(_) => messages::out_missing(block, place, messages::Trail(self.trail.clone())),
        }
    }
}

/// The variable at the start of a branch: `y` in `y |> encoder(…) |> elu`.
fn branch_start(expression: &Expression) -> Option<&str> {
    let first = expression.stages().first()?.ungrouped();
    match &first.kind {
        ExpressionKind::Call(Call { name, arguments: None }) => Some(&name.text),
        ExpressionKind::Pipeline(_) => branch_start(first),
        _ => None,
    }
}
