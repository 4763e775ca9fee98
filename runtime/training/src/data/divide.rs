//! Families over a fixed index in one array: `[records, N, …]` is divided into a field for each member.

use super::bind::{columns, has, position};
use super::families::Family;
use super::opened::Opened;
use super::table::{Field, Raw, Table, of_records};
use crate::Values;
use crate::spec::{Role, Space, Variable};
use anyhow::{Context, Result, bail, ensure};

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

/// The members of a family without data of their own.
fn open(family: &Family<'_>, table: &Table, asked: &[(String, String)], named: impl Fn(&str) -> String) -> Vec<usize> {
    let is_open = |name: &String| position(table, name).is_none() && asked.iter().all(|(own, _)| own != name);
    (0..family.members.len()).filter(|&at| is_open(&named(&family.members[at].name))).collect()
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
    let free = open(family, table, asked, str::to_owned);
    let found = position(table, name).map(|at| &table.fields[at].raw);
    let shape = match found {
        _ if free.is_empty() => return Ok(None),
        // What is asked for by name has its own message.
        _ if text.is_none() && asked.iter().any(|(_, what)| what == name) => return Ok(None),
        Some(other) if text.is_some() && other.shape().is_none() => {
            bail!("{}`{name}` is {}; {} take an array {}", place(), other.describe(), family.listed(), family.wanted())
        }
        None if text.is_some() => {
            let columns = columns(table, name).with_context(|| format!("--bind {}={name}", family.name))?;
            asked.extend(by_columns(family, table, &columns).with_context(place)?);
            return Ok(None);
        }
        other => match other.and_then(Raw::shape) {
            Some(shape) => shape,
            None => return Ok(None),
        },
    };
    ensure!(
        family.takes(shape),
        "{}{}, or each an array of its own name",
        place(),
        family.unfit(name, &found.map(Raw::describe).unwrap_or_default())
    );
    let name = name.to_owned();
    opened.notes.push(format!("`{name}` fills {}", family.listed()));
    append(family, opened, &name, &free, str::to_owned)?;
    Ok(Some(name))
}

/// For each member its share of columns.
fn by_columns(family: &Family<'_>, table: &Table, columns: &[usize]) -> Result<Vec<(String, String)>> {
    let size = family.members[0].shape.iter().product::<usize>().max(1);
    let size = if family.members[0].space == Space::Label { 1 } else { size };
    let wanted = size * family.members.len();
    ensure!(columns.len() == wanted, "there are {} columns; {} take {wanted}", columns.len(), family.listed());
    let names = |share: &[usize]| share.iter().map(|&at| table.fields[at].name.as_str()).collect::<Vec<_>>().join(",");
    let share = |place: &Vec<usize>| &columns[family.number(place) * size..][..size];
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
    let mut free = open(family, table, asked, Values::presence_of);
    free.retain(|&at| family.members[at].role == Role::Partly);
    let shape = match &table.fields[at].raw {
        Raw::Numbers(array) => array.shape.clone(),
        _ => vec![table.count],
    };
    if shape.len() < 2 {
        asked.extend(free.iter().map(|&at| (Values::presence_of(&family.members[at].name), name.clone())));
        return Ok(None);
    }
    ensure!(
        shape.get(1..=family.axes.len()) == Some(&family.axes[..])
            && shape[1..].iter().product::<usize>() == family.members.len(),
        "`{name}` is {}; the presences of {} are [records] or {}",
        table.fields[at].raw.describe(),
        family.listed(),
        of_records(&family.axes)
    );
    append(family, opened, &name, &free, Values::presence_of)?;
    Ok(Some(name))
}

/// Adds fields for members to every part of the data set that has the array.
fn append(
    family: &Family<'_>,
    opened: &mut Opened,
    name: &str,
    free: &[usize],
    named: impl Fn(&str) -> String,
) -> Result<()> {
    for table in [&mut opened.pool, &mut opened.validation, &mut opened.test].into_iter().flatten() {
        let Some(at) = position(table, name) else { continue };
        let field = |&member: &usize| {
            let raw = family.cut(&table.fields[at].raw, &family.places[member])?;
            Ok(Field { name: named(&family.members[member].name), raw })
        };
        let fields = free.iter().map(field).collect::<Result<Vec<_>>>()?;
        table.fields.extend(fields);
    }
    Ok(())
}
