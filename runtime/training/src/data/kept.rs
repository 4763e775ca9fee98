//! The description of a run's data: location, division, and a fingerprint.

use super::Scales;
use super::indices::Indices;
use super::opened::Opened;
use super::records::scale;
use super::split::{Division, Parts, Split};
use super::table::Table;
use crate::spec::Variable;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

const FORMAT: u32 = 1;
/// The maximum number of records named in a message.
const NAMED: usize = 3;

/// The data of a run, as stored in `split.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    format: u32,
    /// The text of the source, with an absolute path.
    pub source: String,
    pub name: String,
    pub split: Split,
    pub seed: u64,
    pool: Part,
    validation: Option<Part>,
    test: Option<Part>,
    pub division: Division,
    /// Names of the classes of each label, where they have names.
    pub classes: BTreeMap<String, Vec<String>>,
    /// The scales of standardised real variables. [`Kept::scales_of`] gives them out.
    #[serde(default)]
    pub(super) scales: Scales,
}

/// A part of the data set at the start of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    records: usize,
    fingerprint: String,
    /// The names of the records, if they have names.
    names: Option<Vec<String>>,
}

impl Part {
    fn of(table: &Table) -> Self {
        Self { records: table.count, fingerprint: table.digest(table.count), names: table.names.clone() }
    }
}

impl Kept {
    /// Divides a data set and describes the division. `strata` are the classes of its records, whose proportions are
    /// kept; groups stay together.
    pub fn new(
        source: &str,
        opened: &Opened,
        split: Split,
        seed: u64,
        classes: BTreeMap<String, Vec<String>>,
        (strata, groups): (Option<Vec<usize>>, Option<Vec<usize>>),
    ) -> Self {
        let empty = Table::default();
        let pool = opened.pool.as_ref().unwrap_or(&empty);
        let parts = Parts {
            pool: pool.count,
            classes: strata.as_deref(),
            groups: groups.as_deref(),
            validation: opened.validation.as_ref().map(|part| part.count),
            test: opened.test.as_ref().map(|part| part.count),
            published: opened.published,
        };
        Self {
            format: FORMAT,
            source: source.to_owned(),
            name: opened.name.clone(),
            split,
            seed,
            pool: Part::of(pool),
            validation: opened.validation.as_ref().map(Part::of),
            test: opened.test.as_ref().map(Part::of),
            division: split.divide(parts, seed),
            classes,
            scales: Scales::new(),
        }
    }

