//! Draws with a pathwise gradient.

use super::{close, numbers};
use srvae::dist::{Categorical, Distribution, LogisticMixture, Through};
use srvae::{DType, Device, Noise, Tensor};

#[test]
fn relaxed_draws_become_the_discrete_ones() {
    let normal = |shape: &[usize]| Noise::seeded(4).normal("", shape, DType::F64, &Device::Cpu).unwrap();
    let far = |hard: &Tensor, soft: &Tensor| {
        (hard - soft).unwrap().abs().unwrap().flatten_all().unwrap().mean(0).unwrap().to_scalar::<f64>().unwrap()
    };
    let distributions: [(Box<dyn Distribution>, f64); 3] = [
        (Box::new(Categorical::from_head(&normal(&[50, 6])).unwrap()), 0.01),
        (Box::new(srvae::dist::Bernoulli::from_head(&normal(&[50, 6])).unwrap()), 0.01),
        // The relaxed value is not rounded, so half a step of the grid remains.
        (Box::new(LogisticMixture::from_head(&normal(&[4, 30, 5, 5]), 3).unwrap()), 0.5 / 255.0 + 0.002),
    ];
    for (distribution, least) in distributions {
        let draw = |through: Option<Through>| match through {
            Some(through) => distribution.sample_through("v", &mut Noise::seeded(9), through).unwrap(),
            None => distribution.sample("v", &mut Noise::seeded(9), &srvae::Draw::default()).unwrap(),
        };
        let hard = draw(None);
        let errors = [1.0, 0.1, 0.01, 0.001].map(|temperature| far(&hard, &draw(Some(Through::Relaxed(temperature)))));
        assert!(errors.windows(2).all(|pair| pair[1] <= pair[0]) && errors[3] < least, "{errors:?}");
        assert!(errors[0] > 0.01, "{errors:?}");
        // With the straight-through gradient, the value is the draw itself.
        assert!(far(&hard, &draw(Some(Through::Straight))) < 1e-12);
    }
}

/// The straight-through gradient is that of the mean; a relaxed draw has its own derivative.
#[test]
fn gradients_pass_through_draws() {
    let logits =
        candle_core::Var::from_tensor(&Noise::seeded(4).normal("", &[1, 3], DType::F64, &Device::Cpu).unwrap())
            .unwrap();
    let weights = Tensor::new(&[[2.0, -1.0, 0.5]], &Device::Cpu).unwrap();
    let objective = |through: Through| {
        let categorical = Categorical::from_head(&logits).unwrap();
        let drawn = categorical.sample_through("v", &mut Noise::seeded(9), through).unwrap();
        (drawn * &weights).unwrap().sum_all().unwrap()
    };
    let gradient = |objective: &Tensor| numbers(objective.backward().unwrap().get(&logits).unwrap());
    let mean = {
        let exp = logits.exp().unwrap();
        (exp.broadcast_div(&exp.sum_keepdim(1).unwrap()).unwrap() * &weights).unwrap().sum_all().unwrap()
    };
    // Rounding in f64.
    close(&gradient(&objective(Through::Straight)), &gradient(&mean), 1e-12, "straight through");
    let found = gradient(&objective(Through::Relaxed(0.7)));
    let value = |at: usize, step: f64| {
        let direction =
            Tensor::from_vec((0..3).map(|it| if it == at { step } else { 0.0 }).collect(), (1, 3), &Device::Cpu);
        let before = logits.as_tensor().copy().unwrap();
        logits.set(&(&before + direction.unwrap()).unwrap()).unwrap();
        let value = objective(Through::Relaxed(0.7)).to_scalar::<f64>().unwrap();
        logits.set(&before).unwrap();
        value
    };
    let slopes: Vec<f64> = (0..3).map(|at| (value(at, 1e-5) - value(at, -1e-5)) / 2e-5).collect();
    // A difference over a step h is off by h² / 6 of the third derivative (up to about 10 here) and by rounding, 1e-16 / h: 2e-10 for 1e-5.
    close(&found, &slopes, 1e-8, "relaxed");
}

/// Extreme parameters have finite gradients: there is no 0 · ∞.
#[test]
fn extreme_parameters_have_finite_gradients() {
    // Weights, means, log-scales and coefficients of two components over three channels.
    let kinds = [(2, 200.0), (6, 1e4), (6, 300.0), (6, 50.0)];
    for (at, sign) in (0..kinds.len()).flat_map(|at| [1.0, -1.0].map(|sign| (at, sign))) {
        let head: Vec<f32> = kinds
            .iter()
            .enumerate()
            .flat_map(|(kind, (count, extreme))| vec![if kind == at { sign * extreme } else { 0.3 }; *count])
            .collect();
        let head =
            candle_core::Var::from_tensor(&Tensor::from_vec(head, (1, 20, 1, 1), &Device::Cpu).unwrap()).unwrap();
        let bits = candle_core::Var::from_tensor(&Tensor::new(&[[sign * 1e4f32, 0.0]], &Device::Cpu).unwrap()).unwrap();
        for through in [Through::Relaxed(0.5), Through::Straight] {
            let pixels = LogisticMixture::from_head(&head, 2).unwrap();
            let pixels = pixels.sample_through("v", &mut Noise::seeded(9), through).unwrap();
            let binary = srvae::dist::Bernoulli::from_head(&bits).unwrap();
            let binary = binary.sample_through("v", &mut Noise::seeded(9), through).unwrap();
            for (value, var) in [(pixels, &head), (binary, &bits)] {
                let gradient = value.sum_all().unwrap().backward().unwrap().get(var).unwrap().clone();
                let all = Tensor::cat(&[value.flatten_all().unwrap(), gradient.flatten_all().unwrap()], 0).unwrap();
                let all = all.to_vec1::<f32>().unwrap();
                assert!(all.iter().all(|number| number.is_finite()), "kind {at}, sign {sign}, {through:?}: {all:?}");
            }
        }
    }
}
