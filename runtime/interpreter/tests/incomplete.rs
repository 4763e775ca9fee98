//! Modes given incomplete records: the draws for each record are given what it has. Where q is the exact posterior for every set of
//! variables that a record may have, they have the exact conditional distribution, in one batch of records with different gaps.
//!
//! Without temperature the draws of linear Gaussian models are conditional means, which are compared with those from the joint
//! covariance.

mod support;

use candle_core::{DType, Device, Tensor};
use srvae_interpreter::Interpreted;
use srvae_numerics::{Decode, Draw, Model, Noise, Params, Values};
use support::interpreted;

type Matrix = Vec<Vec<f64>>;

/// Rounding of some sums and quotients of numbers about 1.
const ROUNDING: f64 = 1e-9;

/// A chain x, y, w. q reads what is known of the later ones, and the draw of the one before.
const CHAIN: &str = "model m\npartly observed x: real[1]\npartly observed y: real[1]\npartly observed w: real[1]\n\
    let kx = known(x) |> channels(0, 1)\nlet ky = known(y) |> channels(0, 1)\nlet my = known(y) |> channels(1, 2)\n\
    let kw = known(w) |> channels(0, 1)\nlet mw = known(w) |> channels(1, 2)\n\
    let fw = mw * 1.28\nlet ew = kw * 1.6\nlet fy = my * 1.28 + (1 - my) * 0.64 * fw / (1 + 0.5 * fw)\n\
    let ey = ky * 1.6 + (1 - my) * 0.8 * ew / (1 + 0.5 * fw)\n\
    p(x) = standard_normal\np(y | x) = normal(mean: 0.8 * x, var: 0.5)\np(w | y) = normal(mean: 0.8 * y, var: 0.5)\n\
    q(x | y, w) = normal(mean: ey / (1 + fy), log_var: 0 - ((1 + fy) |> log))\n\
    q(y | x, w) = normal(mean: (1.6 * x + ew) / (2 + fw), log_var: 0 - ((2 + fw) |> log))\n";

/// The same as a sequence with missing steps, which p reads one after the other.
const SEQUENCE: &str = "model m\nlength T = 4\nindex t in 1..T\npartly observed x[t]: real[1]\n\
    let f[T + 1] = constant(0, 1)\nlet e[T + 1] = constant(0, 1)\n\
    let m[t] = known(x[t]) |> channels(1, 2)\nlet k[t] = known(x[t]) |> channels(0, 1)\n\
    let f[t] = m[t] * 1.28 + (1 - m[t]) * 0.64 * f[t + 1] / (1 + 0.5 * f[t + 1])\n\
    let e[t] = k[t] * 1.6 + (1 - m[t]) * 0.8 * e[t + 1] / (1 + 0.5 * f[t + 1])\n\
    p(x[1]) = normal(mean: 0, std: 1)\np(x[t] | x[t - 1]) = normal(mean: 0.8 * x[t - 1], var: 0.5)\n\
    q(x[1] | x[>1]) = normal(mean: e[2] / (1 + f[2]), log_var: 0 - ((1 + f[2]) |> log))\n\
    q(x[t] | x[t - 1], x[>t]) = \
        normal(mean: (1.6 * x[t - 1] + e[t + 1]) / (2 + f[t + 1]), log_var: 0 - ((2 + f[t + 1]) |> log))\n";

/// A product of experts: x[i] = a z + noise has the expert N(x / a, v / a²).
const VIEWS: &str = "model m\npartly observed x: real[1]\npartly observed y: real[1]\npartly observed w: real[1]\nlatent z: real[1]\n\
    p(z) = standard_normal\np(x | z) = normal(mean: z, var: 0.5)\np(y | z) = normal(mean: 0.5 * z, var: 0.5)\n\
    p(w | z) = normal(mean: 2 * z, var: 0.5)\n\
    q(z | x, y, w) = (normal(mean: x, var: 0.5)) * (normal(mean: 2 * y, var: 2)) * (normal(mean: 0.5 * w, var: 0.125)) * standard_normal\n";

