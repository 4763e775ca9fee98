//! Graphs that differ from the shipped models: they compile, their terms and modes follow from the graph, they run with
//! every preset, and values that do not depend on the sample are computed once.

use candle_core::{DType, Device, Tensor};
use srvae::params::Phase;
use srvae::{BoundOptions, Compiled, Draw, Model, Noise, Params, Setting, Settings, Values};
use srvae_tests::inputs::{BATCH, checked, data, settings, value};
use srvae_tests::{CORPUS, counted, nets};

const SAMPLES: usize = 2;

/// Every good file of the compiler's corpus, among them deep hierarchies, labels, several observed variables, given
/// variables, flows in p and q, and every block. Tests bound, importance weights and modes, with the file's defaults
/// and presets.
#[test]
fn every_graph_runs() {
    for model in CORPUS {
        let (checked, _) = checked(model, None);
        // A file with a preset `quick` has one because its other sizes take long.
        let presets = checked.presets.iter().map(|preset| preset.name.as_str());
        let presets: Vec<&str> = presets.filter(|name| *name == "quick").collect();
        if presets.is_empty() {
            check(model, None);
            checked.presets.iter().for_each(|preset| check(model, Some(&preset.name)));
        }
        presets.iter().for_each(|preset| check(model, Some(preset)));
    }
}

/// The exact numbers of parameters of the paper.
#[test]
fn parameters_of_the_shipped_models() {
    for (model, count) in [(srvae_models::vae::COMPILED, 34_276_364), (srvae_models::srvae::COMPILED, 39_272_570)] {
        let params = Params::new(1, DType::F32, &Device::Cpu);
        (model.build)(&Settings::new(), &params).unwrap();
        let total: usize = params.entries().iter().map(|(_, var)| var.elem_count()).sum();
        assert_eq!(total, count, "{}", model.name);
    }
}

/// With K samples per image, networks that read only data are evaluated once per image, and all others once per sample.
#[test]
fn what_does_not_depend_on_the_sample_is_computed_once() {
    const MANY: usize = 64;
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = counted::Counted::new(&counted::Config::default(), &params).unwrap();
    params.set_phase(Phase::Inference);
    let (checked, data) = (checked(&counted::COMPILED, None).0, data(&counted::COMPILED, None));
    let bound = |samples| {
        let mut noise = Noise::seeded(1);
        let weights = Model::bound(&model, &data, &mut noise, &BoundOptions::importance(samples)).unwrap();
        (weights.log_weights().unwrap().dims().to_vec(), nets::seen())
    };
    // q(z | x) and q(u | y); the branches on y of p(z | y, u) and p(x | y, z).
    let once = [0, 1, 2, 4].map(|id| (id, BATCH));
    // The branches on u and z, and p(y | u).
    let each = |samples: usize| [3, 5, 6].map(|id| (id, samples * BATCH));
    let expected = |samples: usize| {
        let mut all = [&once[..], &each(samples)].concat();
        all.sort_unstable();
        all
    };
    nets::seen();
    assert_eq!(bound(MANY), (vec![MANY, BATCH], expected(MANY)));
    // The same in separate passes: everything once per pass.
    for _ in 0..3 {
        assert_eq!(bound(1), (vec![1, BATCH], expected(1)));
    }
    assert_eq!(checked.nets.len(), 7);
}

/// K samples in one pass equal the samples of K passes: the same draws yield the same weights.
#[test]
fn one_pass_is_many_passes() {
    const MANY: usize = 5;
    let params = Params::new(1, DType::F64, &Device::Cpu);
    let model = (counted::COMPILED.build)(&Settings::new(), &params).unwrap();
    let data = data(&counted::COMPILED, None);
    let data =
        data.iter().fold(Values::new(), |all, (name, value)| all.with(name, value.to_dtype(DType::F64).unwrap()));
    params.set_phase(Phase::Inference);
    let draws =
        |rows: usize, seed: u64| Noise::seeded(seed).normal("any", &[rows, 4, 4, 4], DType::F64, &Device::Cpu).unwrap();
    let (u, z) = (draws(MANY * BATCH, 3), draws(MANY * BATCH, 4));
    let weights = |u: Tensor, z: Tensor, samples: usize| {
        let mut noise = Noise::seeded(1);
        noise.record("u", u);
        noise.record("z", z);
        let terms = model.bound(&data, &mut noise, &BoundOptions::importance(samples)).unwrap();
        terms.log_weights().unwrap().to_vec2::<f64>().unwrap()
    };
    let together = weights(u.clone(), z.clone(), MANY);
    for (at, row) in together.iter().enumerate() {
        let part = |all: &Tensor| all.narrow(0, at * BATCH, BATCH).unwrap();
        let alone = &weights(part(&u), part(&z), 1)[0];
        for (together, alone) in row.iter().zip(alone) {
            // Sums of the same numbers, in double precision.
            assert!((together - alone).abs() < 1e-9 * alone.abs(), "{together} {alone}");
        }
    }
}

