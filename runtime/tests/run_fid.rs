//! The FID network compared with pytorch-fid's with the same weights, and the distance compared with scipy's.
//!
//! The numbers in `fixtures/fid` were made by the script in that folder. Weights, images and features are computed by
//! the formula that it uses.

mod toy;

use nalgebra::{DMatrix, DVector};
use srvae::data::Images;
use srvae::fid::{self, FEATURES, Inception, Options, Statistics, Weights};
use srvae::ranks::ALONE;
use srvae::{DType, Device, Draw, Tensor};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fid").join(name)
}

fn expected() -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(fixture("layers.json")).unwrap()).unwrap()
}

/// Numbers in [-0.5, 0.5) from a name, as computed by the script.
fn uniform(name: &str, count: usize) -> Vec<f64> {
    let seed = name.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mix = |at: usize| {
        let mut x = (at as u32).wrapping_mul(0x9e37_79b1).wrapping_add(seed);
        x = (x ^ x >> 16).wrapping_mul(0x7feb_352d);
        x = (x ^ x >> 15).wrapping_mul(0x846c_a68b);
        f64::from(x ^ x >> 16) / 2f64.powi(32) - 0.5
    };
    (0..count).map(mix).collect()
}

fn tensor(name: &str, shape: &[usize], change: impl Fn(f64) -> f64) -> (String, Tensor) {
    let numbers: Vec<f32> = uniform(name, shape.iter().product()).into_iter().map(|u| change(u) as f32).collect();
    (name.to_owned(), Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap())
}

/// The weights: 22 million numbers, computed once.
fn state() -> BTreeMap<String, Tensor> {
    static STATE: OnceLock<BTreeMap<String, Tensor>> = OnceLock::new();
    STATE.get_or_init(make_state).clone()
}

fn make_state() -> BTreeMap<String, Tensor> {
    let mut state = BTreeMap::new();
    for (layer, shape) in expected()["layers"].as_object().unwrap() {
        let shape: Vec<usize> = serde_json::from_value(shape.clone()).unwrap();
        let spread = (24.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
        let filters = &shape[..1];
        state.extend([
            tensor(&format!("{layer}.conv.weight"), &shape, |u| spread * u),
            tensor(&format!("{layer}.bn.weight"), filters, |u| 1.0 + 0.2 * u),
            tensor(&format!("{layer}.bn.running_var"), filters, |u| 1.0 + 0.5 * u),
            tensor(&format!("{layer}.bn.bias"), filters, |u| 0.2 * u),
            tensor(&format!("{layer}.bn.running_mean"), filters, |u| 0.2 * u),
        ]);
    }
    state
}

fn pictures() -> Tensor {
    let mut bytes: Vec<u8> =
        uniform("pictures", 3 * 3 * 1024).iter().map(|u| ((u + 0.5) * 256.0).floor() as u8).collect();
    for at in 0..3 * 1024 {
        let (row, column) = ((at % 1024 / 32) as f64, (at % 32) as f64);
        let smooth = 0.5 + 0.4 * (row / 5.0 + 1.0).sin() * (column / 7.0).cos();
        bytes[3 * 1024 + at] = (smooth * 255.0).floor() as u8;
        bytes[6 * 1024 + at] = bytes[6 * 1024 + at] / 64 * 85;
    }
    Tensor::from_vec(bytes, (3, 3, 32, 32), &Device::Cpu).unwrap()
}

#[test]
fn features_are_those_of_pytorch_fid() {
    let network = Inception::new(&state(), &Device::Cpu).unwrap();
    let ours = network.features(&pictures()).unwrap();
    let theirs = candle_core::safetensors::load(fixture("features.safetensors"), &Device::Cpu).unwrap();
    let theirs = &theirs["features"];
    assert_eq!(ours.dims(), [3, FEATURES]);
    let largest = |tensor: Tensor| tensor.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    let error = largest((&ours - theirs).unwrap()) / largest(theirs.clone());
    println!("largest difference over largest feature: {error:.1e}");
    // Sums in f32 in another order, with the normalisation folded into the weights; the measured error is 1e-6.
    assert!(error < 1e-5, "{error}");
    // A grey image equals the colour image of three equal channels.
    let grey = pictures().narrow(0, 1, 1).unwrap().narrow(1, 0, 1).unwrap();
    let coloured = network.features(&grey.repeat((1, 3, 1, 1)).unwrap()).unwrap();
    assert!(largest((network.features(&grey).unwrap() - coloured).unwrap()) == 0.0);
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let mut state = state();
    let error = |state: &BTreeMap<String, Tensor>| format!("{:#}", Inception::new(state, &Device::Cpu).unwrap_err());
    let kept = state.remove("Mixed_7c.branch1x1.bn.bias").unwrap();
    assert!(error(&state).contains("Mixed_7c.branch1x1.bn.bias is missing"));
    state.insert("Mixed_7c.branch1x1.bn.bias".into(), kept.narrow(0, 0, 8).unwrap());
    assert!(error(&state).contains("has shape [8], the network has [320]"), "{}", error(&state));
}

#[test]
fn other_weights_are_refused_unless_they_are_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("weights.safetensors");
    candle_core::safetensors::save(&state().into_iter().collect(), &path).unwrap();
    let error = format!("{:#}", Weights::read(&path, false).unwrap_err());
    assert!(
        error.contains("its SHA-256 is") && error.contains(fid::SHA256) && error.contains("--weights-any"),
        "{error}"
    );
    let weights = Weights::read(&path, true).unwrap();
    assert_ne!(weights.sha256, fid::SHA256);
    fid::load(&weights, &Device::Cpu).unwrap();
    let error = format!("{:#}", Weights::read(&place.path().join("none"), true).unwrap_err());
    assert!(error.contains("srvae-run fetch fid-weights"), "{error}");
}

