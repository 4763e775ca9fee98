//! The interpreter: executes the programs of a plan without compiling them.
//!
//! The results have the same bits as those of the compiled model, because both execute the same programs.

mod memory;
mod names;
mod parts;
mod run;
mod segments;

use candle_core::{Error, bail};
pub use memory::Memory;
use names::{interned, interned_list};
use parts::Built;
use run::{Context, Run};
use srvae_dsl::catalog::space_entry;
use srvae_dsl::derive;
use srvae_dsl::graph::{self, RampUnit, VariableId};
use srvae_dsl::plan::{Operation, PartId, Plan, Program, addend_text};
use srvae_dsl::{Overrides, Source};
use srvae_numerics::generated::{check_partly, check_value, draws_per_record, unknown_mode};
use srvae_numerics::params::Phase;
use srvae_numerics::{
    Added, BoundOptions, Builder, Draw, Flow, Mode, Model, Noise, Params, Ramp, Result, Score, Tensor, Term, TermKind,
    Terms, Values, Weight, steps,
};
use std::sync::Arc;

/// An interpreted model from the text of a file. The text is compiled to a plan for each choice of settings. `path` is
/// used in messages.
pub fn builder(path: &str, text: &str) -> Builder {
    let source = Arc::new(Source::new(path, text));
    Builder::new(move |settings, params| {
        let set = settings.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        let compilation = srvae_dsl::compile(&source, &Overrides { preset: None, set });
        let plan = compilation.plan().map_err(|report| Error::Msg(report.to_string()))?;
        Ok(Box::new(Interpreted::new(plan.clone(), params)?))
    })
}

/// The parts of a model that a run reads.
struct Core {
    plan: Plan,
    params: Params,
    built: Vec<Built>,
}

