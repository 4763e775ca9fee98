//! The instruction set: the computations of the bound, the modes and the factors, value by value.
//!
//! A program is a list of values in the order of their computation. Each value is computed once: equal operations on
//! equal inputs are one value, also across factors and named networks. Each value has a rate: constant, per record of
//! the data, or per sample, among others. `Repeat` is inserted exactly where a value per record meets one per sample.
//! Programs leave no decisions open: `emit` prints them, and the interpreter of the runtime runs them.

use super::call::Call;
use super::parts::PartId;
use crate::derive::Presence;
use crate::graph::{NetId, VariableId};

/// Position of a value in [`Program::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// A program with its values in order.
#[derive(Debug, Clone)]
pub struct Program {
    /// `bound`, the name of a mode, of a factor (`p_z`) or of a value.
    pub name: String,
    /// The inputs, in order.
    pub given: Vec<VariableId>,
    /// In the order of computation: inputs before the values that read them.
    pub values: Vec<Value>,
    pub output: Output,
    /// Variables that are summed over instead of drawn: their values, or the components that they are drawn from. One list
    /// for each kind of group: groups whose variables have the same values have one list.
    pub enumerated: Vec<Vec<VariableId>>,
    /// Draws with the score gradient. They are returned after the terms.
    pub scores: Vec<Score>,
    /// Additional terms of the training objective, `[K, B]`. They are returned after the scores.
    pub addends: Vec<ValueId>,
    /// The gains of sums inside of the logarithm, `[K, B]`. They are returned last.
    pub gains: Vec<ValueId>,
}

/// A draw with the score gradient.
#[derive(Debug, Clone, Copy)]
pub struct Score {
    /// Its log-probability, `[K, B]`.
    pub log_q: ValueId,
    /// Its learned baseline, `[K, B]`.
    pub baseline: Option<ValueId>,
}

impl Score {
    /// Its values, in the order in which a program returns them.
    pub fn values(self) -> impl Iterator<Item = ValueId> {
        std::iter::once(self.log_q).chain(self.baseline)
    }
}

/// The results of a program.
#[derive(Debug, Clone)]
pub enum Output {
    /// The terms of the bound, in the derivation's order; of a segment, what it makes.
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
    /// The kind of group over whose values it is computed or summed, by its position in [`Program::enumerated`].
    pub over: Option<usize>,
    /// The name of its local variable, unique in its program.
    pub name: String,
    /// The only value that reads this one, directly or through others of its kind: the distribution to whose network
    /// this value belongs.
    pub scope: Option<ValueId>,
}

/// The number of rows of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rate {
    /// Constant: the distribution of a root, and values computed only from learned values, `[1, …]`.
    Constant,
    /// Per component of a mixture, `[components, …]`.
    Component,
    /// Per draw of a global variable, `[K, …]`.
    Draws,
    /// Per record of the data, `[B, …]`.
    Record,
    /// Per sample, `[K·B, …]`: row k·B + b is sample k of record b.
    Sample,
    /// Per combination of enumerated values and sample, `[V·K·B, …]`. The enumerated value is the slowest index.
    Value,
}

