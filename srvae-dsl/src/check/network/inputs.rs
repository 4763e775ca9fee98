//! The inputs of a network: variables, arguments, learned values, the past of a variable, and what is known of a partly
//! observed one.

use super::{Builder, Reads};
use crate::ast::{Argument, Call, Expression, ExpressionKind, Name, Space};
use crate::catalog;
use crate::diagnostics::messages;
use crate::graph::{self, NodeId, Number, Op, Use, Value};
use crate::source::Span;

impl Builder<'_, '_> {
    /// A variable, or an argument of the named network.
    pub(super) fn input(&mut self, name: &Name) -> Option<NodeId> {
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
            let (variables, own): (Vec<&str>, _) = match self.reads {
                Reads::Formals { names, .. } => (names.iter().map(String::as_str).collect(), None),
                Reads::Parents(head) => {
                    (head.parents.iter().map(|id| self.checker.variable(id).name.as_str()).collect(), None)
                }
                Reads::Variables { of } => (self.checker.variable_names(), Some(of)),
            };
            let reads_values = !matches!(self.reads, Reads::Formals { .. });
            let nets = self.checker.nets.declared.iter().enumerate();
            let values = nets.filter(|(at, net)| reads_values && net.is_let() && Some(*at) != own);
            let values = values.map(|(_, net)| net.name.as_str());
            let family = self.checker.family_alone(name);
            let error =
                family.unwrap_or_else(|| messages::unknown_in_network(&name.text, name.span, variables, values));
            self.checker.findings.push(error);
            return None;
        };
        if let (Reads::Parents(head), Op::Variable(id)) = (self.reads, &op)
            && !head.set.contains(*id)
        {
            self.checker.findings.push(head.not_a_parent(*id, name));
            return None;
        }
        if let Some(node) = self.inputs.get(&key) {
            return Some(*node);
        }
        let node = self.push(op, Vec::new(), shape, String::new(), name.span, name.span);
        self.inputs.insert(key, node);
        Some(node)
    }

    /// Learned values, with the shape of the space or the shape expected at this place.
    pub(super) fn learned(&mut self, space: Option<&Space>, head: Option<&[usize]>, span: Span) -> Option<NodeId> {
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
        // A learned value is unrestricted, so it is mapped to the space.
        let onto = match space.and_then(|space| self.checker.space_entry(space)).map(|entry| entry.space) {
            Some(catalog::Space::Unit | catalog::Space::Image | catalog::Space::Binary) => "sigmoid",
            Some(catalog::Space::Positive | catalog::Space::Count) => "exp",
            Some(catalog::Space::Simplex | catalog::Space::Label) => "softmax",
            Some(catalog::Space::Sphere) => "direction",
            _ => return Some(node),
        };
        self.block(onto, Vec::new(), vec![node], span)
    }

    /// `past(x)` in the factor of x.
    pub(super) fn past(&mut self, given: &[Argument], span: Span, piped: Option<NodeId>) -> Option<NodeId> {
        let read = match given {
            [Argument { name: None, value }] => name_alone(value).map(|name| name.text.as_str()),
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
        let has_past =
            matches!(variable.role, graph::Role::Observed | graph::Role::Latent) && variable.shape.len() == 3;
        if side != graph::Side::P || !has_past {
            let error = messages::past_out_of_place(&variable.name, span, variable.span);
            self.checker.findings.push(error);
            return None;
        }
        let shape = variable.shape.clone();
        Some(self.push(Op::Past(id), Vec::new(), shape, String::new(), span, span))
    }

    /// `known(x)`, or `known(x, w)` for `concat(known(x), known(w))`: partly observed variables where they are observed, each
    /// with a channel that says where that is.
    pub(super) fn known(&mut self, given: &[Argument], span: Span, piped: Option<NodeId>) -> Option<NodeId> {
        let names = given.iter().map(|it| name_alone(&it.value).filter(|_| it.name.is_none() && piped.is_none()));
        let names = names.collect::<Option<Vec<&Name>>>().filter(|names| !names.is_empty());
        let (Some(names), false) = (names, matches!(self.reads, Reads::Formals { .. })) else {
            self.checker.findings.push(messages::known_of_what(span));
            return None;
        };
        let nodes = names.into_iter().map(|name| self.known_of(name)).collect::<Vec<_>>();
        let nodes = nodes.into_iter().collect::<Option<Vec<_>>>()?;
        match nodes.as_slice() {
            [one] => Some(*one),
            _ => self.block("concat", Vec::new(), nodes, span),
        }
    }

    fn known_of(&mut self, name: &Name) -> Option<NodeId> {
        let Some(id) = self.checker.find_variable(&name.text) else {
            let error = match self.checker.nets.find(&name.text) {
                Some(_) => messages::known_of_what(name.span),
                None => self.checker.no_variable(name, None),
            };
            self.checker.findings.push(error);
            return None;
        };
        let variable = self.checker.variable(id);
        let error = match self.reads {
            _ if variable.role != graph::Role::Partly => {
                Some(messages::known_of_other(&variable.name, variable.role, name.span, variable.span))
            }
            Reads::Parents(head) if !head.set.contains(id) => {
                Some(messages::not_right_of_bar(&name.text, name.span, head.factor.head))
            }
            Reads::Parents(head) if head.factor.side == graph::Side::P => {
                Some(messages::known_in_p(&name.text, name.span, head.factor.head))
            }
            Reads::Parents(_) | Reads::Variables { .. } | Reads::Formals { .. } => None,
        };
        if let Some(error) = error {
            self.checker.findings.push(error);
            return None;
        }
        let mut shape = variable.shape.clone();
        shape.iter_mut().take(1).for_each(|channels| *channels += 1);
        Some(self.push(Op::Known(id), Vec::new(), shape, String::new(), name.span, name.span))
    }
}

/// A name without brackets or arguments.
fn name_alone(expression: &Expression) -> Option<&Name> {
    match &expression.ungrouped().kind {
        ExpressionKind::Call(Call { name, arguments: None }) => Some(name),
        _ => None,
    }
}
