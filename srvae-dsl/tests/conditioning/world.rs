//! Comparison with enumeration: small discrete models whose q is the exact posterior.

use super::{model, model_of_text, space};
use crate::random::Dice;
use srvae_dsl::derive::{Mode, condition, is_deterministic};
use srvae_dsl::graph::{Model, Role, Side, VariableId};
use std::collections::BTreeMap;

/// Sums and quotients of some thousand probabilities in f64 are off by far less.
const ROUNDING: f64 = 1e-9;

/// A discrete distribution with the graph of a model: all combinations of values with their probabilities.
struct World {
    model: Model,
    sizes: Vec<usize>,
    joint: BTreeMap<Vec<usize>, f64>,
}

impl World {
    /// The probability of these values under p.
    fn of(&self, known: &[(VariableId, usize)]) -> f64 {
        let fits = |all: &[usize]| known.iter().all(|(id, value)| all[id.0] == *value);
        self.joint.iter().filter(|(all, _)| fits(all)).map(|(_, probability)| probability).sum()
    }

    /// p(id = value | parents).
    fn conditional(&self, id: VariableId, value: usize, parents: &[VariableId], at: &[usize]) -> f64 {
        let mut known: Vec<_> = parents.iter().map(|parent| (*parent, at[parent.0])).collect();
        let all = self.of(&known);
        known.push((id, value));
        if all > 0.0 { self.of(&known) / all } else { 0.0 }
    }

    /// The distribution that the steps of a mode yield for one value of the evidence.
    fn run(&self, mode: &Mode, evidence: &[usize]) -> BTreeMap<Vec<usize>, f64> {
        let mut states = BTreeMap::from([(evidence.to_vec(), 1.0)]);
        for step in &mode.steps {
            let factor = match step.side {
                Side::P => self.model.p_of(step.variable),
                Side::Q => self.model.q_of(step.variable),
            };
            let parents: Vec<VariableId> = factor.unwrap().parents.iter().collect();
            let mut next = BTreeMap::new();
            for (state, weight) in &states {
                for value in 0..self.sizes[step.variable.0] {
                    let probability = self.conditional(step.variable, value, &parents, state);
                    if probability > 0.0 {
                        let mut to = state.clone();
                        to[step.variable.0] = value;
                        *next.entry(to).or_insert(0.0) += weight * probability;
                    }
                }
            }
            states = next;
        }
        states
    }
}

