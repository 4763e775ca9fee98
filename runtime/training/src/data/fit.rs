//! From fields to the values of a variable: shapes, ranges and types are checked, with the first record that does not fit.

use super::batch::classes_at;
use super::formats::arrays;
use super::missing::is_missing_class;
use super::records::Cells;
use super::table::{Field, Raw};
use super::{photo, resize};
use crate::input::{Array, Kind};
use crate::spec::{Role, Space, Variable, space_entry};
use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};

/// How grey levels become 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Binarise {
    /// 1 from the middle on: grey level 128, or 0.5.
    #[default]
    Threshold,
    /// 1 with the grey level's probability, drawn once for each record from the data's seed.
    Stochastic,
}

/// What is the same for every record of a data set.
#[derive(Debug, Clone, Copy)]
pub struct Fitting<'a> {
    pub binarise: Binarise,
    pub seed: u64,
    pub range: Range,
    /// Of a label's classes by number, where they have names.
    pub classes: &'a [String],
    /// Of the records, for messages.
    pub names: Option<&'a [String]>,
    /// Of the records in their data set, where these are some of it.
    pub numbers: Option<&'a [usize]>,
}

impl Fitting<'_> {
    /// The number of a record in its data set.
    fn number(&self, index: usize) -> usize {
        self.numbers.map_or(index, |numbers| numbers[index])
    }

    fn record(&self, index: usize) -> String {
        let number = self.number(index);
        match self.names.and_then(|names| names.get(index)) {
            Some(name) => format!("record {number} ({name})"),
            None => format!("record {number}"),
        }
    }
}

