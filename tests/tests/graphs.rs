//! Graphs that are not the shipped models': they compile, their terms and modes follow from the graph, and they run.

use candle_core::{DType, Device, Tensor};
use srvae_runtime::params::Phase;
use srvae_runtime::{BoundOptions, Compiled, Draw, Model, Noise, Params, Settings, Values};

const BATCH: usize = 3;
const SAMPLES: usize = 2;

/// One graph: its terms, and its modes with what each is given.
struct Graph {
    model: Compiled,
    terms: &'static [&'static str],
    modes: &'static [(&'static str, &'static [&'static str])],
}

#[test]
fn three_levels() {
    check(&Graph {
        model: srvae_tests::three_levels::COMPILED,
        terms: &["RE_x", "KL_z1", "KL_z2", "KL_z3"],
        modes: &[("generation", &[]), ("reconstruction", &["x"]), ("generative_reconstruction", &["x"])],
    });
}

#[test]
fn two_observed_variables() {
    check(&Graph {
        model: srvae_tests::two_observed::COMPILED,
        terms: &["RE_c", "RE_x", "KL_z"],
        modes: &[("generation", &[]), ("reconstruction", &["x"])],
    });
}

#[test]
fn stochastic_y() {
    check(&Graph {
        model: srvae_tests::stochastic_y::COMPILED,
        terms: &["RE_x", "KL_y", "KL_u"],
        modes: &[("generation", &[]), ("reconstruction", &["x"]), ("generative_reconstruction", &["x"])],
    });
}

#[test]
fn a_flow_in_q() {
    check(&Graph {
        model: srvae_tests::flow_in_q::COMPILED,
        terms: &["RE_x", "KL_z"],
        modes: &[("generation", &[]), ("reconstruction", &["x"])],
    });
}

#[test]
fn a_conditional_model() {
    check(&Graph {
        model: srvae_tests::conditional::COMPILED,
        terms: &["RE_x", "KL_z"],
        modes: &[("generation", &["c"]), ("reconstruction", &["x", "c"])],
    });
}

#[test]
fn the_shipped_ones() {
    check(&Graph {
        model: srvae_tests::vae_golden::COMPILED,
        terms: &["RE_x", "KL_z"],
        modes: &[("generation", &[]), ("reconstruction", &["x"])],
    });
    check(&Graph {
        model: srvae_tests::srvae_golden::COMPILED,
        terms: &["RE_x", "RE_y", "KL_z", "KL_u"],
        modes: &[
            ("generation", &[]),
            ("reconstruction", &["x"]),
            ("generative_reconstruction", &["x"]),
            ("conditional_generation", &["y"]),
        ],
    });
}

/// The paper's sizes, to the parameter.
#[test]
fn parameters_of_the_shipped_models() {
    for (model, count) in [(srvae_models::vae::COMPILED, 34_276_364), (srvae_models::srvae::COMPILED, 39_272_570)] {
        let params = Params::new(1, DType::F32, &Device::Cpu);
        (model.build)(&Settings::new(), &params).unwrap();
        let total: usize = params.entries().iter().map(|(_, var)| var.elem_count()).sum();
        assert_eq!(total, count, "{}", model.name);
    }
}

fn check(graph: &Graph) {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = (graph.model.build)(&Settings::new(), &params).unwrap();
    let data = data(&graph.model);
    let mut noise = Noise::seeded(2);

    params.set_phase(Phase::Initialisation);
    model.bound(&data, &mut noise, &BoundOptions::default()).unwrap();
    params.set_phase(Phase::Inference);
    for options in [BoundOptions { samples: SAMPLES, ..BoundOptions::default() }, BoundOptions::importance(SAMPLES)] {
        let terms = model.bound(&data, &mut noise, &options).unwrap().terms;
        assert_eq!(terms.iter().map(|term| term.name).collect::<Vec<_>>(), graph.terms, "{}", graph.model.name);
        for term in &terms {
            assert_eq!(term.value.dims(), [SAMPLES, BATCH], "{} of {}", term.name, graph.model.name);
            assert!(finite(&term.value), "{} of {}", term.name, graph.model.name);
        }
    }
    let modes: Vec<_> = model.modes().iter().map(|mode| (mode.name, mode.given)).collect();
    assert_eq!(modes, graph.modes, "{}", graph.model.name);
    run(model.as_ref(), &graph.model, &data);
}

/// Every mode yields what it says it does, in the variable's shape.
fn run(model: &dyn Model, compiled: &Compiled, data: &Values) {
    for mode in model.modes() {
        let mut noise = Noise::seeded(3);
        let given = mode.given.iter().fold(Values::new(), |given, name| match data.find(name) {
            Some(value) => given.with(name, value.clone()),
            None => given.with(name, value(compiled, name)),
        });
        let values = model.run(mode.name, &given, BATCH, &mut noise, &Draw::default()).unwrap();
        assert_eq!(values.iter().map(|(name, _)| name).collect::<Vec<_>>(), mode.yields, "{}", mode.name);
        for (name, drawn) in values.iter() {
            assert_eq!(drawn.dims(), value(compiled, name).dims(), "{name} in {} of {}", mode.name, compiled.name);
            assert!(finite(drawn), "{name} in {} of {}", mode.name, compiled.name);
        }
    }
}

fn data(model: &Compiled) -> Values {
    let names = variables(model).into_iter().filter(|(_, _, is_data)| *is_data);
    names.fold(Values::new(), |data, (name, _, _)| {
        let value = value(model, &name);
        data.with(&name, value)
    })
}

/// A value of the variable's space: pixels on the grid, one-hot classes, reals.
fn value(model: &Compiled, name: &str) -> Tensor {
    let (_, shape, _) = variables(model).into_iter().find(|(other, _, _)| other == name).unwrap();
    let values: usize = shape.iter().product();
    let each = |at: usize| match shape.len() {
        1 => f32::from(u8::from(at % values == at / values % values)),
        _ => (at * 37 % 256) as f32 / 255.0,
    };
    let all: Vec<f32> = (0..BATCH * values).map(each).collect();
    let shape: Vec<usize> = std::iter::once(BATCH).chain(shape).collect();
    Tensor::from_vec(all, shape, &Device::Cpu).unwrap()
}

/// Name, shape and whether it comes with the data.
fn variables(model: &Compiled) -> Vec<(String, Vec<usize>, bool)> {
    let source = srvae_dsl::Source::new(model.path, model.source);
    let file = srvae_dsl::parse(&source).unwrap();
    let (model, _) = srvae_dsl::check(&file, &source, &srvae_dsl::Overrides::default()).unwrap();
    let each = model.variables.iter();
    each.map(|it| (it.name.clone(), it.shape.clone(), it.role != srvae_dsl::graph::Role::Latent)).collect()
}

fn finite(value: &Tensor) -> bool {
    value.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|value| value.is_finite())
}
