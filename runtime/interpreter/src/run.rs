//! Executes a program, value by value.

use super::parts::{Built, arguments};
use super::{Core, Given};
use srvae_dsl::derive::Presence;
use srvae_dsl::graph::{DrawMethod, Factor, Space, VariableId};
use srvae_dsl::plan::{How, Operation, Program, Rate, Value, ValueId};
use srvae_entries::registry;
use srvae_numerics::dist::{self, Distribution, Flowed, Head, Mixture, OneOf, Through};
use srvae_numerics::sums::{self, Axis};
use srvae_numerics::{BoundOptions, Draw, Enumeration, Noise, Result, Tensor, ops, partly};
use std::sync::Arc;

/// The context of a run.
pub struct Context<'o> {
    /// Samples per record.
    pub samples: usize,
    /// The number of rows to draw.
    pub rows: usize,
    pub draw: Draw,
    pub options: &'o BoundOptions,
}

/// The result of one operation.
#[derive(Clone)]
pub enum Held {
    Tensor(Tensor),
    /// A draw and its log-probability.
    Pair(Tensor, Tensor),
    Distribution(Arc<dyn Distribution>),
}

pub struct Run<'r> {
    model: &'r Core,
    program: &'r Program,
    given: &'r [Given],
    context: Context<'r>,
    /// None before a value is computed, and after its last use.
    held: Vec<Option<Held>>,
    /// The values of each kind of group of enumerated variables.
    enumerations: Vec<Enumeration>,
}

impl<'r> Run<'r> {
    pub fn new(model: &'r Core, program: &'r Program, given: &'r [Given], context: Context<'r>) -> Self {
        let held = vec![None; program.values.len()];
        Self { model, program, given, context, held, enumerations: Vec::new() }
    }

    /// Runs the program and returns its output tensors in order.
    pub fn outputs(mut self, noise: &mut Noise) -> Result<Vec<Tensor>> {
        self.enumerate()?;
        let owners = self.program.repeated_in();
        let last = last_reads(self.program, &owners);
        for (at, value) in self.program.ids().filter(|(at, _)| owners[at.0].is_none()) {
            self.held[at.0] = Some(match value.operation {
                Operation::InOrder(variable, how) => {
                    let inside = self.program.ids().filter(|(id, _)| owners[id.0] == Some(at));
                    Held::Tensor(self.in_order(value, (variable, how), &inside.collect::<Vec<_>>(), noise)?)
                }
                _ => self.compute(value, noise)?,
            });
            for input in value.inputs.iter().filter(|input| last[input.0] == at.0) {
                self.held[input.0] = None;
            }
        }
        self.program.outputs().into_iter().map(|id| self.tensor(id).cloned()).collect()
    }

    /// Computes some values of the program from those in `read`, and returns the wanted ones.
    pub fn part(
        mut self,
        values: &[ValueId],
        read: impl Iterator<Item = (ValueId, Held)>,
        wanted: &[ValueId],
        noise: &mut Noise,
    ) -> Result<Vec<Held>> {
        self.enumerate()?;
        read.for_each(|(id, held)| self.held[id.0] = Some(held));
        for id in values {
            self.held[id.0] = Some(self.compute(self.program.value(*id), noise)?);
        }
        wanted.iter().map(|id| self.held(*id).cloned()).collect()
    }

    /// Prepares the enumerated values.
    fn enumerate(&mut self) -> Result<()> {
        self.enumerations =
            self.program.enumerated.iter().map(|group| self.gone_through(group)).collect::<Result<_>>()?;
        Ok(())
    }

