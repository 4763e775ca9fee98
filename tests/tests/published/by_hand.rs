//! Products within a mixture, latent maps that p draws position by position, and censored times, against sums by hand.

use super::models::{ordered_codes, products};
use super::moved::moved;
use candle_core::{DType, Device, Tensor};
use srvae::dist::Distribution;
use srvae::params::Phase;
use srvae::{BoundOptions, Draw, Model, Noise, Params, Values};
use srvae_tests::censored;

fn params() -> Params {
    Params::new(3, DType::F64, &Device::Cpu)
}

fn column(numbers: &[f64]) -> Tensor {
    Tensor::from_slice(numbers, (numbers.len(), 1), &Device::Cpu).unwrap()
}

fn nats(density: &dyn Distribution, value: &Tensor) -> Vec<f64> {
    density.log_prob(value).unwrap().to_vec1().unwrap()
}

/// ½ N(z; x, 1) + ½ N(z; (x + w) / 3, 1/3): a product of three normals of precision 1, one of which is the standard normal.
#[test]
fn a_product_within_a_mixture() {
    let model = products::Products::new(&products::Config::default(), &params()).unwrap();
    let (x, w, z) = ([0.4, -1.3], [1.5, 0.2], [0.7, 0.1]);
    let row = |numbers: [f64; 2]| Tensor::new(&[numbers], &Device::Cpu).unwrap();
    let density = model.q_z(&products::X(row(x)), &products::W(row(w))).unwrap();
    let normal = |mean: [f64; 2], variance: f64| -> f64 {
        let each =
            z.iter().zip(mean).map(|(z, mean)| (z - mean).powi(2) / variance + (std::f64::consts::TAU * variance).ln());
        (-0.5 * each.sum::<f64>()).exp()
    };
    let exact = 0.5 * (normal(x, 1.0) + normal([0, 1].map(|at| (x[at] + w[at]) / 3.0), 1.0 / 3.0));
    let found = nats(&density, &row(z))[0];
    // Rounding of a few numbers.
    assert!((found - exact.ln()).abs() < 1e-9, "{found} for {}", exact.ln());
}

/// Three binary codes: ln p(x) is a sum over their eight values, whatever q is, and draws follow p(y).
#[test]
fn a_latent_map_position_by_position() {
    const DRAWS: usize = 4000;
    let model = ordered_codes::OrderedCodes::new(&ordered_codes::Config::default(), &params()).unwrap();
    // Far from the initial values, where the codes are nearly independent.
    moved(model.params(), 1.0, Some(5));
    model.params().set_phase(Phase::Inference);
    let codes: Vec<f64> = (0..8).flat_map(|code| (0..3).map(move |at| f64::from(code >> at & 1))).collect();
    let codes = Tensor::from_vec(codes, (8, 1, 1, 3), &Device::Cpu).unwrap();
    let y = ordered_codes::Y(codes.clone());
    let prior = nats(&model.p_y(&y).unwrap(), &codes);
    let sum: f64 = prior.iter().map(|log| log.exp()).sum();
    assert!((sum - 1.0).abs() < 1e-12, "{sum}");

    let x = Tensor::new(&[[0.3, -0.8]], &Device::Cpu).unwrap();
    let likelihood = nats(&model.p_x(&y).unwrap(), &x.repeat((8, 1)).unwrap());
    let exact = prior.iter().zip(likelihood).map(|(prior, own)| (prior + own).exp()).sum::<f64>().ln();
    let data = Values::new().with("x", x);
    let terms = Model::bound(&model, &data, &mut Noise::seeded(2), &BoundOptions::importance(1)).unwrap();
    let found = terms.log_likelihood().unwrap().to_vec1::<f64>().unwrap()[0];
    // Rounding of a few sums of eight numbers.
    assert!((found - exact).abs() < 1e-9, "{found} for {exact}");

    let drawn = model.run("generation", &Values::new(), DRAWS, &mut Noise::seeded(7), &Draw::default()).unwrap();
    let mut counts = [0.0; 8];
    for code in drawn.get("y").unwrap().flatten_from(1).unwrap().to_vec2::<f64>().unwrap() {
        counts[code.iter().enumerate().map(|(at, value)| (*value as usize) << at).sum::<usize>()] += 1.0;
    }
    let expected: Vec<f64> = prior.iter().map(|log| log.exp() * DRAWS as f64).collect();
    assert!(expected.iter().all(|expected| *expected >= 5.0), "too rare for a χ² test: {expected:?}");
    let chi: f64 = expected.iter().zip(counts).map(|(expected, count)| (count - expected).powi(2) / expected).sum();
    // χ² with 7 degrees of freedom exceeds 30 with probability 1e-4; the seed is fixed.
    assert!(chi < 30.0, "χ² = {chi:.1}: {counts:?} for {expected:?}");
}

