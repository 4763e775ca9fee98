//! Records for a model: for each variable a column of checked values in the variable's shape.

mod dataset;
pub mod scale;

use super::Order;
use super::cells::{Cells, Column};
use super::shuffle::{MANY, Shuffle};
use crate::{DType, TermKind, Terms, Values};
use anyhow::{Result, bail, ensure};
pub use dataset::Dataset;
pub use scale::{Scale, Scales};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names of columns that are not assigned to a variable: images and their classes.
pub const PICTURES: &str = "pictures";
pub const LABELS: &str = "labels";

/// Whether a term of the bound is log p of this variable.
fn is_of(variable: &str, (name, kind): (&str, TermKind)) -> bool {
    kind == TermKind::Reconstruction && name.strip_prefix("RE_") == Some(variable)
}

/// Records of a data set, with a value in each column.
#[derive(Debug, Clone, Default)]
pub struct Records {
    count: usize,
    columns: Vec<Column>,
    /// The number of each record in its data set, if that differs from its position here.
    numbers: Option<Vec<usize>>,
    /// The scales of standardised columns.
    scales: Scales,
    /// The presences of partly observed columns.
    present: BTreeMap<String, Vec<bool>>,
    /// Of families over the length, for each record the presence of every step.
    steps: BTreeMap<String, Vec<Vec<bool>>>,
    /// The source of records that are read on demand. There are no columns here then.
    stored: Option<Arc<dyn Dataset>>,
}

impl Records {
    /// Concatenated images, each channel by channel, of shape [channels, height, width].
    ///
    /// # Errors
    /// An incomplete image, or another number of labels than images.
    pub fn new(shape: [usize; 3], bytes: Vec<u8>, labels: Option<Vec<usize>>) -> Result<Self> {
        let size: usize = shape.iter().product();
        ensure!(
            size > 0 && bytes.len().is_multiple_of(size),
            "{} bytes are not a whole number of images {shape:?}",
            bytes.len()
        );
        let pictures = Column { name: PICTURES.into(), cells: Cells::Pictures { shape, bytes } };
        let labels = labels.map(|labels| Column { name: LABELS.into(), cells: Cells::Classes(labels) });
        Self::of([Some(pictures), labels].into_iter().flatten().collect())
    }

    /// Records of these columns.
    ///
    /// # Errors
    /// Columns of different lengths.
    pub fn of(columns: Vec<Column>) -> Result<Self> {
        let count = columns.first().map_or(0, |column| column.cells.len());
        for column in &columns {
            let here = column.cells.len();
            ensure!(here == count, "{here} {} for {count} {}", column.name, columns[0].name);
        }
        Ok(Self { count, columns, ..Self::default() })
    }

    /// Records that are read on demand.
    ///
    /// # Errors
    /// A first record that cannot be read.
    pub fn stored(dataset: Arc<dyn Dataset>) -> Result<Self> {
        let count = dataset.len();
        let scales = if count > 0 { dataset.read(&[0])?.scales } else { Scales::new() };
        Ok(Self { count, scales, stored: Some(dataset), ..Self::default() })
    }

    /// The source of records that are not in memory.
    pub fn dataset(&self) -> Option<&dyn Dataset> {
        self.stored.as_deref()
    }

    /// Zero records, with images of shape [channels, height, width].
    pub fn empty(shape: [usize; 3]) -> Self {
        let cells = Cells::Pictures { shape, bytes: Vec::new() };
        Self { columns: vec![Column { name: PICTURES.into(), cells }], ..Self::default() }
    }