    fn compute(&self, value: &Value, noise: &mut Noise) -> Result<Held> {
        let tensor = |at: usize| self.tensor(value.inputs[at]);
        let density = |at: usize| self.distribution(value.inputs[at]);
        let samples = self.context.samples;
        Ok(Held::Tensor(match &value.operation {
            Operation::Given(id) | Operation::Partly(id) => self.given(*id)?.value.clone(),
            // Only methods of compiled models have values as inputs.
            Operation::GivenValue(_) | Operation::Kept => return Err(missing()),
            Operation::Presence => {
                let of = self.program.value(value.inputs[0]);
                let Operation::Partly(id) = of.operation else { return Err(missing()) };
                self.given(id)?.present.clone().ok_or_else(missing)?
            }
            Operation::WithPresence if value.inputs.len() == 1 => partly::with_presence(None, tensor(0)?)?,
            Operation::WithPresence => partly::with_presence(Some(tensor(0)?), tensor(1)?)?,
            Operation::Absent(id) => partly::absent(&self.model.plan.model.variable(*id).shape, &self.model.params)?,
            Operation::Choose => partly::choose(tensor(0)?, tensor(1)?, tensor(2)?)?,
            Operation::Observed => partly::observed(tensor(0)?, tensor(1)?, tensor(2)?)?,
            Operation::Known => partly::known(tensor(0)?, tensor(1)?, tensor(2)?, tensor(3)?)?,
            Operation::Where(presence) => partly::only(*presence == Presence::There, tensor(0)?, tensor(1)?)?,
            Operation::Function(call) => {
                registry::function(call.name, &self.tensors(value)?, &arguments(&call.arguments))?
            }
            Operation::Layer(part) => match &self.model.built[part.0] {
                Built::Layer(layer) => layer.forward(&self.tensors(value)?)?,
                Built::Root(_) | Built::Flow(_) => return Err(missing()),
            },
            Operation::Root(part) => match &self.model.built[part.0] {
                Built::Root(root) => return Ok(Held::Distribution(root.clone())),
                Built::Layer(_) | Built::Flow(_) => return Err(missing()),
            },
            Operation::Head { call, given } => {
                let head = Head::given(tensor(0)?, *given);
                let made = registry::distribution(call.name, &head, &arguments(&call.arguments))?;
                return Ok(Held::Distribution(Arc::from(made)));
            }
            Operation::Experts { call, presences, given, roots } => {
                let inputs = self.tensors(value)?;
                let (mut heads, mut at) = (Vec::new(), 0);
                for (count, given) in presences.iter().zip(given) {
                    heads.push((Head::given(inputs[at], *given), &inputs[at + 1..=at + count]));
                    at += 1 + count;
                }
                let each: Vec<_> = heads.iter().map(|(head, presences)| (head, *presences)).collect();
                return Ok(Held::Distribution(Arc::from(registry::product(call.name, &each, *roots)?)));
            }
            Operation::OneOf(presences) => {
                let (mut each, mut at) = (Vec::new(), 0);
                for count in presences {
                    let has = value.inputs[at + 1..=at + count].iter().map(|input| self.tensor(*input));
                    each.push((&**density(at)? as &dyn Distribution, has.collect::<Result<Vec<_>>>()?));
                    at += 1 + count;
                }
                let each: Vec<_> = each.iter().map(|(component, has)| (*component, has.as_slice())).collect();
                return Ok(Held::Distribution(Arc::new(OneOf::new(&each)?)));
            }
            Operation::Strata { at, .. } => {
                let is_each = |input: &ValueId| self.program.value(*input).rate == Rate::Value;
                let draws = value.inputs.iter().map(|input| Ok((self.tensor(*input)?, is_each(input))));
                self.values(value)?.strata(*at, &draws.collect::<Result<Vec<_>>>()?)?
            }
            Operation::Shares { at: variable, presences } => {
                let (inputs, mut each, mut at) = (self.tensors(value)?, Vec::new(), 1);
                for count in presences {
                    each.push(&inputs[at..at + count]);
                    at += count;
                }
                self.values(value)?.shares(*variable, &each, inputs[0])?
            }
            Operation::Draws => match self.held(value.inputs[0])? {
                Held::Tensor(row) => ops::repeat(row, samples)?,
                Held::Pair(..) => return Err(missing()),
                Held::Distribution(root) => return Ok(Held::Distribution(Arc::from(root.expand(samples)?))),
            },
            Operation::Each => ops::each(tensor(0)?, self.context.rows / samples)?,
            Operation::Quantise => return Ok(Held::Distribution(registry::quantised(density(0)?, density(1)?)?)),
            Operation::Stack => Tensor::cat(&self.tensors(value)?, 0)?,
            Operation::Components(count) => ops::repeat(tensor(0)?, *count)?,
            Operation::Mixture(count) => {
                return Ok(Held::Distribution(Arc::new(Mixture::new(density(0)?.clone(), *count))));
            }
            Operation::Flow(part) => match &self.model.built[part.0] {
                Built::Flow(flow) => {
                    let (base, flow) = (density(0)?.clone(), flow.clone());
                    let flowed = match value.inputs.len() {
                        1 => Flowed::new(base, flow),
                        _ => Flowed::given(base, flow, tensor(1)?),
                    };
                    return Ok(Held::Distribution(Arc::new(flowed)));
                }
                Built::Layer(_) | Built::Root(_) => return Err(missing()),
            },
            Operation::Push(part) => match &self.model.built[part.0] {
                Built::Flow(flow) => flow.inverse(tensor(0)?)?,
                Built::Layer(_) | Built::Root(_) => return Err(missing()),
            },
            Operation::ExpandLike => {
                return Ok(Held::Distribution(Arc::from(density(0)?.expand(tensor(1)?.dim(0)?)?)));
            }
            Operation::Expand => match self.held(value.inputs[0])? {
                Held::Tensor(row) => ops::repeat(row, self.context.rows)?,
                Held::Pair(..) => return Err(missing()),
                Held::Distribution(root) => {
                    return Ok(Held::Distribution(Arc::from(root.expand(self.context.rows)?)));
                }
            },
            Operation::Rows => ops::repeat(tensor(0)?, self.context.rows / samples)?,
            Operation::Repeat => match self.held(value.inputs[0])? {
                Held::Tensor(value) => ops::repeat(value, samples)?,
                Held::Pair(..) => return Err(missing()),
                Held::Distribution(value) => return Ok(Held::Distribution(Arc::from(value.repeat(samples)?))),
            },
            Operation::RepeatValues(_) => match self.held(value.inputs[0])? {
                Held::Tensor(tensor) => ops::repeat(tensor, self.values(value)?.count())?,
                Held::Pair(..) => return Err(missing()),
                Held::Distribution(one) => {
                    return Ok(Held::Distribution(Arc::from(one.repeat(self.values(value)?.count())?)));
                }
            },
            Operation::Enumerate { at, .. } => {
                let like = tensor(0)?;
                self.values(value)?.of(*at, samples * like.dim(0)?, like)?
            }
            Operation::Values(id) => sums::values(&self.axis(*id), tensor(0)?)?,
            Operation::Widen { from, to } => match self.held(value.inputs[0])? {
                Held::Tensor(value) => sums::widen(value, &self.axes(to, from))?,
                Held::Pair(..) => return Err(missing()),
                Held::Distribution(value) => {
                    let new: Vec<Axis> = to.iter().filter(|id| !from.contains(id)).map(|id| self.axis(*id)).collect();
                    return Ok(Held::Distribution(Arc::from(value.repeat(sums::combinations(&new))?)));
                }
            },
            Operation::Table { of, over } => {
                let over: Vec<Axis> = over.iter().map(|id| self.axis(*id)).collect();
                sums::table(&**density(0)?, tensor(1)?, &self.axis(*of), &over)?
            }
            Operation::Joined => (tensor(0)? + tensor(1)?)?,
            Operation::SumOut { over, kept } => sums::sum_out(tensor(0)?, &self.axes(over, kept))?,
            Operation::Rest { over, of } => {
                let inputs = self.tensors(value)?;
                let mut others = inputs[1..].iter().copied();
                let axes = over.iter().map(|id| (self.axis(*id), if id == of { None } else { others.next() }));
                sums::given(inputs[0], &axes.collect::<Vec<_>>())?
            }
            Operation::ValueOf(id) => sums::value_of(tensor(0)?, &self.axis(*id))?,
            Operation::Total => self.values(value)?.total(&self.tensors(value)?)?,
            Operation::Expect => self.values(value)?.expect(tensor(0)?, tensor(1)?)?,
            Operation::Gain(signs) => {
                let inputs = self.tensors(value)?;
                let terms: Vec<_> = inputs[1..].iter().copied().zip(signs.iter().copied()).collect();
                self.values(value)?.gain(inputs[0], &terms, self.context.options)?
            }
            Operation::Draw(variable, how) => {
                let (from, name, draw) = (density(0)?, self.model.plan.name(*variable), &self.context.draw);
                let one = |noise: &mut Noise| match how {
                    How::Plain => from.sample(name, noise, &Draw::default()),
                    How::Through => dist::draw_through(from, name, noise, self.through(*variable), &self.model.params),
                    How::Tempered => from.sample(name, noise, draw),
                    How::Decoded => dist::decode(from, name, noise, draw),
                };
                match value.rate {
                    Rate::Value => noise.for_each_value(self.values(value)?.count(), one)?,
                    Rate::Draws => noise.for_all_records(one)?,
                    Rate::Constant | Rate::Component | Rate::Record | Rate::Sample => one(noise)?,
                }
            }
            Operation::Dequantise(variable) => dist::dequantised(tensor(0)?, self.model.plan.name(*variable), noise)?,
            Operation::Scored(variable) => {
                let (from, name) = (density(0)?, self.model.plan.name(*variable));
                let one = |noise: &mut Noise| from.sample_scored(name, noise, &Draw::default());
                let (draw, log_prob) = match value.rate {
                    Rate::Value => noise.for_each_value(self.values(value)?.count(), one)?,
                    Rate::Draws => noise.for_all_records(one)?,
                    Rate::Constant | Rate::Component | Rate::Record | Rate::Sample => one(noise)?,
                };
                return Ok(Held::Pair(draw, log_prob));
            }
            Operation::DrawOf => self.pair(value.inputs[0])?.0.clone(),
            Operation::LogProbOf => self.pair(value.inputs[0])?.1.clone(),
            Operation::LogProb => density(0)?.log_prob(tensor(1)?)?,
            Operation::Divergence => {
                registry::divergence_term(density(0)?, density(1)?, tensor(2)?, self.context.options)?
            }
            Operation::LogRatio => (tensor(0)? - tensor(1)?)?,
            Operation::Mask(step) => ops::mask(tensor(0)?, tensor(1)?, *step)?,
            Operation::Within(step) => ops::within(tensor(0)?, tensor(1)?, tensor(2)?, *step)?,
            Operation::Past => ops::past(tensor(0)?)?,
            Operation::Squeeze => tensor(0)?.squeeze(1)?,
            Operation::Detach => tensor(0)?.detach(),
            // Computed for each position by the draw.
            Operation::Partial(_) | Operation::InOrder(..) => return Err(missing()),
            Operation::Level(level) => ops::level(self.context.draw.top, *level, tensor(0)?, tensor(1)?)?,
            Operation::PerSample => ops::per_sample(tensor(0)?, samples)?,
        }))
    }