/// An interpreted model.
pub struct Interpreted {
    core: Arc<Core>,
    terms: Vec<(&'static str, TermKind)>,
    weights: Vec<Weight>,
    /// Names and coefficients of the additional terms of the training objective.
    added: Vec<(&'static str, f64)>,
    modes: Vec<Mode>,
    /// The factor, the name and the part of each flow.
    flows: Vec<(String, &'static str, PartId)>,
}

impl Interpreted {
    /// Builds a model from a plan at its checked parameter values. Parameters are registered in `params`.
    ///
    /// # Errors
    /// A network written in Rust, which cannot be interpreted, or shapes that do not fit.
    pub fn new(plan: Plan, params: &Params) -> Result<Self> {
        let built = plan.parts.all.iter().map(|part| parts::part(part, params)).collect::<Result<_>>()?;
        let terms = plan.derivation.terms.iter().map(|term| (interned(plan.term_name(&term.name)), kind(&term.kind)));
        let terms = terms.collect();
        let weights = plan.model.weights.iter().map(|it| weight(it, plan.term_name(&it.term))).collect();
        let added = plan.model.addends.iter();
        let added = added.map(|addend| (interned(&addend_text(&plan, addend)), addend.scale.value)).collect();
        let modes = plan.derivation.modes.iter().map(|mode| {
            let names = |ids: &[srvae_dsl::graph::VariableId]| interned_list(&plan.names_outside(ids));
            let (given, yields) = (names(&mode.given), names(&plan.yielded(mode)));
            let partly = interned_list(&plan.partly_outside(mode));
            let completed = interned_list(&plan.completed_outside(mode));
            Mode { name: interned(&mode.name), given, partly, completed, yields }
        });
        let modes = modes.collect();
        let flows = plan.flows().map(|(factor, part)| {
            (plan.factor_text(factor.side, factor.variable), interned(plan.parts.part(part).entry()), part)
        });
        let flows = flows.collect();
        let core = Arc::new(Core { plan, params: params.clone(), built });
        Ok(Self { core, terms, weights, added, modes, flows })
    }

    /// The inputs of a program, checked against its variables, in the program's order.
    fn given(&self, program: &Program, from: &Values) -> Result<Vec<Given>> {
        let plan = &self.core.plan;
        let each = program.arguments().map(|argument| {
            let (id, is_partly) = match argument.operation {
                Operation::Given(id) => (id, false),
                Operation::Partly(id) => (id, true),
                _ => bail!("an input of a program is not a variable"),
            };
            let variable = self.core.plan.model.variable(id);
            let (name, space, shape) = (&variable.name, space_entry(variable.space).name, &variable.shape);
            if is_partly {
                let partly = match plan.outside(id) {
                    (family, Some(step)) => from.partly_step((name, family, step), shape, &self.core.params)?,
                    _ => from.partly(name, shape, &self.core.params)?,
                };
                check_partly(name, space, shape, &self.core.params, &partly.value, &partly.present)?;
                return Ok(Given { id, value: partly.value, present: Some(partly.present) });
            }
            let value = match plan.outside(id) {
                (family, Some(step)) => steps::one(from, name, family, step)?,
                (name, None) => from.get(name)?.clone(),
            };
            check_value(name, space, shape, &self.core.params, &value)?;
            Ok(Given { id, value, present: None })
        });
        each.collect()
    }
}

impl Model for Interpreted {
    fn params(&self) -> &Params {
        &self.core.params
    }

    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> Result<Terms> {
        let program = &self.core.plan.bound;
        let given = self.given(program, data)?;
        let records = given.first().map_or(Ok(1), |given| given.value.dim(0))?;
        let context =
            Context { samples: options.samples, rows: options.samples * records, draw: Draw::default(), options };
        let values = match self.recomputes() && self.core.params.phase() == Phase::Training {
            true => segments::outputs(&self.core, given, context, noise)?,
            false => Run::new(&self.core, program, &given, context).outputs(noise)?,
        };
        let mut values = values.into_iter();
        let terms = self.terms.iter().zip(values.by_ref());
        let terms = terms.map(|((name, kind), value)| Term { name, kind: *kind, value }).collect();
        let mut next = || values.next().ok_or_else(run::missing);
        let scores = program.scores.iter().map(|score| {
            let log_q = next()?;
            Ok(Score { log_q, baseline: score.baseline.map(|_| next()).transpose()? })
        });
        let scores = scores.collect::<Result<_>>()?;
        let added = self.added.iter().zip(values.by_ref());
        let added = added.map(|((name, scale), value)| Added { name, scale: *scale, value }).collect();
        Ok(Terms { terms: steps::summed(terms)?, scores, added, gains: values.collect() })
    }

    fn recomputes(&self) -> bool {
        !self.core.plan.segments.all.is_empty()
    }

    fn weights(&self) -> Vec<Weight> {
        self.weights.clone()
    }

    fn modes(&self) -> &[Mode] {
        &self.modes
    }

    fn flows(&self) -> Vec<Flow<'_>> {
        let each = self.flows.iter().filter_map(|(factor, name, part)| match &self.core.built[part.0] {
            Built::Flow(flow) => {
                let shape = self.core.plan.parts.part(*part).inputs.first().cloned().unwrap_or_default();
                Some(Flow { factor, name, shape, bijector: &**flow })
            }
            Built::Layer(_) | Built::Root(_) => None,
        });
        each.collect()
    }

    fn run(&self, mode: &str, given: &Values, count: usize, noise: &mut Noise, draw: &Draw) -> Result<Values> {
        let Some(at) = self.modes.iter().position(|known| known.name == mode) else {
            return Err(unknown_mode(mode, &self.modes));
        };
        let program = self.core.plan.mode(at);
        let given = self.given(program, given)?;
        let samples = match given.first() {
            Some(first) if program.uses(|operation| *operation == Operation::Repeat) => {
                draws_per_record(count, first.value.dim(0)?)?
            }
            _ => 1,
        };
        let context = Context { samples, rows: count, draw: *draw, options: &BoundOptions::default() };
        let values = Run::new(&self.core, program, &given, context).outputs(noise)?;
        let yields = self.core.plan.derivation.modes[at].yields(&self.core.plan.model);
        let drawn = self.core.plan.together(yields.into_iter().zip(values).collect());
        let named = drawn.into_iter().map(|(id, value)| {
            let (name, step) = self.core.plan.outside(id);
            (name, step, value)
        });
        steps::together(named.collect())
    }
}

/// An input variable and, if records may lack it, its presences.
struct Given {
    id: VariableId,
    value: Tensor,
    present: Option<Tensor>,
}

fn weight(weight: &graph::Weight, term: &str) -> Weight {
    let ramp = weight.ramp.as_ref().map_or(Ramp::None, |ramp| match ramp.unit {
        RampUnit::Passes => Ramp::Passes(ramp.length.value),
        RampUnit::Steps => Ramp::Steps(ramp.length.value),
    });
    let free = weight.free.as_ref().map_or(0.0, |free| free.value);
    Weight { term: interned(term), scale: weight.scale.value, ramp, free }
}

fn kind(kind: &derive::TermKind) -> TermKind {
    match kind {
        derive::TermKind::Reconstruction => TermKind::Reconstruction,
        derive::TermKind::Kl { .. } => TermKind::Kl,
    }
}
