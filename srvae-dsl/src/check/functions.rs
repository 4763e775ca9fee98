//! Factors that are functions: point masses.

use super::Checker;
use super::arguments::Signature;
use super::factors::Head;
use crate::ast::{Call, ExpressionKind};
use crate::catalog::{self, Function, show_shape, space_entry};
use crate::diagnostics::messages;
use crate::graph::{Body, Role, Side, Use, VariableId};
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn deterministic(
        &mut self,
        head: &Head<'_>,
        function: &'static Function,
        call: &Call,
        span: Span,
        flow: Option<Span>,
    ) -> Option<Body> {
        let factor = head.factor;
        let is_rounded = function.origin == catalog::Origin::Rounded;
        match factor.side {
            Side::P if !is_rounded => {
                self.findings.push(messages::deterministic_in_p(function.name, call.name.span, factor.head));
                return None;
            }
            Side::Q if is_rounded => {
                self.findings.push(messages::rounded_in_q(function.name, call.name.span, factor.head));
                return None;
            }
            Side::P | Side::Q => {}
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
        if is_rounded && (self.variable(head.variable).role, source.role) != (Role::Observed, Role::Latent) {
            self.findings.push(messages::rounded_roles(function.name, span, factor.head));
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

    /// Checks that the function's values are in the variable's space and shape.
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
}
