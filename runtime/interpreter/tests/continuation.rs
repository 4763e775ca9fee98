//! Continuations: the first steps are kept, and nothing that is drawn depends on data after them.

#[path = "../../tests/moved/mod.rs"]
mod moved;
mod support;

use candle_core::{DType, Device, Tensor};
use moved::moved;
use srvae_interpreter::Interpreted;
use srvae_numerics::params::Phase;
use srvae_numerics::{Draw, Model, Noise, Params, Values};
use support::{interpreted, plan};

const STEPS: usize = 5;
const KEPT: [usize; 2] = [2, 3];

const AUTOREGRESSIVE: &str = "model m\nlength T = 5\nindex t in 1..T\nobserved x[t]: real[2]\n\
    p(x[1]) = normal\np(x[t] | x[t - 1]) = normal from x[t - 1] |> linear\n";

/// A static latent that q draws from forward and backward recurrences over the record, beside a latent of each step.
const STATIC: &str = "model m\nlength T = 5\nindex t in 1..T\nobserved x[t]: real[2]\nlatent f: real[2]\nlatent z[t]: real[1]\n\
    let a[0] = constant(0, 4)\nlet a[t] = gru(a[t - 1], x[t])\n\
    let b[T + 1] = constant(0, 4)\nlet b[t] = gru(b[t + 1], x[t])\nlet both = concat(a[T], b[1]) |> linear(out: 4) |> tanh\n\
    p(f) = standard_normal\np(z[t] | z[t - 1]) = normal from z[t - 1] |> linear\np(z[1]) = standard_normal\n\
    p(x[t] | f, z[t]) = normal from concat(f, z[t]) |> linear\n\
    q(f | x[1..T]) = normal from both |> linear\nq(z[t] | x[t]) = normal from x[t] |> linear\n";

fn model(text: &str) -> Interpreted {
    let params = Params::new(4, DType::F32, &Device::Cpu);
    let model = interpreted(text, &params);
    moved(&params, 0.3, Some(6));
    params.set_phase(Phase::Inference);
    model
}

/// Two records whose values at a step, counted from 0, are those of a variant.
fn records(variant: impl Fn(usize, usize) -> f32) -> Values {
    let value = |at: usize| {
        let (record, step) = (at / (2 * STEPS), at / 2 % STEPS);
        // Arithmetic that rounds in the same way wherever it is compiled.
        (at * 37 % 23) as f32 * 0.125 - 1.5 + variant(record, step)
    };
    let x = Tensor::from_vec((0..2 * STEPS * 2).map(value).collect::<Vec<_>>(), (2, STEPS, 2), &Device::Cpu).unwrap();
    let ends = Tensor::from_vec(KEPT.map(|kept| kept as f32).to_vec(), (2, 1), &Device::Cpu).unwrap();
    Values::new().with("x", x).with("T", ends)
}

fn numbers(values: &Values, name: &str) -> Vec<f32> {
    values.get(name).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn continued(model: &Interpreted, given: &Values) -> Values {
    model.run("continuation", given, 2, &mut Noise::seeded(1), &Draw::default()).unwrap()
}

#[test]
fn kept_steps_stay_and_later_data_have_no_influence() {
    let given = records(|_, _| 0.0);
    let later = records(|record, step| if step < KEPT[record] { 0.0 } else { 3.0 });
    for (text, names) in [(AUTOREGRESSIVE, &["x"][..]), (STATIC, &["f", "z", "x"])] {
        let model = model(text);
        let drawn = continued(&model, &given);
        for name in names {
            assert_eq!(numbers(&drawn, name), numbers(&continued(&model, &later), name), "{name}");
        }
        let (own, all) = (numbers(&given, "x"), numbers(&drawn, "x"));
        for (record, kept) in KEPT.iter().enumerate() {
            let from = record * STEPS * 2;
            assert_eq!(own[from..from + kept * 2], all[from..from + kept * 2]);
            assert_ne!(own[from + kept * 2..from + STEPS * 2], all[from + kept * 2..from + STEPS * 2]);
        }
    }
}

/// The last kept step is the end of the record for q, and the first drawn one continues from it.
#[test]
fn the_last_kept_step_has_influence() {
    let given = records(|_, _| 0.0);
    let last = records(|record, step| if step + 1 == KEPT[record] { 3.0 } else { 0.0 });
    let model_of = |text: &str, name: &str| {
        let model = model(text);
        [&given, &last].map(|given| numbers(&continued(&model, given), name))
    };
    let [one, other] = model_of(STATIC, "f");
    assert!(one.iter().zip(&other).all(|(one, other)| one != other), "{one:?} {other:?}");
    let [one, other] = model_of(AUTOREGRESSIVE, "x");
    for (record, kept) in KEPT.iter().enumerate() {
        let first = (record * STEPS + kept) * 2;
        assert_ne!(one[first..first + 2], other[first..first + 2]);
    }
}

/// Steps that do not depend on earlier ones have no continuation, and the reason is stated.
#[test]
fn independent_steps_have_no_continuation() {
    let text = "model m\nlength T = 3\nindex t in 1..T\nobserved x[t]: real[2]\np(x[t]) = normal\n";
    let plan = plan(text);
    let refused = plan.derivation.refused.iter().find(|refused| refused.name == "continuation").unwrap();
    assert_eq!(refused.reason.text(&plan.model), "no drawn variable depends on the data");
}
