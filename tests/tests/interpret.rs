//! Interpreted and compiled models are one program carried out twice: every bit is the same.

use candle_core::{DType, Device, Tensor};
use srvae::interpret;
use srvae::params::Phase;
use srvae::{BoundOptions, Compiled, Decode, Draw, Model, Noise, Params, Settings, Values};
use srvae_tests::inputs::{BATCH, checked, data, settings, value};
use srvae_tests::{CORPUS, counted};

/// A model both ways, with parameters of its own each.
struct Both {
    name: &'static str,
    compiled: (Box<dyn Model>, Params),
    interpreted: (Box<dyn Model>, Params),
}

impl Both {
    fn new(model: &Compiled, settings: &Settings) -> Self {
        let params = || Params::new(5, DType::F32, &Device::Cpu);
        let (own, other) = (params(), params());
        let interpret = interpret::builder(model.path, model.source);
        Self {
            name: model.name,
            compiled: ((model.build)(settings, &own).unwrap(), own),
            interpreted: (interpret.build(settings, &other).unwrap(), other),
        }
    }

    /// Does the same with either and holds what it yields to be the same.
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

/// Every term of the bound.
fn terms(model: &dyn Model, data: &Values, options: &BoundOptions) -> Vec<(String, Tensor)> {
    let terms = model.bound(data, &mut Noise::seeded(3), options).unwrap().terms;
    terms.into_iter().map(|term| (term.name.to_owned(), term.value)).collect()
}

/// The gradient of every parameter, and zeros where it has none.
fn gradients(model: &dyn Model, params: &Params, data: &Values, options: &BoundOptions) -> Vec<(String, Tensor)> {
    let terms = model.bound(data, &mut Noise::seeded(3), options).unwrap();
    let gradients = terms.log_weights().unwrap().sum_all().unwrap().backward().unwrap();
    let each = params.entries().into_iter().map(|(name, var)| {
        let gradient = gradients.get(&var).cloned().unwrap_or_else(|| var.zeros_like().unwrap());
        (name, gradient)
    });
    each.collect()
}

fn compare(model: &Compiled, preset: Option<&str>) {
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
        both.same("training", |model, params| gradients(model, params, &data, &options));
    }
    set_phase(Phase::Inference);
    for options in [one, BoundOptions { samples: 3, ..one }, BoundOptions::importance(3)] {
        both.same("inference", |model, _| terms(model, &data, &options));
    }
    assert_eq!(both.compiled.0.modes(), both.interpreted.0.modes(), "{}", model.name);
    for mode in both.compiled.0.modes() {
        let given = mode.given.iter().fold(Values::new(), |given, name| {
            let variable = checked.variables.iter().find(|variable| variable.name == *name).unwrap();
            given.with(name, data.find(name).cloned().unwrap_or_else(|| value(variable)))
        });
        for draw in [Draw::default(), Draw { temperature: 0.7, decode: Decode::Mode }] {
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

#[test]
fn every_model_of_the_corpus() {
    for model in CORPUS {
        let (checked, _) = checked(model, None);
        let quick = checked.presets.iter().any(|preset| preset.name == "quick").then_some("quick");
        compare(model, quick);
    }
}

#[test]
fn the_shipped_models() {
    for model in srvae_models::MODELS {
        compare(model, Some("quick"));
    }
}

/// Several draws for one given value: what reads it alone runs once for it, and row k·B + b is draw k for record b.
#[test]
fn several_draws_for_one_record() {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = counted::Counted::new(&counted::Config::default(), &params).unwrap();
    params.set_phase(Phase::Inference);
    let given = Values::new().with("x", data(&counted::COMPILED, None).get("x").unwrap().clone());
    srvae_tests::nets::seen();
    let run =
        |count: usize| Model::run(&model, "reconstruction", &given, count, &mut Noise::seeded(1), &Draw::default());
    let drawn = run(4 * BATCH).unwrap();
    assert_eq!(drawn.get("x").unwrap().dims(), [4 * BATCH, 3, 8, 8]);
    // q(z | x), q(u | y) and the branch on y of p(x | y, z) see each record once, the branch on z every draw.
    assert_eq!(srvae_tests::nets::seen(), [(0, BATCH), (1, BATCH), (4, BATCH), (5, 4 * BATCH)]);
    let y = drawn.get("y").unwrap().to_vec2::<f32>();
    assert!(y.is_err(), "a map has four axes");
    let refused = run(BATCH + 1).unwrap_err().to_string();
    assert!(refused.contains("4 rows for 3 records"), "{refused}");
}

/// A model with a network in Rust says that it needs a crate.
#[test]
fn a_network_in_rust_is_not_interpreted() {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let refused = interpret::builder(counted::COMPILED.path, counted::COMPILED.source).build(&Settings::new(), &params);
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("written in Rust") && refused.contains("model!"), "{refused}");
}

/// Values that are none of their variable's are refused by name, with what is expected.
#[test]
fn what_is_given_is_held_against_its_variable() {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = srvae_tests::conditional::COMPILED;
    let both = Both::new(&model, &Settings::new());
    let (_, good) = (params, data(&model, None));
    let cases: [(&str, Tensor, &[&str]); 4] = [
        ("x", (good.get("x").unwrap() * 3.0).unwrap(), &["`x` is an image", "[0, 1]"]),
        ("x", good.get("x").unwrap().narrow(2, 0, 4).unwrap(), &["`x` is image[", "not one of shape"]),
        ("x", good.get("x").unwrap().to_dtype(DType::F64).unwrap(), &["`x` is needed as F32", "F64", "to_dtype"]),
        ("x", good.get("x").unwrap().flatten_all().unwrap(), &["`x` is image[", "a tensor [batch, "]),
    ];
    for (name, wrong, words) in cases {
        let values = good.clone().with(name, wrong);
        for model in [&both.compiled.0, &both.interpreted.0] {
            let refused =
                model.bound(&values, &mut Noise::seeded(1), &BoundOptions::default()).unwrap_err().to_string();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        }
    }
}
