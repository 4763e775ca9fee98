//! Networks: from a pipeline to nodes with shapes.

mod apply;
mod inputs;
mod place;

use super::Checker;
use super::factors::Head;
use crate::ast::{Call, Expression, ExpressionKind};
use crate::catalog::{self, show_shape};
use crate::diagnostics::messages::{self, Trail};
use crate::graph::{Network, Node, NodeId, Number, Op, Use, Value};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What a network may read.
#[derive(Clone, Copy)]
pub(super) enum Reads<'r> {
    /// The parents of a factor.
    Parents(&'r Head<'r>),
    /// All variables, and the values before the one with this index.
    Variables { of: usize },
    /// The arguments of the named network of this index.
    Formals { net: usize, names: &'r [String], shapes: &'r [Vec<usize>] },
}

/// Builds one network.
pub(super) struct Builder<'b, 'a> {
    pub(super) checker: &'b mut Checker<'a>,
    pub(super) reads: Reads<'b>,
    pub(super) nodes: Vec<Node>,
    /// Nodes of the variables or arguments read so far.
    inputs: BTreeMap<usize, NodeId>,
    paths: BTreeSet<String>,
    /// The variable at the start of the current branch, followed by a dot; empty in the trunk.
    pub(super) prefix: String,
    /// The value of an inferred `out`, if it is not the whole head.
    pub(super) out: Option<Number>,
    /// The expected sizes after the channels, symbolic: the shape of a `learned` value there.
    pub(super) rest: Option<Vec<Number>>,
    /// The shape after each stage so far.
    trail: Vec<(Span, String)>,
}

impl<'b, 'a> Builder<'b, 'a> {
    pub(super) fn new(checker: &'b mut Checker<'a>, reads: Reads<'b>) -> Self {
        Self {
            checker,
            reads,
            nodes: Vec::new(),
            inputs: BTreeMap::new(),
            paths: BTreeSet::new(),
            prefix: String::new(),
            out: None,
            rest: None,
            trail: Vec::new(),
        }
    }

    /// The network. If `head` is given, the `out` of the last block is inferred from its channels. Functions that keep a
    /// shape and arithmetic may follow the block.
    pub(super) fn network(mut self, expression: &Expression, head: Option<&[usize]>) -> Option<Network> {
        let output = self.value(expression, head)?;
        Some(Network { nodes: self.nodes, output, given: 0 })
    }

    /// The network of a factor, whose shape is compared with the head; `needs` describes the head in words.
    pub(super) fn factor_network(mut self, expression: &Expression, head: &[usize], needs: &str) -> Option<Network> {
        let output = self.value(expression, Some(head))?;
        let node = &self.nodes[output.0];
        if node.shape != head {
            let (ends, hint) = (show_shape(&node.shape), head_hint(node, head));
            let last = self.trail.pop().map_or(node.span, |(span, _)| span);
            let (place, trail) = (self.place(), Trail(self.trail));
            self.checker.findings.push(messages::head_does_not_fit(&place, needs, &ends, &hint, last, trail));
            return None;
        }
        Some(Network { nodes: self.nodes, output, given: 0 })
    }

    pub(super) fn value(&mut self, expression: &Expression, head: Option<&[usize]>) -> Option<NodeId> {
        match &expression.kind {
            ExpressionKind::Group(inner) => self.value(inner, head),
            ExpressionKind::Pipeline(stages) => {
                let kept = head.map_or(0, |shape| self.keeping(&stages[1..], shape));
                let mut node = self.value(stages.first()?, head.filter(|_| kept + 1 == stages.len()))?;
                for (index, stage) in stages.iter().enumerate().skip(1) {
                    let ends = index + 1 + kept >= stages.len();
                    let Some(call) = stage.as_call() else {
                        let error = match &stage.ungrouped().kind {
                            ExpressionKind::Binary(operator, ..) => messages::sum_as_stage(operator.sign(), stage.span),
                            _ => messages::number_for_network(stage.span),
                        };
                        self.checker.findings.push(error);
                        return None;
                    };
                    node = self.apply(call, stage.span, Some(node), head.filter(|_| ends))?;
                }
                Some(node)
            }
            ExpressionKind::Call(call) if call.arguments.is_none() && !self.is_operation(call) => {
                self.input(&call.name)
            }
            ExpressionKind::Call(call) => {
                let shape = head.and_then(|shape| self.asked(expression, shape));
                match (shape, call.arguments.as_deref()) {
                    (Some(shape), Some([input])) => {
                        let node = self.value(&input.value, Some(shape))?;
                        let plain = Call { name: call.name.clone(), arguments: None };
                        self.apply(&plain, expression.span, Some(node), head)
                    }
                    _ => self.apply(call, expression.span, None, head),
                }
            }
            ExpressionKind::Binary(operator, left, right) if self.reads_anything(expression) => {
                self.arithmetic(*operator, left, right, head, expression.span)
            }
            ExpressionKind::Negate(inner) if self.reads_anything(inner) => {
                let node = self.value(inner, head)?;
                self.scaled(
                    node,
                    Number::Literal(Value::Real(-1.0)),
                    Number::Literal(Value::Real(0.0)),
                    expression.span,
                )
            }
            ExpressionKind::Learned(space) => self.learned(space.as_ref(), head, expression.span),
            ExpressionKind::Number(_)
            | ExpressionKind::Range(..)
            | ExpressionKind::Negate(_)
            | ExpressionKind::Binary(..) => {
                self.checker.findings.push(messages::number_for_network(expression.span));
                None
            }
        }
    }

