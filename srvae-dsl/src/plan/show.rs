//! Prints the plan in words, for people and for snapshots.

use super::{Call, How, Operation, Output, Plan, Program, Rate, Value, ValueId};
use crate::catalog;
use crate::derive::{Mode, Presence, Step, is_deterministic, parents_where};
use crate::graph::{Addend, Body, Factor, Model, Parents, Side, VariableId, VariableSet, in_ranges};
use std::borrow::Cow;
use std::fmt;

/// The rates in words.
pub const RATES: [(&str, Rate); 6] = [
    ("once", Rate::Constant),
    ("once per component", Rate::Component),
    ("once per draw for all records", Rate::Draws),
    ("once per record", Rate::Record),
    ("once per sample", Rate::Sample),
    ("once per enumerated value", Rate::Value),
];

/// A step of a mode.
pub enum StepText<'p> {
    /// A draw from a factor, with what it reads.
    Draw(Side, Cow<'p, Parents>),
    /// `y = downscale(x, 2)`.
    Other(String),
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for program in std::iter::once(&self.bound).chain(self.modes()) {
            writeln!(out, "{}({})", program.name, self.names(&program.given))?;
            for (title, rate) in RATES {
                let lines = self.lines(program, rate);
                if !lines.is_empty() {
                    writeln!(out, "  {title}")?;
                }
                lines.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
            }
            writeln!(out, "  yields {}", self.yields(program).join(", "))?;
        }
        Ok(())
    }
}

impl Plan {
    /// Names, separated by commas. Consecutive members of a family are printed as a range.
    pub fn names(&self, ids: &[VariableId]) -> String {
        names(&self.model, ids)
    }

    /// `q(u | y)`.
    pub fn factor_text(&self, side: Side, variable: VariableId) -> String {
        self.texts.get(&(side, variable)).cloned().unwrap_or_else(|| factor_text(&self.model, side, variable))
    }

    /// The steps of a mode: `u ~ q(u | y)`, or `y = downscale(x, 2)`, each with what it reads in this mode.
    pub fn steps<'p>(&'p self, mode: &'p Mode) -> impl Iterator<Item = String> + 'p {
        mode.steps.iter().zip(self.step_texts(mode)).map(|(step, text)| match text {
            StepText::Draw(side, parents) => {
                format!("{} ~ {}", self.name(step.variable), text_of(&self.model, side, step.variable, &parents))
            }
            StepText::Other(text) => text,
        })
    }

