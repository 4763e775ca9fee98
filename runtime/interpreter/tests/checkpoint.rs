//! A bound in segments has terms with the same bits, and the same gradients up to the order of their sums.

mod support;

use candle_core::{DType, Device, Tensor};
use srvae_interpreter::Interpreted;
use srvae_numerics::ops::tape::Tape;
use srvae_numerics::params::Phase;
use srvae_numerics::{BoundOptions, Model, Moment, Noise, Params, Values};
use support::interpreted;

const RECORDS: usize = 3;

/// A forward and a backward recurrence, a flow whose draw comes with its density, a discrete draw with the score gradient,
/// a global variable, learned values, and records that end early.
const SEQUENCE: &str = "model m\nlength T = 11\nindex t in 1..T\nobserved x[t]: binary[3]\nlatent z[t]: real[2]\n\
    latent y[t]: binary[2]\nglobal w: real[3]\n\
    let b[T + 1] = learned real[4]\nlet b[t] = gru(b[t + 1], x[t])\nlet h[0] = learned real[4]\n\
    let h[t] = gru(h[t - 1], concat(z[t], y[t]))\n\
    p(w) = standard_normal\np(z[t] | z[<t], y[<t]) = normal from h[t - 1] |> linear\n\
    p(y[t] | z[t]) = bernoulli from z[t] |> linear\n\
    p(x[t] | z[<=t], y[<=t], w) = bernoulli from concat(h[t], w) |> linear(out: 5) |> elu |> linear\n\
    q(w) = normal\nq(z[t] | z[<t], y[<t], x[>=t]) = normal |> planar from concat(h[t - 1], b[t]) |> linear\n\
    q(y[t] | z[t], x[t]) = bernoulli from concat(z[t], x[t]) |> linear\ndraw y[t] = score\nparam records = 100\n";

/// A hierarchy, an enumerated class, and divergences in closed form.
const LEVELS: &str = "model m\nindex l in 1..7\nobserved x: real[4]\nlatent z[l]: real[2]\nlatent c: label[3]\n\
    let h[0] = learned real[3]\nlet h[l] = concat(h[l - 1], z[l]) |> linear(out: 3) |> tanh\n\
    p(c) = categorical\np(z[l] | z[<l]) = normal from h[l - 1] |> linear\n\
    p(x | z[1..7], c) = normal from concat(h[7], c) |> linear\n\
    q(c | x) = categorical from x |> linear\nq(z[l] | z[<l], x) = normal from concat(h[l - 1], x) |> linear\ndraw c = enumerate\n";

fn model(text: &str, dtype: DType) -> Interpreted {
    interpreted(text, &Params::new(3, dtype, &Device::Cpu))
}

/// Values of the observed variables.
fn data(shapes: &[(&str, &[usize])], lengths: Option<[f64; RECORDS]>, dtype: DType) -> Values {
    let tensor = |values: Vec<f64>, dims: &[usize]| {
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    };
    let values = shapes.iter().fold(Values::new(), |values, (name, shape)| {
        let dims: Vec<usize> = std::iter::once(RECORDS).chain(shape.iter().copied()).collect();
        let numbers = (0..dims.iter().product()).map(|at: usize| f64::from(u8::from(at * 7 % 5 < 2)));
        values.with(name, tensor(numbers.collect(), &dims))
    });
    match lengths {
        Some(lengths) => values.with("T", tensor(lengths.to_vec(), &[RECORDS, 1])),
        None => values,
    }
}

/// The terms and the gradients of all parameters in a training step, and the state of the noise after it.
fn step(
    model: &Interpreted,
    tape: Tape,
    data: &Values,
    options: &BoundOptions,
) -> (Vec<Vec<f64>>, Vec<Vec<f64>>, (u64, u64)) {
    let numbers = |value: &Tensor| value.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    model.params().set_phase(Phase::Training);
    let mut noise = Noise::seeded(9);
    let terms = model.bound(data, &mut noise, options).unwrap();
    let loss = model.objective(&terms, Moment::of(0, 1, 1)).unwrap().loss().unwrap();
    let gradients = tape.backward(&loss).unwrap();
    let of = |(name, var): (String, candle_core::Var)| {
        let gradient = gradients.get(&var).unwrap_or_else(|| panic!("{name} has no gradient"));
        numbers(gradient)
    };
    let terms = terms.terms.iter().map(|term| numbers(&term.value)).collect();
    (terms, model.params().entries().into_iter().map(of).collect(), noise.state())
}

fn agrees(text: &str, index: &str, observed: &[(&str, &[usize])], lengths: Option<[f64; RECORDS]>) {
    // Sums of some hundred numbers in another order.
    for (dtype, rounding) in [(DType::F32, 1e-5), (DType::F64, 1e-13)] {
        let (whole, data) = (model(text, dtype), data(observed, lengths, dtype));
        assert!(!whole.recomputes());
        for every in [1, 2, 5, 100] {
            let parts = model(&format!("{text}checkpoint {index} = {every}\n"), dtype);
            assert!(parts.recomputes());
            let two = BoundOptions { samples: 2, ..BoundOptions::default() };
            for options in [BoundOptions::default(), two, BoundOptions::importance(3)] {
                let theirs = step(&whole, Tape::begin(), &data, &options);
                let ours = step(&parts, Tape::begin(), &data, &options);
                assert_eq!(ours.0, theirs.0, "{dtype:?}, every {every}: terms");
                assert_eq!(ours.2, theirs.2, "{dtype:?}, every {every}: noise");
                for (ours, theirs) in ours.1.iter().zip(&theirs.1) {
                    let scale = theirs.iter().fold(1.0f64, |most, value| most.max(value.abs()));
                    let apart = ours.iter().zip(theirs).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
                    assert!(apart < rounding * scale, "{dtype:?}, every {every}: gradients {apart:e} apart");
                }
            }
        }
    }
}

#[test]
fn a_sequence_in_segments() {
    agrees(SEQUENCE, "t", &[("x", &[11, 3])], Some([11.0, 6.0, 1.0]));
}

#[test]
fn a_hierarchy_in_segments() {
    agrees(LEVELS, "l", &[("x", &[4])], None);
}
