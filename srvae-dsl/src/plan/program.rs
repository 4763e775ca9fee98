//! The instruction set: what the bound, the modes and the factors compute, value by value.
//!
//! A program is a list of values in the order of their computation. Each value is computed once: equal operations on equal
//! inputs are one value, whichever factor or named network they stand in. Each value has a rate: once for all, once a
//! record of the data, or once per sample; `Repeat` stands exactly where a value of a record meets one of a sample.
//! Nothing in a program is left to choose: `emit` prints it, the interpreter of the runtime runs it.

use super::PartId;
use crate::derive::Presence;
use crate::graph::{Argument, NetId, VariableId};

/// Position of a value in [`Program::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// A program with its values in order.
#[derive(Debug, Clone)]
pub struct Program {
    /// `bound`, a mode's name, a factor's (`p_z`), or that of a value.
    pub name: String,
    /// What the caller gives, in order.
    pub given: Vec<VariableId>,
    /// In the order of computation: inputs before what reads them.
    pub values: Vec<Value>,
    pub output: Output,
    /// Variables that are summed over instead of drawn: their values, or the components that they are drawn from.
    pub enumerated: Vec<VariableId>,
    /// Log-probabilities of draws whose gradient is that of their score, `[K, B]`: yielded after the terms.
    pub scores: Vec<ValueId>,
    /// What training maximises besides the bound, `[K, B]`: yielded after the scores.
    pub addends: Vec<ValueId>,
}

/// What a program yields.
#[derive(Debug, Clone)]
pub enum Output {
    /// The terms of the bound, in the derivation's order.
    Terms(Vec<ValueId>),
    /// Variables of a mode.
    Variables(Vec<(VariableId, ValueId)>),
    /// The distribution of a factor.
    Distribution(ValueId),
    /// A tensor.
    Value(ValueId),
}

/// One value.
#[derive(Debug, Clone)]
pub struct Value {
    pub operation: Operation,
    pub inputs: Vec<ValueId>,
    pub rate: Rate,
    /// Name of the local variable that holds it; unique in its program.
    pub name: String,
    /// The value that alone reads this one, directly or through others of its kind: a distribution whose network this
    /// value is a part of.
    pub scope: Option<ValueId>,
}

/// How often a value is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rate {
    /// The same for every row: the distribution of a root, and what is made of learned values alone, `[1, …]`.
    Constant,
    /// Once a component of a mixture, `[components, …]`.
    Component,
    /// Once a draw of what all records share, `[K, …]`.
    Draws,
    /// Once a record of the data, `[B, …]`.
    Record,
    /// Once a sample, `[K·B, …]`: row k·B + b is sample k of record b.
    Sample,
    /// Once a combination of enumerated values of a sample, `[V·K·B, …]`, the value being the slowest index.
    Value,
}

/// What computes a value from its inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// A variable that the caller gives. No inputs.
    Given(VariableId),
    /// The value of a `let` that the caller gives. No inputs.
    GivenValue(NetId),
    /// A partly observed variable that the caller gives: its value where it is there, and anything else. No inputs.
    Partly(VariableId),
    /// 1 for the records that have a partly observed variable, else 0: of the variable.
    Presence,
    /// The value of a partly observed variable: presence, the value where it is there, what was drawn.
    Choose,
    /// Log-probabilities of the values of an enumerated variable, all on its own value where it is there: presence, that
    /// value, the values gone through, and their log-probabilities.
    Known,
    /// Numbers of the records that have a variable (or lack it), and 0 for the others: presence, numbers.
    Where(Presence),
    /// A function without parameters: tensors to a tensor.
    Function(Call),
    /// A layer with parameters: tensors to a tensor.
    Layer(PartId),
    /// The distribution of a root. No inputs.
    Root(PartId),
    /// A network's output as the parameters of a distribution.
    Head {
        call: Call,
        /// The parameters that the file states by name, a bit for each.
        given: u32,
    },
    /// The nearest codes of a variable: points as a distribution, and the codebook of a root.
    Quantise,
    /// The product of normals, by their heads, and of so many standard normals.
    Experts {
        /// Of each head, how many presences stand after it: where one of them is 0 the expert drops out.
        presences: Vec<usize>,
        /// Of each head, the parameters that the file states by name.
        given: Vec<u32>,
        standard: usize,
    },
    /// The mean of distributions: each with so many presences after it, where one of these is 0 it drops out.
    OneOf(Vec<usize>),
    /// The draws of all components of such a mean, one under the other.
    Strata,
    /// ln of the share that each of these draws has in an average: the draws, and the presences of each component.
    Shares(Vec<usize>),
    /// What every row shares, a root's distribution or a tensor of one row, for each draw.
    Draws,
    /// A value of each draw, for every record: row k·B + b is draw k.
    Each,
    /// A row of each component of a mixture, one under the other.
    Stack,
    /// A tensor of one row for each of so many components.
    Components(usize),
    /// The mean of the rows of a distribution, so many of them: a root's distribution.
    Mixture(usize),
    /// A distribution under a flow, which is given a second input where there is one.
    Flow(PartId),
    /// A value of a flow's base to one of its variable: a tensor, and what the flow is given.
    Push(PartId),
    /// What every row shares, a root's distribution or a tensor of one row, for as many rows as there are samples.
    Expand,
    /// A root's distribution for as many rows as a tensor has: a distribution and that tensor.
    ExpandLike,
    /// A tensor of one row, which every record shares, for each record.
    Rows,
    /// A record's value, tensor or distribution, for each of its samples.
    Repeat,
    /// The values of an enumerated variable, by its position among these; the input says device and type.
    Enumerate(usize),
    /// A sample's value, tensor or distribution, for each of the enumerated values.
    RepeatValues,
    /// A sum.
    Total,
    /// The mean over enumerated values: their log-probabilities, and numbers.
    Expect,
    /// The term of an enumerated variable: log-probabilities of the values, its divergence, and the other terms, of which
    /// those with `true` are added to the bound.
    Whole(Vec<bool>),
    /// A draw of a variable from a distribution.
    Draw(VariableId, How),
    /// Pixels of a variable as draws from their cells.
    Dequantise(VariableId),
    /// A draw for the bound together with its log-probability: a pair of tensors.
    Scored(VariableId),
    /// The draw of a pair, and its log-probability.
    DrawOf,
    LogProbOf,
    /// ln p of a value: a distribution and a tensor to a tensor `[rows]`.
    LogProb,
    /// KL of two distributions in closed form, or their log-ratio at the draw where the options ask for it: q, p, draw.
    Divergence,
    /// ln q − ln p, of two log-probabilities.
    LogRatio,
    /// Numbers a row, 0 in records that end before this step: numbers, and the steps of each record.
    Mask(usize),
    /// A value, or in records that end before this step another: the value, the other, and the steps of each record.
    Within(usize),
    /// What comes before each position of a map, in raster order: the map, one position later.
    Past,
    /// A variable as far as it has been drawn, zeros after that. No inputs.
    Partial(VariableId),
    /// A draw of a variable position by position: the variable as far as it is drawn, and the distribution that is computed from
    /// that anew for each position.
    InOrder(VariableId, How),
    /// The draw of a level from q where it is one of the top ones that the caller asks for, else that from p: both draws.
    Level(usize),
    /// `[K·B]` to `[K, B]`.
    PerSample,
}

