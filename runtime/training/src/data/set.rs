//! A data set whose fields are bound to a model's variables.

use super::apart;
use super::beside::beside;
use super::bind::{self, Binding};
use super::cells::{Cells, Column};
use super::fit::{self, Binarise, Fitting, Range};
use super::indices::Indices;
use super::opened::Opened;
use super::records::{Records, scale};
use super::shuffle::Shuffle;
use super::split::{Division, Split};
use super::table::{Field, Raw, Table};
use super::{Data, Dataset, Kept, Scales, Source, classes, divide, missing, padding, trials};
use crate::input;
use crate::spec::{Role, Space, Variable};
use crate::terminal::note;
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A data set whose fields are bound to variables.
#[derive(Debug)]
pub struct DataSet {
    pub opened: Opened,
    bindings: Vec<Binding>,
    pub classes: BTreeMap<String, Vec<String>>,
    binarise: Binarise,
    seed: u64,
    ranges: BTreeMap<String, Range>,
    /// The group of each training record, if groups stay together.
    pub groups: Option<Vec<usize>>,
    /// The scales of real columns. They are measured if not yet known.
    pub scales: Option<Scales>,
    /// The length variable and its value for every record, if no field states it.
    full: Option<(String, usize)>,
    /// Where the data are, for messages.
    place: String,
}

impl DataSet {
    /// Binds the fields of an opened data set.
    ///
    /// # Errors
    /// A variable without a field, fields that exist only in one part, or invalid classes.
    pub fn new(source: &Source, mut opened: Opened, variables: &[Variable]) -> Result<Self> {
        let groups = source.group.as_deref().map(|name| apart::groups(&mut opened, name, variables)).transpose()?;
        let mut asked = Vec::new();
        for (at, (name, what)) in source.bind.iter().enumerate() {
            let is_new = source.bind[..at].iter().all(|(other, _)| other != name);
            ensure!(is_new, "--bind {name}={what}: `{name}` is bound twice");
            asked.push((name.clone(), beside(&mut opened, name, what, source)?));
        }
        divide::divide(&mut opened, variables, &mut asked).with_context(|| source.to_string())?;
        let table = opened.pool.as_ref().or(opened.test.as_ref()).context("no records")?;
        // Without a field for the length, every record has all steps.
        let says_length = |variable: &Variable| {
            let names = [variable.name.as_str(), "lengths", "length"];
            let asked = asked.iter().any(|(name, _)| *name == variable.name);
            asked || table.fields.iter().any(|field| names.contains(&field.name.as_str()))
        };
        let length = Variable::length(variables).filter(|variable| !says_length(variable));
        let others: Vec<Variable> = variables
            .iter()
            .filter(|variable| length.is_none_or(|length| length.name != variable.name))
            .cloned()
            .collect();
        let full = length.map(|length| (length.name.clone(), steps_of(&others)));
        let bindings = bind::bind(table, &others, &asked).with_context(|| source.to_string())?;
        let mut scored = bindings.iter().filter(|binding| binding.variable.is_observed()).peekable();
        if scored.peek().is_some() && scored.all(|binding| binding.fields.is_empty()) {
            let names =
                others.iter().filter(|variable| variable.is_observed()).map(|variable| format!("`{}`", variable.name));
            bail!(
                "{source}: no field fills a variable of the model, so every record would lack all of them; {}; the model takes {}; \
                 --bind VARIABLE=FIELD states what fills what",
                bind::has(table),
                names.collect::<Vec<_>>().join(", ")
            );
        }
        for part in [&opened.validation, &opened.test].into_iter().flatten() {
            let same = |&at: &usize| {
                part.fields.get(at).map(|field| &field.name) == table.fields.get(at).map(|field| &field.name)
            };
            ensure!(
                bindings.iter().flat_map(|binding| &binding.fields).all(same),
                "{source}: its parts have different fields; {}",
                bind::has(part)
            );
        }
        let classes = classes::names_of(&opened, &bindings).with_context(|| source.to_string())?;
        let parts = [&opened.pool, &opened.validation, &opened.test];
        let range = |binding: &Binding| {
            let fields = parts.into_iter().flatten().flat_map(|part| binding.fields.iter().map(|&at| &part.fields[at]));
            let counts = matches!(binding.variable.space, Space::Image | Space::Binary);
            (binding.variable.name.clone(), Range::of(fields.filter(|_| counts)))
        };
        let ranges = bindings.iter().map(range).collect();
        let scales = (!source.standardize).then(Scales::new);
        let (binarise, seed) = (source.binarise, source.seed);
        Ok(Self { opened, bindings, classes, binarise, seed, ranges, groups, scales, full, place: source.to_string() })
    }

