//! A model compiled and interpreted: all results have the same bits.

use crate::inputs::{BATCH, checked, data, settings, value};
use candle_core::{DType, Device, Tensor};
use srvae::interpret;
use srvae::ops::tape::Tape;
use srvae::params::Phase;
use srvae::{BoundOptions, Compiled, Decode, Draw, Model, Moment, Noise, Params, Settings, Values};

/// A model in both forms, each with its own parameters.
pub struct Both {
    name: &'static str,
    pub compiled: (Box<dyn Model>, Params),
    pub interpreted: (Box<dyn Model>, Params),
}

impl Both {
    pub fn new(model: &Compiled, settings: &Settings) -> Self {
        let params = || Params::new(5, DType::F32, &Device::Cpu);
        let (own, other) = (params(), params());
        let interpret = interpret::builder(model.path, model.source);
        Self {
            name: model.name,
            compiled: ((model.build)(settings, &own).unwrap(), own),
            interpreted: (interpret.build(settings, &other).unwrap(), other),
        }
    }

    /// Runs the same with both and requires equal results.
    fn same(&self, what: &str, run: impl Fn(&dyn Model, &Params) -> Vec<(String, Tensor)>) {
        let (ours, theirs) =
            (run(self.compiled.0.as_ref(), &self.compiled.1), run(self.interpreted.0.as_ref(), &self.interpreted.1));
        assert_eq!(ours.len(), theirs.len(), "{what} of {}", self.name);
        for ((name, our), (other, their)) in ours.iter().zip(&theirs) {
            assert_eq!(name, other, "{what} of {}", self.name);
            assert_eq!(bits(our), bits(their), "{name} in {what} of {}", self.name);
        }
    }
}

fn bits(value: &Tensor) -> (Vec<usize>, Vec<u32>) {
    let values = value.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    (value.dims().to_vec(), values.into_iter().map(f32::to_bits).collect())
}

/// Every term of the bound, and the training objective.
fn terms(model: &dyn Model, data: &Values, options: &BoundOptions) -> Vec<(String, Tensor)> {
    let terms = model.bound(data, &mut Noise::seeded(3), options).unwrap();
    let weighted = model.objective(&terms, Moment::of(2, 5, 7)).unwrap();
    let both = terms.terms.into_iter().chain(weighted.terms).map(|term| (term.name.to_owned(), term.value));
    let scaled = weighted.added.into_iter().map(|added| (added.name.to_owned(), (added.value * added.scale).unwrap()));
    both.chain(scaled).collect()
}

/// The terms and the gradient of every parameter, zeros if it has none. A tape records recomputed parts, or operations too.
fn gradients(
    model: &dyn Model,
    params: &Params,
    data: &Values,
    options: &BoundOptions,
    tape: Option<Tape>,
) -> Vec<(String, Tensor)> {
    let terms = model.bound(data, &mut Noise::seeded(3), options).unwrap();
    let weighted = model.objective(&terms, Moment::of(2, 5, 7)).unwrap();
    let sum = weighted.loss().unwrap() - terms.log_weights().unwrap().sum_all().unwrap();
    let sum = sum.unwrap();
    let gradients = tape.map_or_else(|| sum.backward(), |tape| tape.backward(&sum)).unwrap();
    let each = params.entries().into_iter().map(|(name, var)| {
        let gradient = gradients.get(&var).cloned().unwrap_or_else(|| var.zeros_like().unwrap());
        (name, gradient)
    });
    let terms = terms.terms.iter().map(|term| (term.name.to_owned(), term.value.clone()));
    terms.chain(each).collect()
}

/// Construction, initialisation, terms, gradients, importance weights and modes.
pub fn compare(model: &Compiled, preset: Option<&str>) {
    let (checked, data) = (checked(model, preset).0, data(model, preset));
    let both = Both::new(model, &settings(&checked));
    both.same("construction", |_, params| {
        params.entries().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect()
    });
    let set_phase = |phase| [&both.compiled.1, &both.interpreted.1].iter().for_each(|params| params.set_phase(phase));
    let one = BoundOptions::default();
    set_phase(Phase::Initialisation);
    both.same("initialisation", |model, _| terms(model, &data, &one));
    set_phase(Phase::Training);
    for options in [one, BoundOptions { samples: 2, ..one }, BoundOptions::importance(2)] {
        both.same("training", |model, params| gradients(model, params, &data, &options, None));
        assert_eq!(both.compiled.0.recomputes(), both.interpreted.0.recomputes(), "{}", model.name);
        if both.compiled.0.recomputes() {
            both.same("segments", |model, params| gradients(model, params, &data, &options, Some(Tape::begin())));
        }
    }
    set_phase(Phase::Inference);
    for options in [one, BoundOptions { samples: 3, ..one }, BoundOptions::importance(3)] {
        both.same("inference", |model, _| terms(model, &data, &options));
    }
    assert_eq!(both.compiled.0.modes(), both.interpreted.0.modes(), "{}", model.name);
    for mode in both.compiled.0.modes() {
        let given = mode.given.iter().fold(Values::new(), |given, name| {
            // A family over the length is given step by step.
            let own =
                checked.variables.iter().filter(|it| it.name == *name || it.name.starts_with(&format!("{name}[")));
            own.fold(given, |given, variable| {
                let (known, presence) = (data.find(&variable.name).cloned(), Values::presence_of(&variable.name));
                let given = given.with(&variable.name, known.unwrap_or_else(|| value(variable)));
                match data.find(&presence).filter(|_| mode.partly.contains(name)) {
                    Some(present) => given.with(&presence, present.clone()),
                    None => given,
                }
            })
        });
        for draw in [Draw::default(), Draw { temperature: 0.7, decode: Decode::Mode, top: Some(1) }] {
            for count in [BATCH, 2 * BATCH] {
                both.same(mode.name, |model, _| {
                    let drawn = model.run(mode.name, &given, count, &mut Noise::seeded(7), &draw).unwrap();
                    drawn.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
                });
            }
        }
    }
    let flows = |model: &dyn Model| -> Vec<_> {
        model.flows().iter().map(|flow| (flow.factor.to_owned(), flow.name, flow.shape.clone())).collect()
    };
    assert_eq!(flows(both.compiled.0.as_ref()), flows(both.interpreted.0.as_ref()), "{}", model.name);
}
