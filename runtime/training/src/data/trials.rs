//! Counts of successes are at most their trials.

use super::cells::{Cells, Column};
use super::records::Records;
use crate::spec::{Most, Variable};
use anyhow::{Result, bail};

/// What the values of a variable are at most, one for each.
fn most<'a>(variable: &'a Variable, columns: &'a [Column]) -> Option<impl Fn(usize) -> f32 + 'a> {
    let (number, of) = match variable.most.as_ref()? {
        Most::Number(number) => (*number as f32, None),
        Most::Of(name) => (f32::INFINITY, Some(numbers(columns, name)?)),
    };
    Some(move |at: usize| of.and_then(|numbers| numbers.get(at).copied()).unwrap_or(number))
}

/// The variable with the trials, if they come from the data.
fn trials(variable: &Variable) -> Option<&str> {
    match variable.most.as_ref()? {
        Most::Of(name) => Some(name),
        Most::Number(_) => None,
    }
}

/// The numbers of a variable.
fn numbers<'a>(columns: &'a [Column], name: &str) -> Option<&'a [f32]> {
    match &columns.iter().find(|column| column.name == name)?.cells {
        Cells::Reals { numbers, .. } => Some(numbers),
        Cells::Pictures { .. } | Cells::Classes(_) | Cells::Codes { .. } => None,
    }
}

/// A count that is larger than its trials.
struct Excess {
    record: usize,
    value: f32,
    most: f32,
}

/// The first one in the records that count.
fn excess(variable: &Variable, columns: &[Column], counts: impl Fn(usize) -> bool) -> Option<Excess> {
    let (most, own) = (most(variable, columns)?, numbers(columns, &variable.name)?);
    let size = variable.shape.iter().product::<usize>().max(1);
    let (at, value) = own.iter().enumerate().find(|(at, value)| **value > most(*at) && counts(at / size))?;
    Some(Excess { record: at / size, value: *value, most: most(at) })
}

/// Checks the columns of records, each named by its position.
///
/// # Errors
/// The first record with more successes than trials.
pub fn check<'v>(
    columns: &[Column],
    variables: impl Iterator<Item = &'v Variable>,
    record: impl Fn(usize) -> String,
) -> Result<()> {
    for variable in variables {
        if let Some(Excess { record: at, value, most }) = excess(variable, columns, |_| true) {
            let words = trials(variable).map_or(String::new(), |name| format!(" `{name}`"));
            bail!("{}: `{}` is {value}, more than its trials{words}, {most}", record(at), variable.name);
        }
    }
    Ok(())
}

/// Checks values of `--given`, with the other values of the records.
///
/// # Errors
/// A value that is larger than its trials.
pub fn check_given(records: &Records, variables: &[Variable], given: &[&str]) -> Result<()> {
    let is_given = |name: &str| given.contains(&name);
    for variable in variables {
        let (name, trials) = (variable.name.as_str(), trials(variable));
        if !is_given(name) && !trials.is_some_and(is_given) {
            continue;
        }
        if let Some(Excess { value, most, .. }) =
            excess(variable, records.columns(), |record| records.has(name, record))
        {
            let words = trials.map_or(String::new(), |name| format!(" (`{name}`)"));
            bail!(
                "--given {name}={value}: `{name}` counts successes of {most} trials{words}: a whole number from 0 to {most}"
            );
        }
    }
    Ok(())
}

/// Replaces values that are too large by their trials.
pub fn limit(columns: &mut [Column], variables: &[Variable]) {
    for variable in variables {
        let limited = limited(variable, columns);
        let column = columns.iter_mut().find(|column| column.name == variable.name);
        if let (Some(limited), Some(Column { cells: Cells::Reals { numbers, .. }, .. })) = (limited, column) {
            *numbers = limited;
        }
    }
}

fn limited(variable: &Variable, columns: &[Column]) -> Option<Vec<f32>> {
    let most = most(variable, columns)?;
    Some(numbers(columns, &variable.name)?.iter().enumerate().map(|(at, value)| value.min(most(at))).collect())
}
