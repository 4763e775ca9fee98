//! Names with their subscripts, index sets and tables.

use super::{Builder, Parts};
use crate::ast::{Expression, ItemKind, Name, Order, Over, Selector, Set, Table};
use crate::parse::Rule;
use pest::iterators::Pair;

impl Builder {
    /// The `for` clause of a statement.
    pub(in crate::parse) fn over(&self, statement: &Pair<'_, Rule>) -> Option<Over> {
        let clause = statement.clone().into_inner().find(|part| part.as_rule() == Rule::for_clause)?;
        let span = self.span(&clause);
        let mut parts = Parts(clause.into_inner());
        let index = self.name(parts.skip_to(Rule::name)?);
        Some(Over { index, set: self.set(parts.skip_to(Rule::set)?)?, span })
    }

    pub(super) fn set(&self, pair: Pair<'_, Rule>) -> Option<Set> {
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        if first.as_rule() == Rule::list {
            return Some(Set::List(self.list(first)?));
        }
        let last = parts.find(|part| part.as_rule() == Rule::sum)?;
        Some(Set::Range(Box::new([self.expression(first)?, self.expression(last)?])))
    }

    pub(super) fn list(&self, pair: Pair<'_, Rule>) -> Option<Vec<Expression>> {
        let sums = pair.into_inner().filter(|part| part.as_rule() == Rule::sum);
        sums.map(|sum| self.expression(sum)).collect()
    }

    pub(super) fn table(&self, pair: Pair<'_, Rule>) -> Option<ItemKind> {
        let mut parts = Parts(pair.into_inner());
        let (name, index) = (self.name(parts.skip_to(Rule::name)?), self.name(parts.skip_to(Rule::name)?));
        let values = parts.0.find(|part| matches!(part.as_rule(), Rule::runs | Rule::list))?;
        if values.as_rule() == Rule::list {
            return Some(ItemKind::Table { name, index, values: Table::List(self.list(values)?) });
        }
        let runs = values.into_inner().filter(|part| part.as_rule() == Rule::run);
        let runs = runs.map(|run| {
            let mut sums = run.into_inner().filter(|part| part.as_rule() == Rule::sum);
            Some((self.expression(sums.next()?)?, self.expression(sums.next()?)?))
        });
        Some(ItemKind::Table { name, index, values: Table::Runs(runs.collect::<Option<_>>()?) })
    }

    pub(super) fn indexed(&self, pair: Pair<'_, Rule>) -> Option<Name> {
        let mut parts = Parts(pair.into_inner());
        let mut name = self.name(parts.skip_to(Rule::name)?);
        if let Some(subscript) = parts.skip_to(Rule::subscript) {
            let selectors = subscript.into_inner().filter(|part| part.as_rule() == Rule::selector);
            name.subscript = selectors.map(|selector| self.selector(selector)).collect::<Option<_>>()?;
        }
        Some(name)
    }

    pub(super) fn selector(&self, pair: Pair<'_, Rule>) -> Option<Selector> {
        let (mut order, mut values) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::order => {
                    order = Some(match part.as_str() {
                        "<" => Order::Less,
                        "<=" => Order::AtMost,
                        ">" => Order::More,
                        _ => Order::AtLeast,
                    });
                }
                Rule::sum => values.push(self.expression(part)?),
                _ => {}
            }
        }
        let mut values = values.into_iter();
        Some(Selector { order, value: values.next()?, to: values.next() })
    }
}
