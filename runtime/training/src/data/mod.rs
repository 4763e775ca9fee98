//! Data to train on and to evaluate with.
//!
//! A data set is opened (`open`, one file for each format), its fields are bound to the model's variables by name (`bind`), its
//! records divided (`split`), and the records that are wanted are brought to the variables' shapes and checked (`fit`). What a
//! run was trained on is kept in its folder (`kept`), so that it is the same records later. Records may lack what is partly
//! observed (`missing`).

mod augment;
mod batch;
mod batches;
mod bind;
mod builtin;
mod crop;
mod fit;
mod folder;
pub mod formats;
pub mod given;
mod kept;
mod missing;
mod open;
mod order;
mod photo;
mod published;
mod records;
mod resize;
mod scale;
mod source;
mod split;
mod table;

pub use augment::Augment;
pub use batch::Batches;
pub use bind::parse as parse_bind;
pub use crop::Crop;
pub use fit::Binarise;
pub use folder::inputs;
pub use kept::Kept;
pub use order::Order;
pub use photo::open as open_picture;
pub use records::{Cells, Column, LABELS, PICTURES, Records};
pub use resize::{fit as resize, fit_rgb as resize_rgb};
pub use scale::{Scale, Scales};
pub use source::{Place, Source};
pub use split::{Division, Parts, Split};

use crate::spec::{Role, Space, Spec, Variable};
use crate::terminal::note;
use anyhow::{Context, Result, ensure};
use bind::Binding;
use fit::{Fitting, Range};
use open::{How, Opened};
use std::collections::{BTreeMap, BTreeSet};
use table::{Field, Raw, Table};

/// The records of a model's variables.
pub type Images = Records;

/// A data set: what is trained on, what decides between checkpoints, and what is reported.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// As it is named in reports.
    pub name: String,
    pub train: Records,
    pub validation: Records,
    pub test: Records,
    /// What a run keeps of it; nothing of data that are made from a seed.
    pub kept: Option<Kept>,
}

/// Loads a data set for a model's variables, and divides it.
///
/// # Errors
/// A path that is missing, of no known kind, truncated or unreadable; a variable that nothing fills; a value that is none of its
/// variable's: what is wrong, where, and what would do.
pub fn load(source: &Source, spec: &Spec, split: Split) -> Result<Data> {
    let variables: Vec<Variable> = spec.data_variables().cloned().collect();
    let Place::Path(path) = &source.place else {
        ensure!(source.bind.is_empty(), "--bind: the built-in data fill every variable by its space");
        ensure!(!source.standardize, "--standardize: the built-in data have their scale; it is for data of your own");
        return source.labelled(builtin::load(&variables)?, &variables);
    };
    let opened = DataSet::open(source, &variables, false)?;
    ensure!(opened.pool().count > 0, "{}: there are no records to train on", path.display());
    let kept = Kept::new(&source.text(), &opened.opened, split, source.seed, opened.classes.clone(), opened.strata());
    opened.opened.notes.iter().for_each(|text| note(&format!("{}: {text}", opened.opened.name)));
    opened.says_what_fills_what();
    source.labelled(opened.load(kept.division.clone(), kept)?, &variables)
}

/// Loads the data of a run, from where they lie now, with the division that the run began with. What has changed is said.
///
/// # Errors
/// As [`load`], and records that are gone.
pub fn load_kept(source: &Source, spec: &Spec, kept: &Kept) -> Result<Data> {
    let variables: Vec<Variable> = spec.data_variables().cloned().collect();
    if source.place == Place::Builtin {
        return source.labelled(builtin::load(&variables)?, &variables);
    }
    let mut opened = DataSet::open(source, &variables, false)?;
    opened.classes = kept.classes.clone();
    let (division, notes) = kept.find(&opened.opened).with_context(|| source.to_string())?;
    notes.iter().for_each(|text| note(&format!("{}: {text}", opened.opened.name)));
    opened.scales = Some(kept.scales.clone());
    source.labelled(opened.load(division, kept.moved(&source.text()))?, &variables)
}