/// The probability of no event until c is 1 − F(c), with the integral of the density of the time.
#[test]
fn no_event_until_the_end_of_the_observation() {
    const POINTS: usize = 20_000;
    let model = censored::Censored::new(&censored::Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Inference);
    let (end, z) = (1.5, Tensor::new(&[[0.3, -0.2]], &Device::Cpu).unwrap());
    let times: Vec<f64> = (0..POINTS).map(|at| end * (at as f64 + 0.5) / POINTS as f64).collect();
    let of_time = model.p_t(&censored::Z(z.repeat((POINTS, 1)).unwrap())).unwrap();
    let before: f64 = nats(&of_time, &column(&times)).iter().map(|log| log.exp()).sum::<f64>() * end / POINTS as f64;
    let of_events = model.p_n(&censored::Z(z), &censored::C(column(&[end]))).unwrap();
    let none = nats(&of_events, &column(&[0.0]))[0].exp();
    // The shape is near 1, so the density is smooth but near 0, where the midpoint rule errs by less than 1e-5.
    assert!((none - (1.0 - before)).abs() < 1e-5, "{none} for {}", 1.0 - before);
    assert!((0.05..0.95).contains(&none), "{none} says little");
}

/// A record that lacks a positive number has no term for it, and neither it nor the others lose their gradients.
#[test]
fn a_missing_time_has_no_gradient() {
    let model = censored::Censored::new(&censored::Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Training);
    let presence = |name: &str, has: [f64; 2]| (Values::presence_of(name), Tensor::new(&has, &Device::Cpu).unwrap());
    let data = |of_the_missing: f64| {
        let (has_t, has_n) = (presence("t", [1.0, 0.0]), presence("n", [0.0, 1.0]));
        Values::new()
            .with("x", Tensor::new(&[[0.4, -1.3], [1.5, 0.2]], &Device::Cpu).unwrap())
            .with("c", column(&[2.0, 0.7]))
            .with("t", column(&[0.6, of_the_missing]))
            .with(&has_t.0, has_t.1)
            .with("n", column(&[0.0, 0.0]))
            .with(&has_n.0, has_n.1)
    };
    let gradients = |of_the_missing: f64| -> Vec<Vec<f64>> {
        let noise = &mut Noise::seeded(1);
        let terms = Model::bound(&model, &data(of_the_missing), noise, &BoundOptions::default()).unwrap();
        let slopes = terms.loss().unwrap().backward().unwrap();
        let each = model.params().entries().into_iter().filter_map(|(_, var)| slopes.get(&var).cloned());
        each.map(|slope| slope.flatten_all().unwrap().to_vec1().unwrap()).collect()
    };
    let (with_0, with_another) = (gradients(0.0), gradients(3.0));
    assert!(with_0.iter().flatten().all(|slope| slope.is_finite()), "{with_0:?}");
    assert!(with_0.iter().flatten().any(|slope| *slope != 0.0));
    assert_eq!(with_0, with_another, "the value that a record lacks is read");
}
