//! Data for training and evaluation.
//!
//! A data set is opened (`open`, with one file for each format), its fields are bound to the model's variables by name
//! (`bind`), its records are divided (`split`), and the selected records are converted to the variables' shapes and
//! checked (`fit`). The run folder stores a description of the data (`kept`), so that later commands use the same
//! records. Partly observed variables may be missing (`missing`).

mod apart;
mod augment;
mod batch;
mod batches;
mod beside;
mod bind;
mod builtin;
mod cells;
mod choose;
mod classes;
mod crop;
mod divide;
mod families;
mod fit;
mod folder;
pub mod formats;
pub mod given;
mod indices;
mod kept;
mod mark;
mod missing;
mod open;
mod opened;
mod order;
mod padding;
mod photo;
mod published;
mod records;
mod set;
mod shuffle;
mod source;
mod split;
mod table;
mod trials;

pub use augment::Augment;
pub use batch::Batches;
pub use bind::parse as parse_bind;
pub use builtin::named::NAMES as BUILT_IN;
pub use builtin::scenes;
pub use cells::{Cells, Column};
pub use choose::{Choice, PartName, choose};
pub use crop::Crop;
pub use fit::Binarise;
pub use folder::inputs;
pub use indices::Indices;
pub use kept::Kept;
pub use mark::mark;
pub use order::Order;
pub use photo::open as open_picture;
pub use records::{Dataset, LABELS, PICTURES, Records, Scale, Scales};
pub use source::{Place, Source};
pub use split::{Division, Parts, Split};

use crate::spec::{Spec, Variable};
use crate::terminal::note;
use anyhow::{Context, Result, ensure};
use open::How;
use opened::Opened;
use set::DataSet;

/// The records of a model's variables.
pub type Images = Records;

/// A data set: training, validation and test records.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// The name in reports.
    pub name: String,
    pub train: Records,
    pub validation: Records,
    pub test: Records,
    /// The description that a run stores. None for data that are generated from a seed.
    pub kept: Option<Kept>,
}

impl Data {
    /// Bytes of its records in memory.
    pub fn bytes(&self) -> usize {
        [&self.train, &self.validation, &self.test].map(Records::bytes).iter().sum()
    }
}

/// A data set that was opened but not yet fitted to a model, because its shapes may determine parameters of the model.
#[derive(Debug)]
pub struct Reader<'s> {
    source: &'s Source,
    /// None for built-in data.
    opened: Option<Opened>,
}

impl<'s> Reader<'s> {
    /// # Errors
    /// A path that is missing, of unknown kind, truncated or unreadable.
    pub fn open(source: &'s Source) -> Result<Self> {
        let Place::Path(path) = &source.place else { return Ok(Self { source, opened: None }) };
        Ok(Self { source, opened: Some(open::open(path, How { crop: source.crop, only_test: false })?) })
    }

    /// The number of steps of the arrays that fill the model's families over its length, if there is such an array.
    pub fn steps(&self, spec: &Spec) -> Option<usize> {
        let families = || spec.variables.iter().filter(|variable| variable.steps);
        let Some(opened) = &self.opened else { return families().next().map(|_| builtin::STEPS) };
        let table = opened.pool.as_ref().or(opened.test.as_ref());
        let named = |field: &&table::Field| {
            let fills = |name: &String| self.source.bind.iter().any(|(to, what)| to == name && *what == field.name);
            families().any(|family| family.name == field.name || fills(&family.name))
        };
        let arrays = table.into_iter().flat_map(|table| &table.fields).filter(named);
        arrays.filter_map(|field| field.raw.shape()?.get(1).copied()).max()
    }

    /// Fits the data set to a model's variables, and divides it.
    ///
    /// # Errors
    /// A variable without a field, or a value that is not valid for its variable, with the place and a suggestion.
    pub fn load(self, spec: &Spec, split: Split) -> Result<Data> {
        let variables: Vec<Variable> = spec.data_variables().cloned().collect();
        let source = self.source;
        let Some(opened) = self.opened else {
            builtin::check_options(source, Some(split))?;
            if std::path::Path::new("builtin").exists() {
                note("builtin: these are the built-in data; what is called so in the current folder is `./builtin`");
            }
            return source.labelled(builtin::load(&variables)?, &variables);
        };
        let opened = DataSet::new(source, opened, &variables)?;
        ensure!(opened.pool().count > 0, "{source}: there are no records to train on");
        let kept = opened.described(source, split)?;
        opened.opened.notes.iter().for_each(|text| note(&format!("{}: {text}", opened.opened.name)));
        opened.says_what_fills_what();
        source.labelled(opened.load(kept.division.clone(), kept)?, &variables)
    }
}

/// The content of the built-in data for each variable of a model, in words.
pub fn describe_builtin(spec: &Spec) -> String {
    builtin::describe(&spec.data_variables().cloned().collect::<Vec<_>>())
}

/// Loads a data set for a model's variables, and divides it.
///
/// # Errors
/// Those of [`Reader`].
pub fn load(source: &Source, spec: &Spec, split: Split) -> Result<Data> {
    Reader::open(source)?.load(spec, split)
}

/// Loads the data of a run from their current location, with the division of the run. Changes are reported.
///
/// # Errors
/// As [`load`], and records that no longer exist.
pub fn load_kept(source: &Source, spec: &Spec, kept: &Kept) -> Result<Data> {
    let variables: Vec<Variable> = spec.data_variables().cloned().collect();
    if source.place == Place::Builtin {
        return source.labelled(builtin::load(&variables)?, &variables);
    }
    let opened = Reader::open(source)?.opened.unwrap_or_default();
    let mut opened = DataSet::new(source, opened, &variables)?;
    opened.classes = kept.classes.clone();
    let (division, notes) = kept.find(&opened.opened).with_context(|| source.to_string())?;
    notes.iter().for_each(|text| note(&format!("{}: {text}", opened.opened.name)));
    opened.scales = Some(kept.scales_of(&variables)?.clone());
    source.labelled(opened.load(division, kept.moved(&source.text()))?, &variables)
}

/// The test records of a data set, as [`choose`] selects them: at most `most`.
///
/// # Errors
/// Those of [`choose`].
pub fn test(source: &Source, spec: &Spec, kept: Option<&Kept>, most: Option<usize>) -> Result<(String, Records)> {
    choose(source, spec, kept, Choice { most, ..Choice::default() })
}