/// What is to be scored, with the name of its data set: of the run's own data (`kept`) the records the run was to be tested on;
/// of other data their test part where they have one, and else all of them. Says which. Of more than `most` records that many
/// are read: the first where their order is random or a publication's, and else some at random.
///
/// # Errors
/// As [`load`].
pub fn test(source: &Source, spec: &Spec, kept: Option<&Kept>, most: Option<usize>) -> Result<(String, Records)> {
    let most = most.unwrap_or(usize::MAX);
    let variables: Vec<Variable> = spec.data_variables().cloned().collect();
    let Place::Path(path) = &source.place else {
        let data = builtin::load(&variables)?;
        return Ok((data.name, data.test.first(most)));
    };
    let mut opened = DataSet::open(source, &variables, true)?;
    let name = opened.opened.name.clone();
    // Of a run, what its model was trained on was scaled.
    opened.scales = Some(kept.map_or_else(Scales::new, |kept| kept.scales.clone()));
    if let Some(kept) = kept.filter(|kept| kept.source == source.text() || kept.is_of(&opened.opened)) {
        opened.classes = kept.classes.clone();
        let (division, notes) = kept.find(&opened.opened).with_context(|| source.to_string())?;
        notes.iter().for_each(|text| note(&format!("{name}: {text}")));
        let table = opened.opened.test.as_ref().unwrap_or(opened.pool());
        let indices = &division.test[..division.test.len().min(most)];
        return Ok((name, opened.records(table, indices)?));
    }
    if let Some(kept) = kept {
        opened.classes = kept.classes.clone();
    }
    let (table, what) = match &opened.opened.test {
        Some(test) => (test, "records of its test part"),
        None => (opened.pool(), "records, all it has"),
    };
    ensure!(table.count > 0, "{}: there are no records to test with", path.display());
    note(&format!("{name}: using {} {what}", table.count.min(most)));
    let mut chosen: Vec<usize> = (0..table.count).collect();
    if most < table.count && !opened.opened.published {
        chosen = Order::permutation(table.count, source.seed, 0);
    }
    chosen.truncate(most);
    chosen.sort_unstable();
    Ok((name, opened.records(table, &chosen)?))
}

/// The most steps of the arrays that fill these families, where the data set has an array of one of the names.
///
/// # Errors
/// A data set that cannot be read.
pub fn steps(source: &Source, families: &[String]) -> Result<Option<usize>> {
    let Place::Path(path) = &source.place else { return Ok(None) };
    let opened = open::open(path, How { crop: source.crop, only_test: false })?;
    let table = opened.pool.as_ref().or(opened.test.as_ref());
    let named = |field: &&Field| {
        let bound = source.bind.iter().any(|(family, what)| families.contains(family) && *what == field.name);
        bound || families.contains(&field.name)
    };
    let arrays = table.into_iter().flat_map(|table| &table.fields).filter(named);
    let steps = arrays.filter_map(|field| match &field.raw {
        table::Raw::Numbers(array) => array.shape.get(1).copied(),
        _ => None,
    });
    Ok(steps.max())
}

/// A data set whose fields are bound to variables.
struct DataSet {
    opened: Opened,
    bindings: Vec<Binding>,
    classes: BTreeMap<String, Vec<String>>,
    binarise: Binarise,
    seed: u64,
    ranges: BTreeMap<String, Range>,
    /// Of real columns; to be measured where there are none yet.
    scales: Option<Scales>,
    /// The variable that is the length, and what every record's is, where no field says it.
    full: Option<(String, usize)>,
}

