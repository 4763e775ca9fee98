//! Factors, mixtures and products of experts.

use super::{Builder, Parts, side_of};
use crate::ast::{Call, Expert, Expression, ExpressionKind, Factor, ItemKind, Mixture, Name};
use crate::graph::Joint;
use crate::parse::Rule;
use crate::source::Span;
use pest::iterators::Pair;

impl Builder {
    pub(super) fn factor(&self, mut parts: Parts<'_>) -> Option<ItemKind> {
        let side = parts.skip_to(Rule::side)?;
        let start = self.span(&side).start;
        let variable = self.indexed(parts.skip_to(Rule::indexed)?)?;
        let (mut parents, mut body, mut network, mut end) = (Vec::new(), None, None, start);
        let (mut experts, mut joint, mut mixture) = (Vec::new(), Joint::Product, None);
        for part in parts.0 {
            match part.as_rule() {
                Rule::parents => parents = self.names(part)?,
                Rule::close => end = self.span(&part).end,
                Rule::expression => body = Some(self.expression(part)?),
                Rule::network => network = Some(self.expression(part.into_inner().next()?)?),
                Rule::experts | Rule::mean => {
                    joint = if part.as_rule() == Rule::mean { Joint::Mean } else { Joint::Product };
                    let each = part.into_inner();
                    let each =
                        each.filter(|part| matches!(part.as_rule(), Rule::expert | Rule::repeated | Rule::component));
                    experts = each.map(|expert| self.expert(expert)).collect::<Option<Vec<_>>>()?;
                    body = experts.first().map(|expert| expert.body.clone());
                }
                Rule::mixture => {
                    let (name, span) = (Name::plain("mixture", self.span(&part)), self.span(&part));
                    body = Some(Expression { kind: ExpressionKind::Call(Call { name, arguments: None }), span });
                    mixture = Some(self.mixture(part)?);
                }
                _ => {}
            }
        }
        let side = side_of(&side);
        Some(ItemKind::Factor(Factor {
            side,
            variable,
            parents,
            body: body?,
            experts,
            joint,
            mixture,
            network,
            head: Span::new(start, end),
        }))
    }

    pub(super) fn mixture(&self, pair: Pair<'_, Rule>) -> Option<Mixture> {
        let mut parts = Parts(pair.into_inner());
        let side = parts.skip_to(Rule::side)?;
        let mut head = self.span(&side);
        let variable = self.indexed(parts.skip_to(Rule::indexed)?)?;
        let mut values = Vec::new();
        for part in parts.0 {
            match part.as_rule() {
                Rule::stated => {
                    let mut parts = Parts(part.into_inner());
                    let name = self.indexed(parts.skip_to(Rule::indexed)?)?;
                    values.push((name, vec![self.expression(parts.skip_to(Rule::expression)?)?]));
                }
                Rule::close => head = head.to(self.span(&part)),
                _ => {}
            }
        }
        Some(Mixture { side: side_of(&side), variable, values, components: 0, head })
    }

    pub(super) fn expert(&self, pair: Pair<'_, Rule>) -> Option<Expert> {
        let span = self.span(&pair);
        let (mut body, mut network, mut product) = (None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::experts => {
                    let each = part.into_inner().filter(|part| part.as_rule() == Rule::expert);
                    product = each.map(|expert| self.expert(expert)).collect::<Option<Vec<_>>>()?;
                    body = product.first().map(|expert| expert.body.clone());
                }
                Rule::expression | Rule::call => body = Some(self.expression(part)?),
                Rule::network => network = Some(self.expression(part.into_inner().next()?)?),
                _ => {}
            }
        }
        Some(Expert { body: body?, network, product, span })
    }
}
