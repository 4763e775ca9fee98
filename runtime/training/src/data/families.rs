//! Families over a fixed index in one array: `[records, N, …]` is divided into a field for each member.

use super::bind::{columns, has, position};
use super::formats::stored;
use super::opened::Opened;
use super::table::{Field, Raw, Table};
use crate::Values;
use crate::input::Array;
use crate::spec::{Role, Space, Variable};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;

/// The members of a family that take data, in the order of the file. Members over the length are one variable, and no family here.
pub struct Family<'v> {
    pub name: &'v str,
    members: Vec<&'v Variable>,
    /// The number of values of each index.
    axes: Vec<usize>,
    /// For each member the number of its value of each index, from 0.
    places: Vec<Vec<usize>>,
}

/// The name and the index values in a member's name: `x[1, 2]`.
fn parts(name: &str) -> Option<(&str, Vec<&str>)> {
    let (family, values) = name.strip_suffix(']')?.split_once('[')?;
    Some((family, values.split(',').map(str::trim).collect()))
}

impl<'v> Family<'v> {
    /// The families among variables. Without those whose members are no grid or have different shapes: one array cannot hold them.
    pub fn all(variables: &'v [Variable]) -> Vec<Self> {
        let fixed = || variables.iter().filter(|one| !one.steps && !one.is_length);
        let mut seen = BTreeSet::new();
        let names = fixed().filter_map(|one| Some(parts(&one.name)?.0)).filter(|name| seen.insert(*name));
        let names: Vec<&str> = names.collect();
        let members = |name| fixed().filter(move |one| parts(&one.name).is_some_and(|(family, _)| family == name));
        names.into_iter().filter_map(|name| Self::of(name, members(name).collect())).collect()
    }

    fn of(name: &'v str, members: Vec<&'v Variable>) -> Option<Self> {
        let values: Vec<Vec<&str>> = members.iter().filter_map(|one| Some(parts(&one.name)?.1)).collect();
        let mut known: Vec<Vec<&str>> = vec![Vec::new(); values.first()?.len()];
        for (axis, known) in known.iter_mut().enumerate() {
            for value in values.iter().filter_map(|values| values.get(axis)) {
                if !known.contains(value) {
                    known.push(value);
                }
            }
        }
        let place = |values: &Vec<&str>| -> Option<Vec<usize>> {
            values.iter().zip(&known).map(|(value, known)| known.iter().position(|one| one == value)).collect()
        };
        let places = values.iter().map(place).collect::<Option<Vec<_>>>()?;
        let axes: Vec<usize> = known.iter().map(Vec::len).collect();
        let alike = members.iter().all(|one| (&one.shape, one.space) == (&members[0].shape, members[0].space));
        let is_grid = axes.iter().product::<usize>() == members.len();
        (alike && is_grid).then_some(Self { name, members, axes, places })
    }

    /// The shape of one array for all members, in words.
    pub fn wanted(&self) -> String {
        let first = self.members[0];
        let own = if first.space == Space::Label { &first.shape[1..] } else { &first.shape };
        let axes: Vec<String> = self.axes.iter().chain(own).map(usize::to_string).collect();
        format!("[records, {}]", axes.join(", "))
    }

    /// The first and the last member, for messages.
    pub fn listed(&self) -> String {
        match self.members.as_slice() {
            [.., last] if self.members.len() > 1 => format!("`{}` to `{}`", self.members[0].name, last.name),
            _ => format!("`{}`", self.members[0].name),
        }
    }

    /// The shape of an array, if it has the axes of the indices behind the record and room for a member's values behind them.
    fn takes(&self, shape: &[usize]) -> bool {
        let first = self.members[0];
        let is_free = first.picture().is_some() || matches!(first.space, Space::Image | Space::Binary | Space::Label);
        let Some((axes, own)) = shape.get(1..).and_then(|shape| shape.split_at_checked(self.axes.len())) else {
            return false;
        };
        axes == self.axes && (is_free || own.iter().product::<usize>() == first.shape.iter().product::<usize>())
    }

    fn cut(&self, raw: &Raw, place: &[usize]) -> Result<Raw> {
        let number = place.iter().zip(&self.axes).fold(0, |number, (at, axis)| number * axis + at);
        match raw {
            Raw::Numbers(array) => Ok(Raw::Numbers(member(array, self.axes.len(), number))),
            Raw::Stored(array) => stored::raw(array.member(self.axes.len(), number)),
            other => Ok(other.clone()),
        }
    }

    /// The members without data of their own.
    fn open(&self, table: &Table, asked: &[(String, String)], named: impl Fn(&str) -> String) -> Vec<usize> {
        let is_open = |name: &String| position(table, name).is_none() && asked.iter().all(|(own, _)| own != name);
        (0..self.members.len()).filter(|&at| is_open(&named(&self.members[at].name))).collect()
    }
}

/// One member of an array `[records, N, …]`.
fn member(array: &Array, axes: usize, number: usize) -> Array {
    let own = &array.shape[1 + axes..];
    let bytes = own.iter().product::<usize>() * array.kind.width();
    let record = array.shape[1..].iter().product::<usize>() * array.kind.width();
    let content = array.content.chunks(record.max(1)).flat_map(|record| &record[number * bytes..][..bytes]);
    let shape = std::iter::once(array.shape[0]).chain(own.iter().copied()).collect();
    Array { kind: array.kind, shape, content: content.copied().collect() }
}

