//! Discrete variables of the steps of a sequence, observed in part: those that q enumerates are summed over within their
//! steps, and those that it does not draw are summed out of p along a chain. Both give the likelihood itself.

#[path = "../../tests/moved/mod.rs"]
mod moved;
mod support;

use candle_core::{DType, Device, Tensor};
use moved::moved;
use srvae_interpreter::Interpreted;
use srvae_numerics::{BoundOptions, Decode, Draw, Model, Noise, Params, Values};
use support::{interpreted, plan};

/// Of steps that are independent of each other, with the number of steps.
fn steps(count: usize) -> String {
    format!(
        "model m\nlength T = {count}\nindex t in 1..T\nobserved x[t]: binary[4]\npartly observed y[t]: label[3]\n\
         partly observed s[t]: binary[2]\np(y[t]) = categorical\np(s[t] | y[t]) = bernoulli from y[t] |> linear\n\
         p(x[t] | y[t], s[t]) = bernoulli from concat(y[t], s[t]) |> linear\n\
         q(y[t] | x[t]) = categorical from x[t] |> linear\nq(s[t] | x[t], y[t]) = bernoulli from concat(x[t], y[t]) |> linear\n\
         draw y[t] = enumerate\ndraw s[t] = enumerate\n"
    )
}

fn build(text: &str) -> Interpreted {
    let params = Params::new(3, DType::F64, &Device::Cpu);
    let model = interpreted(text, &params);
    moved(&params, 1.0, None);
    model
}

/// A hidden Markov model with the state y and a second variable s of every step, which depends on the last state.
fn chain(role: &str, count: usize) -> String {
    let draws = if role == "observed" { "" } else { "draw y[t] = enumerate\ndraw s[t] = enumerate\n" };
    format!(
        "model m\nlength T = {count}\nindex t in 1..T\nobserved x[t]: binary[4]\n{role} y[t]: label[3]\n{role} s[t]: binary[2]\n\
         p(y[1]) = categorical\np(y[t] | y[t - 1]) = categorical from y[t - 1] |> linear\np(s[1]) = bernoulli\n\
         p(s[t] | y[t - 1]) = bernoulli from y[t - 1] |> linear\n\
         p(x[t] | y[t], s[t]) = bernoulli from concat(y[t], s[t]) |> linear\n{draws}"
    )
}

/// The values of one step of one record.
#[derive(Clone, Copy)]
struct Step {
    x: usize,
    y: usize,
    s: usize,
    has_y: bool,
    has_s: bool,
}

fn bits(number: usize, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |at| (number >> at & 1) as f64)
}

