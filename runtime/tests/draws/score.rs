//! Score gradients are unbiased.

use super::{BATCH, bits, bits_of_features, build, close, data, gradients, moved, numbers, value};
use srvae::{BoundOptions, DType, Device, Model, Noise, Tensor};

/// Gradients along two directions: that of the exact gradient, and a random one.
fn along(gradients: &[(String, Vec<f64>)], exact: &[(String, Vec<f64>)]) -> [f64; 2] {
    let mut noise = Noise::seeded(23);
    let mut sums = [0.0; 2];
    for ((name, gradient), (of, exact)) in gradients.iter().filter(|(name, _)| is_of_model(name)).zip(exact) {
        assert_eq!(name, of);
        let random = numbers(&noise.normal(name, &[exact.len()], DType::F64, &Device::Cpu).unwrap());
        for ((value, exact), random) in gradient.iter().zip(exact).zip(random) {
            sums[0] += value * exact;
            sums[1] += value * random;
        }
    }
    sums
}

/// Whether a parameter is not one of the baseline `r`.
fn is_of_model(name: &str) -> bool {
    !name.starts_with("r.")
}

/// Means and standard errors of the score gradient over `draws` draws, compared with the exact gradient.
fn unbiased(draws: u64, samples: usize, importance: bool, exact: &dyn Fn(&dyn Model) -> Tensor) {
    unbiased_with([&bits("enumerate"), &bits("score")], draws, samples, importance, exact);
}

fn unbiased_with(
    [summed, drawn]: [&str; 2],
    draws: u64,
    samples: usize,
    importance: bool,
    exact: &dyn Fn(&dyn Model) -> Tensor,
) {
    let (summed, drawn) = (build(summed), build(drawn));
    [&summed, &drawn].iter().for_each(|model| moved(model.as_ref()));
    let mut truth = match importance {
        false => gradients(summed.as_ref(), &exact(summed.as_ref())),
        true => gradients(drawn.as_ref(), &exact(drawn.as_ref())),
    };
    truth.retain(|(name, _)| is_of_model(name));
    let wanted = along(&truth, &truth);
    let options = if importance {
        BoundOptions::importance(samples)
    } else {
        BoundOptions { samples, ..BoundOptions::default() }
    };
    let mut seen: [Vec<f64>; 2] = Default::default();
    let mut plain = [0.0; 2];
    for seed in 0..draws {
        let terms = drawn.bound(&data(), &mut Noise::seeded(seed), &options).unwrap();
        let gain = value(&terms);
        let objective = match importance {
            true => log_mean_exp(&gain),
            false => gain.mean(0).unwrap(),
        };
        let score = terms.score(&gain, importance).unwrap().unwrap();
        close(&numbers(&score), &[0.0; BATCH], 0.0, "the value of the score's term");
        let without = along(&gradients(drawn.as_ref(), &objective.sum_all().unwrap()), &truth);
        let whole = (objective + score).unwrap().sum_all().unwrap();
        let found = along(&gradients(drawn.as_ref(), &whole), &truth);
        (0..2).for_each(|at| {
            seen[at].push(found[at]);
            plain[at] += without[at] / draws as f64;
        });
    }
    for (at, seen) in seen.iter().enumerate() {
        let mean = seen.iter().sum::<f64>() / draws as f64;
        let variance = seen.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (draws - 1) as f64;
        let error = (variance / draws as f64).sqrt();
        println!("K = {samples}: {mean:.4} ± {error:.4} for {:.4}, without the score {:.4}", wanted[at], plain[at]);
        assert!((mean - wanted[at]).abs() < 4.0 * error, "K = {samples}: {mean} ± {error} for {}", wanted[at]);
    }
    // The gradient that ignores the distribution of the draws differs much from it.
    assert!((plain[0] - wanted[0]).abs() > 0.1 * wanted[0]);
}

fn log_mean_exp(values: &Tensor) -> Tensor {
    (values.exp().unwrap().mean(0).unwrap()).log().unwrap()
}