    /// # Errors
    /// A file that cannot be read or was written by another version.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?, path)
    }

    /// Parses a file's bytes. `path` is used in messages.
    ///
    /// # Errors
    /// As [`Kept::read`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let kept: Self = serde_json::from_slice(bytes)
            .with_context(|| format!("{}: not the data of a run; restore it, or train again", path.display()))?;
        ensure!(kept.format == FORMAT, "{}: format {}, this program reads {FORMAT}", path.display(), kept.format);
        Ok(kept)
    }

    /// The scales of a model's standardised variables.
    ///
    /// # Errors
    /// Scales of an earlier version, which are not those of these variables.
    pub fn scales_of(&self, variables: &[Variable]) -> Result<&Scales> {
        ensure!(
            scale::are_for(&self.scales, variables),
            "{}: the run was trained with --standardize by an earlier version, which scaled every step of a sequence on its own and \
             the lengths too; train it again",
            self.name
        );
        Ok(&self.scales)
    }

    /// The text for [`Kept::read`].
    pub fn json(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{text}\n")
    }

    /// The description of the same data at another location.
    #[must_use]
    pub fn moved(&self, source: &str) -> Self {
        Self { source: source.to_owned(), ..self.clone() }
    }

    /// Whether a data set is that of the run, possibly at another location.
    pub fn is_of(&self, opened: &Opened) -> bool {
        let same = |part: &Part, table: Option<&Table>| table.is_some_and(|table| *part == Part::of(table));
        let test = match &self.test {
            Some(part) => same(part, opened.test.as_ref()),
            None => opened.test.is_none(),
        };
        test && (opened.pool.is_none() || same(&self.pool, opened.pool.as_ref()))
    }

    /// The division as positions in the current data set, and the changes since the run began.
    ///
    /// # Errors
    /// Records of the run that no longer exist.
    pub fn find(&self, opened: &Opened) -> Result<(Division, Vec<String>)> {
        let mut notes = Vec::new();
        let mut place = |part: Option<&Part>, table: Option<&Table>, what: &str| -> Result<Option<Places>> {
            match (part, table) {
                (None, None) => Ok(None),
                // A part that is not needed is not read.
                (Some(_), None) => Ok(None),
                (None, Some(_)) => bail!("the data set has a {what} part now and had none when the run began"),
                (Some(part), Some(table)) => place(part, table, what, &mut notes).map(Some),
            }
        };
        let pool = place(Some(&self.pool), opened.pool.as_ref(), "training")?;
        let validation = place(self.validation.as_ref(), opened.validation.as_ref(), "validation")?;
        let test = place(self.test.as_ref(), opened.test.as_ref(), "test")?;
        let lost = |what: &str| format!("the data set had a {what} part when the run began and has none now");
        ensure!(self.test.is_none() || test.is_some(), lost("test"));
        ensure!(self.validation.is_none() || opened.pool.is_none() || validation.is_some(), lost("validation"));
        let at = |places: Option<&Places>, indices: &Indices| match places {
            None => Indices::default(),
            Some(Places::Same) => indices.clone(),
            Some(Places::Moved(places)) => {
                indices.all().into_iter().map(|index| places[index]).collect::<Vec<_>>().into()
            }
        };
        let division = Division {
            train: at(pool.as_ref(), &self.division.train),
            validation: at(
                if self.validation.is_some() { validation.as_ref() } else { pool.as_ref() },
                &self.division.validation,
            ),
            test: at(if self.test.is_some() { test.as_ref() } else { pool.as_ref() }, &self.division.test),
        };
        Ok((division, notes))
    }
}

/// The current places of a part's records.
enum Places {
    /// The same as at the start of the run.
    Same,
    Moved(Vec<usize>),
}

fn place(part: &Part, table: &Table, what: &str, notes: &mut Vec<String>) -> Result<Places> {
    if let (Some(before), Some(now)) = (&part.names, &table.names) {
        let now_at: HashMap<&str, usize> = now.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let gone: Vec<&String> = before.iter().filter(|name| !now_at.contains_key(name.as_str())).collect();
        if !gone.is_empty() {
            let named: Vec<&str> = gone.iter().take(NAMED).map(|name| name.as_str()).collect();
            let more = if gone.len() > NAMED { ", …" } else { "" };
            bail!(
                "{} of the run's {} {what} records are missing ({}{more}); restore them, or train again",
                gone.len(),
                before.len(),
                named.join(", ")
            );
        }
        let places: Vec<usize> = before.iter().map(|name| now_at[name.as_str()]).collect();
        let new = now.len() - before.len();
        if new > 0 {
            notes.push(format!(
                "{new} {what} records are new since the run began; the run keeps its own {}",
                before.len()
            ));
        }
        if table.select(&places).digest(places.len()) != part.fingerprint {
            notes.push(format!("warning: the {what} records have changed since the run began: files differ"));
        }
        return Ok(Places::Moved(places));
    }
    ensure!(
        table.count >= part.records,
        "there are {} {what} records, and there were {} when the run began; restore them, or train again",
        table.count,
        part.records
    );
    if table.count > part.records {
        notes.push(format!(
            "{} {what} records are new since the run began; the run keeps its own {}",
            table.count - part.records,
            part.records
        ));
    }
    if table.digest(part.records) != part.fingerprint {
        notes.push(format!("warning: the {what} records have changed since the run began"));
    }
    Ok(Places::Same)
}