    /// The description of the data for a run, with their division.
    ///
    /// # Errors
    /// A file of indices that does not fit these records.
    pub fn described(&self, source: &Source, split: Split) -> Result<Kept> {
        let apart = (self.strata(), self.groups.clone());
        let mut kept = Kept::new(&source.text(), &self.opened, split, source.seed, self.classes.clone(), apart);
        if let Some(path) = &source.indices {
            kept.division = apart::division(path, &self.opened, &kept.division)?;
        }
        Ok(kept)
    }

    /// The training records and those of missing parts.
    pub fn pool(&self) -> &Table {
        static NONE: Table = Table { fields: Vec::new(), count: 0, names: None, lines: None };
        self.opened.pool.as_ref().unwrap_or(&NONE)
    }

    /// The records of a division. If they need more memory than allowed ([`input::resident`]), they are read on demand.
    ///
    /// # Errors
    /// Values that are not valid for their variable.
    pub fn load(mut self, division: Division, mut kept: Kept) -> Result<Data> {
        if self.scales.is_none() {
            let records = self.records(self.pool(), &self.measured(&division.train))?;
            kept.scales =
                scale::measure(&records, self.bindings.iter().map(|binding| &binding.variable), self.length());
            self.scales = Some(kept.scales.clone());
        }
        let name = self.opened.name.clone();
        let own = |part: &Option<Table>, which: Which| if part.is_some() { which } else { Which::Pool };
        let validation = own(&self.opened.validation, Which::Validation);
        let test = own(&self.opened.test, Which::Test);
        let set = Arc::new(self);
        Ok(Data {
            train: Part::records(&set, Which::Pool, &division.train)?,
            validation: Part::records(&set, validation, &division.validation)?,
            test: Part::records(&set, test, &division.test)?,
            name,
            kept: Some(kept),
        })
    }

    /// Training records for measuring scales: all that are in memory, otherwise a random sample.
    fn measured(&self, train: &Indices) -> Vec<usize> {
        if !self.streams() {
            return train.all();
        }
        note(&format!("{}: its scale is measured over {} records", self.opened.name, train.len().min(MEASURED)));
        let shuffle = Shuffle::new(train.len(), self.seed, 0);
        train.at((0..train.len().min(MEASURED)).map(|place| shuffle.at(place)))
    }

    /// The name of the variable with the number of steps of each record.
    fn length(&self) -> Option<&str> {
        let stated = self.bindings.iter().find(|binding| binding.variable.is_length);
        stated.map(|binding| &binding.variable.name).or(self.full.as_ref().map(|(name, _)| name)).map(String::as_str)
    }

    /// Whether the records are too large for memory.
    fn streams(&self) -> bool {
        let parts = [&self.opened.pool, &self.opened.validation, &self.opened.test];
        let records: usize = parts.into_iter().flatten().map(|part| part.count).sum();
        let bytes = |variable: &Variable| match variable.space {
            Space::Label if classes::is_class(variable) => size_of::<usize>(),
            Space::Image | Space::Binary => variable.shape.iter().product(),
            _ => variable.shape.iter().product::<usize>() * size_of::<f32>(),
        };
        let record: usize = self.bindings.iter().map(|binding| bytes(&binding.variable)).sum();
        records as u64 * record as u64 > input::resident()
    }

    fn table(&self, which: Which) -> &Table {
        match which {
            Which::Pool => Some(self.pool()),
            Which::Validation => self.opened.validation.as_ref(),
            Which::Test => self.opened.test.as_ref(),
        }
        .unwrap_or(self.pool())
    }

    /// The steps of each of these records, if they are known.
    fn lengths(&self, which: Which, indices: &Indices) -> Option<Vec<usize>> {
        if let Some((_, steps)) = self.full {
            return Some(vec![steps; indices.len()]);
        }
        self.stated_lengths(self.table(which), &indices.all())
    }

