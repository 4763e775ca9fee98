//! `p(z) = mixture of q(z | x: w[k]) for k in 1..K`: a root whose density is the average of a factor of q over learned
//! inputs (VampPrior, Tomczak and Welling 2018).

use super::Checker;
use super::factors::Head;
use super::network::{Builder, Reads};
use crate::ast;
use crate::catalog::{show_shape, space_entry};
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Network, Role, Side, VariableId};

impl Checker<'_> {
    /// A mixture: values for every variable that the factor of q reads, one per component.
    pub(super) fn mixture(&mut self, head: &Head<'_>, stated: &ast::Mixture) -> Option<Body> {
        let factor = head.factor;
        if factor.side == Side::Q || !head.parents.is_empty() || self.variable(head.variable).role != Role::Latent {
            self.findings.push(messages::mixture_elsewhere(stated.head, factor.head));
            return None;
        }
        if stated.side != Side::Q || self.lookup(&stated.variable)? != head.variable {
            self.findings.push(messages::mixture_of_another(&factor.variable.text, stated.head));
            return None;
        }
        if stated.components == 0 {
            self.findings.push(messages::mixture_without_range(stated.head));
            return None;
        }
        let Some(parents) = self.read_by_q.get(&head.variable).cloned() else {
            self.findings.push(messages::no_such_factor("q", &factor.variable.text, stated.head));
            return None;
        };
        let mut values: Vec<(VariableId, Vec<Network>)> = Vec::new();
        for (name, each) in &stated.values {
            let id = self.lookup(name)?;
            if !parents.contains(id) || values.iter().any(|(other, _)| *other == id) {
                self.findings.push(messages::mixture_reads(&name.text, &factor.variable.text, name.span));
                return None;
            }
            values.push((id, self.components(head, id, each)?));
        }
        if let Some(left) = parents.iter().find(|id| values.iter().all(|(other, _)| other != id)) {
            let (name, partly) = (self.variable(left).name.clone(), stated.head);
            self.findings.push(messages::mixture_lacks(&name, &factor.variable.text, partly));
            return None;
        }
        Some(Body::Mixture { values, components: stated.components, span: stated.head })
    }

    /// The values of one variable.
    fn components(&mut self, head: &Head<'_>, id: VariableId, each: &[ast::Expression]) -> Option<Vec<Network>> {
        let (name, shape) = (self.variable(id).name.clone(), self.variable(id).shape.clone());
        let mut all = Vec::with_capacity(each.len());
        for (at, expression) in each.iter().enumerate() {
            let mut builder = Builder::new(self, Reads::Parents(head));
            builder.prefix = format!("{name}.{}.", at + 1);
            let network = builder.network(expression, None)?;
            let found = &network.nodes[network.output.0].shape;
            if *found != shape {
                let (wanted, found) = (show_shape(&shape), show_shape(found));
                self.findings.push(messages::mixture_unfit(&name, &wanted, &found, expression.span));
                return None;
            }
            if let Some(why) = self.unlike(&network, self.variable(id).space) {
                let space = space_entry(self.variable(id).space).name;
                self.findings.push(messages::mixture_of_no_value(&name, space, why, expression.span));
                return None;
            }
            all.push(network);
        }
        Some(all)
    }

    /// Checks the factors of q used by mixtures: their density must be computable for values that they did not draw,
    /// and independent of the record.
    pub(super) fn mixtures(&mut self, p: &[Factor], q: &[Factor]) {
        if self.findings.has_errors() {
            return;
        }
        for mixture in p {
            let Body::Mixture { span, .. } = mixture.body else { continue };
            let Some(factor) = q.iter().find(|factor| factor.variable == mixture.variable) else { continue };
            let why = match &factor.body {
                Body::Deterministic { .. } | Body::Mixture { .. } => Some("it is a function"),
                Body::Stochastic { flows, network, .. } => {
                    let draws_alone =
                        |stage: &crate::graph::Stage| stage.flow.entry.flow().is_none_or(|ways| !ways.forward);
                    let has_context = flows.iter().any(|stage| stage.context.is_some());
                    let reads_partly = factor.parents.iter().any(|id| self.variable(id).role == Role::Partly);
                    match () {
                        () if flows.iter().any(draws_alone) => {
                            Some("its flow cannot be inverted, and a mixture is evaluated at other draws")
                        }
                        () if reads_partly => Some("it reads a variable that a record may lack"),
                        () if self.variable(factor.variable).step.is_some() => Some("it is a step of a sequence"),
                        () if network.is_none() && !has_context => Some("it reads nothing"),
                        () => None,
                    }
                }
            };
            if let Some(why) = why {
                let name = &self.variable(factor.variable).name;
                self.findings.push(messages::mixture_of_what(name, why, span, factor.span));
            }
        }
    }
}
