//! Counts, positive numbers, fractions and proportions: from tables and built-in data to the bound and back.

use super::{source, spec};
use srvae::data::{self, Batches, Source, Split};
use srvae::entries::space_entry;
use srvae::interpret;
use srvae::params::Phase;
use srvae::spec::{Space, Spec};
use srvae::{BoundOptions, DType, Device, Draw, Noise, Params, Settings, Tensor, Values};

const MODEL: &str = include_str!("../fixtures/models/densities.pgm");

fn rows(value: &Tensor) -> Vec<Vec<f64>> {
    value.to_dtype(DType::F64).unwrap().flatten_from(1).unwrap().to_vec2().unwrap()
}

fn misfit(space: Space, value: &Tensor) -> Option<&'static str> {
    rows(value).iter().find_map(|row| (space_entry(space).misfit)(row))
}

/// Standardising applies only to real numbers; counts and the others are unchanged.
#[test]
fn tables_fill_them_as_they_are() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.csv");
    let lines = (0..40).map(|at| format!("{},{},{},0.{},{},{}\n", at % 7, 3, at + 1, at + 10, 0.25, 0.75));
    std::fs::write(&path, "n0,n1,w,f,s1,s2\n".to_owned() + &lines.collect::<String>()).unwrap();
    let variables: [(&str, Space, &[usize]); 4] = [
        ("n", Space::Count, &[2]),
        ("w", Space::Positive, &[1]),
        ("f", Space::Unit, &[1]),
        ("s", Space::Simplex, &[2]),
    ];
    let spec = spec(&variables);
    let data = data::load(&Source { standardize: true, ..source(&path) }, &spec, Split::None).unwrap();
    let batch =
        Batches::new(&spec, &data.train, &Device::Cpu).unwrap().range(&data.train, 0, data.train.len()).unwrap();
    for (name, space, _) in variables {
        assert_eq!(misfit(space, batch.get(name).unwrap()), None, "{name}");
    }
    let first = data.train.number(0);
    assert_eq!(rows(batch.get("n").unwrap())[0], [(first % 7) as f64, 3.0]);
    assert_eq!(rows(batch.get("w").unwrap())[0], [(first + 1) as f64]);
}

fn model() -> (Spec, Box<dyn srvae::Model>) {
    let variables: [(&str, Space, &[usize]); 7] = [
        ("x", Space::Count, &[12]),
        ("n", Space::Count, &[3]),
        ("w", Space::Positive, &[4]),
        ("f", Space::Unit, &[2, 4, 4]),
        ("s", Space::Simplex, &[5]),
        ("r", Space::Real, &[6]),
        ("c", Space::Label, &[5]),
    ];
    let params = Params::new(3, DType::F32, &Device::Cpu);
    let model = interpret::builder("densities.pgm", MODEL).build(&Settings::new(), &params).unwrap();
    (spec(&variables), model)
}

fn builtin(spec: &Spec, count: usize) -> Values {
    let data = data::load(&Source::default(), spec, Split::default()).unwrap();
    Batches::new(spec, &data.train, &Device::Cpu).unwrap().range(&data.train, 0, count).unwrap()
}

/// In single precision, with one and with several samples; a parameter without a gradient would not be trained.
#[test]
fn a_model_of_all_of_them_has_a_finite_bound_and_gradients() {
    let (spec, model) = model();
    let data = builtin(&spec, 16);
    model.params().set_phase(Phase::Initialisation);
    model.bound(&data, &mut Noise::seeded(4), &BoundOptions::default()).unwrap();
    model.params().set_phase(Phase::Training);
    for options in [BoundOptions::default(), BoundOptions::importance(4)] {
        let terms = model.bound(&data, &mut Noise::seeded(5), &options).unwrap();
        let weights = terms.log_weights().unwrap();
        assert!(rows(&weights).iter().flatten().all(|weight| weight.is_finite()), "{weights:?}");
        let store = weights.sum_all().unwrap().backward().unwrap();
        for (name, var) in model.params().entries() {
            let gradient = store.get(&var).unwrap_or_else(|| panic!("{name} has no gradient"));
            let size: f32 = gradient.sqr().unwrap().sum_all().unwrap().to_scalar().unwrap();
            assert!(size.is_finite() && size > 0.0, "{name}: {size}");
        }
    }
}

#[test]
fn modes_yield_values_of_their_spaces() {
    let (spec, model) = model();
    let data = builtin(&spec, 8);
    let latents = [("l", Space::Positive), ("t", Space::Simplex), ("b", Space::Unit), ("k", Space::Count)];
    let spaces: Vec<(&str, Space)> =
        spec.variables.iter().map(|variable| (variable.name.as_str(), variable.space)).chain(latents).collect();
    let mut seen = 0;
    for mode in model.modes().iter().filter(|mode| mode.given.iter().all(|name| data.find(name).is_some())) {
        let yielded = model.run(mode.name, &data, 8, &mut Noise::seeded(6), &Draw::default()).unwrap();
        for (name, space) in &spaces {
            if let Some(value) = yielded.find(name) {
                assert_eq!(misfit(*space, value), None, "{name} of {}", mode.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen} values");
}
