//! Networks: from a pipeline to nodes with shapes.

use super::Checker;
use super::arguments::Signature;
use super::factors::Head;
use crate::ast::{Argument, Call, Expression, ExpressionKind, Name};
use crate::catalog::{self, Arity, show_shape};
use crate::diagnostics::messages::{self, Trail};
use crate::graph::{self, Network, Node, NodeId, Number, Op, Use, Value};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What a network may read.
#[derive(Clone, Copy)]
pub(super) enum Reads<'r> {
    /// The variables right of a factor's bar.
    Parents(&'r Head<'r>),
    /// All variables: those of the value with this index among the named networks.
    Variables { of: usize },
    /// The arguments of the named network of this index.
    Formals { net: usize, names: &'r [String], shapes: &'r [Vec<usize>] },
}

/// Builds one network.
pub(super) struct Builder<'b, 'a> {
    pub(super) checker: &'b mut Checker<'a>,
    reads: Reads<'b>,
    pub(super) nodes: Vec<Node>,
    /// Nodes of the variables or arguments read so far.
    inputs: BTreeMap<usize, NodeId>,
    paths: BTreeSet<String>,
    /// The variable that the branch in hand starts from, with a dot; empty in the trunk.
    pub(super) prefix: String,
    /// What an `out` left to inference is, where that is not all that the distribution reads.
    pub(super) out: Option<Number>,
    /// The sizes after the channels of what is wanted at the end, symbolic: the shape of something `learned` there.
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

    /// The network; where `head` is given, its channels are what the last block's `out` is inferred to be.
    pub(super) fn network(mut self, expression: &Expression, head: Option<&[usize]>) -> Option<Network> {
        let output = self.value(expression, head)?;
        Some(Network { nodes: self.nodes, output, given: 0 })
    }