    /// Whether an expression contains anything but numbers.
    pub(super) fn reads_anything(&self, expression: &Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Number(_) | ExpressionKind::Range(..) => false,
            ExpressionKind::Call(call) => {
                let is_param = |name: &str| self.checker.params.iter().any(|param| param.name == name);
                call.arguments.is_some() || !is_param(&call.name.text)
            }
            ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => self.reads_anything(inner),
            ExpressionKind::Binary(_, left, right) => self.reads_anything(left) || self.reads_anything(right),
            ExpressionKind::Pipeline(_) | ExpressionKind::Learned(_) => true,
        }
    }

    fn is_operation(&self, call: &Call) -> bool {
        let name = &call.name.text;
        let shadowed = matches!(self.reads, Reads::Formals { names, .. } if names.contains(name));
        !shadowed && (catalog::is_taken(name) || self.checker.nets.find(name).is_some())
    }

    pub(super) fn shape(&mut self, block: &Use<catalog::Block>, nodes: &[NodeId], place: Span) -> Option<Vec<usize>> {
        let shapes: Vec<_> = nodes.iter().map(|node| self.nodes[node.0].shape.as_slice()).collect();
        let result = (block.entry.shape)(&block.values(), &shapes);
        if let Err(why) = &result {
            let trail = Trail(self.trail.clone());
            let network = self.place();
            self.checker.findings.push(messages::stage_does_not_fit(&network, block.entry.name, why, place, trail));
        }
        result.ok()
    }

    /// A description of the network's owner, for messages.
    pub(super) fn place(&self) -> String {
        match self.reads {
            Reads::Parents(head) => self.checker.factor_text(head),
            Reads::Formals { net, .. } | Reads::Variables { of: net } => {
                format!("`{}`", self.checker.nets.declared[net].name)
            }
        }
    }

    /// A path for the node's parameters that is unique in the network.
    pub(super) fn path(&mut self, block: &str) -> String {
        let base = format!("{}{block}", self.prefix);
        let mut path = base.clone();
        let mut number = 1;
        while !self.paths.insert(path.clone()) {
            number += 1;
            path = format!("{base}_{number}");
        }
        path
    }

    pub(super) fn push(
        &mut self,
        op: Op,
        inputs: Vec<NodeId>,
        shape: Vec<usize>,
        path: String,
        span: Span,
        mark: Span,
    ) -> NodeId {
        self.trail.push((mark, show_shape(&shape)));
        self.nodes.push(Node { op, inputs, shape, path, span });
        NodeId(self.nodes.len() - 1)
    }
}

/// A hint for a network with the wrong output shape.
fn head_hint(last: &Node, head: &[usize]) -> String {
    let wanted = head.first().copied().unwrap_or_default();
    let block = match &last.op {
        Op::Block { block, .. } => Some(block.entry),
        Op::Variable(_) | Op::Known(_) | Op::Formal(_) | Op::Past(_) | Op::Net(_) | Op::Let(_) | Op::Experts { .. } => {
            None
        }
    };
    match (block.and_then(catalog::Block::out), last.shape.len() == head.len()) {
        (_, false) if head.len() == 1 => "end with `|> flatten |> linear`: its `out` is inferred".to_owned(),
        (_, false) => {
            let flatten = if last.shape.len() > 1 { "flatten |> " } else { "" };
            let (all, sizes) = (head.iter().product::<usize>(), show_shape(head));
            let sizes = sizes.trim_matches(['[', ']']);
            format!("a last step to this shape: `|> {flatten}linear(out: {all}) |> reshape({sizes})`")
        }
        (Some(_), true) if last.shape[1..] == head[1..] => {
            format!("omit `out`: it is inferred to be {wanted}")
        }
        (_, true) if last.shape[1..] == head[1..] => {
            format!("end with a block whose `out` can be inferred to be {wanted}, such as `conv`")
        }
        (_, true) => {
            format!("bring height and width to {}: count the `down` and `up` of its blocks", show_shape(&head[1..]))
        }
    }
}
