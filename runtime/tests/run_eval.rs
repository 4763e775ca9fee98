//! Likelihoods against a model where they are known.

mod toy;

use srvae_runtime::eval::{Options, evaluate};
use srvae_runtime::params::Phase;
use srvae_runtime::{DType, Device, Model, Params, Tensor};

/// The toy model at chosen parameters, q being the exact posterior where `offset` is 0.
fn model(offset: f64) -> Box<dyn Model> {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = toy::build(&Vec::new(), &params).unwrap();
    let w: Vec<f64> = (0..48).map(|j| 0.1 + 0.004 * f64::from(j)).collect();
    let (b, s) = (0.4, 0.5f64);
    let precision = 1.0 + w.iter().map(|w| w * w).sum::<f64>() / (s * s);
    let v: Vec<f64> = w.iter().map(|w| w / (s * s) / precision).collect();
    let c = -b * v.iter().sum::<f64>() + offset;
    let values = [
        ("p_x.w", w.clone()),
        ("p_x.b", vec![b; 48]),
        ("p_x.log_s", vec![s.ln()]),
        ("q_z.v", v),
        ("q_z.c", vec![c]),
        ("q_z.log_t", vec![-0.5 * precision.ln()]),
    ];
    for (name, var) in params.entries() {
        let (_, numbers) = values.iter().find(|(key, _)| *key == name).unwrap();
        let numbers: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
        var.set(&Tensor::from_vec(numbers, var.dims(), &Device::Cpu).unwrap()).unwrap();
    }
    model
}

/// The mean log N(x; b, w wᵀ + s² I) over the test pictures, nats.
fn exact() -> f64 {
    let data = toy::data();
    let (b, s2) = (0.4, 0.25);
    let w: Vec<f64> = (0..48).map(|j| 0.1 + 0.004 * f64::from(j)).collect();
    let ww: f64 = w.iter().map(|w| w * w).sum();
    let one = |index: usize| {
        let r: Vec<f64> = data.test.picture(index).iter().map(|&byte| f64::from(byte) / 255.0 - b).collect();
        let rr: f64 = r.iter().map(|r| r * r).sum();
        let wr: f64 = w.iter().zip(&r).map(|(w, r)| w * r).sum();
        let quadratic = rr / s2 - wr * wr / (s2 * s2) / (1.0 + ww / s2);
        let log_det = 48.0 * s2.ln() + (1.0 + ww / s2).ln();
        -0.5 * (quadratic + log_det + 48.0 * (2.0 * std::f64::consts::PI).ln())
    };
    (0..data.test.len()).map(one).sum::<f64>() / data.test.len() as f64
}

#[test]
fn with_the_exact_posterior_every_sample_gives_the_exact_likelihood() {
    for (samples, chunk) in [(1, None), (7, Some(3)), (50, None)] {
        let options = Options { samples, chunk, ..Options::default() };
        let found = evaluate(model(0.0).as_ref(), &toy::spec(), &toy::data().test, &options).unwrap();
        assert!((found.log_likelihood - exact()).abs() < 1e-3, "{} {}", found.log_likelihood, exact());
        assert_eq!((found.images, found.samples), (20, samples));
    }
}

#[test]
fn with_another_posterior_the_estimate_rises_to_the_exact_likelihood() {
    let estimate = |samples| {
        let options = Options { samples, chunk: Some(64), ..Options::default() };
        evaluate(model(0.3).as_ref(), &toy::spec(), &toy::data().test, &options).unwrap().log_likelihood
    };
    let (one, ten, many) = (estimate(1), estimate(10), estimate(5000));
    assert!(one < ten - 0.05 && ten < many, "{one} {ten} {many}");
    assert!((many - exact()).abs() < 0.05, "{many} {}", exact());
}

#[test]
fn the_phase_is_as_it_was_and_terms_add_up_to_the_bound() {
    let model = model(0.1);
    let options = Options { samples: 4, images: Some(6), batch: Some(4), ..Options::default() };
    let found = evaluate(model.as_ref(), &toy::spec(), &toy::data().test, &options).unwrap();
    assert_eq!(model.params().phase(), Phase::Training);
    let bound = found.terms[0].2 - found.terms[1].2;
    assert!((toy::spec().bits_per_dim(bound) - found.bound).abs() < 1e-9);
    assert!(found.nll <= found.bound);
    assert_eq!(found.images, 6);
}