/// Another image size is one parameter; every shape, network and value follows from it.
#[test]
fn another_size_is_one_setting() {
    let model = &srvae_tests::parameters_in_shapes::COMPILED;
    for size in [16, 32, 48] {
        let params = Params::new(1, DType::F32, &Device::Cpu);
        let settings = Settings::from([("size".to_owned(), Setting::Int(size))]);
        let built = (model.build)(&settings, &params).unwrap();
        let values = built.run("generation", &Values::new(), 1, &mut Noise::seeded(1), &Draw::default()).unwrap();
        let size = size as usize;
        assert_eq!(values.get("x").unwrap().dims(), [1, 3, size, size]);
        assert_eq!(values.get("z").unwrap().dims(), [1, 16, size / 4, size / 4]);
        let wrong = Values::new().with("x", Tensor::zeros((1, 3, 24, 24), DType::F32, &Device::Cpu).unwrap());
        assert!(built.bound(&wrong, &mut Noise::seeded(1), &BoundOptions::default()).is_err(), "{size}");
    }
}

fn check(compiled: &Compiled, preset: Option<&str>) {
    let (checked, name) = (checked(compiled, preset).0, compiled.name);
    let derived = srvae_dsl::derive::derive(&checked);
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = (compiled.build)(&settings(&checked), &params).unwrap_or_else(|error| panic!("{name}: {error}"));
    let data = data(compiled, preset);
    let mut noise = Noise::seeded(2);

    params.set_phase(Phase::Initialisation);
    model.bound(&data, &mut noise, &BoundOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    params.set_phase(Phase::Inference);
    // The steps of a family are one term and one array.
    let plan = srvae_dsl::plan::plan(checked.clone());
    let mut terms: Vec<&str> = Vec::new();
    for name in derived.terms.iter().map(|term| plan.term_name(&term.name)) {
        if !terms.contains(&name) {
            terms.push(name);
        }
    }
    for options in [BoundOptions { samples: SAMPLES, ..BoundOptions::default() }, BoundOptions::importance(SAMPLES)] {
        let found = model.bound(&data, &mut noise, &options).unwrap().terms;
        assert_eq!(found.iter().map(|term| term.name).collect::<Vec<_>>(), terms, "{name}");
        for term in &found {
            assert_eq!(term.value.dims(), [SAMPLES, BATCH], "{} of {name}", term.name);
            assert!(finite(&term.value), "{} of {name}", term.name);
        }
    }
    let modes: Vec<_> = model.modes().iter().map(|mode| (mode.name.to_owned(), mode.given.to_vec())).collect();
    let wanted: Vec<_> =
        derived.modes.iter().map(|mode| (mode.name.clone(), plan.names_outside(&mode.given))).collect();
    assert_eq!(modes, wanted, "{name}");
    assert_eq!(parameters(&params), checked.cost().parameters, "{name}");
    if checked.length.is_none() {
        run(model.as_ref(), &checked, &data);
    }
}

/// The compiler's number of parameters equals that of the model.
fn parameters(params: &Params) -> u64 {
    params.entries().iter().map(|(_, var)| var.elem_count() as u64).sum()
}

/// Every mode yields the variables that it declares, with their shapes.
fn run(model: &dyn Model, checked: &srvae_dsl::graph::Model, data: &Values) {
    for mode in model.modes() {
        let mut noise = Noise::seeded(3);
        let given = mode.given.iter().fold(Values::new(), |given, name| match data.find(name) {
            Some(value) => given.with(name, value.clone()),
            None => given.with(name, value(variable(checked, name))),
        });
        let values = model.run(mode.name, &given, BATCH, &mut noise, &Draw::default());
        let values = values.unwrap_or_else(|error| panic!("{} of {}: {error}", mode.name, checked.name));
        assert_eq!(values.iter().map(|(name, _)| name).collect::<Vec<_>>(), mode.yields, "{}", mode.name);
        for (name, drawn) in values.iter() {
            let place = format!("{name} in {} of {}", mode.name, checked.name);
            assert_eq!(drawn.dims(), value(variable(checked, name)).dims(), "{place}");
            assert!(finite(drawn), "{place}");
        }
    }
}

fn variable<'m>(checked: &'m srvae_dsl::graph::Model, name: &str) -> &'m srvae_dsl::graph::Variable {
    checked.variables.iter().find(|variable| variable.name == name).unwrap()
}

fn finite(value: &Tensor) -> bool {
    value.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|value| value.is_finite())
}
