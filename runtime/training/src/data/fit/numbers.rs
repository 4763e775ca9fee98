//! Numbers: real ones, and those of spaces with restricted values.

use super::Fitting;
use super::fields::rows;
use super::layout::Layout;
use super::pictures::{decoded, levels};
use crate::data::cells::Cells;
use crate::data::table::{Field, Raw};
use crate::spec::{Variable, space_entry};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;

pub fn real(
    variable: &Variable,
    fields: &[&Field],
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Cells> {
    if let [field] = fields
        && field.raw.is_pictures()
    {
        let shape = variable.picture().context("expected real numbers, and these are images")?;
        variable.takes_pictures()?;
        let bytes = match &field.raw {
            Raw::Numbers(array) => levels(&variable.name, array, indices, shape, 1, how, notes)?,
            raw => decoded(raw, indices, shape)?,
        };
        return Ok(Cells::Pictures { shape, bytes });
    }
    let numbers = finite(variable, fields, indices, how)?;
    if variable.picture().is_some() && are_grey_levels(&numbers) {
        variable.takes_pictures()?;
    }
    Ok(Cells::Reals { shape: variable.shape.clone(), numbers })
}

/// The numbers of steps of records, of which a variable holds at most `most`.
pub fn steps(cells: &Cells, indices: &[usize], most: usize, how: &Fitting<'_>) -> Result<()> {
    let Cells::Reals { numbers, .. } = cells else { return Ok(()) };
    let is_wrong = |steps: f32| steps.fract() != 0.0 || steps < 1.0 || steps > most as f32;
    match numbers.iter().position(|&steps| is_wrong(steps)) {
        Some(at) => {
            let (record, steps) = (how.record(indices[at]), numbers[at]);
            bail!("{record} has {steps} as its number of steps; the data have 1 to {most} steps a record")
        }
        None => Ok(()),
    }
}

/// The minimum count of numbers in the shape of images for the check below.
const FEW: usize = 1024;

/// Whether all are multiples of 1/255 from 0 to 1, or whole numbers from 0 to 255, and not only zeros and ones.
fn are_grey_levels(numbers: &[f32]) -> bool {
    let (mut fractions, mut whole, mut others) = (true, true, false);
    for &number in numbers {
        let level = number * 255.0;
        fractions &= (0.0..=1.0).contains(&number) && (level - level.round()).abs() < 1e-3;
        whole &= (0.0..=255.0).contains(&number) && number.fract() == 0.0;
        others |= number != 0.0 && number != 1.0;
        if !fractions && !whole {
            return false;
        }
    }
    numbers.len() >= FEW && others
}

/// Numbers of any space but `real`, which must be valid values of the space.
pub fn numeric(variable: &Variable, fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Cells> {
    let (size, space) = (variable.shape.iter().product::<usize>().max(1), space_entry(variable.space));
    let numbers = finite(variable, fields, indices, how)?;
    for (row, &index) in numbers.chunks(size).zip(indices) {
        let row: Vec<f64> = row.iter().map(|&number| f64::from(number)).collect();
        if let Some(why) = variable.wrong(&row) {
            let shown: Vec<String> = row.iter().take(6).map(f64::to_string).collect();
            let more = if row.len() > shown.len() { ", …" } else { "" };
            let what = space.docs.trim_end_matches('.').to_lowercase();
            bail!("{} {why} ({}{more}); `{}` takes {what}", how.record(index), shown.join(", "), space.name);
        }
    }
    Ok(Cells::Reals { shape: variable.shape.clone(), numbers })
}

/// Whether numbers of these shapes are the same in the same order: axes of size 1 do not count, and the last axes of one may be
/// a single one of the other.
fn is_flattened(own: &[usize], wanted: &[usize]) -> bool {
    let plain = |shape: &[usize]| shape.iter().copied().filter(|size| *size != 1).collect::<Vec<_>>();
    let (own, wanted) = (plain(own), plain(wanted));
    let same = own.iter().zip(&wanted).take_while(|(own, wanted)| own == wanted).count();
    own.len() <= same + 1 || wanted.len() <= same + 1
}

/// The numbers of a variable, record by record, in its own layout.
fn finite(variable: &Variable, fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Vec<f32>> {
    let size = variable.shape.iter().product::<usize>();
    let mut rows = rows(fields, indices, how)?;
    let own = rows.len() / indices.len().max(1);
    ensure!(own == size, "records have {own} numbers, shape {:?} has {size}", variable.shape);
    if let ([Field { raw: Raw::Numbers(array), .. }], Some(shape)) = (fields, variable.picture())
        && array.shape[1..].len() == 3
    {
        let layout = Layout::of(&array.shape[1..], shape)?;
        ensure!(layout.shape() == shape, "records have shape {:?}; expected {shape:?}", &array.shape[1..]);
        rows = rows.chunks(size.max(1)).flat_map(|record| layout.planes(record)).collect();
    }
    if let [Field { raw: Raw::Numbers(array), .. }] = fields
        && variable.picture().is_none()
    {
        let own = &array.shape[1..];
        ensure!(
            is_flattened(own, &variable.shape),
            "records have shape {own:?}; expected {:?}, or its {size} numbers in a row",
            variable.shape
        );
    }
    let record = |at: usize| {
        let step =
            if variable.steps { format!(", step {}", at % size.max(1) / variable.row() + 1) } else { String::new() };
        how.record(indices[at / size.max(1)]) + &step
    };
    if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
        let column = fields.get(at % size.max(1)).filter(|_| fields.len() > 1);
        let column = column.map_or_else(String::new, |field| format!(" in column `{}`", field.name));
        let must = if rows[at].is_nan() { "not be missing" } else { "be finite" };
        bail!("{} has the value {}{column}; values must {must}: remove such records", record(at), rows[at]);
    }
    if let Some(at) = rows.iter().position(|&value| value.abs() > f64::from(f32::MAX)) {
        bail!("{} has the value {:e}, which single precision cannot hold", record(at), rows[at]);
    }
    Ok(rows.into_iter().map(|value| value as f32).collect())
}