fn model(text: &str) -> Interpreted {
    interpreted(text, &Params::new(3, DType::F64, &Device::Cpu))
}

fn column(numbers: Vec<f64>) -> Tensor {
    let rows = numbers.len();
    Tensor::from_vec(numbers, (rows, 1), &Device::Cpu).unwrap()
}

fn numbers(values: &Values, name: &str) -> Vec<f64> {
    values.get(name).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn run(model: &Interpreted, mode: &str, given: &Values, rows: usize) -> Values {
    let draw = Draw { temperature: 0.0, decode: Decode::Mean, ..Draw::default() };
    model.run(mode, given, rows, &mut Noise::seeded(3), &draw).unwrap()
}

/// The means of normal variables with mean 0 given some of them: observed ones have their values.
fn conditional(covariance: &Matrix, observed: &[Option<f64>]) -> Vec<f64> {
    let there: Vec<usize> = (0..observed.len()).filter(|at| observed[*at].is_some()).collect();
    let mut rows: Matrix = there.iter().map(|a| there.iter().map(|b| covariance[*a][*b]).collect()).collect();
    let mut weights: Vec<f64> = there.iter().filter_map(|at| observed[*at]).collect();
    let size = there.len();
    // Elimination, then substitution from below.
    for at in 0..size {
        for below in at + 1..size {
            let factor = rows[below][at] / rows[at][at];
            (at..size).for_each(|other| rows[below][other] -= factor * rows[at][other]);
            weights[below] -= factor * weights[at];
        }
    }
    for at in (0..size).rev() {
        let known: f64 = (at + 1..size).map(|other| rows[at][other] * weights[other]).sum();
        weights[at] = (weights[at] - known) / rows[at][at];
    }
    let mean = |row: &Vec<f64>| there.iter().zip(&weights).map(|(at, weight)| row[*at] * weight).sum();
    covariance.iter().map(mean).collect()
}

/// The covariance of x[t] = 0.8 x[t - 1] + noise of variance 0.5.
fn chain(steps: usize) -> Matrix {
    let variances = std::iter::successors(Some(1.0), |before| Some(0.64 * before + 0.5)).take(steps);
    let variances: Vec<f64> = variances.collect();
    let entry = |a: usize, b: usize| variances[a.min(b)] * 0.8f64.powi(a.abs_diff(b) as i32);
    (0..steps).map(|a| (0..steps).map(|b| entry(a, b)).collect()).collect()
}

/// Records with the same values and every set of gaps; 7 stands in the place of what is missing.
fn gaps(names: &[&str], values: &[f64]) -> (Vec<Vec<Option<f64>>>, Values) {
    let size = names.len();
    let rows: Vec<Vec<Option<f64>>> = (0..1usize << size)
        .map(|set| (0..size).map(|at| (set >> at & 1 == 1).then_some(values[at])).collect())
        .collect();
    let data = names.iter().enumerate().fold(Values::new(), |data, (at, name)| {
        let own = rows.iter().map(|row| row[at].unwrap_or(7.0)).collect();
        let present: Vec<f64> = rows.iter().map(|row| f64::from(u8::from(row[at].is_some()))).collect();
        data.with(name, column(own)).with(&Values::presence_of(name), Tensor::new(present, &Device::Cpu).unwrap())
    });
    (rows, data)
}

#[test]
fn a_chain_is_completed_from_what_each_record_has() {
    let model = model(CHAIN);
    let names = ["x", "y", "w"];
    let (rows, data) = gaps(&names, &[0.9, -1.1, 0.4]);
    let drawn = run(&model, "reconstruction", &data, rows.len());
    let covariance = chain(3);
    for (record, row) in rows.iter().enumerate() {
        let wanted = conditional(&covariance, row);
        for (at, name) in names.iter().enumerate() {
            // The last one is drawn from p for all records, given the one before.
            let wanted = if at == 2 && row[2].is_some() { 0.8 * wanted[1] } else { wanted[at] };
            let found = numbers(&drawn, name)[record];
            assert!((found - wanted).abs() < ROUNDING, "{name} of {row:?}: {found} for {wanted}");
        }
    }
    let mode = model.modes().iter().find(|mode| mode.name == "reconstruction").unwrap();
    assert_eq!((mode.given, mode.partly, mode.completed), (&names[..], &names[..], &names[..2]));
}

#[test]
fn each_record_of_several_views_is_encoded_by_those_that_it_has() {
    let model = model(VIEWS);
    let (rows, data) = gaps(&["x", "y", "w"], &[0.9, -1.1, 0.4]);
    let drawn = run(&model, "reconstruction", &data, rows.len());
    let maps = [1.0, 1.0, 0.5, 2.0];
    let covariance: Matrix =
        (0..4).map(|a| (0..4).map(|b| maps[a] * maps[b] + if a == b && a > 0 { 0.5 } else { 0.0 }).collect()).collect();
    for (record, row) in rows.iter().enumerate() {
        let observed: Vec<Option<f64>> = std::iter::once(None).chain(row.iter().copied()).collect();
        let z = conditional(&covariance, &observed)[0];
        for (name, map) in ["z", "x", "y", "w"].into_iter().zip(maps) {
            let found = numbers(&drawn, name)[record];
            assert!((found - map * z).abs() < ROUNDING, "{name} of {row:?}: {found} for {}", map * z);
        }
    }
}

/// A mixture draws from a component of what the record has.
#[test]
fn a_mixture_of_experts_uses_those_of_the_record() {
    let text = "model m\npartly observed x: real[1]\npartly observed w: real[1]\nlatent z: real[1]\np(z) = standard_normal\n\
        p(x | z) = normal(mean: z, std: 0.5)\np(w | z) = normal(mean: 0.5 * z, std: 0.7)\n\
        q(z | x, w) = mixture of (normal(mean: 0.7 * x, std: 0.5)), (normal(mean: 0.6 * w, std: 0.9))\n";
    let model = model(text);
    let (x, w, rows) = (0.9, -1.5, 300);
    let kind = |at: usize| at % 3;
    let present = |lacks: usize| -> Tensor {
        let all: Vec<f64> = (0..rows).map(|at| f64::from(u8::from(kind(at) != lacks))).collect();
        Tensor::new(all, &Device::Cpu).unwrap()
    };
    let given = Values::new()
        .with("x", column(vec![x; rows]))
        .with("x?", present(1))
        .with("w", column(vec![w; rows]))
        .with("w?", present(2));
    let z = numbers(&run(&model, "reconstruction", &given, rows), "z");
    let is = |z: f64, wanted: f64| (z - wanted).abs() < ROUNDING;
    let of_x = |wanted: usize| (0..rows).filter(|at| kind(*at) == wanted && is(z[*at], 0.7 * x)).count();
    let of_w = |wanted: usize| (0..rows).filter(|at| kind(*at) == wanted && is(z[*at], 0.6 * w)).count();
    assert_eq!((of_x(1), of_w(1), of_x(2), of_w(2)), (0, 100, 100, 0));
    // Five standard errors of a hundred fair choices.
    assert!(of_x(0) + of_w(0) == 100 && of_x(0).abs_diff(50) < 25, "{}", of_x(0));
}

#[test]
fn missing_steps_are_drawn_given_those_of_the_record() {
    let model = model(SEQUENCE);
    let values = [0.9, -1.1, 0.4, 0.7];
    let lengths = [4, 3, 2];
    let present: Vec<usize> = (0..16).collect();
    let all: Vec<(usize, usize)> =
        lengths.iter().flat_map(|length| present.iter().map(|set| (*length, *set))).collect();
    let has = |set: usize, step: usize| set >> step & 1 == 1;
    let x: Vec<f64> =
        all.iter().flat_map(|(_, set)| (0..4).map(|step| if has(*set, step) { values[step] } else { 7.0 })).collect();
    let there: Vec<f64> =
        all.iter().flat_map(|(_, set)| (0..4).map(|step| f64::from(u8::from(has(*set, step))))).collect();
    let tensor = |numbers: Vec<f64>, shape: &[usize]| Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
    let data = Values::new()
        .with("x", tensor(x, &[all.len(), 4, 1]))
        .with("x?", tensor(there, &[all.len(), 4]))
        .with("T", column(all.iter().map(|(length, _)| *length as f64).collect()));
    for mode in ["reconstruction", "continuation"] {
        let found = numbers(&run(&model, mode, &data, all.len()), "x");
        for (record, (length, set)) in all.iter().enumerate() {
            let seen: Vec<Option<f64>> = (0..*length).map(|step| has(*set, step).then_some(values[step])).collect();
            let mut wanted = conditional(&chain(*length), &seen);
            if mode == "continuation" {
                // Later steps follow from p.
                (*length..4).for_each(|step| wanted.push(0.8 * wanted[step - 1]));
            }
            for (step, wanted) in wanted.into_iter().enumerate() {
                let found = found[record * 4 + step];
                assert!((found - wanted).abs() < ROUNDING, "{mode}, x[{}] of {seen:?}: {found} for {wanted}", step + 1);
            }
        }
    }
}

/// A chain of states, of which a record may have some, with emissions, of which it may lack some: enumeration.
#[test]
fn states_are_drawn_given_the_states_and_emissions_of_a_record() {
    let text = "model m\nindex t in 1..3\npartly observed x[t]: real[1]\npartly observed c[t]: binary[1]\np(c[1]) = bernoulli(logits: -0.3)\n\
        p(c[t] | c[t - 1]) = bernoulli(logits: 3 * c[t - 1] - 1.5)\np(x[t] | c[t]) = normal(mean: 2 * c[t], std: 0.9)\n\
        draw c[t] = enumerate\n";
    let model = model(text);
    let (x, draws) = ([Some(0.2), None, Some(1.4)], 4000);
    for state in [None, Some(0), Some(1)] {
        let rows = |value: f64| column(vec![value; draws]);
        let presence = |has: bool| Tensor::new(vec![f64::from(u8::from(has)); draws], &Device::Cpu).unwrap();
        let given = (0..3).fold(Values::new(), |data, at| {
            let (x_t, c_t) = (format!("x[{}]", at + 1), format!("c[{}]", at + 1));
            let own = if at == 2 { state } else { None };
            data.with(&x_t, rows(x[at].unwrap_or(9.0)))
                .with(&Values::presence_of(&x_t), presence(x[at].is_some()))
                .with(&c_t, rows(own.map_or(0.0, |own| f64::from(own as u8))))
                .with(&Values::presence_of(&c_t), presence(own.is_some()))
        });
        let draw = Draw { decode: Decode::Sample, ..Draw::default() };
        let drawn = model.run("reconstruction", &given, draws, &mut Noise::seeded(5), &draw).unwrap();
        let logistic = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        let of = |p: f64, value: usize| if value == 1 { p } else { 1.0 - p };
        let (mut sums, mut all) = ([0.0; 3], 0.0);
        for path in 0..8usize {
            let c = [path & 1, path >> 1 & 1, path >> 2];
            let prior: f64 = of(logistic(-0.3), c[0])
                * (1..3).map(|t| of(logistic(3.0 * c[t - 1] as f64 - 1.5), c[t])).product::<f64>();
            let density = |t: usize| x[t].map_or(1.0, |x| (-0.5 * ((x - 2.0 * c[t] as f64) / 0.9).powi(2)).exp());
            let agrees = f64::from(u8::from(state.is_none_or(|state| state == c[2])));
            let weight = prior * (0..3).map(density).product::<f64>() * agrees;
            all += weight;
            (0..3).for_each(|t| sums[t] += weight * c[t] as f64);
        }
        for (at, sum) in sums.into_iter().enumerate() {
            let found = numbers(&drawn, &format!("c[{}]", at + 1)).iter().sum::<f64>() / draws as f64;
            let wanted = sum / all;
            // Five standard errors of a frequency; a state that the record has is certain.
            let error = 5.0 * (wanted * (1.0 - wanted) / draws as f64).sqrt() + ROUNDING;
            assert!((found - wanted).abs() < error, "c[{}] given {state:?}: {found} for {wanted}", at + 1);
        }
    }
}