/// A random discrete model whose q is the exact posterior, where each factor of q has as few parents as possible.
fn world(dice: &mut Dice) -> World {
    let determined = dice.flip();
    let latents: Vec<&str> = ["z", "u", "v", "a"][..1 + dice.below(3)].to_vec();
    let observed: Vec<&str> = if dice.flip() { vec!["x"] } else { vec!["x", "b"] };
    let given: Vec<&str> = if dice.below(3) == 0 { vec!["c"] } else { Vec::new() };
    // An order for p in which y, a function of x, precedes x.
    let mut order: Vec<&str> = [&latents[..], &observed[..], if determined { &["y"] } else { &[] }].concat();
    for at in (1..order.len()).rev() {
        order.swap(at, dice.below(at + 1));
    }
    if determined {
        let (x, y) = (order.iter().position(|it| *it == "x").unwrap(), order.iter().position(|it| *it == "y").unwrap());
        if y > x {
            order.swap(x, y);
        }
    }
    // A variable without a network cannot be an image.
    if space(order[0]).starts_with("image") {
        let swap = order.iter().position(|it| space(it).starts_with("real")).unwrap();
        let first = order.remove(swap);
        order.insert(0, first);
    }
    let size = |name: &str| if name == "x" && determined { 4 } else { 2 };
    let names: Vec<&str> = [&given[..], &order[..]].concat();
    let mut p_parents: Vec<Vec<&str>> = Vec::new();
    for (at, name) in order.iter().enumerate() {
        let before = [&order[..at], &given[..]].concat();
        let must = space(name).starts_with("image");
        let mut parents: Vec<&str> = before.iter().filter(|_| dice.flip()).copied().collect();
        if *name == "x" && determined && !parents.contains(&"y") {
            parents.push("y");
        }
        if must && parents.is_empty() {
            parents.push(before[0]);
        }
        p_parents.push(parents);
    }
    let mut joint = BTreeMap::from([(Vec::new(), 1.0)]);
    for _ in &given {
        joint = spread(&joint, 2, |_, _| 0.5);
    }
    for (name, parents) in order.iter().zip(&p_parents) {
        let mut table: BTreeMap<Vec<usize>, Vec<f64>> = BTreeMap::new();
        let places: Vec<usize> = parents.iter().map(|it| names.iter().position(|other| other == it).unwrap()).collect();
        let y = names.iter().position(|it| *it == "y");
        joint = spread(&joint, size(name), |state, value| {
            let key: Vec<usize> = places.iter().map(|place| state[*place]).collect();
            let row = table.entry(key).or_insert_with(|| {
                let fits = |value: usize| size(name) == 2 || y.is_some_and(|y| state[y] == value / 2);
                let row: Vec<f64> =
                    (0..size(name)).map(|it| if fits(it) { dice.between(0.05, 1.0) } else { 0.0 }).collect();
                let sum: f64 = row.iter().sum();
                row.into_iter().map(|it| it / sum).collect()
            });
            row[value]
        });
    }
    // In q a factor reads all variables before it, in a different order; parents without influence are then removed.
    let place = |name: &str| names.iter().position(|other| *other == name).unwrap();
    let mut q_order = latents.clone();
    for at in (1..q_order.len()).rev() {
        q_order.swap(at, dice.below(at + 1));
    }
    let mut before = [&given[..], &observed[..], if determined { &["y"] } else { &[] }].concat();
    let mut factors: Vec<String> = Vec::new();
    for (name, parents) in order.iter().zip(&p_parents) {
        factors.push(head("p", name, parents));
    }
    if determined {
        factors.push("q(y | x) = grayscale(x)".to_owned());
    }
    for name in q_order {
        let mut parents = before.clone();
        for at in (1..parents.len()).rev() {
            parents.swap(at, dice.below(at + 1));
        }
        for candidate in parents.clone() {
            let fewer: Vec<&str> = parents.iter().filter(|it| **it != candidate).copied().collect();
            let places = |of: &[&str]| of.iter().map(|it| place(it)).collect::<Vec<_>>();
            if same(&joint, place(name), &places(&parents), &places(&fewer)) {
                parents = fewer;
            }
        }
        factors.push(head("q", name, &parents));
        before.push(name);
    }
    let text = model(&factors.iter().map(String::as_str).collect::<Vec<_>>());
    let model = model_of_text(&text);
    // From this order to that of the file.
    let to: Vec<usize> = model.variables.iter().map(|variable| place(&variable.name)).collect();
    let joint = joint.into_iter().map(|(state, it)| (to.iter().map(|from| state[*from]).collect(), it)).collect();
    let sizes = model.variables.iter().map(|variable| size(&variable.name)).collect();
    World { model, sizes, joint }
}

fn head(side: &str, name: &str, parents: &[&str]) -> String {
    let bar = if parents.is_empty() { "" } else { " | " };
    format!("{side}({name}{bar}{})", parents.join(", "))
}

fn spread(
    joint: &BTreeMap<Vec<usize>, f64>,
    size: usize,
    mut probability: impl FnMut(&[usize], usize) -> f64,
) -> BTreeMap<Vec<usize>, f64> {
    let mut next = BTreeMap::new();
    for (state, weight) in joint {
        for value in 0..size {
            let of = weight * probability(state, value);
            if of > 0.0 {
                next.insert([&state[..], &[value]].concat(), of);
            }
        }
    }
    next
}

/// Whether p(v | all) = p(v | fewer) wherever p(all) > 0.
fn same(joint: &BTreeMap<Vec<usize>, f64>, v: usize, all: &[usize], fewer: &[usize]) -> bool {
    let sums = |places: &[usize]| {
        let mut sums: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
        for (state, weight) in joint {
            *sums.entry(places.iter().map(|place| state[*place]).collect()).or_insert(0.0) += weight;
        }
        sums
    };
    let [with_v, alone, few_v, few] = [&[all, &[v]].concat(), all, &[fewer, &[v]].concat(), fewer].map(sums);
    joint.keys().all(|state| {
        let at = |sums: &BTreeMap<Vec<usize>, f64>, places: &[usize]| {
            sums[&places.iter().map(|place| state[*place]).collect::<Vec<_>>()]
        };
        let left = at(&with_v, &[all, &[v]].concat()) / at(&alone, all);
        let right = at(&few_v, &[fewer, &[v]].concat()) / at(&few, fewer);
        (left - right).abs() < ROUNDING
    })
}