    /// A draw position by position. The values inside it are recomputed for each position.
    fn in_order(
        &mut self,
        value: &Value,
        (variable, how): (VariableId, How),
        inside: &[(ValueId, &Value)],
        noise: &mut Noise,
    ) -> Result<Tensor> {
        let (model, draw, rows) = (self.model, self.context.draw, self.context.rows);
        let (name, shape) = (model.plan.name(variable), &model.plan.model.variable(variable).shape);
        let (partial, distribution) = (value.inputs[0], value.inputs[1]);
        let of_partial = |map: &Tensor, noise: &mut Noise| {
            self.held[partial.0] = Some(Held::Tensor(map.clone()));
            for (id, value) in inside.iter().filter(|(id, _)| *id != partial) {
                self.held[id.0] = Some(self.compute(value, noise)?);
            }
            self.distribution(distribution).cloned()
        };
        let one = |from: Arc<dyn Distribution>, noise: &mut Noise| match how {
            How::Decoded => dist::decode(&*from, name, noise, &draw),
            How::Plain | How::Through | How::Tempered => from.sample(name, noise, &draw),
        };
        let map = dist::in_order((rows, shape), &model.params, of_partial, one, noise)?;
        inside.iter().for_each(|(id, _)| self.held[id.0] = None);
        Ok(map)
    }