    /// The steps of a mode, with what each reads in this mode.
    pub fn step_texts<'p>(&'p self, mode: &'p Mode) -> impl Iterator<Item = StepText<'p>> + 'p {
        let given: VariableSet = mode.given.iter().copied().collect();
        mode.steps.iter().map(move |step| self.step(step, &given))
    }

    fn step(&self, step: &Step, given: &VariableSet) -> StepText<'_> {
        let (side, variable) = (step.side, step.variable);
        let name = self.name(variable);
        if side == Side::Q && self.model.sum.contains(variable) {
            return StepText::Other(format!("{name} ~ posterior of p"));
        }
        let Some(factor) = self.model.factor(side, variable) else { return StepText::Other(name.to_owned()) };
        if is_deterministic(factor) {
            return StepText::Other(format!("{name} = {}", self.function_text(factor)));
        }
        StepText::Draw(side, parents_where(&self.model, factor, |id| given.contains(id)))
    }

    /// `downscale(x, 2)`: the function of a deterministic factor.
    pub fn function_text(&self, factor: &Factor) -> String {
        let Body::Deterministic { function, input } = &factor.body else { return String::new() };
        let args = function.args.iter().map(|argument| argument.value.to_string());
        let inputs: Vec<_> = [self.name(*input).to_owned()].into_iter().chain(args).collect();
        format!("{}({})", function.entry.name, inputs.join(", "))
    }

    /// The values of a program at a rate, one line each. Repetitions are in [`Plan::repeated`].
    pub fn lines(&self, program: &Program, rate: Rate) -> Vec<String> {
        let shown = |value: &&Value| {
            value.rate == rate
                && !value.operation.is_given()
                && !matches!(
                    value.operation,
                    Operation::Presence
                        | Operation::Root(_)
                        | Operation::Repeat
                        | Operation::RepeatValues(_)
                        | Operation::Widen { .. }
                        | Operation::Expand
                        | Operation::ExpandLike
                        | Operation::DrawOf
                        | Operation::LogProbOf
                        | Operation::Components(_)
                        | Operation::Draws
                        | Operation::Each
                        | Operation::Rows
                )
        };
        program.values.iter().filter(shown).map(|value| self.line(program, value)).collect()
    }

    /// Values per record that are repeated for each sample.
    pub fn repeated<'p>(&self, program: &'p Program) -> Vec<&'p str> {
        let repeats = program.values.iter().filter(|value| value.operation == Operation::Repeat);
        repeats.map(|value| program.value(value.inputs[0]).name.as_str()).collect()
    }

    /// The results of a program, by name.
    fn yields(&self, program: &Program) -> Vec<String> {
        match &program.output {
            Output::Terms(values) => {
                let all = values.iter().chain(&program.addends).chain(&program.gains);
                all.map(|value| source(program, *value)).collect()
            }
            Output::Variables(values) => {
                values.iter().map(|(id, value)| renamed(self.name(*id), &source(program, *value))).collect()
            }
            Output::Distribution(value) | Output::Value(value) => vec![source(program, *value)],
        }
    }

    fn line(&self, program: &Program, value: &Value) -> String {
        let inputs: Vec<String> = value.inputs.iter().map(|input| source(program, *input)).collect();
        let all = inputs.join(", ");
        let right = match &value.operation {
            Operation::Draw(_, how) => {
                let how = match how {
                    How::Decoded => ", decoded",
                    How::Through => ", with a gradient",
                    How::Plain | How::Tempered => "",
                };
                return format!("{} ~ {all}{how}", value.name);
            }
            Operation::Dequantise(_) => format!("{all} within its cells"),
            Operation::Scored(_) => return format!("{} ~ {all}, with its log-probability", value.name),
            Operation::Function(call) => applied(call, &inputs),
            Operation::Head { call, .. } => applied(call, &inputs),
            Operation::Experts { call, presences, roots, .. } => experts(call.name, presences, *roots, &inputs),
            Operation::OneOf(presences) => {
                let each = alternatives(presences, &inputs, |own| own.to_owned());
                format!("mean of {}", each.join(", "))
            }
            Operation::Strata { .. } => format!("a draw of each component: {}", listed(&inputs)),
            Operation::Shares { presences, .. } => format!("ln of the shares of {} components", presences.len()),
            Operation::Quantise => format!("codes of {} nearest to {}", inputs[1], inputs[0]),
            Operation::Stack => listed(&inputs),
            Operation::Mixture(components) => format!("mean of {components} components {all}"),
            Operation::Layer(part) | Operation::Flow(part) | Operation::Push(part) => {
                format!("{}({all})", self.parts.part(*part).path)
            }
            Operation::Root(part) => self.parts.part(*part).path.clone(),
            Operation::LogProb => format!("ln {}({})", inputs[0], inputs[1]),
            Operation::Divergence => format!("KL({} ‖ {}) at {}", inputs[0], inputs[1], inputs[2]),
            Operation::LogRatio => format!("{} − {}", inputs[0], inputs[1]),
            Operation::Mask(step) => format!("{} where step #{step} ≤ {}", inputs[0], inputs[1]),
            Operation::Within(step) => {
                format!("{} where step #{step} ≤ {}, else {}", inputs[0], inputs[2], inputs[1])
            }
            Operation::Past => format!("past({all})"),
            Operation::Squeeze => format!("squeeze({all})"),
            Operation::Detach => format!("{all} without gradient"),
            Operation::Partial(_) => "as far as it is drawn".to_owned(),
            Operation::InOrder(..) => return format!("{} ~ {}, position by position", value.name, inputs[1]),
            Operation::Level(level) => format!("{} where #{level} is a top level, else {}", inputs[0], inputs[1]),
            Operation::PerSample => format!("[samples, batch] of {all}"),
            Operation::Enumerate { .. } | Operation::Values(_) => "every value".to_owned(),
            Operation::Table { of, .. } => format!("ln {} of every {}", inputs[0], self.name(*of)),
            Operation::Joined => inputs.join(" + "),
            Operation::SumOut { over, kept } => {
                let out: Vec<VariableId> = over.iter().copied().filter(|id| !kept.contains(id)).collect();
                format!("ln Σ exp({}) over {}", inputs[0], self.names(&out))
            }
            Operation::Rest { of, .. } if inputs.len() > 1 => {
                format!("{} for each {} given {}", inputs[0], self.name(*of), inputs[1..].join(", "))
            }
            Operation::Rest { of, .. } => format!("{} for each {}", inputs[0], self.name(*of)),
            Operation::ValueOf(_) => format!("the value with number {all}"),
            Operation::Total => inputs.join(" + "),
            Operation::Expect => format!("Σ exp({}) {}", inputs[0], inputs[1]),
            Operation::Gain(_) => {
                "for importance weights: ln Σ of the values' weights, less the terms' means".to_owned()
            }
            Operation::ExpandLike | Operation::DrawOf | Operation::LogProbOf => inputs[0].clone(),
            Operation::WithPresence if inputs.len() == 1 => format!("{all}, which every record has"),
            Operation::WithPresence => format!("{} where it is observed, and whether it is", inputs[1]),
            Operation::Absent(id) => format!("zeros, as no record has {}", self.name(*id)),
            Operation::Choose => format!("{} where it is observed, else {}", inputs[1], inputs[2]),
            Operation::Observed => {
                format!("0 where {} is {} or that is missing, else never", inputs[2], inputs[1])
            }
            Operation::Known => format!("{}, or all on {} where it is observed", inputs[3], inputs[1]),
            Operation::Where(_) => format!("{}, where {}", inputs[1], self.presence(program, value)),
            Operation::Given(_)
            | Operation::GivenValue(_)
            | Operation::Kept
            | Operation::Partly(_)
            | Operation::Presence
            | Operation::Expand
            | Operation::Components(_)
            | Operation::Draws
            | Operation::Each
            | Operation::Rows
            | Operation::Repeat
            | Operation::RepeatValues(_)
            | Operation::Widen { .. } => all,
        };
        format!("{} = {right}", value.name)
    }
}

