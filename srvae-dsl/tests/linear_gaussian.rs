//! Compares the derived bound of random linear-Gaussian graphs with their exact marginal likelihood.
//!
//! A small interpreter in this file runs the programs: linear networks with normals, one record and one sample at a
//! time. This tests the derivation (terms, estimators, expectations) and the programs. Other tests check that generated
//! code computes the same.

#[allow(dead_code)] // Each test file uses a part of it.
mod random;
mod support;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random::{Dice, linear_gaussian};
use srvae_dsl::derive::TermKind;
use srvae_dsl::graph::{Side, Value, VariableId};
use srvae_dsl::plan::{Operation, PartId, PartKind, Plan, Program};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use support::plan_of_text;

const SAMPLES: usize = 4000;

/// A diagonal normal.
#[derive(Clone)]
struct Normal {
    mean: Vec<f64>,
    log_var: Vec<f64>,
}

impl Normal {
    fn log_prob(&self, value: &[f64]) -> f64 {
        let each = value.iter().zip(&self.mean).zip(&self.log_var);
        each.map(|((x, m), v)| -0.5 * ((x - m).powi(2) / v.exp() + v + TAU.ln())).sum()
    }

    fn sample(&self, dice: &mut Dice) -> Vec<f64> {
        self.mean.iter().zip(&self.log_var).map(|(m, v)| m + (0.5 * v).exp() * dice.normal()).collect()
    }

    fn kl(&self, p: &Self) -> f64 {
        let each = self.mean.iter().zip(&self.log_var).zip(p.mean.iter().zip(&p.log_var));
        each.map(|((m, v), (pm, pv))| 0.5 * (pv - v + (v.exp() + (m - pm).powi(2)) / pv.exp() - 1.0)).sum()
    }
}

type Values = BTreeMap<VariableId, Vec<f64>>;

/// A layer: one row of weights and a bias for each output.
type Layer = (Vec<Vec<f64>>, Vec<f64>);

/// The value of one step of a program.
#[derive(Clone)]
enum Held {
    Tensor(Vec<f64>),
    Distribution(Normal),
    /// In nats; the second number has every divergence estimated at the draw.
    Nats(f64, f64),
}

impl Held {
    fn tensor(&self) -> &[f64] {
        match self {
            Self::Tensor(values) => values,
            _ => panic!("not a tensor"),
        }
    }

    fn distribution(&self) -> &Normal {
        match self {
            Self::Distribution(normal) => normal,
            _ => panic!("not a distribution"),
        }
    }

    fn nats(&self) -> (f64, f64) {
        match self {
            Self::Nats(derived, drawn) => (*derived, *drawn),
            _ => panic!("not nats"),
        }
    }
}

/// A plan with weights.
struct Machine {
    plan: Plan,
    layers: BTreeMap<PartId, Layer>,
}

impl Machine {
    fn new(plan: Plan, dice: &mut Dice) -> Self {
        let mut layers = BTreeMap::new();
        for (at, part) in plan.parts.all.iter().enumerate() {
            let PartKind::Layer { block, inferred } = &part.kind else { continue };
            let out = block.args.iter().find(|argument| argument.name == "out").unwrap();
            let Value::Int(outputs) = out.value else { panic!("{out:?}") };
            let (inputs, outputs) = (part.inputs[0][0], outputs as usize);
            let row = |dice: &mut Dice, output: usize| -> (Vec<f64>, f64) {
                // The second half of the outputs are log-variances. They are constant, and larger for q, so that
                // importance weights have a variance.
                if inferred.is_some() && output >= outputs / 2 {
                    let is_p = part.path.starts_with("p_");
                    return (vec![0.0; inputs], if is_p { dice.between(-0.6, 0.2) } else { dice.between(0.3, 0.8) });
                }
                ((0..inputs).map(|_| dice.between(-0.7, 0.7)).collect(), dice.between(-0.5, 0.5))
            };
            let rows: Vec<_> = (0..outputs).map(|output| row(dice, output)).collect();
            layers.insert(PartId(at), rows.into_iter().unzip());
        }
        Self { plan, layers }
    }