    fn given(&self, id: VariableId) -> Result<&Given> {
        self.given.iter().find(|given| given.id == id).ok_or_else(missing)
    }

    /// The values of a group of enumerated variables. The components of a mixture are enumerated as the classes of a label.
    fn gone_through(&self, group: &[VariableId]) -> Result<Enumeration> {
        let model = &self.model.plan.model;
        let each = group.iter().map(|id| {
            let variable = model.variable(*id);
            match model.q_of(*id).and_then(Factor::components) {
                Some(components) => ("label", vec![components]),
                None => (variable.space.name(), variable.shape.clone()),
            }
        });
        let each: Vec<_> = each.collect();
        let each: Vec<_> = each.iter().map(|(space, shape)| (*space, shape.as_slice())).collect();
        Enumeration::new(&each)
    }

    /// The values of a variable that is summed out.
    fn axis(&self, id: VariableId) -> Axis {
        let variable = self.model.plan.model.variable(id);
        match variable.space {
            Space::Label => Axis::label(&variable.shape),
            _ => Axis::binary(&variable.shape),
        }
    }

    /// Variables of a table, each with whether it is one of `among`.
    fn axes(&self, of: &[VariableId], among: &[VariableId]) -> Vec<(Axis, bool)> {
        of.iter().map(|id| (self.axis(*id), among.contains(id))).collect()
    }

