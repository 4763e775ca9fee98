//! Arithmetic on indices: sets, tables and subscripts.

use super::{At, MOST_MEMBERS, Unroller};
use crate::ast::{Call, Expression, ExpressionKind, Name, Order, Selector, Set, Table};
use crate::diagnostics::messages;
use crate::graph::{Operator, Value};
use std::collections::BTreeMap;

impl Unroller<'_> {
    /// The values of a set, in order.
    pub(super) fn set(&mut self, set: &Set, at: &At) -> Option<Vec<i64>> {
        let values = match set {
            Set::List(values) => values.iter().map(|value| self.whole(value, at)).collect::<Option<Vec<_>>>()?,
            Set::Range(ends) => {
                let [from, to] = &**ends;
                let (first, last) = (self.whole(from, at)?, self.whole(to, at)?);
                if first.abs_diff(last) >= MOST_MEMBERS as u64 {
                    self.findings.push(messages::too_many_members(MOST_MEMBERS, from.span.to(to.span)));
                    return None;
                }
                if first <= last { (first..=last).collect() } else { (last..=first).rev().collect() }
            }
        };
        Some(values)
    }

    /// Whether the bounds of a set name the length.
    pub(super) fn mentions_length(&self, set: &Set) -> bool {
        let ends: &[Expression] = match set {
            Set::List(values) => values,
            Set::Range(ends) => &**ends,
        };
        ends.iter().any(|end| self.length.as_deref().is_some_and(|length| mentions(end, length)))
    }

    /// Reports a multiple or a fraction of the length at an end of a set.
    pub(super) fn counts_every_step(&mut self, set: &Set) {
        let (Set::Range(ends), Some(length)) = (set, self.length.clone()) else { return };
        let is_length = |name: &str| name == length;
        if let Some(end) = ends.iter().find(|end| scales(end, &is_length)) {
            self.findings.push(messages::other_clock(&length, end.span));
        }
    }

    /// The number for each value of the table's index.
    pub(super) fn table(&mut self, name: &Name, index: &Name, table: &Table) -> Option<BTreeMap<i64, Value>> {
        let Some(values) = self.indices.get(&index.text).map(|index| index.values.clone()) else {
            self.findings.push(messages::unknown_index(&index.text, index.span));
            return None;
        };
        let at = At::new();
        let mut numbers: Vec<Value> = Vec::new();
        match table {
            Table::List(list) => {
                for value in list {
                    numbers.push(self.tabulated(value)?);
                }
            }
            Table::Runs(runs) => {
                for (value, count) in runs {
                    let (value, count) = (self.tabulated(value)?, self.whole(count, &at)?);
                    let count = usize::try_from(count).unwrap_or(0).min(MOST_MEMBERS);
                    numbers.extend(std::iter::repeat_n(value, count));
                }
            }
        }
        if numbers.len() != values.len() {
            let (text, index) = (&name.text, &index.text);
            self.findings.push(messages::table_length(text, numbers.len(), index, values.len(), name.span));
            return None;
        }
        Some(values.into_iter().zip(numbers).collect())
    }

    /// A number of a table: a whole one, or a real one without parameters.
    fn tabulated(&mut self, expression: &Expression) -> Option<Value> {
        let whole = self.try_whole(expression, &At::new()).map(Value::Int);
        let found = whole.or_else(|| real(expression).map(Value::Real));
        if found.is_none() {
            self.findings.push(messages::no_table_number(expression.span));
        }
        found
    }

    /// An integer computed from numbers, parameters, tables and indices.
    pub(super) fn whole(&mut self, expression: &Expression, at: &At) -> Option<i64> {
        let found = self.try_whole(expression, at);
        if found.is_none() {
            let is_step = |name: &str| self.indices.get(name).is_some_and(|index| index.over_length);
            let error = match &self.length {
                Some(length) if scales(expression, &is_step) => messages::other_clock(length, expression.span),
                _ => messages::no_index_value(expression.span),
            };
            self.findings.push(error);
        }
        found
    }

    /// The value of an index. A name that nothing declares is reported once, as an index without a declaration.
    fn subscript(&mut self, expression: &Expression, at: &At) -> Option<i64> {
        let is_declared = |name: &str| {
            at.contains_key(name)
                || self.indices.contains_key(name)
                || self.tables.contains_key(name)
                || self.families.contains_key(name)
                || self.params.iter().any(|param| param.name == name)
        };
        let mut words = Vec::new();
        bare_words(expression, &mut words);
        let Some(unknown) = words.into_iter().find(|name| !is_declared(&name.text)) else {
            return self.whole(expression, at);
        };
        if self.unknown.insert(unknown.text.clone()) {
            self.findings.push(messages::unknown_index(&unknown.text, unknown.span));
        }
        None
    }

    pub(super) fn try_whole(&mut self, expression: &Expression, at: &At) -> Option<i64> {
        match &expression.kind {
            ExpressionKind::Number(Value::Int(value)) => Some(*value),
            ExpressionKind::Group(inner) => self.try_whole(inner, at),
            ExpressionKind::Negate(inner) => self.try_whole(inner, at)?.checked_neg(),
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (self.try_whole(left, at)?, self.try_whole(right, at)?);
                match operator {
                    Operator::Add => left.checked_add(right),
                    Operator::Subtract => left.checked_sub(right),
                    Operator::Multiply => left.checked_mul(right),
                    Operator::Divide => left.checked_rem(right).filter(|rest| *rest == 0).and(left.checked_div(right)),
                }
            }
            ExpressionKind::Call(Call { name, arguments: None }) if name.subscript.is_empty() => {
                at.get(&name.text).copied().or_else(|| self.fixing(&name.text))
            }
            ExpressionKind::Call(Call { name, arguments: None }) => match self.entry(name, at)? {
                Value::Int(value) => Some(value),
                Value::Real(_) | Value::Bool(_) | Value::Word(_) => None,
            },
            _ => None,
        }
    }

    /// `side[l]`: an entry of a table.
    pub(super) fn entry(&mut self, name: &Name, at: &At) -> Option<Value> {
        let [Selector { order: None, value, to: None }] = name.subscript.as_slice() else { return None };
        let value = self.try_whole(value, at)?;
        self.used.insert(name.text.clone());
        self.tables.get(&name.text)?.get(&value).cloned()
    }

    /// The members that a subscript selects, in order. `None` after an error.
    pub(super) fn selected(&mut self, name: &Name, at: &At) -> Option<Vec<Vec<i64>>> {
        let mut all: Vec<Vec<i64>> = vec![Vec::new()];
        for (position, selector) in name.subscript.iter().enumerate() {
            let value = self.subscript(&selector.value, at)?;
            let values: Vec<i64> = match (selector.order, &selector.to) {
                (None, None) => vec![value],
                (None, Some(to)) => {
                    let last = self.subscript(to, at)?;
                    if last.abs_diff(value) >= MOST_MEMBERS as u64 {
                        self.findings.push(messages::too_many_members(MOST_MEMBERS, name.span));
                        return None;
                    }
                    // Here a descending range is empty: `x[1..t - 1]` has no member at t = 1.
                    (value..=last).collect()
                }
                (Some(order), _) => self.on_a_side(name, position, order, value),
            };
            all = all
                .into_iter()
                .flat_map(|before| values.iter().map(move |value| [before.as_slice(), &[*value]].concat()))
                .collect();
        }
        Some(all)
    }

    /// The first and the last index value of the variables that a subscript selects, if all members between them exist.
    pub(super) fn run(&mut self, name: &Name, at: &At) -> Option<(i64, i64)> {
        let [Selector { order, value, to }] = name.subscript.as_slice() else { return None };
        if !self.ranges.contains_key(&name.text) || (order.is_none() && to.is_none()) {
            return None;
        }
        let value = self.try_whole(value, at)?;
        let last = to.as_ref().map(|to| self.try_whole(to, at));
        let all = self.ranges.get(&name.text)?;
        let before = |is_before: &dyn Fn(i64) -> bool| all.partition_point(|member| is_before(*member));
        let meant = match (order, last) {
            (None, last) => {
                let last = last??;
                let meant = all.get(before(&|member| member < value)..before(&|member| member <= last))?;
                let most = usize::try_from(last.checked_sub(value)?.checked_add(1)?).ok()?;
                (meant.len() == most).then_some(meant)?
            }
            (Some(Order::Less), _) => &all[..before(&|member| member < value)],
            (Some(Order::AtMost), _) => &all[..before(&|member| member <= value)],
            (Some(Order::More), _) => &all[before(&|member| member <= value)..],
            (Some(Order::AtLeast), _) => &all[before(&|member| member < value)..],
        };
        Some((*meant.first()?, *meant.last()?))
    }

    /// Values of a family at an index position, on one side of another value.
    fn on_a_side(&self, name: &Name, position: usize, order: Order, than: i64) -> Vec<i64> {
        let members = self.families.get(&name.text).into_iter().flatten();
        let mut values: Vec<i64> = members.filter_map(|member| member.get(position).copied()).collect();
        values.retain(|value| match order {
            Order::Less => *value < than,
            Order::AtMost => *value <= than,
            Order::More => *value > than,
            Order::AtLeast => *value >= than,
        });
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// A finite real number computed from numbers.
fn real(expression: &Expression) -> Option<f64> {
    let value = match &expression.kind {
        ExpressionKind::Number(Value::Int(value)) => *value as f64,
        ExpressionKind::Number(Value::Real(value)) => *value,
        ExpressionKind::Group(inner) => real(inner)?,
        ExpressionKind::Negate(inner) => -real(inner)?,
        ExpressionKind::Binary(operator, left, right) => {
            let (left, right) = (real(left)?, real(right)?);
            match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
            }
        }
        _ => return None,
    };
    value.is_finite().then_some(value)
}