/// As computed by the script: not centred, with directions of very different variances.
fn features(name: &str, count: usize, size: usize) -> Tensor {
    let spread = |at: usize| 10f64.powf(-3.0 * (at % size) as f64 / (size - 1) as f64);
    let numbers: Vec<f64> =
        uniform(name, count * size).into_iter().enumerate().map(|(at, u)| 0.3 + u * spread(at)).collect();
    Tensor::from_vec(numbers, (count, size), &Device::Cpu).unwrap()
}

fn statistics(features: &Tensor, batch: usize) -> Statistics {
    let mut statistics = Statistics::default();
    let count = features.dim(0).unwrap();
    for start in (0..count).step_by(batch) {
        statistics.add(&features.narrow(0, start, batch.min(count - start)).unwrap()).unwrap();
    }
    statistics
}

#[test]
fn distances_are_those_of_scipy_of_full_and_of_low_rank() {
    for (name, case) in expected()["distances"].as_object().unwrap() {
        let size = case["size"].as_u64().unwrap() as usize;
        let counts: [usize; 2] = serde_json::from_value(case["counts"].clone()).unwrap();
        let [first, second] = [("a", counts[0]), ("b", counts[1])]
            .map(|(part, count)| statistics(&features(&format!("{name}/{part}"), count, size), 7).moments().unwrap());
        let found = fid::distance(&first, &second);
        for key in ["exact", "pytorch_fid"] {
            let Some(theirs) = case[key].as_f64() else { continue };
            println!("{name}, {key}: {:.1e}", (found / theirs - 1.0).abs());
            // Rounding, for features whose standard deviations range over three decimals.
            assert!((found / theirs - 1.0).abs() < 1e-9, "{name}, {key}: {found} {theirs}");
        }
    }
}

#[test]
fn distances_obey_their_laws() {
    let moments = |name: &str, count| statistics(&features(name, count, 16), 5).moments().unwrap();
    let (a, b) = (moments("a", 60), moments("b", 9));
    // Here and below: rounding of sums of some hundred terms of about 1.
    assert!(fid::distance(&a, &a).abs() < 1e-12 && fid::distance(&b, &b).abs() < 1e-12);
    assert!((fid::distance(&a, &b) - fid::distance(&b, &a)).abs() < 1e-12);
    let moved = (&a.0 + DVector::from_element(16, 0.5), a.1.clone());
    assert!((fid::distance(&a, &moved) - 16.0 * 0.25).abs() < 1e-12);
    // Between diagonal covariances: the sum of the squared differences of the standard deviations.
    let diagonal = |deviations: &[f64]| {
        let variances = DVector::from_iterator(deviations.len(), deviations.iter().map(|s| s * s));
        (DVector::zeros(deviations.len()), DMatrix::from_diagonal(&variances))
    };
    assert!(
        (fid::distance(&diagonal(&[1.0, 0.0, 3.0]), &diagonal(&[2.0, 0.5, 0.0])) - (1.0 + 0.25 + 9.0)).abs() < 1e-12
    );
}

