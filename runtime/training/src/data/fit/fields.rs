//! The numbers of fields, and cells without a value.

use super::Fitting;
use crate::data::formats::arrays;
use crate::data::table::{Field, Raw};
use crate::input::Array;
use anyhow::{Context, Result, bail, ensure};

/// The rows of an array at these records.
pub fn select(array: &Array, indices: &[usize]) -> Vec<f64> {
    let row = array.shape.iter().skip(1).product::<usize>() * array.kind.width();
    let content = indices.iter().flat_map(|&index| &array.content[index * row..][..row]).copied().collect();
    let shape = std::iter::once(indices.len()).chain(array.shape.iter().skip(1).copied()).collect();
    arrays::numbers(&Array { kind: array.kind, shape, content })
}

/// The numbers of the fields, record by record, with the fields of one record adjacent.
pub fn rows(fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Vec<f64>> {
    let columns: Vec<Vec<f64>> = fields.iter().map(|field| column(field, indices, how)).collect::<Result<_>>()?;
    if let [only] = columns.as_slice() {
        return Ok(only.clone());
    }
    if let Some(at) = columns.iter().position(|column| column.len() != indices.len()) {
        bail!("`{}` has more than one number per record; several columns must have one each", fields[at].name);
    }
    Ok((0..indices.len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect())
}

fn column(field: &Field, indices: &[usize], how: &Fitting<'_>) -> Result<Vec<f64>> {
    match &field.raw {
        Raw::Numbers(array) => Ok(select(array, indices)),
        Raw::Text(cells) => indices
            .iter()
            .map(|&index| {
                let cell = cells[index].as_str();
                let place = || format!("{}, column `{}`", how.record(index), field.name);
                ensure!(!is_missing(cell), "{}: the value is missing (`{cell}`); remove such records", place());
                cell.parse().ok().with_context(|| format!("{}: `{cell}` is not a number", place()))
            })
            .collect(),
        Raw::Stored(array) => Ok(arrays::numbers(&array.read(indices)?)),
        Raw::Files { .. } | Raw::Encoded(_) => bail!("`{}` holds images; expected numbers", field.name),
    }
}

/// Whether a cell contains no number.
pub fn is_missing(cell: &str) -> bool {
    matches!(cell.to_lowercase().as_str(), "" | "na" | "n/a" | "nan" | "null" | "none" | "?" | "-")
}

/// Whether a cell contains no class. `none` and `-` may be names of classes.
pub fn is_missing_class(cell: &str) -> bool {
    let says_so = matches!(cell.to_lowercase().as_str(), "" | "na" | "nan" | "null" | "?");
    says_so || cell.parse::<f64>().is_ok_and(|number| number < 0.0)
}