    /// The enumerated values over which a value is computed or summed.
    fn values(&self, value: &Value) -> Result<&Enumeration> {
        value.over.and_then(|kind| self.enumerations.get(kind)).ok_or_else(missing)
    }

    /// The gradient estimator for the draws of a variable.
    fn through(&self, variable: VariableId) -> Through {
        match self.model.plan.model.draw_of(variable).map(|draw| &draw.method) {
            Some(DrawMethod::Relaxed { temperature }) => match temperature.value {
                srvae_dsl::graph::Value::Int(value) => Through::Relaxed(value as f64),
                srvae_dsl::graph::Value::Real(value) => Through::Relaxed(value),
                _ => Through::Straight,
            },
            _ => Through::Straight,
        }
    }

    fn held(&self, id: ValueId) -> Result<&Held> {
        self.held[id.0].as_ref().ok_or_else(missing)
    }

    fn tensor(&self, id: ValueId) -> Result<&Tensor> {
        match self.held(id)? {
            Held::Tensor(value) => Ok(value),
            Held::Distribution(_) | Held::Pair(..) => Err(missing()),
        }
    }

    fn pair(&self, id: ValueId) -> Result<(&Tensor, &Tensor)> {
        match self.held(id)? {
            Held::Pair(draw, log_prob) => Ok((draw, log_prob)),
            Held::Tensor(_) | Held::Distribution(_) => Err(missing()),
        }
    }

    fn distribution(&self, id: ValueId) -> Result<&Arc<dyn Distribution>> {
        match self.held(id)? {
            Held::Distribution(value) => Ok(value),
            Held::Tensor(_) | Held::Pair(..) => Err(missing()),
        }
    }

    fn tensors(&self, value: &Value) -> Result<Vec<&Tensor>> {
        value.inputs.iter().map(|input| self.tensor(*input)).collect()
    }
}

/// The position of each value's last use; inside a draw, the position of the draw. Outputs are kept.
fn last_reads(program: &Program, owners: &[Option<ValueId>]) -> Vec<usize> {
    let mut last = vec![0; program.values.len()];
    for (at, value) in program.ids() {
        let reader = owners[at.0].unwrap_or(at).0;
        value.inputs.iter().for_each(|input| last[input.0] = last[input.0].max(reader));
    }
    program.outputs().iter().for_each(|output| last[output.0] = usize::MAX);
    last
}

/// The error for a program that reads a missing value. Lowering excludes this.
pub fn missing() -> candle_core::Error {
    candle_core::Error::Msg("a program reads a value that is not there".into())
}
