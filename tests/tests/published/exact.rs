//! Where the exact likelihood is known, the bound by K samples converges to it.
//!
//! Means, maps and variances are read off a model's own factors at chosen values (a linear map at 0 and at the unit vectors), so
//! nothing here knows how parameters are stored; the likelihood is then computed by other means than the bound's: Gaussian
//! marginals, the Kalman filter, enumeration. All in double precision.
//!
//! The tolerance is the Monte Carlo error. ln (1/K) Σ w has, to first order, the standard error s = sd(w) / (mean(w) √K) and the
//! bias −s²/2; five standard errors are one chance in two million. The error must be small as well, else nothing is tested.

use super::models::{
    factor_analysis, gaussian_mixture, known_class, linear_state_space, missing_columns, missing_steps, ppca, two_views,
};
use candle_core::{DType, Device, Tensor};
use srvae::dist::Distribution;
use srvae::params::Phase;
use srvae::{BoundOptions, Model, Noise, Params, Values};

const RECORDS: usize = 3;

/// Numbers row by row.
type Matrix = Vec<Vec<f64>>;

fn tensor(rows: &[Vec<f64>]) -> Tensor {
    Tensor::from_vec(rows.concat(), (rows.len(), rows[0].len()), &Device::Cpu).unwrap()
}

fn numbers(value: &Tensor) -> Matrix {
    value.to_vec2().unwrap()
}

/// Values that are nothing in particular, of about unit size.
fn records(size: usize) -> Matrix {
    (0..RECORDS).map(|at| (0..size).map(|column| ((at * 7 + column * 3) as f64).sin() * 1.2).collect()).collect()
}

fn unit(size: usize, at: usize) -> Vec<f64> {
    (0..size).map(|other| f64::from(u8::from(other == at))).collect()
}

/// p(x | z) = N(map z + shift, diag(variance)).
struct Linear {
    map: Matrix,
    shift: Vec<f64>,
    variance: Vec<f64>,
}

/// A linear Gaussian factor from its means at 0 and at the unit vectors, and from how fast its density falls around its mean.
fn linear(inputs: usize, factor: impl Fn(&Tensor) -> Box<dyn Distribution>) -> Linear {
    let at = |z: Vec<f64>| numbers(&factor(&tensor(&[z])).mean().unwrap()).remove(0);
    let shift = at(vec![0.0; inputs]);
    let columns: Matrix = (0..inputs).map(|column| at(unit(inputs, column))).collect();
    let map = (0..shift.len()).map(|row| columns.iter().map(|column| column[row] - shift[row]).collect()).collect();
    let density = factor(&tensor(&[vec![0.0; inputs]]));
    let log_prob = |x: Vec<f64>| density.log_prob(&tensor(&[x])).unwrap().to_vec1::<f64>().unwrap()[0];
    let top = log_prob(shift.clone());
    let variance = (0..shift.len()).map(|at| {
        let beside = shift.iter().zip(unit(shift.len(), at)).map(|(mean, step)| mean + step).collect();
        0.5 / (top - log_prob(beside))
    });
    Linear { map, variance: variance.collect(), shift }
}

/// ln N(x; mean, covariance), by elimination: each pivot is the variance of a number given those before it.
fn log_normal(x: &[f64], mean: &[f64], covariance: &Matrix) -> f64 {
    let mut rows: Matrix = covariance.clone();
    let mut left: Vec<f64> = x.iter().zip(mean).map(|(x, mean)| x - mean).collect();
    let mut sum = 0.0;
    for at in 0..left.len() {
        let pivot = rows[at][at];
        sum -= 0.5 * ((2.0 * std::f64::consts::PI * pivot).ln() + left[at] * left[at] / pivot);
        for below in at + 1..left.len() {
            let factor = rows[below][at] / pivot;
            left[below] -= factor * left[at];
            for column in at..rows[below].len() {
                rows[below][column] -= factor * rows[at][column];
            }
        }
    }
    sum
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let entry = |row: &Vec<f64>, column: usize| row.iter().zip(b).map(|(x, other)| x * other[column]).sum();
    a.iter().map(|row| (0..b[0].len()).map(|column| entry(row, column)).collect()).collect()
}