/// The values of `variable` at the records `indices` of the fields that fill it. What was decided on the way is added to `notes`.
///
/// # Errors
/// A value that is none of the variable's: which record, what it is, what is wanted.
pub fn fit(
    variable: &Variable,
    fields: &[&Field],
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Cells> {
    let fitted = match variable.space {
        Space::Label => label(variable, fields, indices, how),
        Space::Image => image(variable, fields, indices, how, notes),
        Space::Binary => binary(variable, fields, indices, how, notes),
        Space::Real => real(variable, fields, indices, how, notes),
        _ => numeric(variable, fields, indices, how),
    };
    let names: Vec<&str> = fields.iter().take(4).map(|field| field.name.as_str()).collect();
    let more = if fields.len() > 4 { ", …" } else { "" };
    fitted.with_context(|| format!("variable `{}` filled from {}{more}", variable.name, names.join(", ")))
}

/// The class of every record and the classes' names: whole numbers from 0 as they are and without names, anything else in
/// alphabetical (numbers: rising) order. Where classes may be `missing`, records without one have the number after the last.
///
/// # Errors
/// Numbers that are not whole, or more than one for each record.
pub fn classes(raw: &Raw, missing: bool) -> Result<(Vec<usize>, Vec<String>)> {
    let texts = class_texts(raw, missing)?;
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

/// The class of every record as it is called; an empty text where it may be `missing` and is.
fn class_texts(raw: &Raw, missing: bool) -> Result<Vec<String>> {
    match raw {
        Raw::Text(cells) => {
            // `none` and `-` may be the names of classes.
            let is_missing = |cell: &String| matches!(cell.to_lowercase().as_str(), "" | "na" | "nan" | "null");
            if let Some(record) = cells.iter().position(is_missing).filter(|_| !missing) {
                bail!("record {record}: the class is missing (`{}`)", cells[record]);
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
        Raw::Numbers(array) => Ok(whole_numbers(array)?.iter().map(i64::to_string).collect()),
        Raw::Stored(_) => bail!("an array of several numbers per record is not a class"),
        _ => bail!("images are not classes"),
    }
}

/// One number a record, or one-hot rows.
fn whole_numbers(array: &Array) -> Result<Vec<i64>> {
    let numbers = arrays::numbers(array);
    let columns = array.shape.iter().skip(1).product::<usize>();
    if columns > 1 {
        let one_hot = |row: &[f64]| row.iter().all(|&v| v == 0.0 || v == 1.0) && row.iter().sum::<f64>() == 1.0;
        if let Some(bad) = numbers.chunks(columns).position(|row| !one_hot(row)) {
            bail!(
                "record {bad} has {columns} numbers that are not a one-hot row; expected the number of a class, or a row with a \
                 single 1"
            );
        }
        return Ok(numbers.chunks(columns).map(|row| row.iter().position(|&v| v == 1.0).unwrap_or(0) as i64).collect());
    }
    if let Some(bad) = numbers.iter().position(|number| number.fract() != 0.0 || !number.is_finite()) {
        bail!("record {bad} has {}, and classes are whole numbers", numbers[bad]);
    }
    Ok(numbers.into_iter().map(|number| number as i64).collect())
}

fn label(variable: &Variable, fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Cells> {
    let &[count] = variable.shape.as_slice() else { return codes(variable, fields, indices, how) };
    let [field] = fields else { bail!("a label takes one column, there are {}", fields.len()) };
    let texts = class_texts(&field.raw, variable.role == Role::Partly)?;
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

fn image(
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

/// Picture files, decoded on all cores and brought to a shape.
fn decoded(raw: &Raw, indices: &[usize], shape: [usize; 3]) -> Result<Vec<u8>> {
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

/// How the numbers of a picture lie in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// [channels, height, width]
    Planes([usize; 3]),
    /// [height, width, channels]
    Pixels([usize; 3]),
}

impl Layout {
    /// Of a record's shape, for a variable of shape `wanted`.
    fn of(record: &[usize], wanted: [usize; 3]) -> Result<Self> {
        let [channels, height, width] = wanted;
        let few = |count: usize| matches!(count, 1 | 3);
        Ok(match *record {
            [c, h, w] if [c, h, w] == wanted => Self::Planes(wanted),
            [h, w, c] if [c, h, w] == wanted => Self::Pixels(wanted),
            [c, h, w] if few(c) => Self::Planes([c, h, w]),
            [h, w, c] if few(c) => Self::Pixels([c, h, w]),
            [h, w] => Self::Planes([1, h, w]),
            [size] if size == channels * height * width => Self::Planes(wanted),
            [size] => {
                let square = |channels: usize| {
                    let side = ((size / channels) as f64).sqrt().round() as usize;
                    (channels * side * side == size && side > 0).then_some([channels, side, side])
                };
                let shape = square(1).or_else(|| square(3)).with_context(|| {
                    format!("{size} numbers per record are not a square image and not of shape {wanted:?}")
                })?;
                Self::Planes(shape)
            }
            _ => bail!(
                "records of shape {record:?} are not images; expected {wanted:?}, [height, width, channels] or \
                 [height, width]"
            ),
        })
    }

    fn shape(self) -> [usize; 3] {
        match self {
            Self::Planes(shape) | Self::Pixels(shape) => shape,
        }
    }

    /// The numbers of a record, channel by channel.
    fn planes<T: Copy>(self, record: &[T]) -> Vec<T> {
        match self {
            Self::Planes(_) => record.to_vec(),
            Self::Pixels([channels, height, width]) => (0..channels)
                .flat_map(|channel| (0..height * width).map(move |pixel| record[pixel * channels + channel]))
                .collect(),
        }
    }
}

/// Grey levels of an array of pictures, brought to a shape; bytes are multiples of `unit`.
fn levels(
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

/// The rows of an array at these records.
pub(super) fn select(array: &Array, indices: &[usize]) -> Vec<f64> {
    let row = array.shape.iter().skip(1).product::<usize>() * array.kind.width();
    let content = indices.iter().flat_map(|&index| &array.content[index * row..][..row]).copied().collect();
    let shape = std::iter::once(indices.len()).chain(array.shape.iter().skip(1).copied()).collect();
    arrays::numbers(&Array { kind: array.kind, shape, content })
}

/// Numbers as grey levels: 0 to 255, or 0 to 1 where none in the data set is above 1.
fn grey(
    name: &str,
    numbers: &[f64],
    size: usize,
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Vec<u8>> {
    let record = |at: usize| how.record(indices[at / size.max(1)]);
    if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
        bail!("{} has the value {}; an image has no missing values", record(at), numbers[at]);
    }
    if let Some(at) = numbers.iter().position(|&number| !(0.0..=255.0).contains(&number)) {
        bail!("{} has the value {}; an image has grey levels 0 to 255, or numbers 0 to 1", record(at), numbers[at]);
    }
    let scale = if how.range.largest <= 1.0 { 255.0 } else { 1.0 };
    // Of what stays in its file a part alone was looked at.
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

/// Records of an array that stays in its file whose range is taken for that of all.
const LOOKED_AT: usize = 4096;

/// What numbers a data set has for a variable, over all its parts: one part alone could look like another scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub largest: f64,
    /// Whole numbers only.
    pub whole: bool,
}

impl Range {
    /// Of the fields that fill a variable, in every part.
    pub fn of<'a>(fields: impl Iterator<Item = &'a Field>) -> Self {
        let mut range = Self { largest: 0.0, whole: true };
        let mut see = |number: f64| {
            if !number.is_finite() {
                return;
            }
            range.largest = range.largest.max(number);
            range.whole &= number.fract() == 0.0;
        };
        for field in fields {
            match &field.raw {
                Raw::Numbers(array) => arrays::numbers(array).into_iter().for_each(&mut see),
                // What cannot be read is said when it is wanted.
                Raw::Stored(array) => array
                    .spread(LOOKED_AT)
                    .into_iter()
                    .for_each(|some| arrays::numbers(&some).into_iter().for_each(&mut see)),
                Raw::Text(cells) => cells.iter().filter_map(|cell| cell.parse().ok()).for_each(&mut see),
                Raw::Files { .. } | Raw::Encoded(_) => see(255.0),
            }
        }
        range
    }

    fn is_bits(self) -> bool {
        self.whole && self.largest <= 1.0
    }
}

/// 0 and 1 as 0 and 255.
fn binary(
    variable: &Variable,
    fields: &[&Field],
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Cells> {
    let size = variable.shape.iter().product::<usize>();
    let name = &variable.name;
    let shape = variable.picture().unwrap_or([1, 1, size]);
    let bytes = match fields {
        [Field { raw: raw @ (Raw::Files { .. } | Raw::Encoded(_)), .. }] => {
            let target = variable.picture().unwrap_or_else(|| square(size));
            bits(name, decoded(raw, indices, target)?, size, indices, how, notes)
        }
        [Field { raw: Raw::Numbers(array), .. }] if array.kind == Kind::Unsigned(1) && array.shape.len() > 2 => {
            let target = variable.picture().unwrap_or_else(|| square(size));
            // Zeros and ones are no grey levels.
            let unit = if how.range.is_bits() { 255 } else { 1 };
            bits(name, levels(name, array, indices, target, unit, how, notes)?, size, indices, how, notes)
        }
        _ => {
            let rows = rows(fields, indices, how)?;
            let own = rows.len() / indices.len().max(1);
            ensure!(own == size, "records have {own} numbers, shape {:?} has {size}", variable.shape);
            let levels = grey(name, &rows, size, indices, how, &mut BTreeSet::new())
                .map_err(|error| error.context("a binary variable takes 0 and 1"))?;
            bits(name, levels, size, indices, how, notes)
        }
    };
    Ok(Cells::Pictures { shape, bytes })
}

/// A picture of so many pixels: a square where one has as many.
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
) -> Vec<u8> {
    if levels.iter().all(|&level| level == 0 || level == 255) {
        return levels;
    }
    match how.binarise {
        Binarise::Threshold => {
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
    }
}

fn real(
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

/// Numbers in the shape of pictures that are fewer than this are not judged.
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

/// Numbers of any space but the reals: they must be values of it.
fn numeric(variable: &Variable, fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Cells> {
    let (size, space) = (variable.shape.iter().product::<usize>().max(1), space_entry(variable.space));
    let numbers = finite(variable, fields, indices, how)?;
    for (row, &index) in numbers.chunks(size).zip(indices) {
        let row: Vec<f64> = row.iter().map(|&number| f64::from(number)).collect();
        if let Some(why) = (space.misfit)(&row) {
            let shown: Vec<String> = row.iter().take(6).map(f64::to_string).collect();
            let more = if row.len() > shown.len() { ", …" } else { "" };
            let what = space.docs.trim_end_matches('.').to_lowercase();
            bail!("{} {why} ({}{more}); `{}` takes {what}", how.record(index), shown.join(", "), space.name);
        }
    }
    Ok(Cells::Reals { shape: variable.shape.clone(), numbers })
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
    let record = |at: usize| how.record(indices[at / size.max(1)]);
    if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
        let column = fields.get(at % size.max(1)).filter(|_| fields.len() > 1);
        let column = column.map_or_else(String::new, |field| format!(" in column `{}`", field.name));
        bail!("{} has the value {}{column}; values must not be missing: remove such records", record(at), rows[at]);
    }
    if let Some(at) = rows.iter().position(|&value| value.abs() > f64::from(f32::MAX)) {
        bail!("{} has the value {:e}, which single precision cannot hold", record(at), rows[at]);
    }
    Ok(rows.into_iter().map(|value| value as f32).collect())
}

/// The numbers of the fields, record by record, the fields of one record next to each other.
fn rows(fields: &[&Field], indices: &[usize], how: &Fitting<'_>) -> Result<Vec<f64>> {
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
                cell.parse().with_context(|| format!("{}: `{cell}` is not a number", place()))
            })
            .collect(),
        Raw::Stored(array) => Ok(arrays::numbers(&array.read(indices)?)),
        Raw::Files { .. } | Raw::Encoded(_) => bail!("`{}` holds images; expected numbers", field.name),
    }
}

pub(super) fn is_missing(cell: &str) -> bool {
    matches!(cell.to_lowercase().as_str(), "" | "na" | "n/a" | "nan" | "null" | "none" | "?" | "-")
}
