//! Labels: the class of every record, or of each place of a record.

use super::Fitting;
use super::fields::{is_missing_class, rows, select};
use crate::data::batch::classes_at;
use crate::data::cells::Cells;
use crate::data::formats::arrays;
use crate::data::table::{Field, Raw};
use crate::input::Array;
use crate::spec::{Role, Variable};
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeSet, HashMap};

/// The class of every record and the classes' names. Whole numbers from 0 are unchanged and have no names. Anything
/// else is numbered in alphabetical order (numbers: in increasing order). If classes may be `missing`, records without
/// one get the number after the last. `place` is the place of a record in messages.
///
/// # Errors
/// Numbers that are not whole, or more than one per record.
pub fn classes(raw: &Raw, missing: bool, place: &dyn Fn(usize) -> String) -> Result<(Vec<usize>, Vec<String>)> {
    let texts = class_texts(raw, missing, place)?;
    let there = || texts.iter().filter(|text| !missing || !is_missing_class(text));
    let numbers: Option<Vec<i64>> = there().map(|text| text.parse().ok()).collect();
    if let Some(numbers) = &numbers
        && numbers.contains(&0)
        && numbers.iter().all(|&number| number >= 0)
    {
        let after = numbers.iter().max().map_or(0, |&last| last as usize + 1);
        let class = |text: &String| text.parse::<i64>().ok().filter(|&number| number >= 0);
        return Ok((
            texts.iter().map(|text| class(text).map_or(after, |number| number as usize)).collect(),
            Vec::new(),
        ));
    }
    let mut names: Vec<String> = there().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    if numbers.is_some() {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    let place: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    Ok((texts.iter().map(|text| place.get(text.as_str()).copied().unwrap_or(names.len())).collect(), names))
}

/// The name of every record's class. Empty if it may be `missing` and is.
fn class_texts(raw: &Raw, missing: bool, place: &dyn Fn(usize) -> String) -> Result<Vec<String>> {
    match raw {
        Raw::Text(cells) => {
            // `none` and `-` may be the names of classes.
            let is_missing = |cell: &String| matches!(cell.to_lowercase().as_str(), "" | "na" | "nan" | "null");
            if let Some(record) = cells.iter().position(is_missing).filter(|_| !missing) {
                bail!("{}: the class is missing (`{}`)", place(record), cells[record]);
            }
            Ok(cells.clone())
        }
        Raw::Numbers(array) if missing => {
            let rows: Vec<usize> = (0..array.shape.first().copied().unwrap_or(0)).collect();
            let width = array.shape.iter().skip(1).product::<usize>().max(1);
            let text = |row: &[f64]| match row {
                &[number] if number.fract() == 0.0 => (number as i64).to_string(),
                [_] => String::new(),
                _ => row.iter().position(|&number| number == 1.0).map_or_else(String::new, |at| at.to_string()),
            };
            Ok(select(array, &rows).chunks(width).map(text).collect())
        }
        Raw::Numbers(array) => Ok(whole_numbers(array, place)?.iter().map(i64::to_string).collect()),
        Raw::Stored(_) => bail!("an array of several numbers per record is not a class"),
        _ => bail!("images are not classes"),
    }
}

/// One number per record, or one-hot rows.
fn whole_numbers(array: &Array, place: &dyn Fn(usize) -> String) -> Result<Vec<i64>> {
    let numbers = arrays::numbers(array);
    let columns = array.shape.iter().skip(1).product::<usize>();
    if columns > 1 {
        let one_hot = |row: &[f64]| row.iter().all(|&v| v == 0.0 || v == 1.0) && row.iter().sum::<f64>() == 1.0;
        if let Some(bad) = numbers.chunks(columns).position(|row| !one_hot(row)) {
            bail!(
                "{} has {columns} numbers that are not a one-hot row; expected the number of a class, or a row with a \
                 single 1",
                place(bad)
            );
        }
        return Ok(numbers.chunks(columns).map(|row| row.iter().position(|&v| v == 1.0).unwrap_or(0) as i64).collect());
    }
    if let Some(bad) = numbers.iter().position(|number| number.fract() != 0.0 || !number.is_finite()) {
        bail!("{} has {}; classes must be whole numbers", place(bad), numbers[bad]);
    }
    Ok(numbers.into_iter().map(|number| number as i64).collect())
}

pub fn label(variable: &Variable, fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Cells> {
    let &[count] = variable.shape.as_slice() else { return codes(variable, fields, indices, how) };
    let [field] = fields else { bail!("a label takes one column, there are {}", fields.len()) };
    let texts = class_texts(&field.raw, variable.role == Role::Partly, &|index| how.record(index))?;
    let number = |index: usize| -> Result<usize> {
        let text = &texts[index];
        let class = match how.classes.is_empty() {
            true => text.parse().ok(),
            false => how.classes.iter().position(|name| name == text),
        };
        class.filter(|&class| class < count).with_context(|| {
            let among =
                if how.classes.is_empty() { String::new() } else { format!(", {} of them here", how.classes.len()) };
            format!("{} is of class `{text}`, and the variable has {count} classes{among}", how.record(index))
        })
    };
    Ok(Cells::Classes(indices.iter().map(|&index| number(index)).collect::<Result<_>>()?))
}

/// The classes at the steps or pixels of each record: whole numbers, or one-hot rows in the variable's own layout.
fn codes(variable: &Variable, fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Cells> {
    let (classes, places) =
        classes_at(variable).with_context(|| format!("data fill no labels of shape {:?}", variable.shape))?;
    let rows = rows(fields, indices, how)?;
    let own = rows.len() / indices.len().max(1);
    let record = |at: usize| format!("{}, place {}", how.record(indices[at / places]), at % places);
    if own == places * classes && classes > 1 {
        let at = |place: usize, class: usize| match variable.steps {
            true => place * classes + class,
            false => class * places + place,
        };
        let one = |place: usize| {
            let (start, place) = (place / places * own, place % places);
            let mut ones = (0..classes).filter(|class| rows[start + at(place, *class)] == 1.0);
            let zeros = (0..classes).filter(|class| rows[start + at(place, *class)] == 0.0).count();
            ones.next().filter(|_| zeros + 1 == classes)
        };
        let code = |at: usize| {
            let class = one(at).with_context(|| format!("{} is no one-hot row", record(at)))?;
            Ok(class as u32)
        };
        let codes = (0..indices.len() * places).map(code).collect::<Result<_>>()?;
        return Ok(Cells::Codes { places, codes });
    }
    ensure!(own == places, "records have {own} numbers, and the variable has classes at {places} places");
    let code = |(at, &number): (usize, &f64)| -> Result<u32> {
        let fits = number.fract() == 0.0 && number >= 0.0 && number < classes as f64;
        ensure!(
            fits,
            "{} has {number}, and classes are 0 to {}; what lies behind a record's last step may be any of them",
            record(at),
            classes.saturating_sub(1)
        );
        Ok(number as u32)
    };
    Ok(Cells::Codes { places, codes: rows.iter().enumerate().map(code).collect::<Result<_>>()? })
}