#[test]
fn modes_draw_the_exact_conditional() {
    let mut dice = Dice::new(11);
    let (mut drawn, mut refused) = (0, BTreeMap::<&str, usize>::new());
    for _ in 0..200 {
        let world = world(&mut dice);
        let count = world.model.variables.len();
        for subset in 0..1usize << count {
            let evidence: Vec<VariableId> = (0..count).filter(|at| subset >> at & 1 == 1).map(VariableId).collect();
            match condition(&world.model, &evidence) {
                Ok(mode) => {
                    drawn += 1;
                    exact(&world, &mode, &evidence);
                }
                Err(reason) => {
                    let text = reason.text(&world.model);
                    let kinds = ["needs", "no factor", "does not read", "depends", "every variable"];
                    let kind = kinds.into_iter().find(|kind| text.contains(kind));
                    *refused.entry(kind.unwrap_or_else(|| panic!("{text}"))).or_default() += 1;
                }
            }
        }
        for mode in srvae_dsl::derive::derive(&world.model).modes {
            if mode.name.ends_with("reconstruction") {
                anew(&world, &mode);
            }
        }
    }
    assert!(drawn > 1000 && refused.len() == 5, "{drawn} modes, {refused:?}");
}

/// For every value of the evidence, the draws of the mode are distributed as under p.
fn exact(world: &World, mode: &Mode, evidence: &[VariableId]) {
    // Given variables that the mode does not need have no distribution, so the result must be right for all their
    // values.
    let given = (0..world.sizes.len()).map(VariableId).filter(|id| world.model.variable(*id).role == Role::Given);
    let evidence: Vec<VariableId> = evidence.iter().copied().chain(given).collect();
    for state in world.joint.keys() {
        let known: Vec<_> = evidence.iter().map(|id| (*id, state[id.0])).collect();
        let mut at = vec![0; state.len()];
        known.iter().for_each(|(id, value)| at[id.0] = *value);
        // Once for each value of the evidence.
        let is_first =
            world.joint.keys().find(|all| known.iter().all(|(id, value)| all[id.0] == *value)) == Some(state);
        if !is_first {
            continue;
        }
        let all = world.of(&known);
        let found = world.run(mode, &at);
        let wanted = world.joint.iter().filter(|(all, _)| known.iter().all(|(id, value)| all[id.0] == *value));
        for (values, weight) in wanted.clone() {
            let got = found.get(values).copied().unwrap_or(0.0);
            let error = (got - weight / all).abs();
            assert!(error < ROUNDING, "{got} for {} in {mode:?} of {:#?}", weight / all, world.model);
        }
        assert!((found.values().sum::<f64>() - 1.0).abs() < ROUNDING);
    }
}

/// Reconstructions keep the posterior of the variables that are not drawn again.
fn anew(world: &World, mode: &Mode) {
    let model = &world.model;
    let kept: Vec<VariableId> = mode
        .yields(model)
        .into_iter()
        .filter(|id| {
            let last = mode.steps.iter().rev().find(|step| step.variable == *id).unwrap();
            last.side == Side::Q && !model.q_of(*id).is_some_and(is_deterministic)
        })
        .collect();
    let data: Vec<VariableId> =
        (0..model.variables.len()).map(VariableId).filter(|id| model.variable(*id).role != Role::Latent).collect();
    for state in world.joint.keys() {
        let known: Vec<_> = data.iter().map(|id| (*id, state[id.0])).collect();
        let mut at = vec![0; state.len()];
        known.iter().for_each(|(id, value)| at[id.0] = *value);
        let values: Vec<_> = kept.iter().map(|id| (*id, state[id.0])).collect();
        let wanted = world.of(&[&known[..], &values[..]].concat()) / world.of(&known);
        let fits = |all: &[usize]| values.iter().all(|(id, value)| all[id.0] == *value);
        let got: f64 = world.run(mode, &at).iter().filter(|(all, _)| fits(all)).map(|(_, weight)| weight).sum();
        assert!((got - wanted).abs() < ROUNDING, "{got} for {wanted} in {mode:?}");
    }
}
