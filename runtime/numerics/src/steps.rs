//! Families over the length of a record: one array `[B, T, …]` for callers, a variable for each step in the model.

use crate::{Result, Tensor, Term, Values};
use candle_core::bail;

/// The value of one step, counted from 1: from its own name (`x[3]`) or from the family's array.
///
/// # Errors
/// Neither exists, or the array has fewer steps.
pub fn one(values: &Values, name: &str, family: &str, step: usize) -> Result<Tensor> {
    if let Some(value) = values.find(name) {
        return Ok(value.clone());
    }
    let all = values.get(family)?;
    let steps = all.dims().get(1).copied().unwrap_or(0);
    if step == 0 || step > steps {
        bail!("step {step} of `{family}` is asked for, and it has {steps} steps: its shape is {:?}", all.dims());
    }
    all.narrow(1, step - 1, 1)?.squeeze(1)?.contiguous()
}

/// Replaces consecutive terms of one name by their sum.
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

/// The results of a mode, with the steps of a family as one array `[rows, T, …]`, in the order of the steps.
///
/// # Errors
/// A failed tensor operation.
pub fn together(values: Vec<(&str, Option<usize>, Tensor)>) -> Result<Values> {
    let mut families: Vec<(&str, Vec<(usize, Tensor)>)> = Vec::new();
    let mut all = Values::new();
    for (name, step, value) in values {
        let Some(step) = step else {
            all = all.with(name, value);
            continue;
        };
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

#[cfg(test)]
mod tests {
    use super::one;
    use crate::{Device, Tensor, Values};

    #[test]
    fn a_step_is_a_row_of_the_familys_array_or_of_its_own_name() {
        let all = Tensor::new(&[[[1f32], [2.0]], [[3.0], [4.0]]], &Device::Cpu).unwrap();
        let values = Values::new().with("x", all).with("x[1]", Tensor::new(&[[9f32], [9.0]], &Device::Cpu).unwrap());
        let step = |name, step| {
            one(&values, name, "x", step).map(|value| value.flatten_all().unwrap().to_vec1::<f32>().unwrap())
        };
        assert_eq!(step("x[2]", 2).unwrap(), [2.0, 4.0]);
        assert_eq!(step("x[1]", 1).unwrap(), [9.0, 9.0]);
        for wrong in [0, 3] {
            let said = step("x[?]", wrong).unwrap_err().to_string();
            assert!(said.contains(&format!("step {wrong} of `x` is asked for, and it has 2 steps")), "{said}");
        }
    }
}
