//! Families over the length of a record: one array outside, a variable a step inside.

use srvae_dsl::graph::Variable;
use srvae_numerics::{Result, Tensor, Term, Values};

/// `x` of `x[3]`, `KL_z` of `KL_z[3]`.
pub fn family(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// Names of variables, those of one family over the length as one.
pub fn names<'v>(variables: impl Iterator<Item = &'v Variable>) -> Vec<&'v str> {
    let mut all: Vec<&str> = Vec::new();
    for variable in variables {
        let name = if variable.step.is_some() { family(&variable.name) } else { &variable.name };
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// The values of a step, counted from 1: `[B, …]` of `[B, T, …]`.
///
/// # Errors
/// An array without that step.
pub fn one(all: &Tensor, step: usize) -> Result<Tensor> {
    let steps = all.dims().get(1).copied().unwrap_or(0);
    if step == 0 || step > steps {
        candle_core::bail!("step {step} of an array {:?} of {steps} steps is asked for", all.dims());
    }
    all.narrow(1, step - 1, 1)?.squeeze(1)?.contiguous()
}

/// Terms of one name, one after the other, as their sum.
///
/// # Errors
/// A failed tensor operation.
pub fn summed(terms: Vec<Term>) -> Result<Vec<Term>> {
    let mut all: Vec<Term> = Vec::new();
    for term in terms {
        match all.iter_mut().find(|other| other.name == term.name) {
            Some(sum) => sum.value = (&sum.value + &term.value)?,
            None => all.push(term),
        }
    }
    Ok(all)
}

/// What a mode yields, the steps of a family in one array `[rows, T, …]`, in the order of the steps.
///
/// # Errors
/// A failed tensor operation.
pub fn together<'v>(values: impl Iterator<Item = (&'v Variable, Tensor)>) -> Result<Values> {
    let mut families: Vec<(&str, Vec<(usize, Tensor)>)> = Vec::new();
    let mut all = Values::new();
    for (variable, value) in values {
        let Some(step) = variable.step else {
            all = all.with(&variable.name, value);
            continue;
        };
        let name = family(&variable.name);
        match families.iter_mut().find(|(other, _)| *other == name) {
            Some((_, steps)) => steps.push((step, value)),
            None => families.push((name, vec![(step, value)])),
        }
    }
    for (name, mut steps) in families {
        steps.sort_by_key(|(step, _)| *step);
        let steps: Vec<Tensor> = steps.into_iter().map(|(_, value)| value).collect();
        all = all.with(name, Tensor::stack(&steps, 1)?);
    }
    Ok(all)
}