    /// The same for a factor, with its shape held against the head, which `needs` says in words.
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
                let mut node = self.value(stages.first()?, None)?;
                for (index, stage) in stages.iter().enumerate().skip(1) {
                    let last = index + 1 == stages.len();
                    let Some(call) = stage.as_call() else {
                        self.checker.findings.push(messages::number_for_network(stage.span));
                        return None;
                    };
                    node = self.apply(call, stage.span, Some(node), head.filter(|_| last))?;
                }
                Some(node)
            }
            ExpressionKind::Call(call) if call.arguments.is_none() && !self.is_operation(call) => {
                self.input(&call.name)
            }
            ExpressionKind::Call(call) => self.apply(call, expression.span, None, head),
            ExpressionKind::Binary(operator, left, right) if self.reads_anything(expression) => {
                self.arithmetic(*operator, left, right, expression.span)
            }
            ExpressionKind::Negate(inner) if self.reads_anything(inner) => {
                let node = self.value(inner, None)?;
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

    /// Whether something that is no number stands in an expression.
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

    /// A variable, or an argument of the named network.
    fn input(&mut self, name: &Name) -> Option<NodeId> {
        let found = match self.reads {
            Reads::Formals { names, shapes, .. } => {
                let at = names.iter().position(|formal| *formal == name.text);
                at.map(|at| (at, Op::Formal(at), shapes[at].clone()))
            }
            Reads::Parents(_) | Reads::Variables { .. } => {
                let id = self.checker.find_variable(&name.text);
                id.map(|id| (id.0, Op::Variable(id), self.checker.variable(id).shape.clone()))
            }
        };
        let Some((key, op, shape)) = found else {
            let known: Vec<&str> = match self.reads {
                Reads::Formals { names, .. } => names.iter().map(String::as_str).collect(),
                Reads::Parents(head) => {
                    head.parents.iter().map(|id| self.checker.variable(*id).name.as_str()).collect()
                }
                Reads::Variables { .. } => self.checker.variable_names(),
            };
            let error = messages::unknown_in_network(&name.text, name.span, known);
            self.checker.findings.push(error);
            return None;
        };
        if let (Reads::Parents(head), Op::Variable(id)) = (self.reads, &op)
            && !head.set.contains(*id)
        {
            self.checker.findings.push(messages::not_right_of_bar(&name.text, name.span, head.factor.head));
            return None;
        }
        if let Some(node) = self.inputs.get(&key) {
            return Some(*node);
        }
        let node = self.push(op, Vec::new(), shape, String::new(), name.span, name.span);
        self.inputs.insert(key, node);
        Some(node)
    }

    /// A block or a named network applied to what is piped into it and to the inputs among its arguments.
    fn apply(&mut self, call: &Call, span: Span, piped: Option<NodeId>, head: Option<&[usize]>) -> Option<NodeId> {
        let name = &call.name;
        let given = call.arguments.as_deref().unwrap_or_default();
        if name.text == "past" {
            return self.past(given, span, piped);
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
        let positional = given.iter().take_while(|argument| argument.name.is_none()).count();
        let here = match block.arity {
            Arity::None => 0,
            Arity::One => usize::from(piped.is_none()).min(positional),
            Arity::Two => (2 - usize::from(piped.is_some())).min(positional),
            Arity::Many => positional,
        };
        let (inputs, rest) = given.split_at(here);
        let nodes = self.inputs(piped, inputs)?;
        let wanted = match block.arity {
            Arity::One if nodes.len() != 1 => Some("one input"),
            Arity::Two if nodes.len() != 2 => Some("two inputs"),
            Arity::Many if nodes.len() < 2 => Some("at least two inputs"),
            Arity::None if !nodes.is_empty() => Some("no input"),
            Arity::None | Arity::One | Arity::Two | Arity::Many => None,
        };
        if let Some(wanted) = wanted {
            self.checker.findings.push(messages::wrong_inputs(block.name, wanted, nodes.len(), span));
            return None;
        }
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

    /// Parameters as values, of the space's shape or of the shape that the place wants.
    fn learned(&mut self, space: Option<&crate::ast::Space>, head: Option<&[usize]>, span: Span) -> Option<NodeId> {
        let entry = catalog::block("learned")?;
        let (sizes, values) = match (space, head) {
            (Some(space), _) => self.checker.declared_shape(space)?,
            (None, Some(head)) => {
                let literal = |size: &usize| Number::Literal(Value::Int(i64::try_from(*size).unwrap_or(i64::MAX)));
                let first = self.out.clone().or_else(|| head.first().map(literal));
                let rest = self.rest.clone().unwrap_or_else(|| head.iter().skip(1).map(literal).collect());
                (first.into_iter().chain(rest).collect(), head.to_vec())
            }
            (None, None) => {
                self.checker.findings.push(messages::learned_shape_missing(span));
                return None;
            }
        };
        let each = sizes.into_iter().zip(values).map(|(number, size)| {
            let value = Value::Int(i64::try_from(size).unwrap_or(i64::MAX));
            graph::Argument { name: "sizes", number, value }
        });
        let block = Use { entry, args: each.collect(), span };
        let shape = self.shape(&block, &[], span)?;
        let (path, inferred) = (self.path("learned"), space.is_none() && self.out.is_none());
        let node = self.push(Op::Block { block, inferred }, Vec::new(), shape, path, span, span);
        // What is learned is anything; it is brought where the space is.
        let onto = match space.and_then(|space| self.checker.space_entry(space)).map(|entry| entry.space) {
            Some(catalog::Space::Unit | catalog::Space::Image | catalog::Space::Binary) => "sigmoid",
            Some(catalog::Space::Positive | catalog::Space::Count) => "exp",
            Some(catalog::Space::Simplex | catalog::Space::Label) => "softmax",
            _ => return Some(node),
        };
        self.block(onto, Vec::new(), vec![node], span)
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

    /// What the network is of, for messages.
    pub(super) fn place(&self) -> String {
        match self.reads {
            Reads::Parents(head) => self.checker.factor_text(head),
            Reads::Formals { net, .. } | Reads::Variables { of: net } => {
                format!("`{}`", self.checker.nets.declared[net].name)
            }
        }
    }

    /// `past(x)` in the factor of x.
    fn past(&mut self, given: &[Argument], span: Span, piped: Option<NodeId>) -> Option<NodeId> {
        let read = match given {
            [Argument { name: None, value }] => match &value.ungrouped().kind {
                ExpressionKind::Call(Call { name, arguments: None }) => Some(name.text.as_str()),
                _ => None,
            },
            _ => None,
        };
        let own = match self.reads {
            Reads::Parents(head) => Some((head.variable, self.checker.variable(head.variable), head.factor.side)),
            Reads::Formals { .. } | Reads::Variables { .. } => None,
        };
        let found = own.filter(|(_, variable, _)| piped.is_none() && read == Some(variable.name.as_str()));
        let Some((id, variable, side)) = found else {
            self.checker.findings.push(messages::past_of_another(span));
            return None;
        };
        if side != graph::Side::P || variable.role != graph::Role::Observed || variable.shape.len() != 3 {
            let error = messages::past_out_of_place(&variable.name, span, variable.span);
            self.checker.findings.push(error);
            return None;
        }
        let shape = variable.shape.clone();
        Some(self.push(Op::Past(id), Vec::new(), shape, String::new(), span, span))
    }

    fn apply_net(
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
            self.checker.findings.push(messages::wrong_inputs(&name.text, &wanted, nodes.len(), span));
            return None;
        }
        let shapes = nodes.iter().map(|node| self.nodes[node.0].shape.clone()).collect();
        let id = self.checker.use_net(index, shapes, name.span)?;
        let shape = self.checker.nets.done[id.0].output.clone();
        Some(self.push(Op::Net(id), nodes, shape, String::new(), span, name.span))
    }

    /// A `let`: the variables it stands for must be right of the bar, as if they had been read themselves.
    fn apply_let(&mut self, index: usize, call: &Call, span: Span, piped: Option<NodeId>) -> Option<NodeId> {
        let name = &call.name;
        if piped.is_some() || call.arguments.is_some() {
            self.checker.findings.push(messages::let_applied(&name.text, span));
            return None;
        }
        let stands_for = &self.checker.nets.declared[index].reads;
        let error = match self.reads {
            Reads::Parents(head) => stands_for.beyond(&head.set).map(|id| {
                let variable = &self.checker.variable(id).name;
                messages::let_reads_more(&name.text, variable, name.span, head.factor.head)
            }),
            // A network reads its arguments alone, and what is learned.
            Reads::Formals { names, .. } if !stands_for.is_empty() => {
                let known = names.iter().map(String::as_str).collect::<Vec<_>>();
                Some(messages::unknown_in_network(&name.text, name.span, known))
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

    /// What is piped in, then the inputs among the arguments, each a branch of its own.
    fn inputs(&mut self, piped: Option<NodeId>, given: &[Argument]) -> Option<Vec<NodeId>> {
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

    /// A name for the node's parameters that no other node of the network has.
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

    fn unknown_block(&self, call: &Call) -> crate::diagnostics::Diagnostic {
        let name = &call.name;
        if let Some(what) = self.checker.what_is(&name.text) {
            return messages::not_a_block(&name.text, what, name.span);
        }
        let blocks = catalog::BLOCKS.iter().map(|block| block.name);
        let nets = self.checker.nets.declared.iter().map(|net| net.name.as_str());
        messages::unknown_block(&name.text, name.span, blocks.chain(nets).collect::<Vec<_>>())
    }

    fn out_missing(&self, block: &str, place: Span) -> crate::diagnostics::Diagnostic {
        match self.reads {
            Reads::Formals { net, .. } | Reads::Variables { of: net } => {
                let declared = &self.checker.nets.declared[net];
                messages::net_out_missing(block, &declared.name, declared.is_let(), place)
            }
            Reads::Parents(_) => messages::out_missing(block, place, Trail(self.trail.clone())),
        }
    }
}

/// The name a branch starts from: `y` in `y |> encoder(…) |> elu`.
fn branch_start(expression: &Expression) -> Option<&str> {
    let first = expression.stages().first()?.ungrouped();
    match &first.kind {
        ExpressionKind::Call(Call { name, arguments: None }) => Some(&name.text),
        ExpressionKind::Pipeline(_) => branch_start(first),
        _ => None,
    }
}

/// How a network that ends at the wrong shape can be mended.
fn head_hint(last: &Node, head: &[usize]) -> String {
    let wanted = head.first().copied().unwrap_or_default();
    let block = match &last.op {
        Op::Block { block, .. } => Some(block.entry),
        Op::Variable(_) | Op::Formal(_) | Op::Past(_) | Op::Net(_) | Op::Let(_) | Op::Experts { .. } => None,
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