/// The operation that computes a value from its inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// A variable from the caller. No inputs.
    Given(VariableId),
    /// The value of a `let` from the caller. No inputs.
    GivenValue(NetId),
    /// A partly observed variable from the caller: its value where it is observed, and an arbitrary one elsewhere. No
    /// inputs.
    Partly(VariableId),
    /// The presence of a partly observed variable: 1 for records that have it, else 0.
    Presence,
    /// What is known of a partly observed variable: its value and one more channel with the presence, all 0 in records that
    /// lack it. Inputs: presence (omitted if all records have it), value.
    WithPresence,
    /// What is known of this variable if no record has it: zeros. No inputs.
    Absent(VariableId),
    /// The value of a partly observed variable. Inputs: presence, observed value, drawn value.
    Choose,
    /// Log-probabilities of the values of an enumerated variable, all mass on the observed value in records that have
    /// it. Inputs: presence, observed value, enumerated values, their log-probabilities.
    Known,
    /// For each value of a variable that is summed out: 0 if it is the observed one, or none is observed, otherwise a
    /// log-probability that is as good as 0. Inputs: presence, observed value, values.
    Observed,
    /// A tensor in the records that have a variable (or lack it), and 0 in the others. Inputs: presence, tensor.
    Where(Presence),
    /// A function without parameters, from tensors to a tensor.
    Function(Call),
    /// A layer with parameters, from tensors to a tensor.
    Layer(PartId),
    /// The distribution of a root. No inputs.
    Root(PartId),
    /// A network's output as the parameters of a distribution.
    Head {
        call: Call,
        /// The natural parameters that the file states by name, one bit each.
        given: u32,
    },
    /// The nearest codes of a variable. Inputs: the points as a distribution, the codebook of a root.
    Quantise,
    /// The product of distributions of one type, given by their heads, and of a number of roots.
    Experts {
        call: Call,
        /// For each head, the number of presences that follow it in the inputs. If one of them is 0, the expert drops
        /// out.
        presences: Vec<usize>,
        /// For each head, the natural parameters that the file states by name.
        given: Vec<u32>,
        /// The number of roots.
        roots: usize,
    },
    /// A mixture of distributions, each followed by a number of presences. A component drops out of a row if one of its
    /// presences is 0.
    OneOf(Vec<usize>),
    /// For each combination of values of a mixture's group, a draw from its component in this combination: the kind of its
    /// group, and its position there. Inputs: the draws of each component, which has one for each combination if what it
    /// reads depends on the group.
    Strata {
        kind: usize,
        at: usize,
    },
    /// For each combination of values of a mixture's group, the logarithm of the weight that its component has in the average
    /// over all components: the mixture's position in the group, and the number of presences of each component. Inputs: the
    /// draws, and the presences.
    Shares {
        at: usize,
        presences: Vec<usize>,
    },
    /// A value with one row (a root's distribution or a tensor) for each draw.
    Draws,
    /// A value per draw, for every record: row k·B + b is draw k.
    Each,
    /// The values of the components of a mixture, stacked as rows.
    Stack,
    /// A tensor of one row for each of this number of components.
    Components(usize),
    /// The average of the rows of a distribution, whose number is given: the distribution of a root.
    Mixture(usize),
    /// A distribution transformed by a flow, whose context is the second input, if it has one.
    Flow(PartId),
    /// The image under a flow of a value of its base. Inputs: tensor, and the flow's context.
    Push(PartId),
    /// A value with one row (a root's distribution or a tensor), expanded to the number of samples.
    Expand,
    /// A root's distribution, expanded to the number of rows of a tensor. Inputs: distribution, tensor.
    ExpandLike,
    /// A tensor of one row, expanded to the number of records.
    Rows,
    /// A value per record, tensor or distribution, repeated for each of its samples.
    Repeat,
    /// The values of an enumerated variable, by the kind of its group and its position there. The input determines device
    /// and type.
    Enumerate {
        kind: usize,
        at: usize,
    },
    /// A value per sample, tensor or distribution, repeated for each of the values of a kind of group.
    RepeatValues(usize),
    /// The values of a variable that is summed out, one below the other for each sample. The input determines rows, device
    /// and type.
    Values(VariableId),
    /// A tensor or distribution for the combinations of values of the variables `to`, from those of `from`.
    Widen {
        from: Vec<VariableId>,
        to: Vec<VariableId>,
    },
    /// The log-probability of each value of a variable that is summed out. Inputs: its distribution for the combinations of
    /// `over`, and its values.
    Table {
        of: VariableId,
        over: Vec<VariableId>,
    },
    /// A table of the sum with another factor.
    Joined,
    /// ln Σ exp of a table of these variables, over those that are not kept.
    SumOut {
        over: Vec<VariableId>,
        kept: Vec<VariableId>,
    },
    /// ln p of each value of one of the variables of a table given the others. Inputs: the table, the numbers of their
    /// values, one-hot.
    Rest {
        over: Vec<VariableId>,
        of: VariableId,
    },
    /// The value of a variable from its number, one-hot.
    ValueOf(VariableId),
    /// A sum.
    Total,
    /// The expectation over enumerated values. Inputs: their log-probabilities, a tensor.
    Expect,
    /// The gain of an importance weight from summing over enumerated values inside of the logarithm. Inputs:
    /// log-probabilities of the values, and the terms of their group, of which those with `true` are added to the bound.
    Gain(Vec<bool>),
    /// A draw of a variable from a distribution.
    Draw(VariableId, How),
    /// Dequantised pixels of a variable, drawn from their cells.
    Dequantise(VariableId),
    /// A draw for the bound with its log-probability, as a pair of tensors.
    Scored(VariableId),
    /// The draw of such a pair, or its log-probability.
    DrawOf,
    LogProbOf,
    /// ln p of a value. Inputs: distribution, tensor. Output: `[rows]`.
    LogProb,
    /// The KL divergence of two distributions in closed form, or their log-ratio at the draw if the options ask for it.
    /// Inputs: q, p, draw.
    Divergence,
    /// ln q − ln p. Inputs: the two log-probabilities.
    LogRatio,
    /// A tensor with one number per row, set to 0 in records that end before this step. Inputs: tensor, number of steps
    /// of each record.
    Mask(usize),
    /// A value, replaced by another one in records that end before this step. Inputs: the value, the other, number of
    /// steps of each record.
    Within(usize),
    /// The values before each position of a map, in raster order: the map shifted by one position.
    Past,
    /// A tensor without its gradient.
    Detach,
    /// `[rows, 1]` to `[rows]`.
    Squeeze,
    /// A tensor that an earlier segment of the bound made. No inputs.
    Kept,
    /// A variable at the positions drawn so far, zeros elsewhere. No inputs.
    Partial(VariableId),
    /// A draw of a variable position by position. Inputs: the variable as drawn so far, and the distribution, which is
    /// recomputed from it for each position.
    InOrder(VariableId, How),
    /// The draw of a level: from q for the top levels that the caller chooses, else from p. Inputs: both draws.
    Level(usize),
    /// `[K·B]` to `[K, B]`.
    PerSample,
}