    /// The steps of each of these records, if an array states them.
    fn stated_lengths(&self, table: &Table, indices: &[usize]) -> Option<Vec<usize>> {
        let binding = self.bindings.iter().find(|binding| binding.variable.is_length)?;
        let field = table.fields.get(*binding.fields.first()?)?;
        let Raw::Numbers(array) = &field.raw else { return None };
        Some(fit::select(array, indices).into_iter().map(|steps| steps as usize).collect())
    }

    /// The records at these positions of a part.
    ///
    /// # Errors
    /// Values that are not valid for their variable.
    pub fn records(&self, table: &Table, indices: &[usize]) -> Result<Records> {
        let used: Vec<usize> =
            self.bindings.iter().flat_map(|one| one.fields.iter().copied().chain(one.says)).collect();
        if used.iter().any(|&at| matches!(table.fields.get(at).map(|field| &field.raw), Some(Raw::Stored(_)))) {
            let read = table.read(&used, indices)?;
            return self.fitted(&read, &(0..indices.len()).collect::<Vec<_>>(), Some(indices));
        }
        self.fitted(table, indices, None)
    }

    /// Records in memory. `numbers` are their numbers in the data set, if they are a part of it.
    fn fitted(&self, table: &Table, indices: &[usize], numbers: Option<&[usize]>) -> Result<Records> {
        let mut notes = BTreeSet::new();
        let mut columns = Vec::new();
        let mut presences = Vec::new();
        let mut steps = Vec::new();
        let common = Fitting {
            binarise: self.binarise,
            seed: self.seed,
            range: Range::default(),
            classes: &[],
            names: table.names.as_deref(),
            lines: table.lines.as_deref(),
            numbers,
            frames: 1,
        };
        let lengths = self.stated_lengths(table, indices);
        for Binding { variable, fields, says } in &self.bindings {
            let classes = self.classes.get(&variable.name).map_or(&[][..], Vec::as_slice);
            let how = Fitting { range: self.ranges[&variable.name], classes, ..common };
            let fields: Vec<&Field> = fields.iter().map(|&at| &table.fields[at]).collect();
            let padded = padding::valid(variable, &fields, indices, lengths.as_deref());
            let fields = padded.as_ref().map_or(fields, |field| vec![field]);
            let place = || self.place.clone();
            let says = says.map(|at| &table.fields[at]);
            let by_step = match (variable.role, fields.as_slice()) {
                (Role::Partly, [only]) if variable.steps => {
                    let with = (says, lengths.as_deref());
                    missing::by_step(variable, only, with, indices, &how, &mut notes).with_context(place)?
                }
                _ => None,
            };
            let cells = if let Some((filled, present)) = by_step {
                steps.push((variable.name.clone(), present));
                let all: Vec<usize> = (0..indices.len()).collect();
                fit::fit(variable, &[&filled], &all, &how, &mut notes).with_context(place)?
            } else if variable.role == Role::Partly {
                let present =
                    missing::present(variable, &fields, says, indices, &how, &mut notes).with_context(place)?;
                let kept = indices.iter().zip(&present).filter(|(_, present)| **present).map(|(index, _)| *index);
                let kept: Vec<usize> = kept.collect();
                let cells = match kept.is_empty() {
                    true => Cells::none(variable),
                    false => fit::fit(variable, &fields, &kept, &how, &mut notes).with_context(place)?,
                };
                let cells = cells.spread(&present);
                presences.push((variable.name.clone(), present));
                cells
            } else {
                fit::fit(variable, &fields, indices, &how, &mut notes).with_context(place)?
            };
            if variable.is_length {
                let most = steps_of(self.bindings.iter().map(|binding| &binding.variable));
                fit::steps(&cells, indices, most, &how)
                    .with_context(|| format!("{}: the length `{}`", self.place, variable.name))?;
            }
            columns.push(Column { name: variable.name.clone(), cells });
        }
        let variables = self.bindings.iter().map(|binding| &binding.variable);
        trials::check(&columns, variables, |at| common.record(indices[at])).with_context(|| self.place.clone())?;
        say_once(&notes);
        if let Some((name, steps)) = &self.full {
            let cells = Cells::Reals { shape: vec![1], numbers: vec![*steps as f32; indices.len()] };
            columns.push(Column { name: name.clone(), cells });
        }
        if columns.is_empty() {
            return Ok(Records::default());
        }
        let mut records = Records::of(columns)?.numbered(numbers.unwrap_or(indices).to_vec());
        presences.into_iter().for_each(|(name, present)| records.set_present(&name, present));
        steps.into_iter().for_each(|(name, present)| records.set_steps(&name, present));
        self.scales.iter().flatten().for_each(|(variable, scale)| records.scale(variable, scale));
        Ok(records)
    }