fn values(records: &[Vec<Step>], lengths: &[usize]) -> Values {
    let count = records[0].len();
    let tensor = |of: &dyn Fn(&Step) -> Vec<f64>| {
        let numbers: Vec<f64> = records.iter().flatten().flat_map(of).collect();
        let each = numbers.len() / records.len() / count;
        Tensor::from_vec(numbers, (records.len(), count, each), &Device::Cpu).unwrap()
    };
    let has = |of: &dyn Fn(&Step) -> bool| tensor(&|step| vec![f64::from(u8::from(of(step)))]).squeeze(2).unwrap();
    let ends: Vec<f64> = lengths.iter().map(|length| *length as f64).collect();
    Values::new()
        .with("x", tensor(&|step| bits(step.x, 4).collect()))
        .with("y", tensor(&|step| (0..3).map(|class| f64::from(u8::from(class == step.y))).collect()))
        .with("s", tensor(&|step| bits(step.s, 2).collect()))
        .with(&Values::presence_of("y"), has(&|step| step.has_y))
        .with(&Values::presence_of("s"), has(&|step| step.has_s))
        .with("T", Tensor::from_vec(ends, (records.len(), 1), &Device::Cpu).unwrap())
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Steps that have both variables, one of them or none, in records of different lengths.
fn records() -> (Vec<Vec<Step>>, Vec<usize>) {
    let step = |record: usize, at: usize| {
        let number = record * 5 + at * 7;
        Step {
            x: number % 16,
            y: number % 3,
            s: number % 4,
            has_y: (record + at).is_multiple_of(2),
            has_s: ((record + at) / 2).is_multiple_of(2),
        }
    };
    ((0..3).map(|record| (0..4).map(|at| step(record, at)).collect()).collect(), vec![4, 3, 1])
}

#[test]
fn importance_weights_of_steps_add_up_to_the_likelihood() {
    let (records, lengths) = records();
    let (model, one) = (build(&steps(4)), build(&steps(1)));
    // ln p of the values of one step, all of which are there.
    let joint = |step: Step| {
        let all = values(&[vec![Step { has_y: true, has_s: true, ..step }]], &[1]);
        let terms = one.bound(&all, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
        numbers(&terms.elbo().unwrap())[0]
    };
    let exact = |step: &Step| {
        let classes = if step.has_y { step.y..step.y + 1 } else { 0..3 };
        let pairs = classes.flat_map(|y| if step.has_s { step.s..step.s + 1 } else { 0..4 }.map(move |s| (y, s)));
        pairs.map(|(y, s)| joint(Step { y, s, ..*step }).exp()).sum::<f64>().ln()
    };
    let wanted: Vec<f64> =
        records.iter().zip(&lengths).map(|(steps, length)| steps[..*length].iter().map(exact).sum()).collect();
    let data = values(&records, &lengths);
    let terms = model.bound(&data, &mut Noise::seeded(1), &BoundOptions::importance(1)).unwrap();
    let found = numbers(&terms.log_likelihood().unwrap());
    // Rounding of sums of some dozens of numbers below 10.
    let near = |one: f64, other: f64| (one - other).abs() < 1e-10;
    assert!(found.iter().zip(&wanted).all(|(found, wanted)| near(*found, *wanted)), "{found:?} for {wanted:?}");
    let terms = model.bound(&data, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
    let bound = numbers(&terms.elbo().unwrap());
    assert!(bound.iter().zip(&wanted).all(|(bound, exact)| bound < exact), "{bound:?} below {wanted:?}");
    // The terms are those of the bound, whichever the weights are.
    let weighted = model.bound(&data, &mut Noise::seeded(1), &BoundOptions::importance(1)).unwrap();
    for (one, other) in terms.terms.iter().zip(&weighted.terms) {
        let (one, other) = (numbers(&one.value), numbers(&other.value));
        assert!(one.iter().zip(&other).all(|(one, other)| near(*one, *other)), "{one:?} and {other:?}");
    }
    // The bound of a sequence is the sum of those of its steps.
    for (record, (steps, length)) in records.iter().zip(&lengths).enumerate() {
        let each = steps[..*length].iter().map(|step| {
            let terms =
                one.bound(&values(&[vec![*step]], &[1]), &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
            numbers(&terms.elbo().unwrap())[0]
        });
        let sum: f64 = each.sum();
        assert!(near(bound[record], sum), "{} for {sum}", bound[record]);
    }
}

/// What a record lacks along a chain is summed out of p: the terms add up to the likelihood of what it has.
#[test]
fn a_chain_that_is_known_in_part_has_its_exact_likelihood() {
    let (records, lengths) = records();
    let (model, observed) = (build(&chain("partly observed", 4)), build(&chain("observed", 4)));
    let log_likelihood = |model: &Interpreted, data: &Values| {
        let terms = model.bound(data, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
        numbers(&terms.elbo().unwrap())
    };
    // All values of what is missing, in one batch.
    let exact = |record: &[Step], length: usize| {
        let mut all = vec![Vec::new()];
        for step in &record[..length] {
            let classes = if step.has_y { step.y..step.y + 1 } else { 0..3 };
            let pairs = classes.flat_map(|y| if step.has_s { step.s..step.s + 1 } else { 0..4 }.map(move |s| (y, s)));
            let pairs: Vec<_> = pairs.collect();
            let longer = |steps: &Vec<Step>| {
                let with = |(y, s): &(usize, usize)| [steps.as_slice(), &[Step { y: *y, s: *s, ..*step }]].concat();
                pairs.iter().map(with).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(longer).collect();
        }
        let padded = all.iter().map(|steps| [steps.as_slice(), &record[length..]].concat());
        let each = values(&padded.collect::<Vec<_>>(), &vec![length; all.len()]);
        log_likelihood(&observed, &each).iter().map(|log| log.exp()).sum::<f64>().ln()
    };
    let found = log_likelihood(&model, &values(&records, &lengths));
    let wanted: Vec<f64> = records.iter().zip(&lengths).map(|(steps, length)| exact(steps, *length)).collect();
    // Rounding of sums of some dozens of numbers below 10.
    assert!(
        found.iter().zip(&wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-10),
        "{found:?} for {wanted:?}"
    );
}

/// A label of a chain given others: its probabilities are those of all chains that have the given ones. Beside the chain alone, the
/// neighbours are given; below a latent that is summed out, all others, and not the data, which tell nothing beside the last one.
#[test]
fn a_label_given_others_has_its_exact_probabilities() {
    let (labels, classes) = (4, 3);
    for (above, given) in [("", ["a[1]", "a[3]"].as_slice()), ("c", ["a[1]", "a[3]", "a[4]"].as_slice())] {
        let read =
            |others: &[&str]| others.iter().copied().filter(|other| !other.is_empty()).collect::<Vec<_>>().join(", ");
        let head = |parents: &[&str]| match read(parents) {
            none if none.is_empty() => ("".to_owned(), "categorical".to_owned()),
            parents => (format!(" | {parents}"), format!("categorical from concat({parents}) |> linear")),
        };
        let ((first, of_first), (next, of_next)) = (head(&[above]), head(&["a[i - 1]", above]));
        let latent = match above {
            "" => "",
            _ => "latent c: binary[2]\np(c) = bernoulli\ndraw c = enumerate\n",
        };
        let model = build(&format!(
            "model m\nindex i in 1..{labels}\nobserved x: binary[4]\npartly observed a[i]: label[{classes}]\n{latent}\
             p(a[1]{first}) = {of_first}\np(a[i]{next}) = {of_next}\n\
             p(x | a[{labels}]) = bernoulli from a[{labels}] |> linear\ndraw a[i] = enumerate\n"
        ));
        let mode = model.modes().iter().find(|mode| mode.name == "classification_a[2]").unwrap();
        assert_eq!(mode.given, given);
        let all = |row: [usize; 4], rows: usize| {
            let one_hot =
                |label: usize| (0..classes).map(|class| f64::from(u8::from(class == label))).collect::<Vec<_>>();
            let tensor =
                |row: Vec<f64>, each: usize| Tensor::from_vec(row.repeat(rows), (rows, each), &Device::Cpu).unwrap();
            let x = Values::new().with("x", tensor(bits(6, 4).collect(), 4));
            let there = Tensor::from_vec(vec![1.0; rows], rows, &Device::Cpu).unwrap();
            row.iter().enumerate().fold(x, |values, (at, label)| {
                let name = format!("a[{}]", at + 1);
                let values = values.with(&Values::presence_of(&name), there.clone());
                values.with(&name, tensor(one_hot(*label), classes))
            })
        };
        let draw = Draw { decode: Decode::Mean, ..Draw::default() };
        for (one, three, four) in [(0, 1, 2), (2, 2, 0)] {
            let found = model.run(mode.name, &all([one, 0, three, four], 1), 1, &mut Noise::seeded(1), &draw).unwrap();
            let joint = |label: usize| {
                let values = all([one, label, three, four], 1);
                let terms = model.bound(&values, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
                numbers(&terms.elbo().unwrap())[0].exp()
            };
            let joint: Vec<f64> = (0..classes).map(joint).collect();
            let sum: f64 = joint.iter().sum();
            let found = numbers(found.get("a[2]").unwrap());
            // Rounding of quotients of probabilities.
            assert!(
                found.iter().zip(&joint).all(|(found, joint)| (found - joint / sum).abs() < 1e-12),
                "{found:?} for {joint:?}"
            );
            assert!(joint.iter().any(|one| (one / sum - 1.0 / 3.0).abs() > 0.05), "{joint:?} says nothing");
        }
    }
}

/// Steps after a record's end are in no term that the file adds to the objective.
#[test]
fn what_is_added_ends_with_the_record() {
    let model = build(&(chain("observed", 4) + "objective + 0.5 * ln p(x[t] | y[t], s[t])\n"));
    let (records, lengths) = records();
    let mut others = records.clone();
    for (steps, length) in others.iter_mut().zip(&lengths) {
        steps[*length..].iter_mut().for_each(|step| step.x = 15 - step.x);
    }
    let added = |records: &[Vec<Step>]| {
        let data = values(records, &lengths);
        let terms = model.bound(&data, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
        let each = terms.added.iter().flat_map(|added| numbers(&added.value));
        each.collect::<Vec<_>>()
    };
    let found = added(&records);
    assert_eq!(found, added(&others));
    assert!(found.iter().any(|number| *number < 0.0));
}

/// The number of combinations does not grow with the steps.
#[test]
fn a_long_sequence_has_one_sum_a_step() {
    let plan = plan(&steps(200));
    assert_eq!(plan.model.enumerated.groups().len(), 200);
    assert_eq!(plan.bound.enumerated.len(), 1);
}

/// N(z | mean, std²).
fn normal(z: f64, mean: f64, std: f64) -> f64 {
    (-0.5 * ((z - mean) / std).powi(2)).exp() / (std * std::f64::consts::TAU.sqrt())
}

/// The mean of a mixture's term over importance samples is the divergence of the mixture, which the trapezoidal rule gives.
#[test]
fn the_divergence_of_a_mixture_is_a_term_of_importance_weights() {
    let model = build(
        "model m\nobserved x: real[1]\nobserved w: real[1]\nlatent z: real[1]\np(z) = standard_normal\n\
         p(x | z) = normal(std: 0.5) from z |> linear\np(w | z) = normal(std: 0.7) from z |> linear\n\
         q(z | x, w) = mixture of (normal(std: 0.8) from 0.3 * x), (normal(std: 0.9) from 0.5 * w)\n",
    );
    let (x, w) = (1.5, -2.0);
    let one = |value: f64| Tensor::new(&[[value]], &Device::Cpu).unwrap();
    let data = Values::new().with("x", one(x)).with("w", one(w));
    let samples = 20_000;
    let terms = model.bound(&data, &mut Noise::seeded(2), &BoundOptions::importance(samples)).unwrap();
    let found = numbers(&terms.terms.iter().find(|term| term.name == "KL_z").unwrap().value);
    let q = |z: f64| 0.5 * normal(z, 0.3 * x, 0.8) + 0.5 * normal(z, 0.5 * w, 0.9);
    let step = 1e-3;
    let wanted: f64 =
        (-10_000..10_000).map(|at| f64::from(at) * step).map(|z| step * q(z) * (q(z) / normal(z, 0.0, 1.0)).ln()).sum();
    let mean = found.iter().sum::<f64>() / samples as f64;
    let deviation = (found.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / samples as f64).sqrt();
    // Five standard errors.
    assert!((mean - wanted).abs() < 5.0 * deviation / (samples as f64).sqrt(), "{mean} for {wanted}, ± {deviation}");
}
