//! Generative reconstruction where a root of p is summed out: it is drawn from its posterior given the data and the draws of q,
//! and everything below it from p.

mod support;

use candle_core::{DType, Device, Tensor};
use srvae_interpreter::Interpreted;
use srvae_numerics::{Decode, Draw, Model, Noise, Params, Values};
use support::{interpreted, plan};

/// Clusters of a latent, which q draws.
const CLUSTERS: &str = "model m\nobserved x: real[1]\nlatent c: binary[1]\nlatent z: real[1]\np(c) = bernoulli(logits: 0.4)\n\
    p(z | c) = normal(mean: 2 * c, std: 0.8)\np(x | z) = normal(mean: z, std: 0.5)\n\
    q(z | x) = normal(mean: 0.6 * x, std: 0.3)\ndraw c = enumerate\n";

/// A chain of states whose first one is the root.
const CHAIN: &str = "model m\nindex t in 1..3\nobserved x[t]: real[1]\nlatent c[t]: binary[1]\np(c[1]) = bernoulli(logits: -0.3)\n\
    p(c[t] | c[t - 1]) = bernoulli(logits: 3 * c[t - 1] - 1.5)\np(x[t] | c[t]) = normal(mean: 2 * c[t], std: 0.9)\n\
    draw c[t] = enumerate\n";

fn run(model: &Interpreted, given: &Values, decode: Decode, rows: usize) -> Values {
    let draw = Draw { temperature: 0.0, decode, ..Draw::default() };
    model.run("generative_reconstruction", given, rows, &mut Noise::seeded(3), &draw).unwrap()
}

fn model(text: &str) -> Interpreted {
    interpreted(text, &Params::new(3, DType::F64, &Device::Cpu))
}

fn rows(value: f64, rows: usize) -> Tensor {
    Tensor::full(value, (rows, 1), &Device::Cpu).unwrap()
}

fn numbers(values: &Values, name: &str) -> Vec<f64> {
    values.get(name).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn steps(text: &str) -> Vec<String> {
    let plan = plan(text);
    let mode = plan.derivation.modes.iter().find(|mode| mode.name == "generative_reconstruction").unwrap();
    plan.steps(mode).collect()
}

fn log_normal(x: f64, mean: f64, std: f64) -> f64 {
    -0.5 * ((x - mean) / std).powi(2) - std.ln()
}

/// Without temperature, z is the mean of q, and the mean of c is its probability given this z.
#[test]
fn the_cluster_is_drawn_given_the_draw_of_q() {
    assert_eq!(steps(CLUSTERS), ["z ~ q(z | x)", "c ~ posterior of p", "z ~ p(z | c)", "x ~ p(x | z)"]);
    let model = model(CLUSTERS);
    for x in [-1.0, 0.7, 2.5] {
        let drawn = run(&model, &Values::new().with("x", rows(x, 1)), Decode::Mean, 1);
        let z = 0.6 * x;
        let wanted = 1.0 / (1.0 + (-0.4 + log_normal(z, 0.0, 0.8) - log_normal(z, 2.0, 0.8)).exp());
        let found = numbers(&drawn, "c")[0];
        // Rounding of exponentials.
        assert!((found - wanted).abs() < 1e-12, "{found} for {wanted}");
        // The latent is the cluster's, not that of q.
        assert!((numbers(&drawn, "z")[0] - 2.0 * found).abs() < 1e-12);
    }
}

/// The first state has its posterior given all data; the others follow it by the chain of p.
#[test]
fn the_first_state_is_drawn_given_all_data() {
    let found = steps(CHAIN);
    let wanted = ["c[1] ~ posterior of p", "c[2] ~ posterior of p", "c[3] ~ posterior of p"];
    assert_eq!(found[..3], wanted, "{found:?}");
    assert_eq!(found[3..5], ["c[2] ~ p(c[2] | c[1])", "c[3] ~ p(c[3] | c[2])"], "{found:?}");
    let (x, draws) = ([0.2, 1.9, 1.4], 4000);
    let given =
        x.iter().enumerate().fold(Values::new(), |all, (at, x)| all.with(&format!("x[{}]", at + 1), rows(*x, draws)));
    let drawn = run(&model(CHAIN), &given, Decode::Sample, draws);
    let logistic = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    let of = |p: f64, value: usize| if value == 1 { p } else { 1.0 - p };
    let (mut first, mut all, mut second) = (0.0, 0.0, 0.0);
    for path in 0..8usize {
        let c = [path & 1, path >> 1 & 1, path >> 2];
        let prior =
            of(logistic(-0.3), c[0]) * (1..3).map(|t| of(logistic(3.0 * c[t - 1] as f64 - 1.5), c[t])).product::<f64>();
        let seen = (0..3).map(|t| log_normal(x[t], 2.0 * c[t] as f64, 0.9).exp()).product::<f64>();
        all += prior * seen;
        first += prior * seen * c[0] as f64;
    }
    let first = first / all;
    second += first * logistic(1.5) + (1.0 - first) * logistic(-1.5);
    let mean = |name: &str| numbers(&drawn, name).iter().sum::<f64>() / draws as f64;
    for (name, wanted) in [("c[1]", first), ("c[2]", second)] {
        let found = mean(name);
        // Five standard errors of a frequency.
        assert!((found - wanted).abs() < 5.0 * (0.25 / draws as f64).sqrt(), "{name}: {found} for {wanted}");
    }
}
