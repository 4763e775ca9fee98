//! Records of which parts are missing, where q reads what is known: only that counts, in the bound and in every mode.

use super::models::{missing_columns, missing_steps, miwae};
use super::moved::moved;
use candle_core::{DType, Device, Tensor};
use srvae::params::Phase;
use srvae::{BoundOptions, Compiled, Draw, Model, Noise, Params, Partly, Settings, Values};

const STEPS: usize = 4;

fn params(seed: u64) -> Params {
    let params = Params::new(seed, DType::F64, &Device::Cpu);
    params.set_phase(Phase::Inference);
    params
}

fn built(model: &Compiled) -> Box<dyn Model> {
    let params = params(4);
    let model = (model.build)(&Settings::new(), &params).unwrap();
    // Away from the initial values, at which q hardly depends on the data.
    moved(&params, 0.3, Some(6));
    model
}

fn tensor(numbers: &[f64], shape: &[usize]) -> Tensor {
    Tensor::from_vec(numbers.to_vec(), shape, &Device::Cpu).unwrap()
}

fn numbers(value: &Tensor) -> Vec<f64> {
    value.flatten_all().unwrap().to_vec1().unwrap()
}

/// Two records of four steps, with `missing` in place of what they lack, `after` in place of what follows their ends.
fn sequences(missing: f64, after: f64, lengths: [usize; 2]) -> Values {
    let present = [[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]];
    let value = |record: usize, step: usize, at: usize| match () {
        () if step >= lengths[record] => after,
        () if present[record][step] == 0.0 => missing,
        () => ((record * 5 + step * 3 + at) as f64).sin(),
    };
    let all = (0..2).flat_map(|record| (0..STEPS).flat_map(move |step| (0..2).map(move |at| (record, step, at))));
    let all: Vec<f64> = all.map(|(record, step, at)| value(record, step, at)).collect();
    Values::new()
        .with("x", tensor(&all, &[2, STEPS, 2]))
        .with("x?", tensor(&present.concat(), &[2, STEPS]))
        .with("T", tensor(&lengths.map(|it| it as f64), &[2, 1]))
}

/// What stands in the place of a missing step, or after the end of a record, has no influence. Whether a step is missing has.
#[test]
fn only_what_a_record_has_counts() {
    let model = built(&missing_steps::COMPILED);
    let bound = |data: &Values| -> Vec<f64> {
        let terms = model.bound(data, &mut Noise::seeded(2), &BoundOptions::default()).unwrap();
        numbers(&terms.log_weights().unwrap())
    };
    let smoothed = |mode: &str, data: &Values| -> Vec<f64> {
        let drawn = model.run(mode, data, 2, &mut Noise::seeded(3), &Draw::default()).unwrap();
        numbers(drawn.get("z").unwrap())
    };
    let (own, other) = (sequences(7.0, 0.0, [4, 3]), sequences(-3.0, 5.0, [4, 3]));
    assert_eq!(bound(&own), bound(&other));
    // Zeros that were measured are not missing values.
    let there = sequences(0.0, 0.0, [4, 3]).with("x?", tensor(&[1.0; 2 * STEPS], &[2, STEPS]));
    assert!(bound(&own).into_iter().zip(bound(&there)).all(|(own, there)| own != there));
    let modes: Vec<&str> = model.modes().iter().filter(|mode| !mode.given.is_empty()).map(|mode| mode.name).collect();
    assert_eq!(modes, ["reconstruction", "generative_reconstruction", "smoothing", "continuation"]);
    for mode in modes {
        assert_eq!(smoothed(mode, &own), smoothed(mode, &other), "{mode}");
        assert_ne!(smoothed(mode, &own), smoothed(mode, &there), "{mode}");
    }
    assert!(model.modes().iter().all(|mode| mode.partly.iter().all(|name| *name == "x" && mode.given.contains(name))));
}

/// A continuation keeps the steps that a record has, and draws those that it lacks and those after its end.
#[test]
fn a_continuation_draws_what_is_missing() {
    let model = built(&missing_steps::COMPILED);
    let given = sequences(9.0, 9.0, [3, 2]);
    let run = |seed: u64| {
        let drawn = model.run("continuation", &given, 2, &mut Noise::seeded(seed), &Draw::default()).unwrap();
        numbers(drawn.get("x").unwrap())
    };
    let (own, one, two) = (numbers(given.get("x").unwrap()), run(1), run(2));
    for (at, keeps) in [true, false, true, false, false, true, false, false].into_iter().enumerate() {
        let step = 2 * at..2 * at + 2;
        assert_eq!(own[step.clone()] == one[step.clone()], keeps, "step {at}");
        assert_eq!(one[step.clone()] == two[step], keeps, "step {at}");
    }
}

/// The draws of a row given what it has are those of the mode that is given exactly this.
#[test]
fn a_row_is_inferred_from_its_cells() {
    let model = built(&missing_columns::COMPILED);
    let cells = |missing: Option<usize>| {
        (1..=4).fold(Values::new(), |data, at| {
            let (name, own) = (format!("x[{at}]"), tensor(&[at as f64, -0.5], &[2, 1]));
            let present = tensor(&[f64::from(u8::from(missing != Some(at))); 2], &[2]);
            data.with(&Values::presence_of(&name), present).with(&name, own)
        })
    };
    let z = |mode: &str, data: &Values| -> Vec<f64> {
        numbers(model.run(mode, data, 2, &mut Noise::seeded(3), &Draw::default()).unwrap().get("z").unwrap())
    };
    for at in 1..=4 {
        let imputation = format!("imputation_x[{at}]");
        assert_eq!(z("reconstruction", &cells(Some(at))), z(&imputation, &cells(None)), "x[{at}]");
        assert_ne!(z("reconstruction", &cells(None)), z(&imputation, &cells(None)), "x[{at}]");
    }
}

/// In code, q is a function of what a row may lack.
#[test]
fn q_as_a_function_of_incomplete_rows() {
    use miwae::{Config, Miwae, X};
    let model = Miwae::new(&Config::default(), &params(4)).unwrap();
    let cell =
        |value: f64, present: f64| Partly { value: X(tensor(&[value], &[1, 1])), present: tensor(&[present], &[1]) };
    let mean = |third: Partly<X>| -> Vec<f64> {
        let all: Vec<_> =
            [cell(0.4, 1.0), cell(-1.0, 1.0), third, cell(0.1, 1.0), cell(2.0, 0.0), cell(0.2, 1.0)].into();
        let q = model.q_z(&all[0], &all[1], &all[2], &all[3], &all[4], &all[5]).unwrap();
        numbers(&srvae::dist::Distribution::mean(&q).unwrap())
    };
    assert_eq!(mean(cell(5.0, 0.0)), mean(cell(-2.0, 0.0)));
    assert_ne!(mean(cell(5.0, 1.0)), mean(cell(-2.0, 1.0)));
    assert_ne!(mean(cell(0.0, 1.0)), mean(cell(0.0, 0.0)));
}
