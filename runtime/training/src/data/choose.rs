//! The records that a command reads: one part of a data set.

use super::open::{self, How};
use super::set::{DataSet, Part, Which};
use super::{Division, Indices, Kept, Order, Place, Records, Source, Split, builtin};
use crate::spec::{Spec, Variable};
use crate::terminal::note;
use anyhow::{Context, Result, bail, ensure};
use std::sync::Arc;

/// A part of a data set, by its name in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartName {
    Train,
    Validation,
    Test,
}

impl PartName {
    /// As in `--indices` and `split.json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }

    /// As an adjective of `records`.
    pub fn adjective(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    fn indices(self, division: &Division) -> &Indices {
        match self {
            Self::Train => &division.train,
            Self::Validation => &division.validation,
            Self::Test => &division.test,
        }
    }
}

/// Which records of a data set to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice {
    /// Without it the test part, or all records of data that are not the run's own and have no test part.
    pub part: Option<PartName>,
    /// How to divide data that are not the run's own.
    pub split: Option<Split>,
    /// The maximum number of records.
    pub most: Option<usize>,
}

/// The chosen records and the name of their data set. The run's own data (`kept`) are divided as in the run. Other data
/// are divided only if the choice or the source says how, and otherwise have their own parts. Reports which records
/// these are. At most `choice.most` are read: the first ones if their order is random or published, otherwise a random
/// sample.
///
/// # Errors
/// As [`super::load`], a part that the data do not have, and another division of the run's own data.
pub fn choose(source: &Source, spec: &Spec, kept: Option<&Kept>, choice: Choice) -> Result<(String, Records)> {
    let variables: Vec<Variable> = spec.data_variables().cloned().collect();
    let most = choice.most.unwrap_or(usize::MAX);
    let Place::Path(path) = &source.place else {
        builtin::check_options(source, choice.split)?;
        let data = builtin::load(&variables)?;
        let records = match choice.part.unwrap_or(PartName::Test) {
            PartName::Train => data.train,
            PartName::Validation => data.validation,
            PartName::Test => data.test,
        };
        return Ok((data.name, records.first(most)?));
    };
    let again = kept.is_some_and(|kept| kept.source == source.text());
    let divides = choice.split.is_some() || !again && (source.group.is_some() || source.indices.is_some());
    let only_test = !divides && matches!(choice.part, None | Some(PartName::Test));
    let mut set = DataSet::new(source, open::open(path, How { crop: source.crop, only_test })?, &variables)?;
    // The scales of a run are those of its training data.
    let scales = kept.map(|kept| kept.scales_of(&variables)).transpose()?;
    set.scales = Some(scales.cloned().unwrap_or_default());
    let own = kept.filter(|kept| again || kept.is_of(&set.opened));
    if let Some(kept) = kept {
        set.classes = kept.classes.clone();
    }
    match own {
        Some(kept) if keeps_division(kept, source) => of_the_run(set, source, kept, choice),
        _ if divides => divided(set, source, choice),
        _ => whole(set, source, choice),
    }
}

/// Whether a source states no other division than that of the run. A file of indices may name any of the run's records.
fn keeps_division(kept: &Kept, source: &Source) -> bool {
    let own = Source::parse(&kept.source).unwrap_or_default();
    (source.indices.is_none() || source.indices == own.indices) && (source.group.is_none() || source.group == own.group)
}

/// Records of a part as the run has divided its data.
fn of_the_run(set: DataSet, source: &Source, kept: &Kept, choice: Choice) -> Result<(String, Records)> {
    if let Some(split) = choice.split.filter(|split| *split != kept.split) {
        bail!(
            "--split {split}: the run's own data are divided as its split.json states; --part chooses one of the parts"
        );
    }
    let (division, notes) = kept.find(&set.opened).with_context(|| source.to_string())?;
    notes.iter().for_each(|text| note(&format!("{}: {text}", set.opened.name)));
    part_of(set, &division, choice, source.seed)
}

/// Records of a part of other data, divided as for training.
fn divided(set: DataSet, source: &Source, choice: Choice) -> Result<(String, Records)> {
    let division = set.described(source, choice.split.unwrap_or_default())?.division;
    part_of(set, &division, choice, source.seed)
}

fn part_of(set: DataSet, division: &Division, choice: Choice, seed: u64) -> Result<(String, Records)> {
    let part = choice.part.unwrap_or(PartName::Test);
    let which = match part {
        PartName::Validation if set.opened.validation.is_some() => Which::Validation,
        PartName::Test if set.opened.test.is_some() => Which::Test,
        _ => Which::Pool,
    };
    let (name, is_published) = (set.opened.name.clone(), set.opened.published);
    let indices = part.indices(division);
    ensure!(!indices.is_empty(), "{name}: there are no {} records", part.adjective());
    let set = Arc::new(set);
    let most = choice.most.unwrap_or(usize::MAX);
    // Validation and test records are in random order.
    let records = match part {
        PartName::Train if !is_published => Part::records(&set, which, indices)?.sample(most, seed)?,
        _ => Part::records(&set, which, &indices.first(most))?,
    };
    Ok((name, records))
}

/// Records of one of the data set's own parts, or all if it has no test part.
fn whole(set: DataSet, source: &Source, choice: Choice) -> Result<(String, Records)> {
    let name = set.opened.name.clone();
    let (which, table, what) = match (choice.part, &set.opened.validation, &set.opened.test) {
        (None | Some(PartName::Test), _, Some(test)) => (Which::Test, test, "of its test part"),
        (None, _, None) => (Which::Pool, set.pool(), "in all"),
        (Some(PartName::Validation), Some(validation), _) => (Which::Validation, validation, "of its validation part"),
        (Some(PartName::Train), ..) => (Which::Pool, set.pool(), "of its training part"),
        (Some(part), ..) => bail!(
            "--part {}: {source} has no {} part; --split or --indices divides it, and without --part all of its records \
             are used",
            part.word(),
            part.adjective()
        ),
    };
    let count = table.count;
    ensure!(count > 0, "{source}: there are no records {what}");
    let used = count.min(choice.most.unwrap_or(usize::MAX));
    note(&format!("{name}: using {used} {} {what}", if used == 1 { "record" } else { "records" }));
    let mut chosen: Vec<usize> = (0..count).collect();
    if used < count && !set.opened.published {
        chosen = Order::permutation(count, source.seed, 0);
    }
    chosen.truncate(used);
    chosen.sort_unstable();
    Ok((name, Part::records(&Arc::new(set), which, &chosen.into())?))
}