/// The names without brackets and arguments in an expression.
fn bare_words<'e>(expression: &'e Expression, all: &mut Vec<&'e Name>) {
    match &expression.kind {
        ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => bare_words(inner, all),
        ExpressionKind::Binary(_, left, right) => {
            bare_words(left, all);
            bare_words(right, all);
        }
        ExpressionKind::Call(Call { name, arguments: None }) if name.subscript.is_empty() => all.push(name),
        _ => {}
    }
}

/// Whether an expression contains a multiple or a fraction of one of the names.
fn scales(expression: &Expression, is_meant: &dyn Fn(&str) -> bool) -> bool {
    let reads =
        |side: &Expression| matches!(&side.ungrouped().kind, ExpressionKind::Call(call) if is_meant(&call.name.text));
    match &expression.kind {
        ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => scales(inner, is_meant),
        ExpressionKind::Binary(Operator::Multiply | Operator::Divide, left, right) if reads(left) || reads(right) => {
            true
        }
        ExpressionKind::Binary(_, left, right) => scales(left, is_meant) || scales(right, is_meant),
        _ => false,
    }
}

/// Whether an expression contains a name.
pub(super) fn mentions(expression: &Expression, name: &str) -> bool {
    match &expression.kind {
        ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => mentions(inner, name),
        ExpressionKind::Binary(_, left, right) => mentions(left, name) || mentions(right, name),
        ExpressionKind::Call(call) => call.name.text == name,
        _ => false,
    }
}