    /// The records, each with its number in the original data set.
    #[must_use]
    pub fn numbered(self, numbers: Vec<usize>) -> Self {
        Self { numbers: Some(numbers), ..self }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of the values in memory: 0 for records that are read on demand.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(|column| column.cells.bytes()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of a record in its data set.
    pub fn number(&self, index: usize) -> usize {
        match (&self.numbers, &self.stored) {
            (Some(numbers), _) => numbers[index],
            (None, Some(dataset)) => dataset.number(index),
            (None, None) => index,
        }
    }

    /// Whether the records have numbers in a data set.
    pub fn has_numbers(&self) -> bool {
        self.numbers.is_some() || self.stored.is_some()
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Scales a real column.
    pub(super) fn scale(&mut self, name: &str, scale: &Scale) {
        let column = self.columns.iter_mut().find(|column| column.name == name);
        if let Some(Column { cells: Cells::Reals { numbers, .. }, .. }) = column {
            scale.apply(numbers);
            self.scales.insert(name.to_owned(), scale.clone());
        }
    }

    /// The correction of the log-density of a variable's value, in nats, to subtract for the density in the data's own units: of a
    /// sequence, for each step.
    pub fn log_factor(&self, variable: &str) -> f64 {
        self.scales.get(variable).map_or(0.0, Scale::log_factor)
    }

    /// The records, marked as scaled by these scales.
    #[must_use]
    pub fn scaled_by(self, scales: Scales) -> Self {
        Self { scales, ..self }
    }

    /// The scale of a variable's values. None if they are in the data's own units.
    pub fn scale_of(&self, variable: &str) -> Option<&Scale> {
        self.scales.get(variable)
    }

    /// Converts the terms of a bound over a batch of these records to the data's own units: log p of a scaled variable
    /// is reduced by [`Records::log_factor`] for each value that a record has.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn own_units(&self, terms: &mut Terms, batch: &Values) -> Result<()> {
        for (variable, scale) in &self.scales {
            let Some(at) = terms.terms.iter().position(|term| is_of(variable, (term.name, term.kind))) else {
                continue;
            };
            let (value, factor) = (&terms.terms[at].value, scale.log_factor());
            terms.terms[at].value = match scale.counts(variable, batch)? {
                Some(counts) => value.broadcast_sub(&(counts.to_dtype(value.dtype())? * factor)?)?,
                None => (value - factor)?,
            };
        }
        Ok(())
    }

    /// As [`Records::own_units`], for the means of the terms over a batch.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn means_in_own_units(&self, means: &mut [(&'static str, TermKind, f64)], batch: &Values) -> Result<()> {
        for (variable, scale) in &self.scales {
            let Some(own) = means.iter_mut().find(|(name, kind, _)| is_of(variable, (name, *kind))) else { continue };
            let count = match scale.counts(variable, batch)? {
                Some(counts) => f64::from(counts.to_dtype(DType::F32)?.mean_all()?.to_scalar::<f32>()?),
                None => 1.0,
            };
            own.2 -= count * scale.log_factor();
        }
        Ok(())
    }

    /// Sets the presences of a column.
    pub(super) fn set_present(&mut self, name: &str, present: Vec<bool>) {
        self.present.insert(name.to_owned(), present);
    }

    /// The presences of a column. None if it is always observed.
    pub fn present(&self, name: &str) -> Option<&[bool]> {
        self.present.get(name).map(Vec::as_slice)
    }

    /// Sets the presences of every step of a column, for each record. A record has a value if it has a step.
    pub(super) fn set_steps(&mut self, name: &str, steps: Vec<Vec<bool>>) {
        self.set_present(name, steps.iter().map(|steps| steps.contains(&true)).collect());
        self.steps.insert(name.to_owned(), steps);
    }

    /// The presences of a record's steps in a column. None if it has all of them, or none.
    pub fn steps(&self, name: &str, index: usize) -> Option<&[bool]> {
        self.steps.get(name).filter(|_| self.has(name, index)).map(|steps| steps[index].as_slice())
    }

    /// Whether a record has a value in a column.
    pub fn has(&self, name: &str, index: usize) -> bool {
        self.present(name).is_none_or(|present| present[index])
    }

    /// Adds a column, or replaces the one with the same name.
    ///
    /// # Errors
    /// Another number of values than records.
    pub fn insert(&mut self, column: Column) -> Result<()> {
        let here = column.cells.len();
        ensure!(here == self.count, "{here} values of {} for {} records", column.name, self.count);
        self.columns.retain(|other| other.name != column.name);
        // Every record has the new value.
        self.present.remove(&column.name);
        self.steps.remove(&column.name);
        self.columns.push(column);
        Ok(())
    }

    /// The records with only the values of these variables.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.columns.retain(|column| names.contains(&column.name.as_str()));
        self
    }

