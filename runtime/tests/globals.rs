//! Global variables: the bound of a conjugate regression is exactly its evidence, and all records use one draw.

use srvae::interpret;
use srvae::{
    BoundOptions, DType, Device, Draw, KlEstimator, Model, Noise, Params, Setting, Settings, Tensor, Terms, Values,
};

const TEXT: &str = include_str!("fixtures/models/bayesian_regression.pgm");
const RECORDS: usize = 7;
const FEATURES: usize = 4;
const NOISE: f64 = 0.5;

fn build(text: &str, records: usize) -> (Box<dyn Model>, Params) {
    let params = Params::new(3, DType::F64, &Device::Cpu);
    let settings = Settings::from([("records".to_owned(), Setting::Int(records as i64))]);
    (interpret::builder("m.pgm", text).build(&settings, &params).unwrap(), params)
}

fn tensor(numbers: Vec<f64>, shape: &[usize]) -> Tensor {
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn normal(seed: u64, count: usize) -> Vec<f64> {
    numbers(&Noise::seeded(seed).normal("v", &[count], DType::F64, &Device::Cpu).unwrap())
}

type Matrix = Vec<Vec<f64>>;

/// L with LLᵀ = the matrix, each row up to its diagonal.
fn cholesky(matrix: &Matrix) -> Matrix {
    let mut lower: Matrix = Vec::new();
    for row in matrix {
        let mut own: Vec<f64> = Vec::new();
        for (j, above) in lower.iter().enumerate() {
            let sum: f64 = own.iter().zip(above).map(|(a, b)| a * b).sum();
            own.push((row[j] - sum) / above[j]);
        }
        let sum: f64 = own.iter().map(|a| a * a).sum();
        own.push((row[own.len()] - sum).sqrt());
        lower.push(own);
    }
    lower
}

/// The solution of a positive definite system.
fn solve(matrix: &Matrix, right: &[f64]) -> Vec<f64> {
    let lower = cholesky(matrix);
    let mut x: Vec<f64> = Vec::new();
    for (row, right) in lower.iter().zip(right) {
        let sum: f64 = row.iter().zip(&x).map(|(a, b)| a * b).sum();
        x.push((right - sum) / row[x.len()]);
    }
    for (i, row) in lower.iter().enumerate().rev() {
        x[i] /= row[i];
        let last = x[i];
        x[..i].iter_mut().zip(row).for_each(|(above, l)| *above -= l * last);
    }
    x
}

struct Regression {
    x: Matrix,
    y: Vec<f64>,
}

impl Regression {
    fn new() -> Self {
        let x: Matrix = normal(1, RECORDS * FEATURES).chunks(FEATURES).map(<[f64]>::to_vec).collect();
        let (truth, noise) = ([0.5, -1.0, 2.0, 0.1], normal(2, RECORDS));
        let y = x.iter().zip(noise).map(|(x, e)| x.iter().zip(truth).map(|(x, w)| x * w).sum::<f64>() + NOISE * e);
        Self { y: y.collect(), x }
    }

    fn data(&self) -> Values {
        let y = tensor(self.y.clone(), &[RECORDS, 1]);
        Values::new().with("x", tensor(self.x.concat(), &[RECORDS, FEATURES])).with("y", y)
    }

    /// ln N(y; 0, XXᵀ + σ²).
    fn evidence(&self) -> f64 {
        let covariance: Matrix = (0..RECORDS)
            .map(|i| {
                let dot = |j: usize| self.x[i].iter().zip(&self.x[j]).map(|(a, b)| a * b).sum::<f64>();
                (0..RECORDS).map(|j| dot(j) + if i == j { NOISE * NOISE } else { 0.0 }).collect()
            })
            .collect();
        let half_log_det: f64 = cholesky(&covariance).iter().enumerate().map(|(i, row)| row[i].ln()).sum();
        let quadratic: f64 = solve(&covariance, &self.y).iter().zip(&self.y).map(|(a, b)| a * b).sum();
        -0.5 * quadratic - half_log_det - 0.5 * RECORDS as f64 * (2.0 * std::f64::consts::PI).ln()
    }

    /// Mean and covariance of the weights given the data.
    fn posterior(&self) -> (Vec<f64>, Matrix) {
        let entry = |i: usize, j: usize| {
            let sum: f64 = self.x.iter().map(|x| x[i] * x[j]).sum();
            sum / (NOISE * NOISE) + if i == j { 1.0 } else { 0.0 }
        };
        let precision: Matrix = (0..FEATURES).map(|i| (0..FEATURES).map(|j| entry(i, j)).collect()).collect();
        let unit = |i: usize| (0..FEATURES).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        let right: Vec<f64> = (0..FEATURES)
            .map(|i| self.x.iter().zip(&self.y).map(|(x, y)| x[i] * y).sum::<f64>() / (NOISE * NOISE))
            .collect();
        (solve(&precision, &right), (0..FEATURES).map(|i| solve(&precision, &unit(i))).collect())
    }
}

/// The model with the posterior as q.
fn exact(regression: &Regression, records: usize) -> Box<dyn Model> {
    let (model, params) = build(TEXT, records);
    let (mean, covariance) = regression.posterior();
    let lower = cholesky(&covariance);
    let mut head = mean;
    // Row by row up to the diagonal, which is stored as logarithms.
    for (i, row) in lower.iter().enumerate() {
        head.extend(row.iter().enumerate().map(|(j, value)| if i == j { value.ln() } else { *value }));
    }
    let entries = params.entries();
    assert_eq!(entries.len(), 1, "q has the only parameters");
    let shape = entries[0].1.dims().to_vec();
    entries[0].1.set(&tensor(head, &shape)).unwrap();
    params.touch();
    model
}

fn sums(terms: &Terms) -> Vec<f64> {
    numbers(&terms.log_weights().unwrap().sum(1).unwrap())
}

/// If q is the posterior, ln p(y | w) + ln p(w) − ln q(w) is the evidence for every w. The bound, summed over the
/// records, equals it at every draw.
#[test]
fn the_bound_at_the_posterior_is_the_evidence() {
    let regression = Regression::new();
    let (model, evidence) = (exact(&regression, RECORDS), regression.evidence());
    let options = BoundOptions { samples: 5, kl: KlEstimator::MonteCarlo };
    let terms = model.bound(&regression.data(), &mut Noise::seeded(4), &options).unwrap();
    for sum in sums(&terms) {
        // Rounding of some dozen operations on numbers of about 10.
        assert!((sum - evidence).abs() < 1e-10 * (1.0 + evidence.abs()), "{sum} {evidence}");
    }
    // With the closed form, on average: within five standard errors of the mean of the draws.
    let options = BoundOptions { samples: 4000, ..BoundOptions::default() };
    let each = sums(&model.bound(&regression.data(), &mut Noise::seeded(4), &options).unwrap());
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    let variance = each.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / each.len() as f64;
    assert!((mean - evidence).abs() < 5.0 * (variance / each.len() as f64).sqrt(), "{mean} {evidence}");
}

/// A record has its share of the divergence whatever batch it is in, and all records of a batch use the same draw.
#[test]
fn a_record_has_its_share() {
    let regression = Regression::new();
    let term = |model: &dyn Model, name: &str, samples: usize| {
        let options = BoundOptions { samples, ..BoundOptions::default() };
        let terms = model.bound(&regression.data(), &mut Noise::seeded(4), &options).unwrap();
        let term = terms.terms.into_iter().find(|term| term.name == name).unwrap();
        assert_eq!(term.value.dims(), [samples, RECORDS]);
        numbers(&term.value)
    };
    let (one, ten) = (exact(&regression, 1), exact(&regression, 10));
    for (whole, share) in term(one.as_ref(), "KL_w", 2).iter().zip(term(ten.as_ref(), "KL_w", 2)) {
        // Rounding of a quotient.
        assert!(*whole > 0.0 && (whole / 10.0 - share).abs() < 1e-14, "{whole} {share}");
    }
    // Two equal records have the same draw and the same log-likelihood; another sample is another draw.
    let twice = Values::new()
        .with("x", tensor([regression.x[0].clone(), regression.x[0].clone()].concat(), &[2, FEATURES]))
        .with("y", tensor(vec![regression.y[0]; 2], &[2, 1]));
    let options = BoundOptions { samples: 2, ..BoundOptions::default() };
    let terms = ten.bound(&twice, &mut Noise::seeded(4), &options).unwrap();
    let likelihood = numbers(&terms.terms.iter().find(|term| term.name == "RE_y").unwrap().value);
    assert!(likelihood[0] == likelihood[1] && likelihood[2] == likelihood[3] && likelihood[0] != likelihood[2]);
}

/// Micro-batches and chunks of samples have the same draws as the whole batch.
#[test]
fn portions_draw_the_same() {
    let regression = Regression::new();
    let (model, data) = (exact(&regression, RECORDS), regression.data());
    let part = |from: usize, count: usize| {
        let narrow = |name: &str| data.get(name).unwrap().narrow(0, from, count).unwrap();
        Values::new().with("x", narrow("x")).with("y", narrow("y"))
    };
    let run = |samples: std::ops::Range<usize>, from: usize, count: usize| {
        let options = BoundOptions { samples: samples.len(), ..BoundOptions::default() };
        let mut noise = Noise::of_rows(8, samples, from..from + count);
        let terms = model.bound(&part(from, count), &mut noise, &options).unwrap();
        terms.log_weights().unwrap().to_vec2::<f64>().unwrap()
    };
    let whole = run(0..3, 0, RECORDS);
    for (from, count) in [(0, 3), (3, 1), (4, 3)] {
        for (sample, row) in run(0..3, from, count).iter().enumerate() {
            assert_eq!(row[..], whole[sample][from..from + count]);
        }
    }
    assert_eq!(run(2..3, 0, RECORDS)[0], whole[2]);
}

/// Modes given data draw the weights from q, not from the prior.
#[test]
fn modes_draw_what_the_data_taught() {
    let regression = Regression::new();
    let model = exact(&regression, RECORDS);
    let count = 4000;
    let given = Values::new().with("x", tensor([1.0, 0.0, 0.0, 0.0].repeat(count), &[count, FEATURES]));
    let drawn = model.run("generation", &given, count, &mut Noise::seeded(1), &Draw::default()).unwrap();
    let y = numbers(drawn.get("y").unwrap());
    let mean = y.iter().sum::<f64>() / count as f64;
    let (posterior, covariance) = regression.posterior();
    // Five standard errors.
    let error = 5.0 * ((covariance[0][0] + NOISE * NOISE) / count as f64).sqrt();
    assert!((mean - posterior[0]).abs() < error, "{mean} {}", posterior[0]);
}