fn exact_bound(model: &dyn Model) -> Tensor {
    let terms = model.bound(&data(), &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
    value(&terms).sum_all().unwrap()
}

#[test]
fn the_score_is_unbiased() {
    // Four standard errors, exceeded by chance one time in 16,000.
    unbiased(4000, 1, false, &exact_bound);
    unbiased(2000, 4, false, &exact_bound);
}

#[test]
fn the_score_with_a_learned_baseline_is_unbiased() {
    let texts = ["enumerate", "score(baseline: r)"].map(bits_of_features);
    let texts = [texts[0].as_str(), texts[1].as_str()];
    // As above.
    unbiased_with(texts, 4000, 1, false, &exact_bound);
    unbiased_with(texts, 2000, 4, false, &exact_bound);
}

/// The fit of the baseline has the gradient of least squares, and none for the features that it shares with the model.
#[test]
fn fitting_a_baseline_trains_it_alone() {
    let model = build(&bits_of_features("score(baseline: r)"));
    moved(model.as_ref());
    for samples in [1, 3] {
        let options = BoundOptions { samples, ..BoundOptions::default() };
        let terms = model.bound(&data(), &mut Noise::seeded(4), &options).unwrap();
        let baseline = terms.scores[0].baseline.clone().unwrap();
        assert_eq!(baseline.dims(), [samples, BATCH]);
        for (name, gradient) in gradients(model.as_ref(), &baseline.sum_all().unwrap()) {
            assert_eq!(gradient.iter().any(|slope| *slope != 0.0), !is_of_model(&name), "{name}");
        }
        let gain = value(&terms).detach();
        let others = |of: &Tensor, along: usize| {
            let count = of.dim(along).unwrap() as f64 - 1.0;
            (of.sum_keepdim(along).unwrap().broadcast_sub(of).unwrap() / count).unwrap()
        };
        let left = (&gain - baseline.detach()).unwrap();
        // What the baseline is fitted to: the gain without the mean of what it leaves of other records, or of other samples.
        let target = match samples {
            1 => (&gain - others(&left, 1)).unwrap(),
            _ => ((&gain - others(&gain, 0)).unwrap() / samples as f64).unwrap(),
        };
        let squares = ((target - &baseline).unwrap().sqr().unwrap().sum_all().unwrap() * -0.5).unwrap();
        let wanted = gradients(model.as_ref(), &squares);
        let found = gradients(model.as_ref(), &terms.score(&gain, false).unwrap().unwrap().sum_all().unwrap());
        for ((name, found), (_, wanted)) in found.iter().zip(&wanted).filter(|((name, _), _)| !is_of_model(name)) {
            // Rounding of sums in f64.
            close(found, wanted, 1e-10, name);
        }
        assert_eq!(numbers(&terms.without_baselines().scores[0].log_q), numbers(&terms.scores[0].log_q));
    }
}

/// The same for the bound with two samples, whose expectation is a sum over pairs of values.
#[test]
fn the_score_of_importance_weights_is_unbiased() {
    let exact = |model: &dyn Model| {
        let each = (0..8).map(|value| {
            let mut noise = Noise::seeded(1);
            let near = |at: usize| if value >> (at % 3) & 1 == 1 { 1e-9 } else { 1.0 - 1e-9 };
            let uniform: Vec<f64> = (0..BATCH * 3).map(near).collect();
            noise.record("y", Tensor::from_vec(uniform, (BATCH, 3), &Device::Cpu).unwrap());
            model.bound(&data(), &mut noise, &BoundOptions::importance(1)).unwrap()
        });
        let each: Vec<(Tensor, Tensor)> = each.map(|terms| (terms.scores[0].log_q.clone(), value(&terms))).collect();
        let mut sum = Tensor::zeros((1, BATCH), DType::F64, &Device::Cpu).unwrap();
        for ((one_q, one), (other_q, other)) in each.iter().flat_map(|one| each.iter().map(move |other| (one, other))) {
            let pair = log_mean_exp(&Tensor::cat(&[one, other], 0).unwrap()).unsqueeze(0).unwrap();
            let probability = (one_q + other_q).unwrap().exp().unwrap();
            sum = (sum + (probability * pair).unwrap()).unwrap();
        }
        sum.sum_all().unwrap()
    };
    unbiased(3000, 2, true, &exact);
}
