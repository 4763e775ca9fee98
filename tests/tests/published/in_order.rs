//! Autoregression: the distribution of a position does not depend on itself or on later positions, and draws follow the
//! density.

use super::models::pixelvae;
use super::moved::moved;
use candle_core::{DType, Device, Tensor, Var};
use srvae::dist::Distribution;
use srvae::params::Phase;
use srvae::{Draw, Model, Noise, Params, Values};
use srvae_tests::autoregressive;

fn params() -> Params {
    Params::new(3, DType::F64, &Device::Cpu)
}

/// By the gradient of each position's mean: it is 0 for the position itself and all later ones, and not 0 for all
/// earlier ones.
#[test]
fn a_position_depends_on_those_before_it_alone() {
    let model = pixelvae::Pixelvae::new(&pixelvae::Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Training);
    let (side, count) = (12, 144);
    let x: Vec<f64> = (0..count).map(|at| f64::from(u8::from(at * 7 % 5 < 2))).collect();
    let x = Var::from_tensor(&Tensor::from_vec(x, (1, 1, side, side), &Device::Cpu).unwrap()).unwrap();
    let z = Tensor::zeros((1, 8), DType::F64, &Device::Cpu).unwrap();
    let density = model.p_x(&pixelvae::Z(z), &pixelvae::X(x.as_tensor().clone())).unwrap();
    let mean = density.mean().unwrap().flatten_all().unwrap();
    for position in [0, 1, side, 5 * side + 7, count - 1] {
        let gradients = mean.get(position).unwrap().backward().unwrap();
        let gradient = match gradients.get(&x) {
            Some(gradient) => gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap(),
            None => vec![0.0; count],
        };
        assert!(gradient[position..].iter().all(|slope| *slope == 0.0), "position {position} sees what is later");
        // Even the smallest kernel reads the previous position, if there is one.
        assert!(position == 0 || gradient[position - 1] != 0.0, "position {position} does not see the one before it");
    }
}

/// Six binary pixels: the probabilities of all 64 images add up to 1, and the frequencies of draws agree with them.
#[test]
fn draws_follow_the_density() {
    const DRAWS: usize = 6400;
    let model = autoregressive::Autoregressive::new(&autoregressive::Config::default(), &params()).unwrap();
    // Far from the initial values, which are nearly the same for every pixel.
    moved(model.params(), 0.7, Some(5));
    model.params().set_phase(Phase::Inference);
    let c = |rows: usize| Tensor::from_vec([0.5, -1.0].repeat(rows), (rows, 2), &Device::Cpu).unwrap();
    let images: Vec<f64> = (0..64).flat_map(|image| (0..6).map(move |pixel| f64::from(image >> pixel & 1))).collect();
    let images = Tensor::from_vec(images, (64, 1, 3, 2), &Device::Cpu).unwrap();
    let density = model.p_x(&autoregressive::C(c(64)), &autoregressive::X(images.clone())).unwrap();
    let log_prob = density.log_prob(&images).unwrap().to_vec1::<f64>().unwrap();
    let probabilities: Vec<f64> = log_prob.into_iter().map(f64::exp).collect();
    // Rounding of 64 numbers.
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{}", probabilities.iter().sum::<f64>());
    let given = Values::new().with("c", c(1));
    let drawn = model.run("generation", &given, DRAWS, &mut Noise::seeded(7), &Draw::default()).unwrap();
    let drawn = drawn.get("x").unwrap().flatten_from(1).unwrap().to_vec2::<f64>().unwrap();
    let mut counts = [0.0; 64];
    for image in drawn {
        let number: usize = image.iter().enumerate().map(|(pixel, value)| (*value as usize) << pixel).sum();
        counts[number] += 1.0;
    }
    // Rare images are one class, so that the statistic has the χ² distribution.
    let expected = probabilities.iter().map(|probability| probability * DRAWS as f64);
    let (common, rare): (Vec<_>, Vec<_>) = expected.zip(counts).partition(|(expected, _)| *expected >= 5.0);
    let rare = rare.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let classes: Vec<(f64, f64)> = common.into_iter().chain([rare]).filter(|(expected, _)| *expected > 0.0).collect();
    let chi: f64 = classes.iter().map(|(expected, count)| (count - expected).powi(2) / expected).sum();
    // χ² with n degrees of freedom has mean n and variance 2n; the tolerance is five standard deviations.
    let freedom = (classes.len() - 1) as f64;
    assert!(chi < freedom + 5.0 * (2.0 * freedom).sqrt(), "χ² = {chi:.1} of {} classes", classes.len());
    assert!(classes.len() > 10, "{} classes", classes.len());
}