fn names(model: &Model, ids: &[VariableId]) -> String {
    in_ranges(ids.iter().map(|id| model.variable(*id).name.as_str())).join(", ")
}

/// `q(u | y)`.
pub(super) fn factor_text(model: &Model, side: Side, variable: VariableId) -> String {
    let none = Parents::default();
    text_of(model, side, variable, model.factor(side, variable).map_or(&none, |factor| &factor.parents))
}

fn text_of(model: &Model, side: Side, variable: VariableId, parents: &Parents) -> String {
    let parents = model.listed(parents).join(", ");
    let bar = if parents.is_empty() { "" } else { " | " };
    format!("{}({}{bar}{parents})", side.name(), model.variable(variable).name)
}

/// `ln q(y | x) where y is observed`.
pub fn addend_text(plan: &Plan, addend: &Addend) -> String {
    let condition = addend.condition.map(|id| format!(" where {}", Presence::There.text(plan.name(id))));
    format!("ln {}{}", plan.factor_text(addend.side, addend.variable), condition.unwrap_or_default())
}

impl Plan {
    /// `y is observed`: the records for which a tensor counts.
    fn presence(&self, program: &Program, value: &Value) -> String {
        let Operation::Where(presence) = value.operation else { return String::new() };
        let mut of = program.value(value.inputs[0]);
        while let Some(input) = of.inputs.first() {
            of = program.value(*input);
        }
        presence.text(&of.name)
    }
}

/// A value's name. For a repetition, the name of the repeated value.
fn source(program: &Program, id: ValueId) -> String {
    let value = program.value(id);
    match value.operation {
        Operation::Repeat
        | Operation::RepeatValues(_)
        | Operation::Widen { .. }
        | Operation::Expand
        | Operation::ExpandLike
        | Operation::Components(_)
        | Operation::Draws
        | Operation::Each
        | Operation::Rows => source(program, value.inputs[0]),
        _ => value.name.clone(),
    }
}

/// The maximum number of distributions or values that texts list.
pub const MOST_LISTED: usize = 4;

/// `a, b, …, z`: names without the middle of a long list.
fn listed(names: &[String]) -> String {
    match names {
        [first, second, .., last] if names.len() > MOST_LISTED => format!("{first}, {second}, …, {last}"),
        _ => names.join(", "),
    }
}

/// `normal(p_1) where has_w * normal(p_2) * standard_normal`.
fn experts(name: &str, presences: &[usize], roots: usize, inputs: &[String]) -> String {
    let mut each = alternatives(presences, inputs, |head| format!("{name}({head})"));
    if let [first, second, .., last] = each.as_slice()
        && each.len() > MOST_LISTED
    {
        each = vec![first.clone(), second.clone(), "…".to_owned(), last.clone()];
    }
    let root = catalog::distribution(name).and_then(|entry| entry.experts?.root);
    each.extend(root.into_iter().flat_map(|root| vec![root.to_owned(); roots]));
    each.join(" * ")
}

/// `p_1 where has_w`, of each of several distributions, whose inputs are a head or a distribution and its presences.
fn alternatives(presences: &[usize], inputs: &[String], show: impl Fn(&str) -> String) -> Vec<String> {
    let mut at = 0;
    let each = presences.iter().map(|count| {
        let (own, presences) = (show(&inputs[at]), &inputs[at + 1..=at + count]);
        at += 1 + count;
        if *count == 0 { own } else { format!("{own} where {}", presences.join(" and ")) }
    });
    each.collect()
}

fn renamed(name: &str, source: &str) -> String {
    if name == source { name.to_owned() } else { format!("{name} = {source}") }
}

fn applied(call: &Call, inputs: &[String]) -> String {
    let arguments = call.arguments.iter().map(|argument| argument.value.to_string());
    let all: Vec<String> = inputs.iter().cloned().chain(arguments).collect();
    format!("{}({})", call.name, all.join(", "))
}