impl Operation {
    /// Whether it is an input of the program.
    pub fn is_given(&self) -> bool {
        matches!(self, Self::Given(_) | Self::GivenValue(_) | Self::Partly(_))
    }

    /// Whether it consumes noise.
    pub fn is_draw(&self) -> bool {
        matches!(self, Self::Draw(..) | Self::Scored(_) | Self::Dequantise(_))
    }

    /// Whether it makes a new distribution, from tensors or from other distributions, rather than more rows of the same
    /// one.
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

/// The way in which a variable is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A draw from the unchanged distribution, for the bound.
    Plain,
    /// A draw with the gradient estimator of the file's `draw` statement in training, for the bound.
    Through,
    /// A draw at the temperature that the caller chooses.
    Tempered,
    /// A value from a likelihood: a draw, or the mode or mean if the caller asks for it.
    Decoded,
}

impl Program {
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// Every value with its position.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = (ValueId, &Value)> {
        self.values.iter().enumerate().map(|(at, value)| (ValueId(at), value))
    }

    /// The results of the program.
    pub fn outputs(&self) -> Vec<ValueId> {
        match &self.output {
            Output::Terms(values) => {
                let scores = self.scores.iter().flat_map(|score| score.values());
                let more = self.addends.iter().chain(&self.gains);
                values.iter().copied().chain(scores).chain(more.copied()).collect()
            }
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
            Operation::Expand
            | Operation::Draws
            | Operation::Repeat
            | Operation::RepeatValues(_)
            | Operation::Widen { .. } => self.is_distribution(value.inputs[0]),
            _ => false,
        }
    }

    /// The inputs of the program as local variables, in order.
    pub fn arguments(&self) -> impl Iterator<Item = &Value> {
        self.values.iter().filter(|value| value.operation.is_given())
    }

    /// For each value, the position-by-position draw inside which it is computed. None for a value that is computed
    /// once.
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
