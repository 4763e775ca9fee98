//! Counts of successes are at most their trials.

use super::cells::{Cells, Column};
use super::records::Records;
use crate::spec::{Most, Variable};
use anyhow::{Result, bail};

/// What the values of a variable are at most, one for each, and in words.
fn most<'a>(variable: &'a Variable, columns: &'a [Column]) -> Option<(impl Fn(usize) -> f32 + 'a, String)> {
    let (number, of) = match variable.most.as_ref()? {
        Most::Number(number) => (*number as f32, None),
        Most::Of(name) => (f32::INFINITY, Some((name, numbers(columns, name)?))),
    };
    let words = of.map_or(String::new(), |(name, _)| format!(" `{name}`"));
    Some((move |at: usize| of.and_then(|(_, numbers)| numbers.get(at).copied()).unwrap_or(number), words))
}

/// The numbers of a variable.
fn numbers<'a>(columns: &'a [Column], name: &str) -> Option<&'a [f32]> {
    match &columns.iter().find(|column| column.name == name)?.cells {
        Cells::Reals { numbers, .. } => Some(numbers),
        Cells::Pictures { .. } | Cells::Classes(_) | Cells::Codes { .. } => None,
    }
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
        let Some((most, words)) = most(variable, columns) else { continue };
        let Some(own) = numbers(columns, &variable.name) else { continue };
        let Some((at, value)) = own.iter().enumerate().find(|(at, value)| **value > most(*at)) else { continue };
        let size = variable.shape.iter().product::<usize>().max(1);
        bail!("{}: `{}` is {value}, more than its trials{words}, {}", record(at / size), variable.name, most(at));
    }
    Ok(())
}

/// Checks values of `--given`, with the other values of the records.
///
/// # Errors
/// A value that is larger than its trials.
pub fn check_given(records: &Records, variables: &[Variable], given: &[&str]) -> Result<()> {
    let columns = records.columns();
    let is_given = |name: &str| given.contains(&name);
    for variable in variables {
        let Some((most, _)) = most(variable, columns) else { continue };
        let trials = match &variable.most {
            Some(Most::Of(name)) => format!(" (`{name}`)"),
            Some(Most::Number(_)) | None => String::new(),
        };
        let of = matches!(&variable.most, Some(Most::Of(name)) if is_given(name));
        let Some(own) = numbers(columns, &variable.name).filter(|_| of || is_given(&variable.name)) else { continue };
        let size = variable.shape.iter().product::<usize>().max(1);
        let has = |at: usize| records.has(&variable.name, at / size);
        if let Some((at, value)) = own.iter().enumerate().find(|(at, value)| **value > most(*at) && has(*at)) {
            let (name, most) = (&variable.name, most(at));
            bail!(
                "--given {name}={value}: `{name}` counts successes of {most} trials{trials}: a whole number from 0 to {most}"
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
    let (most, _) = most(variable, columns)?;
    Some(numbers(columns, &variable.name)?.iter().enumerate().map(|(at, value)| value.min(most(at))).collect())
}