impl DataSet {
    fn open(source: &Source, variables: &[Variable], only_test: bool) -> Result<Self> {
        let Place::Path(path) = &source.place else { anyhow::bail!("the built-in data are not opened") };
        let mut opened = open::open(path, How { crop: source.crop, only_test })?;
        let mut asked = Vec::new();
        for (name, what) in &source.bind {
            asked.push((name.clone(), beside(&mut opened, name, what, source)?));
        }
        let table = opened.pool.as_ref().or(opened.test.as_ref()).context("no records")?;
        // Without a field that says it, every record has all steps.
        let says_length = |variable: &Variable| {
            let names = [variable.name.as_str(), "lengths", "length"];
            let asked = asked.iter().any(|(name, _)| *name == variable.name);
            asked || table.fields.iter().any(|field| names.contains(&field.name.as_str()))
        };
        let length = variables.iter().find(|variable| variable.is_length && !says_length(variable));
        let others: Vec<Variable> = variables
            .iter()
            .filter(|variable| length.is_none_or(|length| length.name != variable.name))
            .cloned()
            .collect();
        let full = length.map(|length| (length.name.clone(), others.iter().map(|it| it.shape[0]).max().unwrap_or(1)));
        let bindings = bind::bind(table, &others, &asked).with_context(|| path.display().to_string())?;
        for part in [&opened.validation, &opened.test].into_iter().flatten() {
            let same = |&at: &usize| {
                part.fields.get(at).map(|field| &field.name) == table.fields.get(at).map(|field| &field.name)
            };
            ensure!(
                bindings.iter().flat_map(|binding| &binding.fields).all(same),
                "{}: its parts have different fields; {}",
                path.display(),
                bind::has(part)
            );
        }
        let classes = class_names(&opened, &bindings)?;
        let parts = [&opened.pool, &opened.validation, &opened.test];
        let range = |binding: &Binding| {
            let fields = parts.into_iter().flatten().flat_map(|part| binding.fields.iter().map(|&at| &part.fields[at]));
            let counts = matches!(binding.variable.space, Space::Image | Space::Binary);
            (binding.variable.name.clone(), Range::of(fields.filter(|_| counts)))
        };
        let ranges = bindings.iter().map(range).collect();
        let scales = (!source.standardize).then(Scales::new);
        let (binarise, seed) = (source.binarise, source.seed);
        Ok(Self { opened, bindings, classes, binarise, seed, ranges, scales, full })
    }

    fn pool(&self) -> &Table {
        static NONE: Table = Table { fields: Vec::new(), count: 0, names: None };
        self.opened.pool.as_ref().unwrap_or(&NONE)
    }

    fn load(mut self, division: Division, mut kept: Kept) -> Result<Data> {
        if self.scales.is_none() {
            kept.scales = scale::measure(&self.records(self.pool(), &division.train)?);
            self.scales = Some(kept.scales.clone());
        }
        let pool = self.pool();
        let part = |own: &Option<Table>, indices: &[usize]| self.records(own.as_ref().unwrap_or(pool), indices);
        Ok(Data {
            train: self.records(pool, &division.train)?,
            validation: part(&self.opened.validation, &division.validation)?,
            test: part(&self.opened.test, &division.test)?,
            name: self.opened.name.clone(),
            kept: Some(kept),
        })
    }

