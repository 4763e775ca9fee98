//! Likelihoods compared with a model for which they are known.

mod toy;

use srvae::arrays::{Array, Numbers};
use srvae::eval::{Encoding, Options, encode, evaluate};
use srvae::params::Phase;
use srvae::{DType, Device, Model, Params, Tensor};

use toy::discrete::{self, Discrete};

/// The toy model with chosen parameters; q is the exact posterior if `offset` is 0.
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

/// KL(q(z | x) ‖ p(z | x)) in nats: both are normal with the same variance, and this is the distance of their means.
/// The logarithm of a weight is normal, with twice this value as its variance.
fn divergence(offset: f64) -> f64 {
    let w: f64 = (0..48).map(|j| (0.1 + 0.004 * f64::from(j)).powi(2)).sum();
    0.5 * offset * offset * (1.0 + w / 0.25)
}

/// The mean log N(x; b, w wᵀ + s² I) over the test images, in nats.
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
        // Every weight is the likelihood. A term sums 48 squares in f32, with an error of about 1e-6 of a few hundred
        // nats.
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
    // Five standard errors of the mean of 20 logarithms of means of 5000 weights.
    let error = ((2.0 * divergence(0.3)).exp_m1() / (20.0 * 5000.0)).sqrt();
    assert!((many - exact()).abs() < 5.0 * error, "{many} {}", exact());
}

/// If q is flatter than the posterior, the weights vary, and the estimate tends to the value by enumeration.
#[test]
fn a_model_that_can_be_enumerated_gets_its_likelihood() {
    let estimate = |power: f64, samples| {
        let options = Options { samples, ..Options::default() };
        evaluate(&Discrete::new(power), &toy::spec(), &toy::data().test, &options).unwrap()
    };
    for samples in [1, 50] {
        // Everything is computed in f64.
        let found = estimate(1.0, samples);
        assert!((found.log_likelihood - discrete::exact()).abs() < 1e-9, "{samples}");
        assert!((found.log_likelihood / found.nll + 48.0 * std::f64::consts::LN_2).abs() < 1e-9);
    }
    let (few, many) = (estimate(0.2, 2).log_likelihood, estimate(0.2, 20_000).log_likelihood);
    // The standard error with 20,000 samples of 20 images is 0.001.
    assert!(few < many - 0.01 && (many - discrete::exact()).abs() < 0.005, "{few} {many} {}", discrete::exact());
}

#[test]
fn neither_chunks_nor_batches_change_the_estimate() {
    let estimate = |chunk, batch| {
        let options = Options { samples: 30, chunk, batch, ..Options::default() };
        evaluate(model(0.3).as_ref(), &toy::spec(), &toy::data().test, &options).unwrap()
    };
    let whole = estimate(Some(30), Some(20));
    for (chunk, batch) in [(Some(1), Some(1)), (Some(7), Some(6)), (None, None), (Some(30), Some(3)), (None, Some(7))] {
        let found = estimate(chunk, batch);
        // The draws are the same; sums in f32 over other shapes differ in their last digits.
        assert!((found.log_likelihood - whole.log_likelihood).abs() < 1e-4, "{chunk:?} {batch:?}");
        assert!((found.standard_error.unwrap() - whole.standard_error.unwrap()).abs() < 1e-6);
        assert_eq!(found.by_samples.len(), 3);
        for ((k, nll), (other, expected)) in found.by_samples.iter().zip(&whole.by_samples) {
            // 1e-4 nats are 3e-6 bits per dimension.
            assert!(k == other && (nll - expected).abs() < 1e-5, "{k}");
        }
    }
}

#[test]
fn estimates_by_more_of_the_samples_are_better() {
    let options = Options { samples: 500, ..Options::default() };
    let found = evaluate(model(0.3).as_ref(), &toy::spec(), &toy::data().test, &options).unwrap();
    let (counts, bits): (Vec<usize>, Vec<f64>) = found.by_samples.iter().copied().unzip();
    assert_eq!(counts, [1, 10, 100, 500]);
    // They fall in expectation; with 20 images the error is about 0.1 nats, 0.003 bits per dimension.
    assert!(bits.is_sorted_by(|a, b| *b < a + 0.003) && bits[3] < bits[0] - 0.003, "{bits:?}");
    assert_eq!(bits[3], found.nll);
    // The bound with 500 samples of 20 images, and with the first sample only; five standard errors.
    let score = |nats: f64| toy::spec().score(nats);
    let error = |samples: f64| 5.0 * score((2.0 * divergence(0.3) / (20.0 * samples)).sqrt()).abs();
    let expected = score(exact() - divergence(0.3));
    assert!((found.bound - expected).abs() < error(500.0), "{} {expected}", found.bound);
    assert!((bits[0] - expected).abs() < error(1.0), "{} {expected}", bits[0]);
    assert!(found.nll > toy::spec().score(exact()) - 1e-3);
}