    /// Runs a program and returns every value in order.
    fn run(&self, program: &Program, given: &Values, dice: &mut Dice) -> Vec<Held> {
        let mut held: Vec<Held> = Vec::new();
        for value in &program.values {
            let input = |at: usize| &held[value.inputs[at].0];
            held.push(match &value.operation {
                Operation::Given(id) => Held::Tensor(given[id].clone()),
                Operation::Function(call) if call.name == "concat" => {
                    let all = value.inputs.iter().flat_map(|input| held[input.0].tensor());
                    Held::Tensor(all.copied().collect())
                }
                Operation::Layer(part) => {
                    let (rows, biases) = &self.layers[part];
                    let dot = |row: &Vec<f64>| row.iter().zip(input(0).tensor()).map(|(a, b)| a * b).sum::<f64>();
                    Held::Tensor(rows.iter().zip(biases).map(|(row, bias)| dot(row) + bias).collect())
                }
                Operation::Root(part) => {
                    let zero = vec![0.0; self.plan.parts.part(*part).inputs[0][0]];
                    Held::Distribution(Normal { mean: zero.clone(), log_var: zero })
                }
                Operation::Head { .. } => {
                    let (mean, log_var) = input(0).tensor().split_at(input(0).tensor().len() / 2);
                    Held::Distribution(Normal { mean: mean.to_vec(), log_var: log_var.to_vec() })
                }
                // One record, one sample.
                Operation::Repeat | Operation::Expand | Operation::PerSample => input(0).clone(),
                Operation::Draw(..) => Held::Tensor(input(0).distribution().sample(dice)),
                Operation::LogProb => {
                    let nats = input(0).distribution().log_prob(input(1).tensor());
                    Held::Nats(nats, nats)
                }
                Operation::Divergence => {
                    let (q, p, at) = (input(0).distribution(), input(1).distribution(), input(2).tensor());
                    Held::Nats(q.kl(p), q.log_prob(at) - p.log_prob(at))
                }
                Operation::LogRatio => {
                    let ratio = input(0).nats().0 - input(1).nats().0;
                    Held::Nats(ratio, ratio)
                }
                other => panic!("{other:?} is not linear"),
            });
        }
        held
    }

    /// The distribution of a variable under p, given the values of its parents.
    fn distribution(&self, id: VariableId, values: &Values, dice: &mut Dice) -> Normal {
        let program = &self.plan.factor(Side::P, id).unwrap().program;
        self.run(program, values, dice).swap_remove(program.outputs()[0].0).distribution().clone()
    }

    /// One sample of the bound, and the same with every divergence estimated at the draw.
    fn bound(&self, data: &Values, dice: &mut Dice) -> (f64, f64) {
        let held = self.run(&self.plan.bound, data, dice);
        let (mut derived, mut drawn) = (0.0, 0.0);
        for (term, value) in self.plan.derivation.terms.iter().zip(self.plan.bound.outputs()) {
            let sign = if matches!(term.kind, TermKind::Reconstruction) { 1.0 } else { -1.0 };
            let nats = held[value.0].nats();
            derived += sign * nats.0;
            drawn += sign * nats.1;
        }
        (derived, drawn)
    }

    /// Data drawn from p, and their exact marginal log-likelihood.
    fn marginal(&self, dice: &mut Dice) -> (Values, f64) {
        let model = &self.plan.model;
        let sizes: Vec<usize> = model.variables.iter().map(|variable| variable.shape[0]).collect();
        let offset: Vec<usize> = sizes.iter().scan(0, |end, size| Some(std::mem::replace(end, *end + size))).collect();
        let total: usize = sizes.iter().sum();
        // Every number is a constant plus a linear combination of independent standard normals, one per number.
        let (mut mean, mut root) = (vec![0.0; total], vec![vec![0.0; total]; total]);
        let mut drawn = Values::new();
        for p in &model.p {
            let own = self.distribution(p.variable, &drawn, dice).sample(dice);
            drawn.insert(p.variable, own);
            let zero: Values = p.parents.iter().map(|id| (id, vec![0.0; sizes[id.0]])).collect();
            let base = self.distribution(p.variable, &zero, dice);
            for at in 0..sizes[p.variable.0] {
                let row = offset[p.variable.0] + at;
                mean[row] = base.mean[at];
                root[row][row] = (0.5 * base.log_var[at]).exp();
            }
            for parent in p.parents.iter() {
                for index in 0..sizes[parent.0] {
                    let mut unit = zero.clone();
                    unit.get_mut(&parent).unwrap()[index] = 1.0;
                    let slope = self.distribution(p.variable, &unit, dice).mean;
                    for at in 0..sizes[p.variable.0] {
                        let (row, from) = (offset[p.variable.0] + at, offset[parent.0] + index);
                        let slope = slope[at] - base.mean[at];
                        mean[row] += slope * mean[from];
                        let (own, other) = (root[row].clone(), root[from].clone());
                        root[row] = own.iter().zip(&other).map(|(own, other)| own + slope * other).collect();
                    }
                }
            }
        }
        let data: Values = self.plan.bound.given.iter().map(|id| (*id, drawn[id].clone())).collect();
        let rows: Vec<usize> = data.keys().flat_map(|id| offset[id.0]..offset[id.0] + sizes[id.0]).collect();
        let values: Vec<f64> = data.values().flatten().copied().collect();
        let centred: Vec<f64> = values.iter().zip(&rows).map(|(value, row)| value - mean[*row]).collect();
        let dot = |a: usize, b: usize| root[a].iter().zip(&root[b]).map(|(a, b)| a * b).sum::<f64>();
        let covariance = rows.iter().map(|a| rows.iter().map(|b| dot(*a, *b)).collect()).collect();
        (data, log_normal(&centred, covariance))
    }
}

