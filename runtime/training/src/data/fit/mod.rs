//! From fields to the values of a variable: shapes, ranges and types are checked, with the first record that does not fit.

mod labels;
mod layout;
mod numbers;
mod pictures;

pub use labels::classes;
pub(super) use numbers::{is_missing, select};

use super::cells::Cells;
use super::formats::arrays;
use super::table::{Field, Raw};
use crate::spec::{Space, Variable};
use anyhow::{Context, Result};
use labels::label;
use numbers::{numeric, real};
use pictures::{binary, image};
use std::collections::BTreeSet;

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
