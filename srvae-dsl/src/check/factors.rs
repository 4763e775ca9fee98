//! The second phase: the factors and the graphs that they form.

use super::{Checker, docs, factor_items};
use crate::ast::{self, Call, File, Item};
use crate::catalog::{self, Distribution};
use crate::diagnostics::{Diagnostic, messages};
use crate::graph::{Body, Factor, Parents, Role, Side, VariableId, VariableSet, member};
use crate::source::Span;
use std::ops::Range;

/// The left side of a factor, with resolved names.
pub(super) struct Head<'f> {
    pub factor: &'f ast::Factor,
    pub variable: VariableId,
    pub parents: Parents,
    /// The parents as a set.
    pub set: VariableSet,
    /// Those whose values the right side reads, and not only through `known`.
    pub read: Parents,
}

impl Head<'_> {
    /// The error for a name on the right side that is no parent: the factor's own variable, or another one.
    pub fn not_a_parent(&self, id: VariableId, name: &ast::Name) -> Diagnostic {
        match id == self.variable {
            true => messages::own_parent(&name.text, name.span),
            false => messages::not_right_of_bar(&name.text, name.span, self.factor.head),
        }
    }
}

impl Checker<'_> {
    /// The factors of p and of q, parents before children.
    pub(super) fn factors(&mut self, file: &File) -> (Vec<Factor>, Vec<Factor>) {
        let mut heads: Vec<(&Item, Head<'_>)> = Vec::new();
        for (item, factor) in factor_items(file) {
            heads.extend(self.head(factor).map(|head| (item, head)));
        }
        let links: Vec<_> =
            heads.iter().map(|(_, head)| (head.factor.side, head.variable, &head.read, head.factor.head)).collect();
        self.complete(file, &links);
        let of_q = heads.iter().filter(|(_, head)| head.factor.side == Side::Q);
        self.read_by_q = of_q.map(|(_, head)| (head.variable, head.parents.clone())).collect();
        let mut factors: Vec<Factor> = Vec::new();
        for (item, head) in &heads {
            if let Some(body) = self.body(head) {
                factors.push(Factor {
                    side: head.factor.side,
                    variable: head.variable,
                    parents: head.parents.clone(),
                    read: head.read.clone(),
                    body,
                    path: self.factor_path(head.factor),
                    docs: docs(item),
                    span: head.factor.head,
                });
            }
        }
        let (p, q): (Vec<_>, Vec<_>) = factors.into_iter().partition(|factor| factor.side == Side::P);
        self.lasting_experts(&q);
        (self.ordered(Side::P, p), self.ordered(Side::Q, q))
    }

    /// The path of a factor's parameters.
    fn factor_path(&self, factor: &ast::Factor) -> String {
        let (side, variable) = (factor.side.name(), &factor.variable.text);
        self.paths.get(&format!("{side}({variable})")).cloned().unwrap_or_else(|| format!("{side}_{variable}"))
    }

    fn head<'f>(&mut self, factor: &'f ast::Factor) -> Option<Head<'f>> {
        let variable = self.lookup(&factor.variable);
        let reader = (factor.side.name(), factor.variable.text.as_str());
        let (mut parents, mut set) = (Parents::default(), VariableSet::default());
        let mut complete = true;
        for name in &factor.parents {
            let Some(runs) = self.meant(name, reader) else {
                complete = false;
                continue;
            };
            for id in runs.into_iter().flatten().map(VariableId) {
                if Some(id) == variable {
                    let own = self.variable(id).name.clone();
                    self.findings.push(messages::own_parent(&own, name.span));
                    complete = false;
                } else if set.insert(id) {
                    parents.push(id);
                } else {
                    let own = self.variable(id).name.clone();
                    let first = self.place_of(factor, id).unwrap_or(name.span);
                    self.findings.push(messages::parent_twice(&own, name.span, first));
                    complete = false;
                }
            }
        }
        let variable = variable?;
        self.roles(factor, variable)?;
        let known = self.only_known(factor);
        let read = match known.is_empty() {
            true => parents.clone(),
            false => parents.iter().filter(|id| !known.contains(*id)).collect(),
        };
        complete.then_some(Head { factor, variable, parents, set, read })
    }

    /// The variables that a name right of a bar refers to, in the factor of this side and variable: runs of their positions.
    pub(super) fn meant(&mut self, name: &ast::Name, reader: (&str, &str)) -> Option<Vec<Range<usize>>> {
        match name.ends() {
            Some((first, last)) => {
                Some(self.families.get(&name.text).map_or_else(Vec::new, |family| family.between(first, last)))
            }
            None => self.found(name, Some(reader)).map(|id| std::iter::once(id.0..id.0 + 1).collect()),
        }
    }

    /// The place of the first mention of a variable right of a factor's bar.
    fn place_of(&self, factor: &ast::Factor, id: VariableId) -> Option<Span> {
        let is_meant = |name: &&ast::Name| match name.ends() {
            Some((first, last)) => {
                let mut family = self.families.get(&name.text).into_iter();
                family.any(|family| family.between(first, last).iter().any(|run| run.contains(&id.0)))
            }
            None => self.find_variable(&name.text) == Some(id),
        };
        factor.parents.iter().find(is_meant).map(|name| name.span)
    }

    pub(super) fn lookup(&mut self, name: &ast::Name) -> Option<VariableId> {
        self.found(name, None)
    }

    fn found(&mut self, name: &ast::Name, reader: Option<(&str, &str)>) -> Option<VariableId> {
        let found = self.find_variable(&name.text);
        if found.is_none() {
            let error = self.no_variable(name, reader);
            self.findings.push(error);
        }
        found
    }

    /// Checks that p has factors of variables that are not given, and q of latents.
    fn roles(&mut self, factor: &ast::Factor, id: VariableId) -> Option<()> {
        let variable = self.variable(id);
        let (name, span, declared) = (&variable.name, factor.variable.span, variable.span);
        let error = match (variable.role, factor.side) {
            (Role::Given, side) => messages::factor_of_given(side.name(), name, span, declared),
            (Role::Observed, Side::Q) => messages::factor_of_observed(name, span, declared),
            (Role::Observed, Side::P) | (Role::Latent | Role::Global | Role::Partly, _) => return Some(()),
        };
        self.findings.push(error);
        None
    }

    fn body(&mut self, head: &Head<'_>) -> Option<Body> {
        if let Some(mixture) = &head.factor.mixture {
            return self.mixture(head, mixture);
        }
        if !head.factor.experts.is_empty() {
            return self.several(head);
        }
        let stages = head.factor.body.stages();
        let (first, flows) = stages.split_first()?;
        let Some(call) = first.as_call() else {
            self.findings.push(messages::network_for_distribution(first.span));
            return None;
        };
        let name = call.name.text.as_str();
        if let Some(function) = catalog::function(name) {
            return self.deterministic(head, function, call, first.span, flows.first().map(|flow| flow.span));
        }
        if let Some(entry) = catalog::distribution(name) {
            return match wrapped(entry, call, flows) {
                Some((entry, call, flows)) => self.stochastic(head, entry, &call, first.span, flows),
                None => self.stochastic(head, entry, call, first.span, flows),
            };
        }
        match catalog::flow(name).is_some() || self.flows.contains(name) {
            // A flow without a distribution has the standard normal as its base.
            true => {
                let base = catalog::distribution("standard_normal")?;
                let call = Call { name: call.name.clone(), arguments: None };
                self.stochastic(head, base, &call, first.span, stages)
            }
            false => {
                let error = match self.what_is(name) {
                    Some(what) => messages::not_a_distribution(name, what, call.name.span),
                    None => messages::unknown_distribution(name, call.name.span, distribution_names()),
                };
                self.findings.push(error);
                None
            }
        }
    }

    /// `q(z | x)`.
    pub(super) fn factor_text(&self, head: &Head<'_>) -> String {
        let parents: Vec<_> = head.parents.iter().map(|id| self.variable(id).name.as_str()).collect();
        let bar = if parents.is_empty() { String::new() } else { format!(" | {}", parents.join(", ")) };
        format!("{}({}{bar})", head.factor.side.name(), self.variable(head.variable).name)
    }

    /// Checks that every parent is read.
    pub(super) fn all_read(&mut self, head: &Head<'_>, read: &VariableSet) -> Option<()> {
        let mut complete = Some(());
        let own = &self.variable(head.variable).name;
        let (factor, is_member) = (format!("{}({own})", head.factor.side.name()), member(own).is_some());
        for id in head.parents.iter().filter(|id| !read.contains(*id)) {
            let (name, span) = (self.variable(id).name.clone(), self.place_of(head.factor, id));
            self.findings.push(messages::parent_not_read(&name, span.unwrap_or(head.factor.head), &factor, is_member));
            complete = None;
        }
        complete
    }
}

fn distribution_names() -> Vec<&'static str> {
    let distributions = catalog::DISTRIBUTIONS.iter().map(|entry| entry.name);
    let flows = catalog::FLOWS.iter().map(|block| block.name);
    distributions.chain(flows).chain(catalog::FUNCTIONS.iter().map(|entry| entry.name)).collect()
}

/// `negative_binomial(mean: m) |> zero_inflated(logits: l)` is `zero_inflated_negative_binomial(mean: m, logits: l)`,
/// if the catalogue has it. This first stage changes the distribution; it is not a flow of the drawn values.
fn wrapped<'f>(
    entry: &Distribution,
    call: &Call,
    flows: &'f [ast::Expression],
) -> Option<(&'static Distribution, Call, &'f [ast::Expression])> {
    let (first, rest) = flows.split_first()?;
    let outer = first.as_call()?;
    let entry = catalog::distribution(&format!("{}_{}", outer.name.text, entry.name))?;
    let of = |call: &Call| call.arguments.clone().unwrap_or_default();
    let arguments: Vec<_> = of(call).into_iter().chain(of(outer)).collect();
    let arguments = Some(arguments).filter(|arguments| !arguments.is_empty());
    Some((entry, Call { name: call.name.clone(), arguments }, rest))
}