    /// The records at these positions of a part.
    fn records(&self, table: &Table, indices: &[usize]) -> Result<Records> {
        let mut notes = BTreeSet::new();
        let mut columns = Vec::new();
        let mut presences = Vec::new();
        for Binding { variable, fields, says } in &self.bindings {
            let none = Vec::new();
            let how = Fitting {
                binarise: self.binarise,
                seed: self.seed,
                range: self.ranges[&variable.name],
                classes: self.classes.get(&variable.name).unwrap_or(&none),
                names: table.names.as_deref(),
            };
            let fields: Vec<&Field> = fields.iter().map(|&at| &table.fields[at]).collect();
            let place = || self.opened.name.clone();
            let cells = if variable.role == Role::Partly {
                let says = says.map(|at| &table.fields[at]);
                let present = missing::present(variable, &fields, says, indices, &mut notes).with_context(place)?;
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
            columns.push(Column { name: variable.name.clone(), cells });
        }
        say_once(&notes);
        if let Some((name, steps)) = &self.full {
            let cells = Cells::Reals { shape: vec![1], numbers: vec![*steps as f32; indices.len()] };
            columns.push(Column { name: name.clone(), cells });
        }
        if columns.is_empty() {
            return Ok(Records::default());
        }
        let mut records = Records::of(columns)?.numbered(indices.to_vec());
        presences.into_iter().for_each(|(name, present)| records.set_present(&name, present));
        self.scales.iter().flatten().for_each(|(variable, scale)| records.scale(variable, scale));
        Ok(records)
    }

    /// The class of every record that may be trained on: of a label, or of a field that is called so.
    fn strata(&self) -> Option<Vec<usize>> {
        let pool = self.opened.pool.as_ref()?;
        let label = self.bindings.iter().find(|binding| binding.variable.space == Space::Label);
        let bound = label.and_then(|binding| pool.fields.get(*binding.fields.first()?));
        let field = bound.or_else(|| pool.fields.iter().find(|field| bind::names_classes(field)))?;
        fit::classes(&field.raw, true).ok().map(|(classes, _)| classes)
    }

    /// Where names differ, a user should see what was taken for what.
    fn says_what_fills_what(&self) {
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

/// A decision is said once in a program's life, not for every part.
fn say_once(notes: &BTreeSet<String>) {
    static SAID: std::sync::Mutex<BTreeSet<String>> = std::sync::Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for text in notes {
        if said.insert(text.clone()) {
            note(text);
        }
    }
}

/// What stands behind `--bind NAME=`, with the fields of another data set taken in where it is the path of one: its records
/// belong to those of the same name, or else of the same position.
fn beside(opened: &mut Opened, name: &str, what: &str, source: &Source) -> Result<String> {
    let path = std::path::Path::new(what);
    let first = opened.pool.as_ref().or(opened.test.as_ref());
    let is_field = first.is_some_and(|table| table.fields.iter().any(|field| field.name == what));
    if is_field || !path.exists() {
        return Ok(what.to_owned());
    }
    let place = || format!("--bind {name}={what}");
    let other = open::open(path, How { crop: source.crop, only_test: false }).with_context(place)?;
    let called = format!("{name} of {what}");
    let parts =
        [(&mut opened.pool, other.pool), (&mut opened.validation, other.validation), (&mut opened.test, other.test)];
    for (own, theirs) in parts {
        let Some(own) = own else { continue };
        let theirs = theirs.with_context(|| format!("{}: its parts are not those of {}", place(), opened.name))?;
        let field = theirs.fields.iter().position(|field| field.name == name).unwrap_or_default();
        let order = matched(own, &theirs).with_context(place)?;
        let mut fields = theirs.select(&order).fields;
        ensure!(field < fields.len(), "{}: there is nothing in it", place());
        own.fields.push(Field { name: called.clone(), raw: fields.swap_remove(field).raw });
    }
    Ok(called)
}

/// For each record of a part, its place in another data set.
fn matched(own: &Table, theirs: &Table) -> Result<Vec<usize>> {
    let stem = |name: &String| name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
    if let (Some(names), Some(others)) = (&own.names, &theirs.names) {
        let at: BTreeMap<String, usize> = others.iter().enumerate().map(|(at, name)| (stem(name), at)).collect();
        return names
            .iter()
            .map(|name| at.get(&stem(name)).copied().with_context(|| format!("there is none of the name {name}")))
            .collect();
    }
    ensure!(own.count == theirs.count, "{} records for {}", theirs.count, own.count);
    Ok((0..own.count).collect())
}

/// The names of a label's classes, over all parts, for those that have names.
fn class_names(opened: &Opened, bindings: &[Binding]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut all = BTreeMap::new();
    for Binding { variable, fields, .. } in bindings.iter().filter(|binding| binding.variable.space == Space::Label) {
        let mut cells = Vec::new();
        for part in [&opened.pool, &opened.validation, &opened.test].into_iter().flatten() {
            match fields.first().and_then(|&at| part.fields.get(at)).map(|field| &field.raw) {
                Some(Raw::Text(own)) => cells.extend(own.iter().cloned()),
                Some(Raw::Numbers(array)) if array.shape.len() == 1 => {
                    let numbers = formats::arrays::numbers(array);
                    cells.extend(numbers.iter().map(|number| number.to_string()));
                }
                _ => {}
            }
        }
        if cells.is_empty() {
            continue;
        }
        let place = || format!("variable `{}`", variable.name);
        let (_, names) = fit::classes(&Raw::Text(cells), variable.role == Role::Partly).with_context(place)?;
        if !names.is_empty() {
            all.insert(variable.name.clone(), names);
        }
    }
    Ok(all)
}
