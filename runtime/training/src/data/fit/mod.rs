//! From fields to the values of a variable. Shapes, ranges and types are checked, and the first record that does not
//! fit is reported.

mod fields;
mod films;
mod labels;
mod layout;
mod numbers;
mod pictures;

pub(super) use fields::{is_missing, is_missing_class, select};
pub use labels::classes;

use super::cells::Cells;
use super::formats::arrays;
use super::table::{Field, Raw};
use crate::spec::{Space, Variable};
use anyhow::{Context, Result};
use films::{film, is_film};
use labels::label;
pub use numbers::steps;
use numbers::{numeric, real};
use pictures::{binary, image};
use std::collections::BTreeSet;

/// The conversion of grey levels to 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Binarise {
    /// 1 from the middle on: from grey level 128, or 0.5.
    #[default]
    Threshold,
    /// 1 with the probability of the grey level, drawn once per record from the data's seed.
    Stochastic,
}

/// Properties common to all records of a data set.
#[derive(Debug, Clone, Copy)]
pub struct Fitting<'a> {
    pub binarise: Binarise,
    pub seed: u64,
    pub range: Range,
    /// The names of a label's classes, if they have names.
    pub classes: &'a [String],
    /// The names of the records, for messages.
    pub names: Option<&'a [String]>,
    /// The lines of the records in their file, if it is a table of text.
    pub lines: Option<&'a [u64]>,
    /// The numbers of the records in their data set, if these are a part of it.
    pub numbers: Option<&'a [usize]>,
    /// The number of images in a record, each counted as a record of its own; 1 unless the records are sequences of images.
    pub frames: usize,
}

impl Fitting<'_> {
    /// The number of a record in its data set, or of an image among all of them.
    fn number(&self, index: usize) -> usize {
        let (record, frame) = (index / self.frames, index % self.frames);
        self.numbers.map_or(record, |numbers| numbers[record]) * self.frames + frame
    }

    /// The place of a record in messages: its line, or its number from 0.
    pub fn record(&self, index: usize) -> String {
        let number = self.number(index) / self.frames;
        let step = if self.frames > 1 { format!(", step {}", index % self.frames + 1) } else { String::new() };
        let index = index / self.frames;
        let place = match self.lines.and_then(|lines| lines.get(index)) {
            Some(line) => format!("line {line}{step}"),
            None => format!("record {number}{step}"),
        };
        match self.names.and_then(|names| names.get(index)) {
            Some(name) => format!("{place} ({name})"),
            None => place,
        }
    }
}

/// The values of `variable` at the records `indices` of the fields that fill it. Decisions are added to `notes`.
///
/// # Errors
/// A value that is not valid for the variable: the record, the value, and the expected values.
pub fn fit(
    variable: &Variable,
    fields: &[&Field],
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Cells> {
    let fitted = match variable.space {
        Space::Image | Space::Binary if is_film(variable) => film(variable, fields, indices, how, notes),
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

/// The number of records of a stored array from which its range is estimated.
const LOOKED_AT: usize = 4096;

/// The range of a data set's numbers for a variable, over all its parts, because one part alone could suggest another
/// scale.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Range {
    pub largest: f64,
    /// Whether all are whole numbers.
    pub whole: bool,
    /// How many are 1, and how many are neither 0 nor 1.
    pub ones: usize,
    pub others: usize,
}

impl Range {
    /// The range over the fields that fill a variable, in every part.
    pub fn of<'a>(fields: impl Iterator<Item = &'a Field>) -> Self {
        let mut range = Self { whole: true, ..Self::default() };
        let mut see = |number: f64| {
            if !number.is_finite() {
                return;
            }
            range.largest = range.largest.max(number);
            range.whole &= number.fract() == 0.0;
            range.ones += usize::from(number == 1.0);
            range.others += usize::from(number != 0.0 && number != 1.0);
        };
        for field in fields {
            match &field.raw {
                Raw::Numbers(array) => arrays::numbers(array).into_iter().for_each(&mut see),
                // A read error is reported when the values are needed.
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

    /// Whether the numbers are neither from 0 to 1 nor grey levels of which any could become 1.
    fn is_dark(self) -> bool {
        self.largest > 1.0 && self.largest < 128.0
    }

    /// Whether the numbers would be grey levels because of a few, while most of those that are not 0 are 1.
    fn has_strays(self) -> bool {
        self.largest >= 128.0 && self.ones > self.others
    }

    fn is_bits(self) -> bool {
        self.whole && self.largest <= 1.0
    }
}
