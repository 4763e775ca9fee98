//! The rates of values, and the conversions between different rates.

use super::Lowering;
use crate::derive::is_global;
use crate::graph::VariableId;
use crate::plan::program::{Operation, Rate, Value, ValueId};

impl Lowering<'_> {
    /// The value of an operation: the existing one, or a new one with a name like `name`.
    pub(super) fn value(&mut self, operation: Operation, inputs: Vec<ValueId>, name: &str) -> ValueId {
        let of_inputs = self.rate(&inputs);
        let scope = self.scope(&operation, &inputs);
        let over = self.over_values(&operation, &inputs);
        let rate = match operation {
            Operation::Rows => Rate::Record,
            _ if operation.is_given() => Rate::Record,
            Operation::Expand | Operation::Repeat | Operation::PerSample => Rate::Sample,
            Operation::Expect | Operation::Gain(_) => Rate::Sample,
            Operation::Enumerate { .. } | Operation::RepeatValues(_) | Operation::Strata { .. } => Rate::Value,
            Operation::Values(_) | Operation::Widen { .. } | Operation::Table { .. } => Rate::Value,
            Operation::SumOut { .. } | Operation::Rest { .. } if scope.is_empty() => Rate::Sample,
            Operation::Stack | Operation::Components(_) => Rate::Component,
            Operation::Draws => Rate::Draws,
            Operation::Each => Rate::Sample,
            Operation::Draw(id, _) | Operation::Scored(id) if self.shares && is_global(self.model, id) => Rate::Draws,
            Operation::Mixture(_) => Rate::Constant,
            Operation::Draw(..) | Operation::Scored(_) | Operation::Dequantise(_) => of_inputs.max(Rate::Sample),
            Operation::Partial(_) => Rate::Sample,
            _ => of_inputs,
        };
        let inputs = match (&operation, rate) {
            (Operation::ExpandLike, _) => inputs,
            (Operation::Mixture(_) | Operation::Components(_), _)
            | (Operation::Expand | Operation::Rows | Operation::Repeat | Operation::RepeatValues(_), _)
            | (Operation::Enumerate { .. } | Operation::Strata { .. } | Operation::Shares { .. }, _) => inputs,
            (Operation::Stack | Operation::Draws | Operation::Each, _) => inputs,
            (Operation::Values(_) | Operation::Widen { .. } | Operation::Table { .. }, _)
            | (Operation::SumOut { .. } | Operation::Rest { .. }, _) => inputs,
            (_, Rate::Draws) => inputs.into_iter().map(|input| self.with_draws(input)).collect(),
            (_, Rate::Component) => inputs.into_iter().map(|input| self.with_components(input)).collect(),
            (Operation::Expect | Operation::Gain(_), _) | (_, Rate::Value) => {
                inputs.into_iter().map(|input| self.with_values(input, &scope, over)).collect()
            }
            (_, Rate::Sample) => inputs.into_iter().map(|input| self.with_samples(input)).collect(),
            (_, Rate::Record) => inputs.into_iter().map(|input| self.with_records(input)).collect(),
            (_, Rate::Constant) => inputs,
        };
        let is_draw = matches!(operation, Operation::Draw(..) | Operation::Scored(_) | Operation::Partial(_));
        let same = self.equal.get(&inputs).into_iter().flatten();
        let found = same.copied().find(|value| self.values[value.0].operation == operation);
        if let Some(found) = found.filter(|_| !is_draw) {
            return found;
        }
        let id = ValueId(self.values.len());
        self.equal.entry(inputs.clone()).or_default().push(id);
        if rate == Rate::Value && !scope.is_empty() {
            self.scopes.insert(id, scope);
        }
        let name = self.names.local(name);
        self.values.push(Value { operation, inputs, rate, over, name, scope: None });
        id
    }

    /// The kind of group over whose values an operation is computed or sums. No value depends on two groups.
    fn over_values(&self, operation: &Operation, inputs: &[ValueId]) -> Option<usize> {
        match operation {
            Operation::Enumerate { kind, .. } | Operation::RepeatValues(kind) | Operation::Strata { kind, .. } => {
                Some(*kind)
            }
            _ => {
                let mut each = inputs.iter().map(|input| &self.values[input.0]);
                each.find_map(|value| value.over.filter(|_| value.rate == Rate::Value))
            }
        }
    }

    /// The rate of an operation on these inputs. A value per draw together with one per record gives one per sample.
    fn rate(&self, inputs: &[ValueId]) -> Rate {
        let each = || inputs.iter().map(|input| self.values[input.0].rate);
        let most = each().max().unwrap_or(Rate::Constant);
        if most == Rate::Record && each().any(|rate| rate == Rate::Draws) { Rate::Sample } else { most }
    }

    /// Converts a value for use with one per draw of a global variable.
    fn with_draws(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant if !self.is_distribution(value) => self.for_draws(value),
            _ => value,
        }
    }

    /// A value with one row, for each draw.
    pub(super) fn for_draws(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant => {
                let name = format!("{}_draws", self.values[value.0].name);
                self.value(Operation::Draws, vec![value], &name)
            }
            _ => value,
        }
    }

    /// Converts a value for use with one per record. A constant distribution fits any number of rows.
    fn with_records(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant if !self.is_distribution(value) => {
                let name = format!("{}_rows", self.values[value.0].name);
                self.value(Operation::Rows, vec![value], &name)
            }
            _ => value,
        }
    }

    /// Converts a value for use with one per component.
    fn with_components(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Constant if !self.is_distribution(value) => {
                let name = format!("{}_each", self.values[value.0].name);
                self.value(Operation::Components(self.components), vec![value], &name)
            }
            _ => value,
        }
    }

    fn is_distribution(&self, value: ValueId) -> bool {
        self.values[value.0].operation.makes_distribution()
    }

    /// Converts a value for use with one per sample. A value per record is repeated; a constant distribution fits any
    /// number of rows.
    pub(super) fn with_samples(&mut self, value: ValueId) -> ValueId {
        match self.values[value.0].rate {
            Rate::Record | Rate::Draws => self.for_samples(value),
            Rate::Constant if !self.is_distribution(value) => self.for_samples(value),
            Rate::Constant | Rate::Component | Rate::Sample | Rate::Value => value,
        }
    }

    /// A constant head, expanded to the number of rows. In a factor's own program it stays one row.
    pub(super) fn head(&mut self, variable: VariableId, head: ValueId) -> ValueId {
        if is_global(self.model, variable) && self.shares {
            return self.for_draws(head);
        }
        match (self.values[head.0].rate, self.given.is_empty() && !self.has_values) {
            (Rate::Draws, _) => self.for_samples(head),
            (Rate::Constant, false) => self.with_records(head),
            (Rate::Constant, true) if self.has_rows => self.for_samples(head),
            _ => head,
        }
    }

    /// The inputs of a distribution per record: values with one row are expanded to the records.
    pub(super) fn of_records(&mut self, variable: VariableId, value: ValueId) -> ValueId {
        let is_shared = self.values[value.0].rate == Rate::Draws && !is_global(self.model, variable);
        if is_shared { self.for_samples(value) } else { value }
    }

    /// Converts a value for use with one per enumerated value.
    fn with_values(&mut self, value: ValueId, scope: &[VariableId], over: Option<usize>) -> ValueId {
        let value = self.with_samples(value);
        match self.values[value.0].rate {
            Rate::Draws | Rate::Record | Rate::Sample | Rate::Value if !scope.is_empty() => self.widened(value, scope),
            Rate::Constant | Rate::Component | Rate::Value => value,
            Rate::Draws | Rate::Record | Rate::Sample => match over {
                Some(kind) => {
                    let name = format!("{}_values", self.values[value.0].name);
                    self.value(Operation::RepeatValues(kind), vec![value], &name)
                }
                None => value,
            },
        }
    }

    /// A value with a row for each sample.
    pub(super) fn for_samples(&mut self, value: ValueId) -> ValueId {
        let Value { rate, name, .. } = &self.values[value.0];
        match rate {
            Rate::Constant => {
                let name = format!("{name}_rows");
                self.value(Operation::Expand, vec![value], &name)
            }
            Rate::Record => {
                let name = format!("{name}_each");
                self.value(Operation::Repeat, vec![value], &name)
            }
            Rate::Draws => {
                let name = format!("{name}_each");
                self.value(Operation::Each, vec![value], &name)
            }
            Rate::Component | Rate::Sample | Rate::Value => value,
        }
    }

    /// The distribution of a variable with a row for each of its draws.
    pub(super) fn for_rows(&mut self, variable: VariableId, distribution: ValueId) -> ValueId {
        match is_global(self.model, variable) && self.shares {
            true => self.for_draws(distribution),
            false => self.for_samples(distribution),
        }
    }
}
