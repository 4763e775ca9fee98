//! Constraints on the division of records: a column of groups, or a file with the part of each record.

use super::bind::has;
use super::formats::arrays;
use super::indices::Indices;
use super::opened::Opened;
use super::split::Division;
use super::table::{Raw, Table};
use crate::input;
use crate::spec::Variable;
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The group of each training record, from the column that `--group` names. If no variable uses the column, it is
/// removed from the data.
///
/// # Errors
/// An unknown field, or a field of images.
pub fn groups(opened: &mut Opened, name: &str, variables: &[Variable]) -> Result<Vec<usize>> {
    let Some(pool) = &mut opened.pool else { return Ok(Vec::new()) };
    let field = pool.fields.iter().find(|field| field.name == name);
    let field = field.with_context(|| format!("--group {name}: there is no column `{name}`; {}", has(pool)))?;
    let texts: Vec<String> = match &field.raw {
        Raw::Text(cells) => cells.clone(),
        Raw::Numbers(array) if array.shape.len() == 1 => arrays::numbers(array).iter().map(f64::to_string).collect(),
        _ => bail!(
            "--group {name}: expected a column with one value per record, and `{name}` is {}",
            field.raw.describe()
        ),
    };
    let names: BTreeSet<&String> = texts.iter().collect();
    let number: BTreeMap<&String, usize> = names.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
    let groups = texts.iter().map(|text| number[text]).collect();
    if variables.iter().all(|variable| variable.name != name) {
        let parts = [Some(pool), opened.validation.as_mut(), opened.test.as_mut()];
        parts.into_iter().flatten().for_each(|part| part.fields.retain(|field| field.name != name));
    }
    Ok(groups)
}

/// The division in a file, for a data set without parts of its own: a JSON object or an `.npz` with `train`, `val` and
/// `test`, each a list of record numbers from 0, or a run's `split.json`.
///
/// # Errors
/// An invalid file, a missing part, a number that is not a record's, or a record in two parts.
pub fn division(path: &Path, opened: &Opened, usual: &Division) -> Result<Division> {
    let none = Table::default();
    let count = opened.pool.as_ref().unwrap_or(&none).count;
    let read = || -> Result<Division> {
        let mut parts = if arrays::is_file(path) { of_arrays(path)? } else { of_json(path)? };
        let mut take = |names: &[&str], own: bool, usual: &Indices| -> Result<Indices> {
            match (names.iter().find_map(|name| parts.remove(*name)), own) {
                (Some(_), true) => bail!("it has `{}`, and so has the data set itself", names[0]),
                (Some(indices), false) => Ok(indices.into()),
                (None, true) => Ok(usual.clone()),
                (None, false) => bail!("it has no `{}`", names[0]),
            }
        };
        let train = take(&["train"], false, &usual.train)?;
        let validation = take(&["val", "validation"], opened.validation.is_some(), &usual.validation)?;
        let test = take(&["test"], opened.test.is_some(), &usual.test)?;
        ensure!(!train.is_empty(), "its `train` is empty");
        let mut seen = vec![false; count];
        let own = [(&validation, opened.validation.is_none()), (&test, opened.test.is_none()), (&train, true)];
        for index in own.into_iter().filter(|(_, own)| *own).flat_map(|(part, _)| part.all()) {
            ensure!(index < count, "there is no record {index}: the {count} records are numbered from 0");
            ensure!(!std::mem::replace(&mut seen[index], true), "record {index} is named twice");
        }
        Ok(Division { train, validation, test })
    };
    read().with_context(|| format!("--indices {}", path.display()))
}

fn of_arrays(path: &Path) -> Result<BTreeMap<String, Vec<usize>>> {
    let one = |(name, array): (String, input::Array)| {
        let numbers = array.integers().with_context(|| format!("array `{name}`"))?;
        let indices = numbers.into_iter().map(usize::try_from).collect::<Result<_, _>>();
        Ok((name.clone(), indices.with_context(|| format!("array `{name}` has negative numbers"))?))
    };
    arrays::named(path)?.into_iter().map(one).collect()
}

fn of_json(path: &Path) -> Result<BTreeMap<String, Vec<usize>>> {
    const WANTED: &str =
        "expected {\"train\": [0, 1, …], \"val\": […], \"test\": […]}, an .npz of such arrays, or a run's split.json";
    let mut whole: serde_json::Value = serde_json::from_slice(&input::read(path)?).context(WANTED)?;
    if let Some(division) = whole.get_mut("division") {
        whole = division.take();
    }
    let parts: BTreeMap<String, Indices> = serde_json::from_value(whole).context(WANTED)?;
    Ok(parts.into_iter().map(|(name, indices)| (name, indices.all())).collect())
}
