//! Latents that q does not draw are summed out. The likelihood, its terms and the posterior are those of a sum over all
//! combinations of the latents' values, one by one, in double precision.
//!
//! The probabilities are read off a model's own factors at every value of their parents.

use super::models::{factorial_hmm, hmm, latent_class, switching_state_space};
use super::moved::moved;
use candle_core::{DType, Device, Tensor};
use srvae::dist::Distribution;
use srvae::params::Phase;
use srvae::{BoundOptions, Compiled, Decode, Draw, Model, Noise, Params, Settings, Values};

const STEPS: usize = 4;
const LENGTHS: [usize; 3] = [4, 3, 1];

/// Rounding of sums of a few thousand numbers of size 1.
const ROUNDING: f64 = 1e-9;

fn tensor(rows: &[Vec<f64>]) -> Tensor {
    Tensor::from_vec(rows.concat(), (rows.len(), rows[0].len()), &Device::Cpu).unwrap()
}

fn unit(size: usize, at: usize) -> Vec<f64> {
    (0..size).map(|other| f64::from(u8::from(other == at))).collect()
}

fn bits(size: usize, value: usize) -> Vec<f64> {
    (0..size).map(|at| (value >> at & 1) as f64).collect()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn log_prob(density: &dyn Distribution, value: Vec<f64>) -> f64 {
    numbers(&density.log_prob(&tensor(&[value])).unwrap())[0]
}

fn params() -> Params {
    Params::new(11, DType::F64, &Device::Cpu)
}

/// Moves parameters away from their initial values, at which the latents hardly matter.
fn spread(params: &Params) {
    moved(params, 1.0, Some(5));
    params.set_phase(Phase::Inference);
}

/// Binary observations of three records: `x[record][step]`.
fn sequences() -> Vec<Vec<Vec<f64>>> {
    let bit = |record: usize, step: usize, at: usize| (record * 5 + step * 3 + at * 7) % 4 < 2;
    let of_step = |record: usize, step: usize| (0..8).map(|at| f64::from(u8::from(bit(record, step, at)))).collect();
    (0..3).map(|record| (0..STEPS).map(|step| of_step(record, step)).collect()).collect()
}

fn data(x: &[Vec<Vec<f64>>]) -> Values {
    let (all, size) = (x.iter().flatten().flatten().copied().collect::<Vec<f64>>(), x[0][0].len());
    Values::new()
        .with("x", Tensor::from_vec(all, (x.len(), STEPS, size), &Device::Cpu).unwrap())
        .with("T", Tensor::from_vec(LENGTHS.map(|it| it as f64).to_vec(), (LENGTHS.len(), 1), &Device::Cpu).unwrap())
}

/// A chain of states, with probabilities and not logarithms.
struct Chain {
    first: Vec<f64>,
    /// By the state before.
    next: Vec<Vec<f64>>,
    /// By record, step and state; 1 after the end of a record.
    seen: Vec<Vec<Vec<f64>>>,
}

impl Chain {
    fn new(
        states: usize,
        (first, next): (impl Fn(usize) -> f64, impl Fn(usize, usize) -> f64),
        seen: impl Fn(usize, &[f64]) -> f64,
    ) -> Self {
        let all = || 0..states;
        let of_step = |x: &[f64]| all().map(|state| seen(state, x).exp()).collect::<Vec<f64>>();
        let of_record = |(x, length): (&Vec<Vec<f64>>, usize)| {
            let each = x.iter().enumerate();
            each.map(|(at, x)| if at < length { of_step(x) } else { vec![1.0; states] }).collect::<Vec<_>>()
        };
        Self {
            first: all().map(|to| first(to).exp()).collect(),
            next: all().map(|from| all().map(|to| next(from, to).exp()).collect()).collect(),
            seen: sequences().iter().zip(LENGTHS).map(of_record).collect(),
        }
    }

    /// The probability of every path of this many states together with what is seen on it.
    fn paths(&self, record: usize, steps: usize) -> Vec<(Vec<usize>, f64)> {
        let states = self.first.len();
        let count = states.pow(steps as u32);
        let path = |number: usize| (0..steps).map(|at| number / states.pow(at as u32) % states).collect::<Vec<usize>>();
        let weight = |path: &[usize]| {
            let seen = path.iter().zip(&self.seen[record]).map(|(state, seen)| seen[*state]).product::<f64>();
            let moved = path.windows(2).map(|pair| self.next[pair[0]][pair[1]]).product::<f64>();
            self.first[path[0]] * moved * seen
        };
        (0..count).map(|number| (path(number), weight(&path(number)))).collect()
    }

    fn log_likelihood(&self, record: usize, steps: usize) -> f64 {
        self.paths(record, steps).iter().map(|(_, weight)| weight).sum::<f64>().ln()
    }

    /// p(z[t] | x), by step and state.
    fn marginals(&self, record: usize) -> Vec<Vec<f64>> {
        let paths = self.paths(record, STEPS);
        let all: f64 = paths.iter().map(|(_, weight)| weight).sum();
        let of = |step: usize, state: usize| {
            paths.iter().filter(|(path, _)| path[step] == state).map(|(_, weight)| weight / all).sum::<f64>()
        };
        (0..STEPS).map(|step| (0..self.first.len()).map(|state| of(step, state)).collect()).collect()
    }
}

/// The whole likelihood, without noise and with any number of samples.
fn is_exact(model: &dyn Model, data: &Values, exact: &[f64]) {
    for options in [BoundOptions::default(), BoundOptions::importance(3)] {
        let terms = model.bound(data, &mut Noise::seeded(1), &options).unwrap();
        let found = numbers(&terms.log_likelihood().unwrap());
        assert_eq!(found.len(), exact.len());
        for (found, exact) in found.iter().zip(exact) {
            assert!((found - exact).abs() < ROUNDING, "{found} for {exact}");
        }
    }
}

fn hidden_markov_model() -> (hmm::Hmm, Chain) {
    let params = params();
    let model = hmm::Hmm::new(&hmm::Config::default(), &params).unwrap();
    spread(&params);
    let states = model.config().K;
    let state = |at: usize| hmm::Z(tensor(&[unit(states, at)]));
    let first = |to: usize| log_prob(&model.p_z_1().unwrap(), unit(states, to));
    let next = |from: usize, to: usize| log_prob(&model.p_z(&state(from)).unwrap(), unit(states, to));
    let chain = Chain::new(states, (first, next), |at, x| log_prob(&model.p_x(&state(at)).unwrap(), x.to_vec()));
    (model, chain)
}

#[test]
fn a_hidden_markov_model_by_all_paths() {
    let (model, chain) = hidden_markov_model();
    let data = data(&sequences());
    let exact: Vec<f64> = (0..3).map(|record| chain.log_likelihood(record, STEPS)).collect();
    is_exact(&model, &data, &exact);
    // Each term is the logarithm of the probability of a step given those before it.
    let x: Vec<hmm::X> =
        (0..STEPS).map(|step| hmm::X(data.get("x").unwrap().narrow(1, step, 1).unwrap().squeeze(1).unwrap())).collect();
    let lengths = hmm::T(data.get("T").unwrap().clone());
    let terms = model.bound(&x, &lengths, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
    for (step, term) in terms.re_x.iter().enumerate() {
        let before = |record: usize| if step == 0 { 0.0 } else { chain.log_likelihood(record, step) };
        for (record, found) in numbers(term).into_iter().enumerate() {
            let exact = chain.log_likelihood(record, step + 1) - before(record);
            assert!((found - exact).abs() < ROUNDING, "step {step} of record {record}: {found} for {exact}");
        }
    }
}

/// The probabilities of the states are those of p(z[t] | x), and pairs of draws have their joint probabilities.
#[test]
fn states_are_drawn_from_the_posterior() {
    let (model, chain) = hidden_markov_model();
    let data = data(&sequences());
    let run = |count: usize, decode: Decode| {
        let draw = Draw { decode, ..Draw::default() };
        let values = Model::run(&model, "smoothing", &data, count, &mut Noise::seeded(3), &draw).unwrap();
        numbers(values.get("z").unwrap())
    };
    let states = chain.first.len();
    let exact: Vec<f64> = (0..3).flat_map(|record| chain.marginals(record).concat()).collect();
    for (found, exact) in run(3, Decode::Mean).iter().zip(&exact) {
        assert!((found - exact).abs() < ROUNDING, "{found} for {exact}");
    }
    assert!(exact.iter().any(|one| (one - 1.0 / states as f64).abs() > 0.1), "the data say little: {exact:?}");
    let draws = 4000;
    let drawn = run(3 * draws, Decode::Sample);
    let state = |row: usize, step: usize| {
        let own = &drawn[(row * STEPS + step) * states..][..states];
        own.iter().position(|one| *one == 1.0).unwrap()
    };
    let paths = chain.paths(0, STEPS);
    let all: f64 = paths.iter().map(|(_, weight)| weight).sum();
    for pair in 0..states * states {
        let (one, next) = (pair / states, pair % states);
        let of_pair = paths.iter().filter(|(path, _)| (path[1], path[2]) == (one, next));
        let exact = of_pair.map(|(_, weight)| weight / all).sum::<f64>();
        let count = (0..draws).filter(|draw| (state(draw * 3, 1), state(draw * 3, 2)) == (one, next)).count();
        let (found, error) = (count as f64 / draws as f64, (exact * (1.0 - exact) / draws as f64).sqrt());
        // Five standard errors of a frequency, and one draw where the probability is almost 0.
        assert!((found - exact).abs() <= 5.0 * error + 1.0 / draws as f64, "{found} for {exact}");
    }
}

#[test]
fn two_chains_by_all_pairs_of_paths() {
    use factorial_hmm::{A, B, Config, FactorialHmm};
    let params = params();
    let model = FactorialHmm::new(&Config::default(), &params).unwrap();
    spread(&params);
    // A pair of states is one number.
    let k = model.config().K;
    let (a, b) = (|at: usize| unit(k, at % k), |at: usize| bits(2, at / k));
    let (of_a, of_b) = (|at: usize| A(tensor(&[a(at)])), |at: usize| B(tensor(&[b(at)])));
    let first = |to: usize| log_prob(&model.p_a_1().unwrap(), a(to)) + log_prob(&model.p_b_1().unwrap(), b(to));
    let next = |from: usize, to: usize| {
        let of_a = log_prob(&model.p_a(&of_a(from)).unwrap(), a(to));
        of_a + log_prob(&model.p_b(&of_b(from)).unwrap(), b(to))
    };
    let seen = |at: usize, x: &[f64]| log_prob(&model.p_x(&of_a(at), &of_b(at)).unwrap(), x.to_vec());
    let chain = Chain::new(4 * k, (first, next), seen);
    let exact: Vec<f64> = (0..3).map(|record| chain.log_likelihood(record, STEPS)).collect();
    is_exact(&model, &data(&sequences()), &exact);
}

/// What a record lacks adds nothing.
#[test]
fn latent_classes_of_records_with_missing_answers() {
    let params = params();
    let model = latent_class::LatentClass::new(&latent_class::Config::default(), &params).unwrap();
    spread(&params);
    let (classes, answers, questions) = (4, 3, 8);
    let answer = |record: usize, question: usize| (record * 2 + question * question) % answers;
    let has = |record: usize, question: usize| record == 0 || !(record + question).is_multiple_of(3);
    let mut data = Values::new();
    for question in 0..questions {
        let name = format!("x[{}]", question + 1);
        let x: Vec<Vec<f64>> = (0..3).map(|record| unit(answers, answer(record, question))).collect();
        let there: Vec<f64> = (0..3).map(|record| f64::from(u8::from(has(record, question)))).collect();
        data =
            data.with(&name, tensor(&x)).with(&Values::presence_of(&name), Tensor::new(there, &Device::Cpu).unwrap());
    }
    let class = |at: usize| latent_class::C(tensor(&[unit(classes, at)]));
    let of_answer = |class: &latent_class::C, question: usize, value: usize| {
        let density = model.p_x(question, class);
        log_prob(&density.unwrap(), unit(answers, value)).exp()
    };
    let exact = (0..3).map(|record| {
        let of_class = |at: usize| {
            let there = (0..questions).filter(|question| has(record, *question));
            let seen = there.map(|question| of_answer(&class(at), question, answer(record, question))).product::<f64>();
            seen * log_prob(&model.p_c().unwrap(), unit(classes, at)).exp()
        };
        (0..classes).map(of_class).sum::<f64>().ln()
    });
    is_exact(&model, &data, &exact.collect::<Vec<f64>>());
}

/// With one sample, the regimes are summed out at the sample of the continuous states: the terms differ from those of a draw of
/// the regimes, and their gradients reach every parameter.
#[test]
fn every_parameter_of_a_switching_model_has_a_gradient() {
    let params = params();
    let compiled: &Compiled = &switching_state_space::COMPILED;
    let model = (compiled.build)(&Settings::new(), &params).unwrap();
    params.set_phase(Phase::Training);
    let x: Vec<Vec<Vec<f64>>> = sequences().iter().map(|x| x.iter().map(|x| x[..4].to_vec()).collect()).collect();
    let terms = model.bound(&data(&x), &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
    let gradients = terms.loss().unwrap().backward().unwrap();
    for (name, var) in params.entries() {
        let found = gradients.get(var.as_tensor()).unwrap_or_else(|| panic!("{name} has no gradient"));
        assert!(numbers(found).iter().any(|one| *one != 0.0), "the gradient of {name} is 0");
    }
}