    /// The records at these positions, in this order and in memory.
    ///
    /// # Errors
    /// Stored records that cannot be read, or values that are not valid for their variable.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        if let Some(dataset) = &self.stored {
            let found = dataset.read(indices)?;
            let (asked, count) = (indices.len(), found.len());
            ensure!(count == asked, "a data set was asked for {asked} records and gave {count}");
            return Ok(found.numbered(indices.iter().map(|&index| dataset.number(index)).collect()));
        }
        let column = |column: &Column| Column { name: column.name.clone(), cells: column.cells.select(indices) };
        let of = |present: &Vec<bool>| indices.iter().map(|&index| present[index]).collect();
        let of_steps = |steps: &Vec<Vec<bool>>| indices.iter().map(|&index| steps[index].clone()).collect();
        Ok(Self {
            count: indices.len(),
            columns: self.columns.iter().map(column).collect(),
            numbers: Some(indices.iter().map(|&index| self.number(index)).collect()),
            scales: self.scales.clone(),
            present: self.present.iter().map(|(name, all)| (name.clone(), of(all))).collect(),
            steps: self.steps.iter().map(|(name, all)| (name.clone(), of_steps(all))).collect(),
            stored: None,
        })
    }

    /// At most the first `count` records.
    ///
    /// # Errors
    /// As [`Records::select`].
    pub fn first(&self, count: usize) -> Result<Self> {
        self.select(&(0..self.len().min(count)).collect::<Vec<_>>())
    }

    /// At most `count` random records, in the order of the data set.
    ///
    /// # Errors
    /// As [`Records::select`].
    pub fn sample(&self, count: usize, seed: u64) -> Result<Self> {
        if count >= self.len() {
            return Ok(self.clone());
        }
        let mut chosen = match self.len() > MANY {
            true => {
                let shuffle = Shuffle::new(self.len(), seed, 0);
                (0..count).map(|place| shuffle.at(place)).collect()
            }
            false => Order::permutation(self.len(), seed, 0),
        };
        chosen.truncate(count);
        chosen.sort_unstable();
        self.select(&chosen)
    }

    /// The first column of images: its shape and the bytes of a record.
    fn pictures(&self) -> Option<([usize; 3], &[u8])> {
        self.columns.iter().find_map(|column| match &column.cells {
            Cells::Pictures { shape, bytes } => Some((*shape, bytes.as_slice())),
            _ => None,
        })
    }

    /// [channels, height, width] of the first column of images; [0, 0, 0] without images.
    pub fn shape(&self) -> [usize; 3] {
        self.pictures().map_or([0; 3], |(shape, _)| shape)
    }

    /// The bytes of a record in the first column of images; empty without images.
    pub fn picture(&self, index: usize) -> &[u8] {
        self.pictures().map_or(&[], |(shape, bytes)| {
            let size: usize = shape.iter().product();
            &bytes[index * size..][..size]
        })
    }

    /// The class of a record in the first column of classes, if there is one.
    pub fn label(&self, index: usize) -> Option<usize> {
        self.columns.iter().find_map(|column| match &column.cells {
            Cells::Classes(classes) => classes.get(index).copied(),
            _ => None,
        })
    }

    /// The steps of each record, from the variable of this name.
    pub fn lengths(&self, name: &str) -> Option<Vec<usize>> {
        if let Some(dataset) = &self.stored {
            return dataset.lengths();
        }
        match &self.column(name)?.cells {
            Cells::Reals { numbers, .. } => Some(numbers.iter().map(|&steps| steps as usize).collect()),
            _ => None,
        }
    }

    /// Adds records with the same columns.
    ///
    /// # Errors
    /// A column that exists only in one of them, or has another kind or shape.
    pub(super) fn append(&mut self, other: Self) -> Result<()> {
        if self.is_empty() {
            *self = other;
            return Ok(());
        }
        ensure!(self.columns.len() == other.columns.len(), "one part has labels and another has none");
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            match (&mut column.cells, more.cells) {
                (Cells::Pictures { shape, bytes }, Cells::Pictures { shape: its, bytes: more }) if *shape == its => {
                    bytes.extend(more);
                }
                (Cells::Reals { shape, numbers }, Cells::Reals { shape: its, numbers: more }) if *shape == its => {
                    numbers.extend(more);
                }
                (Cells::Classes(classes), Cells::Classes(more)) => classes.extend(more),
                (Cells::Codes { places, codes }, Cells::Codes { places: its, codes: more }) if *places == its => {
                    codes.extend(more);
                }
                _ => bail!("{} has another shape in one part than in another", column.name),
            }
        }
        self.count += other.count;
        self.numbers = None;
        Ok(())
    }
}