fn transposed(a: &Matrix) -> Matrix {
    (0..a[0].len()).map(|column| a.iter().map(|row| row[column]).collect()).collect()
}

/// The covariance of what a linear factor makes of a variable with this covariance.
fn spread(covariance: &Matrix, factor: &Linear) -> Matrix {
    let mut all = product(&product(&factor.map, covariance), &transposed(&factor.map));
    all.iter_mut().enumerate().for_each(|(at, row)| row[at] += factor.variance[at]);
    all
}

fn mapped(factor: &Linear, z: &[f64]) -> Vec<f64> {
    let rows = factor.map.iter().zip(&factor.shift);
    rows.map(|(row, shift)| shift + row.iter().zip(z).map(|(a, b)| a * b).sum::<f64>()).collect()
}

fn identity(size: usize) -> Matrix {
    (0..size).map(|at| unit(size, at)).collect()
}

/// Several linear factors of one variable as one.
fn together(factors: &[&Linear]) -> Linear {
    Linear {
        map: factors.iter().flat_map(|factor| factor.map.clone()).collect(),
        shift: factors.iter().flat_map(|factor| factor.shift.clone()).collect(),
        variance: factors.iter().flat_map(|factor| factor.variance.clone()).collect(),
    }
}

/// The bound by 1, by a few and by many samples against the exact value of each record.
fn converges(model: &dyn Model, data: &Values, exact: &[f64], samples: usize) {
    let weights = |samples: usize, seed: u64| -> Matrix {
        let options = BoundOptions::importance(samples);
        let terms = model.bound(data, &mut Noise::seeded(seed), &options).unwrap();
        numbers(&terms.log_weights().unwrap().t().unwrap().contiguous().unwrap())
    };
    let mut before = f64::NEG_INFINITY;
    // The mean over many groups of K samples rises with K, towards the exact value.
    let many = weights(samples, 1);
    for group in [1, 10, 100] {
        let groups = many.iter().flat_map(|of_record| of_record.chunks_exact(group).map(log_mean));
        let groups: Vec<f64> = groups.collect();
        let mean = groups.iter().sum::<f64>() / groups.len() as f64;
        assert!(mean > before, "{mean} nats by {group} samples, {before} by fewer");
        before = mean;
    }
    let all = exact.iter().sum::<f64>() / exact.len() as f64;
    // Each record has `samples` / 100 groups; their deviation is below one nat, so this is three standard errors and more.
    assert!(before < all + 0.05, "{before} nats by 100 samples, above {all}");
    for (own, exact) in many.iter().zip(exact) {
        let (found, peak) = (log_mean(own), own.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let scaled: Vec<f64> = own.iter().map(|weight| (weight - peak).exp()).collect();
        let mean = scaled.iter().sum::<f64>() / scaled.len() as f64;
        let variance = scaled.iter().map(|weight| (weight - mean).powi(2)).sum::<f64>() / scaled.len() as f64;
        let error = variance.sqrt() / (mean * (scaled.len() as f64).sqrt());
        // Where the error is small, ln(1 + error) is the error up to its square, which the next line allows.
        assert!(error < 0.1, "the error of {found} is {error}");
        assert!((found - exact).abs() <= 5.0 * error + error * error, "{found} ± {error} for {exact}");
    }
}

fn log_mean(weights: &[f64]) -> f64 {
    let peak = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    peak + (weights.iter().map(|weight| (weight - peak).exp()).sum::<f64>() / weights.len() as f64).ln()
}

fn params() -> Params {
    Params::new(11, DType::F64, &Device::Cpu)
}

/// x = W z + b + noise with z standard normal: x is normal with mean b and covariance W Wᵀ + Ψ.
fn marginal(model: &dyn Model, factor: &Linear) {
    model.params().set_phase(Phase::Inference);
    let (x, covariance) = (records(factor.shift.len()), spread(&identity(2), factor));
    let exact: Vec<f64> = x.iter().map(|x| log_normal(x, &factor.shift, &covariance)).collect();
    converges(model, &Values::new().with("x", tensor(&x)), &exact, 20_000);
}

#[test]
fn probabilistic_pca_by_its_gaussian_marginal() {
    let model = ppca::Ppca::new(&ppca::Config::default(), &params()).unwrap();
    let factor = linear(2, |z| Box::new(model.p_x(&ppca::Z(z.clone())).unwrap()));
    let all: Vec<f64> = factor.variance.iter().map(|variance| variance / factor.variance[0]).collect();
    // Quotients of numbers in f32.
    assert!(all.iter().all(|ratio| (ratio - 1.0).abs() < 1e-6), "one noise for all columns: {all:?}");
    marginal(&model, &factor);
}

#[test]
fn factor_analysis_by_its_gaussian_marginal() {
    let model = factor_analysis::FactorAnalysis::new(&factor_analysis::Config::default(), &params()).unwrap();
    let factor = linear(2, |z| Box::new(model.p_x(&factor_analysis::Z(z.clone())).unwrap()));
    marginal(&model, &factor);
}

/// A mixture of experts in q: the bound is of what a record has, ln p(x, w) or ln p(x).
#[test]
fn two_views_by_their_gaussian_marginals() {
    let model = two_views::TwoViews::new(&two_views::Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Inference);
    let of_x = linear(2, |z| Box::new(model.p_x(&two_views::Z(z.clone())).unwrap()));
    let of_w = linear(2, |z| Box::new(model.p_w(&two_views::Z(z.clone())).unwrap()));
    let (both, has_w) = (records(5), [1.0, 0.0, 1.0]);
    let part = |from: usize, to: usize| both.iter().map(|row| row[from..to].to_vec()).collect::<Matrix>();
    let exact = both.iter().zip(has_w).map(|(row, has_w)| {
        let seen = if has_w == 1.0 { vec![&of_x, &of_w] } else { vec![&of_x] };
        let factor = together(&seen);
        log_normal(&row[..factor.shift.len()], &factor.shift, &spread(&identity(2), &factor))
    });
    let exact: Vec<f64> = exact.collect();
    let data = Values::new()
        .with("x", tensor(&part(0, 3)))
        .with("w", tensor(&part(3, 5)))
        .with(&Values::presence_of("w"), Tensor::new(&has_w, &Device::Cpu).unwrap());
    converges(&model, &data, &exact, 20_000);
}

/// The sum over components is the likelihood itself, by one sample and whatever q is.
#[test]
fn gaussian_mixture_by_enumeration() {
    let model = gaussian_mixture::GaussianMixture::new(&gaussian_mixture::Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Inference);
    let x = records(6);
    let joint = |component: usize| -> Vec<f64> {
        let c = gaussian_mixture::C(tensor(&vec![unit(5, component); RECORDS]));
        let prior = model.p_c().unwrap().log_prob(&tensor(&[unit(5, component)])).unwrap().to_vec1::<f64>().unwrap()[0];
        let own = model.p_x(&c).unwrap().log_prob(&tensor(&x)).unwrap().to_vec1::<f64>().unwrap();
        own.into_iter().map(|log| log + prior).collect()
    };
    let joint: Matrix = (0..5).map(joint).collect();
    let exact = (0..RECORDS).map(|at| {
        let own: Vec<f64> = joint.iter().map(|component| component[at]).collect();
        log_mean(&own) + 5f64.ln()
    });
    let data = Values::new().with("x", tensor(&x));
    let bound = |options: &BoundOptions| Model::bound(&model, &data, &mut Noise::seeded(2), options).unwrap();
    let found = bound(&BoundOptions::importance(1)).log_likelihood().unwrap().to_vec1::<f64>().unwrap();
    let below = bound(&BoundOptions::default()).log_likelihood().unwrap().to_vec1::<f64>().unwrap();
    for ((found, below), exact) in found.into_iter().zip(below).zip(exact) {
        // Rounding of a few sums of five numbers.
        assert!((found - exact).abs() < 1e-9, "{found} for {exact}");
        // What q is not yet is lost without importance weights.
        assert!(below < exact - 1e-3, "{below} for {exact}");
    }
}

/// ln p(x[1..T]) by the Kalman filter, also of records that end early.
#[test]
fn linear_state_space_by_the_kalman_filter() {
    use linear_state_space::{Config, LinearStateSpace, Z};
    let model = LinearStateSpace::new(&Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Inference);
    let step = linear(2, |z| Box::new(model.p_z(&Z(z.clone())).unwrap()));
    let emission = linear(2, |z| Box::new(model.p_x(&Z(z.clone())).unwrap()));
    let (steps, lengths) = (4, [4usize, 3, 1]);
    let x: Vec<Matrix> = records(2 * steps).iter().map(|row| row.chunks(2).map(<[f64]>::to_vec).collect()).collect();
    let exact: Vec<f64> =
        x.iter().zip(lengths).map(|(x, length)| filtered(&seen(&x[..length]), &step, &emission)).collect();
    let all: Vec<f64> = x.iter().flatten().flatten().copied().collect();
    let data = Values::new()
        .with("x", Tensor::from_vec(all, (RECORDS, steps, 2), &Device::Cpu).unwrap())
        .with("T", Tensor::from_vec(lengths.map(|it| it as f64).to_vec(), (RECORDS, 1), &Device::Cpu).unwrap());
    converges(&model, &data, &exact, 200_000);
}

/// The same of what is there: at a step that a record lacks the filter only predicts. q reads each step where it is there.
#[test]
fn missing_steps_by_the_kalman_filter() {
    use missing_steps::{Config, MissingSteps, Z};
    let model = MissingSteps::new(&Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Inference);
    let step = linear(2, |z| Box::new(model.p_z(&Z(z.clone())).unwrap()));
    let emission = linear(2, |z| Box::new(model.p_x(&Z(z.clone())).unwrap()));
    let (steps, lengths) = (4, [4usize, 4, 3]);
    // A missing step in the middle, missing ones at both ends, and all of them.
    let present = [[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    let x: Vec<Matrix> = records(2 * steps).iter().map(|row| row.chunks(2).map(<[f64]>::to_vec).collect()).collect();
    let exact = x.iter().zip(present).zip(lengths).map(|((x, present), length)| {
        let there = x.iter().zip(present).map(|(x, present)| (present == 1.0).then_some(x.as_slice()));
        filtered(&there.take(length).collect::<Vec<_>>(), &step, &emission)
    });
    let exact: Vec<f64> = exact.collect();
    assert_eq!(exact[2], 0.0, "the density of nothing");
    let all: Vec<f64> = x.iter().flatten().flatten().copied().collect();
    let tensor = |numbers: Vec<f64>, shape: &[usize]| Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
    let data = Values::new()
        .with("x", tensor(all, &[RECORDS, steps, 2]))
        .with(&Values::presence_of("x"), tensor(present.concat(), &[RECORDS, steps]))
        .with("T", tensor(lengths.map(|it| it as f64).to_vec(), &[RECORDS, 1]));
    converges(&model, &data, &exact, 200_000);
}

/// The marginal of the cells that a row has, for several sets of them and one encoder.
#[test]
fn missing_columns_by_their_gaussian_marginals() {
    use missing_columns::{Config, MissingColumns, Z};
    let model = MissingColumns::new(&Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Inference);
    let columns: Vec<Linear> =
        (0..4).map(|at| linear(2, |z| Box::new(model.p_x(at, &Z(z.clone())).unwrap()))).collect();
    let (x, present) = (records(4), [[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]);
    let exact = x.iter().zip(present).map(|(x, present)| {
        let there: Vec<usize> = (0..4).filter(|at| present[*at] == 1.0).collect();
        let factor = together(&there.iter().map(|at| &columns[*at]).collect::<Vec<_>>());
        let x: Vec<f64> = there.iter().map(|at| x[*at]).collect();
        log_normal(&x, &factor.shift, &spread(&identity(2), &factor))
    });
    let exact: Vec<f64> = exact.collect();
    let data = (0..4).fold(Values::new(), |data, at| {
        let name = format!("x[{}]", at + 1);
        let present = Tensor::new(&present.map(|row| row[at]), &Device::Cpu).unwrap();
        let own: Matrix = x.iter().map(|row| vec![row[at]]).collect();
        data.with(&name, tensor(&own)).with(&Values::presence_of(&name), present)
    });
    converges(&model, &data, &exact, 20_000);
}

/// ln p(x, y) where a record has its class, and ln p(x), the sum over the classes, where it lacks it.
#[test]
fn known_classes_by_their_gaussian_marginals() {
    use known_class::{Config, KnownClass, Y, Z};
    let model = KnownClass::new(&Config::default(), &params()).unwrap();
    model.params().set_phase(Phase::Inference);
    let (x, classes, present) = (records(3), [0usize, 1, 1], [1.0, 0.0, 1.0]);
    let joint = |class: usize| -> Vec<f64> {
        let y = |rows: usize| Y(tensor(&vec![unit(2, class); rows]));
        let factor = linear(1, |z| Box::new(model.p_x(&y(1), &Z(z.clone())).unwrap()));
        let prior = model.p_y().unwrap().log_prob(&tensor(&[unit(2, class)])).unwrap().to_vec1::<f64>().unwrap()[0];
        let covariance = spread(&identity(1), &factor);
        x.iter().map(|x| prior + log_normal(x, &factor.shift, &covariance)).collect()
    };
    let joint = [joint(0), joint(1)];
    let exact = (0..RECORDS).map(|at| match present[at] == 1.0 {
        true => joint[classes[at]][at],
        false => log_mean(&[joint[0][at], joint[1][at]]) + 2f64.ln(),
    });
    let exact: Vec<f64> = exact.collect();
    let data = Values::new()
        .with("x", tensor(&x))
        .with("y", tensor(&classes.map(|class| unit(2, class))))
        .with(&Values::presence_of("y"), Tensor::new(&present, &Device::Cpu).unwrap());
    converges(&model, &data, &exact, 20_000);
}

fn seen(x: &[Vec<f64>]) -> Vec<Option<&[f64]>> {
    x.iter().map(|x| Some(x.as_slice())).collect()
}

/// Predict and, where there is an observation, score and correct: Kalman's filter from z[1] standard normal.
fn filtered(x: &[Option<&[f64]>], step: &Linear, emission: &Linear) -> f64 {
    let (mut mean, mut covariance) = (vec![0.0; 2], identity(2));
    let mut sum = 0.0;
    for (at, x) in x.iter().enumerate() {
        if at > 0 {
            mean = mapped(step, &mean);
            covariance = spread(&covariance, step);
        }
        let Some(x) = x else { continue };
        let (seen, around) = (mapped(emission, &mean), spread(&covariance, emission));
        sum += log_normal(x, &seen, &around);
        let [[a, b], [c, d]] = [[around[0][0], around[0][1]], [around[1][0], around[1][1]]];
        let determinant = a * d - b * c;
        let inverse = vec![vec![d / determinant, -b / determinant], vec![-c / determinant, a / determinant]];
        let gain = product(&product(&covariance, &transposed(&emission.map)), &inverse);
        let error: Matrix = x.iter().zip(&seen).map(|(x, seen)| vec![x - seen]).collect();
        let moved = product(&gain, &error);
        mean.iter_mut().zip(moved).for_each(|(mean, moved)| *mean += moved[0]);
        let lost = product(&product(&gain, &emission.map), &covariance);
        covariance.iter_mut().zip(lost).for_each(|(row, lost)| row.iter_mut().zip(lost).for_each(|(a, b)| *a -= b));
    }
    sum
}