/// ln N(x; 0, Σ), by Cholesky factorisation.
fn log_normal(x: &[f64], covariance: Vec<Vec<f64>>) -> f64 {
    let size = x.len();
    let (mut lower, mut white) = (vec![vec![0.0; size]; size], vec![0.0; size]);
    let mut log_root = 0.0;
    for row in 0..size {
        for column in 0..=row {
            let sum: f64 = (0..column).map(|at| lower[row][at] * lower[column][at]).sum();
            let left: f64 = covariance[row][column] - sum;
            lower[row][column] = if row == column { left.sqrt() } else { left / lower[column][column] };
        }
        let known: f64 = (0..row).map(|at| lower[row][at] * white[at]).sum();
        white[row] = (x[row] - known) / lower[row][row];
        log_root += lower[row][row].ln();
    }
    -0.5 * (white.iter().map(|value| value * value).sum::<f64>() + size as f64 * TAU.ln()) - log_root
}

fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

proptest! {
    // The graphs are the same in every run. An estimate may deviate by some standard errors, and random graphs would
    // sometimes exceed them.
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_bound_is_below_and_converges_to_the_marginal(seed in any::<u64>()) {
        let dice = &mut Dice::new(seed);
        let text = linear_gaussian(dice);
        let machine = Machine::new(plan_of_text(&text), dice);
        let (data, exact) = machine.marginal(dice);
        let (derived, drawn): (Vec<f64>, Vec<f64>) = (0..SAMPLES).map(|_| machine.bound(&data, dice)).unzip();

        // The mean of the derived bound is below the likelihood, up to five standard errors.
        let (bound, error) = mean(&derived);
        prop_assert!(bound <= exact + 5.0 * error, "{bound} ± {error} over {exact}\n{text}");
        // Closed forms change the variance of the bound, but not its mean.
        let differences: Vec<f64> = derived.iter().zip(&drawn).map(|(a, b)| a - b).collect();
        let (difference, error) = mean(&differences);
        prop_assert!(difference.abs() <= 5.0 * error + 1e-9, "differ by {difference} ± {error}\n{text}");
        // The importance weights p(x, z) / q(z | x) have mean p(x).
        let ratios: Vec<f64> = drawn.iter().map(|log_weight| (log_weight - exact).exp()).collect();
        let (ratio, error) = mean(&ratios);
        prop_assert!((ratio - 1.0).abs() <= 6.0 * error + 0.01, "p(x) times {ratio} ± {error}\n{text}");
        // The bound with many samples approaches it.
        let of = |samples: usize| {
            let groups = ratios.chunks(samples).map(|group| (group.iter().sum::<f64>() / group.len() as f64).ln());
            exact + groups.clone().sum::<f64>() / groups.count() as f64
        };
        let levels = [1, 10, 100, SAMPLES].map(of);
        prop_assert!(levels.is_sorted(), "{levels:?}\n{text}");
        prop_assert!((levels[3] - exact).abs() <= 6.0 * error + 0.01, "{levels:?} for {exact}\n{text}");
    }
}