    /// The class of every training record: of a label variable, or of a field with such a name.
    pub fn strata(&self) -> Option<Vec<usize>> {
        let pool = self.opened.pool.as_ref()?;
        let label = self.bindings.iter().find(|binding| classes::is_class(&binding.variable));
        let bound = label.and_then(|binding| pool.fields.get(*binding.fields.first()?));
        let field = bound.or_else(|| pool.fields.iter().find(|field| bind::names_classes(field)))?;
        fit::classes(&field.raw, true, &|index| pool.place(index)).ok().map(|(classes, _)| classes)
    }

    /// Reports the assignment of fields to variables if names differ.
    pub fn says_what_fills_what(&self) {
        let table = self.pool();
        for Binding { variable, fields, .. } in &self.bindings {
            let names: Vec<&str> = fields.iter().map(|&at| table.fields[at].name.as_str()).collect();
            if names.is_empty() {
                note(&format!("no record has a value of the variable `{}`", variable.name));
            } else if names != [variable.name.as_str()] {
                let last =
                    names.last().filter(|_| names.len() > 4).map(|last| format!(", … {last}")).unwrap_or_default();
                let list = names[..names.len().min(4)].join(", ");
                note(&format!("variable `{}` is filled from {list}{last}", variable.name));
            }
            if let Some(classes) = self.classes.get(&variable.name) {
                let list: Vec<String> =
                    classes.iter().take(20).enumerate().map(|(at, name)| format!("{at} {name}")).collect();
                let more = if classes.len() > 20 { ", …" } else { "" };
                note(&format!("classes of `{}`: {}{more}", variable.name, list.join(", ")));
            }
        }
    }
}

/// The number of records for measuring scales if not all are in memory.
const MEASURED: usize = 100_000;

/// A part of an opened data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Pool,
    Validation,
    Test,
}

/// Records of a data set that are read on demand.
#[derive(Debug)]
pub struct Part {
    set: Arc<DataSet>,
    which: Which,
    indices: Indices,
}

impl Part {
    /// Records of a part, in memory if they fit.
    ///
    /// # Errors
    /// Values that are not valid for their variable.
    pub fn records(set: &Arc<DataSet>, which: Which, indices: &Indices) -> Result<Records> {
        if !set.streams() {
            return set.records(set.table(which), &indices.all());
        }
        Records::stored(Arc::new(Self { set: set.clone(), which, indices: indices.clone() }))
    }
}

impl Dataset for Part {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn read(&self, indices: &[usize]) -> Result<Records> {
        self.set.records(self.set.table(self.which), &self.indices.at(indices.iter().copied()))
    }

    fn number(&self, index: usize) -> usize {
        self.indices.at(std::iter::once(index)).first().copied().unwrap_or(index)
    }

    fn lengths(&self) -> Option<Vec<usize>> {
        self.set.lengths(self.which, &self.indices)
    }

    fn fingerprint(&self) -> String {
        let table = self.set.table(self.which);
        format!("{} {:?}", table.digest(table.count), self.indices.first(SHOWN).all())
    }
}

/// The number of positions in a fingerprint.
const SHOWN: usize = 64;

/// The maximum number of steps of a record: the first axis of a family.
fn steps_of<'a>(variables: impl IntoIterator<Item = &'a Variable>) -> usize {
    variables.into_iter().filter(|variable| variable.steps).map(|variable| variable.shape[0]).max().unwrap_or(1)
}

/// A decision is reported once per process, not for every part.
fn say_once(notes: &BTreeSet<String>) {
    static SAID: std::sync::Mutex<BTreeSet<String>> = std::sync::Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for text in notes {
        if said.insert(text.clone()) {
            note(text);
        }
    }
}