/// Divides the arrays that fill whole families, and replaces `--bind FAMILY=WHAT` by what fills each member.
///
/// # Errors
/// An array of another shape, which is named with the shape that is expected.
pub fn divide(opened: &mut Opened, variables: &[Variable], asked: &mut Vec<(String, String)>) -> Result<()> {
    let families = Family::all(variables);
    let mut cut = Vec::new();
    for family in &families {
        cut.extend(values(family, opened, asked)?);
        cut.extend(presences(family, opened, asked)?);
    }
    let is_read =
        |name: &str| asked.iter().any(|(_, what)| what == name) || variables.iter().any(|one| one.name == name);
    cut.retain(|name: &String| !is_read(name));
    for table in [&mut opened.pool, &mut opened.validation, &mut opened.test].into_iter().flatten() {
        table.fields.retain(|field| !cut.contains(&field.name));
    }
    Ok(())
}

/// The text of `--bind NAME=`, taken from the list.
fn take(asked: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = asked.iter().position(|(own, _)| own == name)?;
    Some(asked.remove(at).1)
}

fn first(opened: &Opened) -> Result<&Table> {
    opened.pool.as_ref().or(opened.test.as_ref()).context("no records")
}

/// Fills the members of a family with values. Returns the array that was divided.
fn values(family: &Family<'_>, opened: &mut Opened, asked: &mut Vec<(String, String)>) -> Result<Option<String>> {
    let text = take(asked, family.name);
    let place = || text.as_ref().map_or(String::new(), |text| format!("--bind {}={text}: ", family.name));
    let name = text.as_deref().unwrap_or(family.name);
    let table = first(opened)?;
    let open = family.open(table, asked, str::to_owned);
    let found = position(table, name).map(|at| &table.fields[at].raw);
    let shape = match found {
        _ if open.is_empty() => return Ok(None),
        Some(Raw::Numbers(array)) => &array.shape,
        Some(Raw::Stored(array)) => &array.shape,
        Some(other) if text.is_some() => {
            bail!("{}`{name}` is {}; {} take an array {}", place(), other.describe(), family.listed(), family.wanted())
        }
        None if text.is_some() => {
            let columns = columns(table, name).with_context(|| format!("--bind {}={name}", family.name))?;
            asked.extend(by_columns(family, table, &columns).with_context(place)?);
            return Ok(None);
        }
        _ => return Ok(None),
    };
    ensure!(
        family.takes(shape),
        "{}`{name}` is {}; {} in one array take {}, or each an array of its own name",
        place(),
        found.map(Raw::describe).unwrap_or_default(),
        family.listed(),
        family.wanted()
    );
    let name = name.to_owned();
    opened.notes.push(format!("`{name}` fills {}", family.listed()));
    append(family, opened, &name, &open, str::to_owned)?;
    Ok(Some(name))
}

/// For each member its share of columns.
fn by_columns(family: &Family<'_>, table: &Table, columns: &[usize]) -> Result<Vec<(String, String)>> {
    let size = family.members[0].shape.iter().product::<usize>().max(1);
    let size = if family.members[0].space == Space::Label { 1 } else { size };
    let wanted = size * family.members.len();
    ensure!(columns.len() == wanted, "there are {} columns; {} take {wanted}", columns.len(), family.listed());
    let names = |share: &[usize]| share.iter().map(|&at| table.fields[at].name.as_str()).collect::<Vec<_>>().join(",");
    let number = |place: &[usize]| place.iter().zip(&family.axes).fold(0, |number, (at, axis)| number * axis + at);
    let share = |place: &Vec<usize>| &columns[number(place) * size..][..size];
    Ok(family.members.iter().zip(&family.places).map(|(one, place)| (one.name.clone(), names(share(place)))).collect())
}

/// Fills the presences of a partly observed family: one for each record, or one for each record and member.
fn presences(family: &Family<'_>, opened: &mut Opened, asked: &mut Vec<(String, String)>) -> Result<Option<String>> {
    let own = Values::presence_of(family.name);
    let text = take(asked, &own);
    let name = text.clone().unwrap_or_else(|| own.clone());
    let table = first(opened)?;
    let Some(at) = position(table, &name) else {
        ensure!(text.is_none(), "--bind {own}={name}: there is no `{name}`; {}", has(table));
        return Ok(None);
    };
    let mut open = family.open(table, asked, Values::presence_of);
    open.retain(|&at| family.members[at].role == Role::Partly);
    let shape = match &table.fields[at].raw {
        Raw::Numbers(array) => array.shape.clone(),
        _ => vec![table.count],
    };
    if shape.len() < 2 {
        asked.extend(open.iter().map(|&at| (Values::presence_of(&family.members[at].name), name.clone())));
        return Ok(None);
    }
    let axes: Vec<String> = family.axes.iter().map(usize::to_string).collect();
    ensure!(
        shape.get(1..=family.axes.len()) == Some(&family.axes[..])
            && shape[1..].iter().product::<usize>() == family.members.len(),
        "`{name}` is {}; the presences of {} are [records] or [records, {}]",
        table.fields[at].raw.describe(),
        family.listed(),
        axes.join(", ")
    );
    append(family, opened, &name, &open, Values::presence_of)?;
    Ok(Some(name))
}

/// Adds fields for members to every part of the data set that has the array.
fn append(
    family: &Family<'_>,
    opened: &mut Opened,
    name: &str,
    open: &[usize],
    named: impl Fn(&str) -> String,
) -> Result<()> {
    for table in [&mut opened.pool, &mut opened.validation, &mut opened.test].into_iter().flatten() {
        let Some(at) = position(table, name) else { continue };
        let field = |&member: &usize| {
            let raw = family.cut(&table.fields[at].raw, &family.places[member])?;
            Ok(Field { name: named(&family.members[member].name), raw })
        };
        let fields = open.iter().map(field).collect::<Result<Vec<_>>>()?;
        table.fields.extend(fields);
    }
    Ok(())
}