#[test]
fn statistics_do_not_depend_on_the_batches() {
    let features = features("batches", 41, 8);
    // Far from zero, where the difference of sums of squares would lose all digits.
    let far = (features * 1e-3).unwrap().affine(1.0, 1e4).unwrap();
    let (whole, parts) = (statistics(&far, 41).moments().unwrap(), statistics(&far, 3).moments().unwrap());
    // Means near 10⁴ are rounded to 2e-12. Squares of deviations near 1e-3 are 1e-6 and have the rounding error of 10⁴,
    // 1e-12.
    assert!((&whole.0 - &parts.0).norm() < 1e-9);
    assert!((&whole.1 - &parts.1).norm() < 1e-6 * whole.1.norm());
    assert!(statistics(&far.narrow(0, 0, 1).unwrap(), 1).moments().unwrap_err().to_string().contains("at least 2"));
}

#[test]
fn a_model_is_measured_with_its_protocol() {
    let network = Inception::new(&state(), &Device::Cpu).unwrap();
    let params = srvae::Params::new(1, DType::F32, &Device::Cpu);
    let model = toy::build(&Vec::new(), &params).unwrap();
    let images = toy::data().test.first(3).unwrap();
    let options = Options { samples: 3, batch: 2, draw: Draw::default(), seed: 1, ranks: &ALONE, progress: &|_, _| () };
    let real = fid::of_images(&network, &images, &options).unwrap();
    let drawn = fid::of_model(&network, model.as_ref(), &toy::spec(), &images, &options).unwrap();
    assert_eq!((real.count(), drawn.count()), (3, 3));
    let value = fid::distance(&drawn.moments().unwrap(), &real.moments().unwrap());
    let found = fid::Distance {
        value,
        samples: 3,
        real: 3,
        real_set: "test images of toy".into(),
        draw: Draw::default(),
        seed: 1,
        weights: "0".repeat(64),
    };
    assert!(value.is_finite() && value > 0.0);
    let text = found.to_string();
    for word in [
        "3 sampled images",
        "decoded by sample",
        "against 3 test images of toy",
        "8 bits",
        "00000000",
        "compare equal counts",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(found.json()["protocol"]["samples"], 3);
}

/// Values between grey levels are rounded to the nearest one, as in an image file, and values beyond black and white
/// are clamped.
#[test]
fn sampled_values_become_the_nearest_grey_levels() {
    let network = Inception::new(&state(), &Device::Cpu).unwrap();
    let params = srvae::Params::new(1, DType::F32, &Device::Cpu);
    let model = toy::build(&Vec::new(), &params).unwrap();
    let size = toy::SHAPE.iter().product::<usize>();
    // Thirds above and below a level, and two pixels outside of the range.
    let level = |at: usize| 5 + 5 * at as u32;
    let value = |at: usize| match at {
        0 => -0.2,
        1 => 1.2,
        at => (f64::from(level(at)) + if at % 2 == 0 { 0.33 } else { -0.33 }) / 255.0,
    };
    for (name, var) in params.entries() {
        let values: Vec<f32> = match name.as_str() {
            "p_x.b" => (0..size).map(|at| value(at) as f32).collect(),
            _ => vec![0.0; var.elem_count()],
        };
        var.set(&Tensor::from_vec(values, var.dims(), &Device::Cpu).unwrap()).unwrap();
    }
    let bytes: Vec<u8> = (0..size)
        .map(|at| match at {
            0 => 0,
            1 => 255,
            at => level(at) as u8,
        })
        .collect();
    let images = Images::new(toy::SHAPE, bytes.repeat(2), None).unwrap();
    let options = Options { samples: 2, batch: 2, draw: Draw::default(), seed: 1, ranks: &ALONE, progress: &|_, _| () };
    let real = fid::of_images(&network, &images, &options).unwrap();
    let drawn = fid::of_model(&network, model.as_ref(), &toy::spec(), &images, &options).unwrap();
    assert_eq!(drawn.moments().unwrap().0, real.moments().unwrap().0);
}