impl Operation {
    /// Whether it is something that the caller gives.
    pub fn is_given(&self) -> bool {
        matches!(self, Self::Given(_) | Self::GivenValue(_) | Self::Partly(_))
    }

    /// Whether it makes a distribution of tensors, or of other distributions: not one of the same distribution in more rows.
    pub fn makes_distribution(&self) -> bool {
        matches!(
            self,
            Self::Root(_)
                | Self::Head { .. }
                | Self::Experts { .. }
                | Self::OneOf(_)
                | Self::Flow(_)
                | Self::Mixture(_)
                | Self::Quantise
        )
    }
}

/// How a variable is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// From the distribution as it is: for the bound.
    Plain,
    /// So that a gradient passes through while the model is trained, as the file's `draw` says: for the bound.
    Through,
    /// At the temperature that the caller chooses.
    Tempered,
    /// A value of a likelihood: a draw, or the mode where the caller asks for it.
    Decoded,
}

/// An entry of the catalogue applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// As the language writes it.
    pub name: &'static str,
    /// The function or type of the runtime.
    pub runtime: &'static str,
    pub arguments: Vec<Argument>,
    /// Whether it takes a list of inputs, and whether its last argument is a list.
    pub many: bool,
    pub repeats: bool,
}

impl Call {
    /// Of one input, with arguments that are no list.
    pub fn of_one(name: &'static str, runtime: &'static str, arguments: Vec<Argument>) -> Self {
        Self { name, runtime, arguments, many: false, repeats: false }
    }
}

impl Program {
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// Every value with its position.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = (ValueId, &Value)> {
        self.values.iter().enumerate().map(|(at, value)| (ValueId(at), value))
    }

    /// What the program yields.
    pub fn outputs(&self) -> Vec<ValueId> {
        match &self.output {
            Output::Terms(values) => values.iter().chain(&self.scores).chain(&self.addends).copied().collect(),
            Output::Variables(values) => values.iter().map(|(_, value)| *value).collect(),
            Output::Distribution(value) | Output::Value(value) => vec![*value],
        }
    }

    /// Whether a value is a distribution.
    pub fn is_distribution(&self, id: ValueId) -> bool {
        let value = self.value(id);
        match &value.operation {
            operation if operation.makes_distribution() => true,
            Operation::ExpandLike => true,
            Operation::Expand | Operation::Draws | Operation::Repeat | Operation::RepeatValues => {
                self.is_distribution(value.inputs[0])
            }
            _ => false,
        }
    }

    /// What the caller gives, by its local variables, in order.
    pub fn arguments(&self) -> impl Iterator<Item = &Value> {
        self.values.iter().filter(|value| value.operation.is_given())
    }

    /// Of each value the draw inside which it is computed, once for each position; none of one that is computed once.
    pub fn repeated_in(&self) -> Vec<Option<ValueId>> {
        let mut owners: Vec<Option<ValueId>> = vec![None; self.values.len()];
        for (id, value) in self.ids().rev() {
            let scope = value.scope.and_then(|scope| match self.value(scope).operation {
                Operation::InOrder(..) => Some(scope),
                _ => owners[scope.0],
            });
            owners[id.0] = scope;
        }
        owners
    }

    /// Whether some value has this operation.
    pub fn uses(&self, which: impl Fn(&Operation) -> bool) -> bool {
        self.values.iter().any(|value| which(&value.operation))
    }
}
