//! Images: grey levels for image and binary variables.

use super::fields::{rows, select};
use super::layout::Layout;
use super::{Binarise, Fitting};
use crate::data::cells::Cells;
use crate::data::photo;
use crate::data::table::{Field, Raw};
use crate::input::{Array, Kind};
use crate::picture::resize;
use crate::spec::Variable;
use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use std::collections::BTreeSet;

pub fn image(
    variable: &Variable,
    fields: &[&Field],
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Cells> {
    let shape = variable.picture().with_context(|| format!("an image of shape {:?}", variable.shape))?;
    let bytes = match fields {
        [Field { raw: raw @ (Raw::Files { .. } | Raw::Encoded(_)), .. }] => decoded(raw, indices, shape)?,
        [Field { raw: Raw::Numbers(array), .. }] => {
            if array.kind == Kind::Unsigned(1) && how.range.is_bits() {
                notes.insert(format!(
                    "{}: all bytes are 0 or 1, which is almost black; a binary variable?",
                    variable.name
                ));
            }
            levels(&variable.name, array, indices, shape, 1, how, notes)?
        }
        _ => {
            // A column for each pixel.
            let rows = rows(fields, indices, how)?;
            let size = shape.iter().product::<usize>();
            ensure!(
                rows.len() == indices.len() * size,
                "{} columns for the {size} numbers of shape {shape:?}",
                fields.len()
            );
            grey(&variable.name, &rows, size, indices, how, notes)?
        }
    };
    Ok(Cells::Pictures { shape, bytes })
}

/// Image files, decoded on all cores and fitted to a shape.
pub fn decoded(raw: &Raw, indices: &[usize], shape: [usize; 3]) -> Result<Vec<u8>> {
    let one = |&index: &usize| -> Result<Vec<u8>> {
        let picture = match raw {
            Raw::Files { files, crop } => {
                let picture = photo::open(&files[index])?;
                match crop {
                    Some(crop) => crop
                        .apply(&picture)
                        .with_context(|| format!("{}: cannot be cropped", files[index].display()))?,
                    None => picture,
                }
            }
            Raw::Encoded(pictures) => photo::decode(&pictures[index]).with_context(|| format!("record {index}"))?,
            _ => bail!("no image files"),
        };
        Ok(resize::fit_rgb(&picture, shape))
    };
    let pictures: Vec<Vec<u8>> = indices.par_iter().map(one).collect::<Result<_>>()?;
    Ok(pictures.concat())
}

/// Grey levels of an array of images, fitted to a shape. Bytes are multiples of `unit`.
pub fn levels(
    name: &str,
    array: &Array,
    indices: &[usize],
    shape: [usize; 3],
    unit: u8,
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Vec<u8>> {
    let layout = Layout::of(&array.shape[1..], shape)?;
    let own = layout.shape();
    let size = own.iter().product::<usize>();
    ensure!(size > 0, "records of shape {:?} have no pixels", &array.shape[1..]);
    if own != shape {
        notes.insert(format!("{name}: images of {own:?} are resized to {shape:?}"));
    }
    let bytes = if array.kind == Kind::Unsigned(1) {
        let levels = indices.iter().flat_map(|&index| array.content[index * size..][..size].iter());
        levels.map(|level| level.saturating_mul(unit)).collect()
    } else {
        let numbers = select(array, indices);
        grey(name, &numbers, size, indices, how, notes)?
    };
    Ok(bytes.par_chunks(size).flat_map_iter(|record| resize::fit(&layout.planes(record), own, shape)).collect())
}

/// Numbers as grey levels: 0 to 255, or 0 to 1 if none in the data set is above 1.
fn grey(
    name: &str,
    numbers: &[f64],
    size: usize,
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Vec<u8>> {
    let record = |at: usize| how.record(indices[at / size.max(1)]);
    if let Some(at) = numbers.iter().position(|number| number.is_nan()) {
        bail!("{} has the value {}; an image has no missing values", record(at), numbers[at]);
    }
    if let Some(at) = numbers.iter().position(|&number| !(0.0..=255.0).contains(&number)) {
        bail!("{} has the value {}; an image has grey levels 0 to 255, or numbers 0 to 1", record(at), numbers[at]);
    }
    let scale = if how.range.largest <= 1.0 { 255.0 } else { 1.0 };
    // The range of a stored array was estimated from a part of it.
    if let Some(at) = numbers.iter().position(|&number| scale > 1.0 && number > 1.0) {
        bail!("{} has the value {}, and the first records have none above 1", record(at), numbers[at]);
    }
    if scale > 1.0 {
        notes.insert(format!("{name}: numbers from 0 to 1 are taken as k/255 and rounded to the 256 grey levels"));
    } else if !how.range.whole {
        notes.insert(format!("{name}: numbers up to {} are rounded to grey levels 0 to 255", how.range.largest));
    }
    Ok(numbers.iter().map(|number| (number * scale).round() as u8).collect())
}

/// 0 and 1 as 0 and 255.
pub fn binary(
    variable: &Variable,
    fields: &[&Field],
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Cells> {
    let size = variable.shape.iter().product::<usize>();
    let name = &variable.name;
    let shape = variable.picture().unwrap_or([1, 1, size]);
    if how.range.has_strays() {
        let rows = rows(fields, indices, how)?;
        let stray = rows.iter().position(|number| ![0.0, 1.0].contains(number));
        let place =
            stray.map_or("another part of the data".into(), |at| how.record(indices[at * indices.len() / rows.len()]));
        let value = stray.map_or(how.range.largest, |at| rows[at]);
        bail!(
            "{place} has the value {value} among zeros and ones; a binary variable takes 0 and 1, numbers from 0 to 1, or grey levels \
             from 0 to 255, of which a 1 would become 0"
        );
    }
    let bytes = match fields {
        [Field { raw: raw @ (Raw::Files { .. } | Raw::Encoded(_)), .. }] => {
            let target = variable.picture().unwrap_or_else(|| square(size));
            bits(name, decoded(raw, indices, target)?, size, indices, how, notes)?
        }
        [Field { raw: Raw::Numbers(array), .. }] if array.kind == Kind::Unsigned(1) && array.shape.len() > 2 => {
            let target = variable.picture().unwrap_or_else(|| square(size));
            // Zeros and ones are not grey levels.
            let unit = if how.range.is_bits() { 255 } else { 1 };
            bits(name, levels(name, array, indices, target, unit, how, notes)?, size, indices, how, notes)?
        }
        _ => {
            let rows = rows(fields, indices, how)?;
            let own = rows.len() / indices.len().max(1);
            ensure!(own == size, "records have {own} numbers, shape {:?} has {size}", variable.shape);
            let levels = grey(name, &rows, size, indices, how, &mut BTreeSet::new())
                .map_err(|error| error.context("a binary variable takes 0 and 1"))?;
            bits(name, levels, size, indices, how, notes)?
        }
    };
    Ok(Cells::Pictures { shape, bytes })
}

/// The shape of an image with this number of pixels: a square if possible.
fn square(size: usize) -> [usize; 3] {
    let side = (size as f64).sqrt().round() as usize;
    if side * side == size { [1, side, side] } else { [1, 1, size] }
}

fn bits(
    name: &str,
    levels: Vec<u8>,
    size: usize,
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Vec<u8>> {
    if levels.iter().all(|&level| level == 0 || level == 255) {
        return Ok(levels);
    }
    Ok(match how.binarise {
        Binarise::Threshold => {
            let largest = how.range.largest;
            ensure!(
                !how.range.is_dark(),
                "the largest number is {largest}, so as grey levels, which become 1 from 128 on, all would become 0; \
                 a binary variable takes 0 and 1, numbers from 0 to 1, or grey levels from 0 to 255"
            );
            notes.insert(format!(
                "{name}: grey levels become 1 from the middle (128) on; --binarise stochastic draws them"
            ));
            levels.into_iter().map(|level| if level >= 128 { 255 } else { 0 }).collect()
        }
        Binarise::Stochastic => {
            notes
                .insert(format!("{name}: grey levels become 1 with their own probability, drawn once for each record"));
            let draw = |(record, levels): (&[u8], &usize)| -> Vec<u8> {
                let mut rng = ChaCha8Rng::seed_from_u64(how.seed ^ 0x6269_6e61);
                rng.set_stream(how.number(*levels) as u64);
                record
                    .iter()
                    .map(|&level| if rng.random_range(0..255u32) < u32::from(level) { 255 } else { 0 })
                    .collect()
            };
            levels.chunks(size.max(1)).zip(indices).flat_map(draw).collect()
        }
    })
}