#[test]
fn the_phase_is_as_it_was_and_terms_add_up_to_the_bound() {
    let model = model(0.1);
    let options = Options { samples: 4, images: Some(6), batch: Some(4), ..Options::default() };
    let found = evaluate(model.as_ref(), &toy::spec(), &toy::data().test, &options).unwrap();
    assert_eq!(model.params().phase(), Phase::Training);
    let bound = found.terms[0].2 - found.terms[1].2;
    // Here and below: rounding of sums in f64.
    assert!((toy::spec().score(bound) - found.bound).abs() < 1e-9);
    assert!(found.nll <= found.bound);
    assert_eq!(found.images, 6);
}

/// The means over the records are those of the evaluation, whatever the chunks were.
#[test]
fn every_record_has_its_likelihood_and_terms() {
    let estimate = |chunk, batch| {
        let options = Options { samples: 7, chunk, batch, ..Options::default() };
        evaluate(&Discrete::new(0.5), &toy::spec(), &toy::data().test, &options).unwrap()
    };
    let whole = estimate(None, None);
    let columns = whole.records.columns();
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["number", "log_likelihood", "bound", "RE_x", "KL_z"]);
    let mean = |column: usize| columns[column].1.iter().sum::<f64>() / columns[column].1.len() as f64;
    assert!(columns.iter().all(|(_, values)| values.len() == whole.images));
    // Here and below: rounding of sums in f64.
    assert!((mean(1) - whole.log_likelihood).abs() < 1e-9);
    // The standard deviation of the records divided by the root of their number, in the unit of the score.
    let variance = columns[1].1.iter().map(|one| (one - mean(1)).powi(2)).sum::<f64>() / (whole.images - 1) as f64;
    let error = (variance / whole.images as f64).sqrt() / (48.0 * std::f64::consts::LN_2);
    assert!((whole.standard_error.unwrap() - error).abs() < 1e-12, "{:?} {error}", whole.standard_error);
    for (number, (name, _, value)) in whole.terms.iter().enumerate() {
        assert!((mean(3 + number) - value).abs() < 1e-9, "{name}");
    }
    for record in 0..whole.images {
        let [likelihood, bound, reconstruction, divergence] = [1, 2, 3, 4].map(|column| columns[column].1[record]);
        assert!((bound - (reconstruction - divergence)).abs() < 1e-9, "record {record}");
        assert!(likelihood >= bound - 1e-9, "record {record}: {likelihood} below {bound}");
    }
    for (found, (name, expected)) in estimate(Some(3), Some(6)).records.columns().iter().zip(&columns) {
        let close = found.1.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-9);
        assert!(close, "{name} in other portions");
    }
}

#[test]
fn latents_are_encoded_as_means_and_draws() {
    let (model, data) = (model(0.3), toy::data());
    let encoded = |draws: usize, batch: usize, seed: u64| -> Vec<Array> {
        let how = Encoding { draws, batch, seed, ..Encoding::default() };
        encode(model.as_ref(), &toy::spec(), &data.test, &how).unwrap()
    };
    let values = |array: &Array| -> Vec<f32> {
        match &array.values {
            Numbers::F32(values) => values.clone(),
            Numbers::F64(_) => panic!("latents are f32"),
        }
    };
    let found = encoded(3, 7, 1);
    let shapes: Vec<(&str, Vec<usize>)> =
        found.iter().map(|array| (array.name.as_str(), array.shape.clone())).collect();
    assert_eq!(shapes, [("z", vec![20, 1]), ("z_draws", vec![20, 3, 1])]);
    let entries = model.params().entries();
    let parameter = |name: &str| -> Vec<f32> {
        let (_, var) = entries.iter().find(|(key, _)| key == name).unwrap();
        var.flatten_all().unwrap().to_vec1().unwrap()
    };
    let (v, c) = (parameter("q_z.v"), parameter("q_z.c")[0]);
    let means = values(&found[0]);
    for (record, mean) in means.iter().enumerate() {
        let x = data.test.picture(record).iter().map(|&byte| f32::from(byte) / 255.0);
        let exact: f32 = x.zip(&v).map(|(x, v)| x * v).sum::<f32>() + c;
        // A sum of 48 products in f32.
        assert!((mean - exact).abs() < 1e-5, "record {record}: {mean}, not {exact}");
    }
    // Draws differ from each other, and depend only on the seed and the record.
    let draws = values(&found[1]);
    assert!(draws.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(draws, values(&encoded(3, 20, 1)[1]));
    assert_ne!(draws, values(&encoded(3, 7, 2)[1]));
    let fewer = values(&encoded(1, 7, 1)[1]);
    assert!(fewer.iter().enumerate().all(|(record, draw)| *draw == draws[3 * record]));
    assert_eq!(encoded(0, 7, 1).len(), 1);
}
