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
        let after = flow.or(factor.network.as_ref().map(|network| network.span));
        let misplaced = match (factor.side, after) {
            (Side::P, _) if !is_rounded => {
                Some(messages::deterministic_in_p(function.name, call.name.span, factor.head))
            }
            (Side::Q, _) if is_rounded => Some(messages::rounded_in_q(function.name, call.name.span, factor.head)),
            (_, Some(after)) => Some(messages::over_function(function.name, after)),
            (Side::P | Side::Q, None) => None,
        };
        if let Some(error) = misplaced {
            self.findings.push(error);
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
            self.findings.push(head.not_a_parent(id, input));
            return None;
        }
        self.roles_fit(head, function, id, span)?;
        self.all_read(head, &std::iter::once(id).collect())?;
        let signature = Signature { name: function.name, parameters: function.parameters };
        let args = self.arguments(signature, rest, span)?.args;
        let function = Use { entry: function, args, span };
        self.range(head, &function, id)?;
        Some(Body::Deterministic { function, input: id })
    }

    /// Checks the roles of the variable and of the function's input.
    fn roles_fit(&mut self, head: &Head<'_>, function: &Function, input: VariableId, span: Span) -> Option<()> {
        let (variable, source) = (self.variable(head.variable), self.variable(input));
        let is_rounded = function.origin == catalog::Origin::Rounded;
        let error = match (variable.role, source.role) {
            (Role::Partly, _) => messages::partly_determined(&variable.name, span, variable.span),
            (role, of) if is_rounded && (role, of) != (Role::Observed, Role::Latent) => {
                messages::rounded_roles(function.name, span, head.factor.head)
            }
            (_, Role::Latent) if function.origin == catalog::Origin::Data => {
                messages::label_of_latent(function.name, &source.name, span, source.span)
            }
            _ => return Some(()),
        };
        self.findings.push(error);
        None
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
