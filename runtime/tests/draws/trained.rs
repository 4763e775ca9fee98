//! Parameters before such draws are trained.

use super::value;
use srvae::interpret;
use srvae::params::Phase;
use srvae::{BoundOptions, DType, Device, Noise, Params, Result, Settings, Tensor, TermKind, Values};

const TEXT: &str = include_str!("../fixtures/models/equation_five.pgm");

/// Thirty steps of the paper's equation 5: q(y | x) changes and the bound rises.
#[test]
fn equation_five_is_trained() {
    for method in ["straight_through", "score", "relaxed(temperature: 0.5)"] {
        let params = Params::new(3, DType::F32, &Device::Cpu);
        let text = TEXT.replace("draw y = straight_through", &format!("draw y = {method}"));
        let model = interpret::builder("equation_five.pgm", &text).build(&Settings::new(), &params).unwrap();
        // Images of one colour each, with a gradient of brightness.
        let pixel = |at: usize| {
            let (picture, channel, place) = (at / 768, at / 256 % 3, at % 256);
            f64::from(((picture * 37 + channel * 50 + place / 16 * 4) % 256) as u8) / 255.0
        };
        let x: Vec<f64> = (0..4 * 768).map(pixel).collect();
        let x = Tensor::from_vec(x, (4, 3, 16, 16), &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
        let data = Values::new().with("x", x);
        params.set_phase(Phase::Initialisation);
        model.bound(&data, &mut Noise::seeded(0), &BoundOptions::default()).unwrap();
        params.set_phase(Phase::Training);
        let before: Vec<(String, Tensor)> =
            params.entries().into_iter().map(|(name, var)| (name, var.as_tensor().copy().unwrap())).collect();
        let (mut first, mut second) = (vec![None; before.len()], vec![None; before.len()]);
        let (mut divergences, mut bounds) = (Vec::new(), Vec::new());
        for step in 1..=30u64 {
            let terms = model.bound(&data, &mut Noise::seeded(step), &BoundOptions::default()).unwrap();
            let of = |name: &str| terms.terms.iter().find(|term| term.name == name).unwrap();
            assert_eq!(of("KL_y").kind, TermKind::Kl);
            divergences.push(of("KL_y").value.mean_all().unwrap().to_scalar::<f32>().unwrap());
            let gain = value(&terms);
            bounds.push(gain.mean_all().unwrap().to_scalar::<f32>().unwrap());
            let mut loss = gain.mean_all().unwrap().neg().unwrap();
            if let Some(score) = terms.score(&gain, false).unwrap() {
                loss = (loss - score.mean_all().unwrap()).unwrap();
            }
            let gradients = loss.backward().unwrap();
            for (at, (name, var)) in params.entries().into_iter().enumerate() {
                let Some(gradient) = gradients.get(&var) else { panic!("{name} has no gradient with {method}") };
                let size = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(size.is_finite(), "{name} at step {step} with {method}: {bounds:?} {divergences:?}");
                adam(&var, gradient, &mut first[at], &mut second[at], step as i32).unwrap();
            }
            params.touch();
        }
        let mut moved = 0.0;
        for ((name, var), (_, before)) in
            params.entries().iter().zip(&before).filter(|((name, _), _)| name.starts_with("q_y."))
        {
            let step =
                (var.as_tensor() - before).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(step > 0.0, "{name}");
            moved += step;
        }
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let ends = |values: &[f32]| (mean(&values[..5]), mean(&values[25..]));
        let ((kl_before, kl_after), (before, after)) = (ends(&divergences), ends(&bounds));
        println!(
            "{method}: KL_y {kl_before:.1} to {kl_after:.1}, bound {before:.1} to {after:.1}, q_y moved by {:.3}",
            moved.sqrt()
        );
        assert!(after > before, "{method}: {divergences:?} {bounds:?}");
    }
}

/// A step of Adam with a learning rate of 0.005.
fn adam(
    var: &candle_core::Var,
    gradient: &Tensor,
    first: &mut Option<Tensor>,
    second: &mut Option<Tensor>,
    step: i32,
) -> Result<()> {
    let gradient = gradient.detach();
    let mix = |old: &Option<Tensor>, new: Tensor, keep: f64| -> Result<Tensor> {
        match old {
            Some(old) => (old * keep)? + (new * (1.0 - keep))?,
            None => new * (1.0 - keep),
        }
    };
    *first = Some(mix(first, gradient.clone(), 0.9)?);
    *second = Some(mix(second, gradient.sqr()?, 0.999)?);
    let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
    let (mean, scale) = ((&*first / (1.0 - 0.9f64.powi(step)))?, (&*second / (1.0 - 0.999f64.powi(step)))?.sqrt()?);
    var.set(&(var.as_tensor() - ((mean / (scale + 1e-8)?)? * 0.005)?)?)
}
