//! Codebooks: the nearest codes, the exact divergence, and the gradients of the paper's loss.

use srvae::dist::{Codebook, Distribution, Quantise, Through, divergence};
use srvae::{DType, Device, Draw, Noise, Params, Tensor};

const CODES: [[f64; 2]; 4] = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [-1.5, -1.0]];
/// Two rows of two channels over a map with two positions.
const POINTS: [f64; 8] = [0.9, -1.0, 0.2, -0.7, 0.1, 0.3, 1.4, -0.2];
const COMMITMENT: f64 = 0.25;

fn tensor(numbers: &[f64], shape: &[usize]) -> Tensor {
    Tensor::from_vec(numbers.to_vec(), shape, &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// A codebook with the codes above, and the path of its parameter.
fn codebook() -> (Codebook, Params) {
    let params = Params::new(1, DType::F64, &Device::Cpu);
    let codebook = Codebook::new(&params, &[2, 1, 2], 4).unwrap();
    params.entries()[0].1.set(&tensor(CODES.concat().as_slice(), &[4, 2])).unwrap();
    params.touch();
    (codebook, params)
}

/// Row, position and the number of the nearest code, found by a linear search.
fn nearest() -> Vec<(usize, usize, usize)> {
    let mut all = Vec::new();
    for row in 0..2 {
        for position in 0..2 {
            let point = [0, 1].map(|channel| POINTS[row * 4 + channel * 2 + position]);
            let distance = |code: &[f64; 2]| (code[0] - point[0]).powi(2) + (code[1] - point[1]).powi(2);
            let best = (0..4).min_by(|a, b| distance(&CODES[*a]).total_cmp(&distance(&CODES[*b]))).unwrap();
            all.push((row, position, best));
        }
    }
    all
}

#[test]
fn every_position_has_the_nearest_code() {
    let (codebook, _) = codebook();
    let q = Quantise::from_head(&tensor(&POINTS, &[2, 2, 1, 2]), COMMITMENT).unwrap().of(&codebook);
    let z = numbers(&q.sample("z", &mut Noise::seeded(1), &Draw::default()).unwrap());
    for (row, position, code) in nearest() {
        for channel in 0..2 {
            assert_eq!(z[row * 4 + channel * 2 + position], CODES[code][channel]);
        }
    }
    let kl = numbers(&divergence(&q, &codebook.expand(2).unwrap()).unwrap());
    // Here and below: rounding.
    assert!(kl.iter().all(|kl| (kl - 2.0 * 4f64.ln()).abs() < 1e-14), "{kl:?}");
    assert!(Quantise::from_head(&tensor(&POINTS, &[2, 2, 1, 2]), COMMITMENT).unwrap().mode().is_err());
}

/// The gradient of the divergence is that of |sg(h) − e|² + β |h − sg(e)|², and that of a draw is the identity.
#[test]
fn gradients_are_those_of_the_loss() {
    let (codebook, params) = codebook();
    let head = candle_core::Var::from_tensor(&tensor(&POINTS, &[2, 2, 1, 2])).unwrap();
    let q = Quantise::from_head(head.as_tensor(), COMMITMENT).unwrap().of(&codebook);
    let gradients = divergence(&q, &codebook.expand(2).unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
    let (of_head, of_codes) = (numbers(gradients.get(&head).unwrap()), gradients.get(&params.entries()[0].1).unwrap());
    let mut wanted_codes = vec![0.0; 8];
    for (row, position, code) in nearest() {
        for channel in 0..2 {
            let at = row * 4 + channel * 2 + position;
            let apart = POINTS[at] - CODES[code][channel];
            // Here and below: rounding of a few products of numbers of about 1.
            assert!((of_head[at] - 2.0 * COMMITMENT * apart).abs() < 1e-14);
            wanted_codes[code * 2 + channel] -= 2.0 * apart;
        }
    }
    for (found, wanted) in numbers(of_codes).iter().zip(wanted_codes) {
        assert!((found - wanted).abs() < 1e-14, "{found} {wanted}");
    }
    let weights = tensor(&[1.0, -2.0, 3.0, 0.5, 0.25, 4.0, -1.0, 2.0], &[2, 2, 1, 2]);
    let drawn = q.sample_through("z", &mut Noise::seeded(1), Through::Straight).unwrap();
    let gradients = (drawn * &weights).unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(numbers(gradients.get(&head).unwrap()), numbers(&weights));
    // The codes have no gradient through the draw.
    assert!(gradients.get(&params.entries()[0].1).is_none_or(|gradient| numbers(gradient).iter().all(|g| *g == 0.0)));
}

/// χ² with 3 degrees of freedom: a larger value has a probability of 1 in 10,000.
#[test]
fn the_prior_draws_every_code_alike() {
    const DRAWS: usize = 4000;
    let (codebook, _) = codebook();
    let drawn = codebook.expand(DRAWS).unwrap().sample("z", &mut Noise::seeded(4), &Draw::default()).unwrap();
    let found: Vec<u32> = codebook.nearest(&drawn).unwrap().to_vec1().unwrap();
    let mut counts = [0f64; 4];
    found.iter().for_each(|code| counts[*code as usize] += 1.0);
    let expected = (2 * DRAWS) as f64 / 4.0;
    let statistic: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
    assert!(statistic < 21.1, "{counts:?}");
    assert_eq!(numbers(&drawn), numbers(&codebook.at(&codebook.nearest(&drawn).unwrap()).unwrap()), "codes alone");
    let log = numbers(&codebook.log_prob(&drawn).unwrap());
    // Rounding of one logarithm.
    assert!(log.iter().all(|log| (log + 2.0 * 4f64.ln()).abs() < 1e-14));
}
