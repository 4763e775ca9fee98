//! Families over a fixed index, and the members of an array `[records, N, …]`.

use super::formats::stored;
use super::table::{Raw, of_records};
use crate::input::Array;
use crate::spec::{Space, Variable};
use anyhow::Result;
use std::collections::BTreeSet;

/// The members of a family that take data, in the order of the file. Members over the length are one variable, and no family here.
pub struct Family<'v> {
    pub name: &'v str,
    pub members: Vec<&'v Variable>,
    /// The number of values of each index.
    pub axes: Vec<usize>,
    /// For each member the number of its value of each index, from 0.
    pub places: Vec<Vec<usize>>,
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
        of_records(self.axes.iter().chain(own))
    }

    /// The first and the last member, for messages.
    pub fn listed(&self) -> String {
        match self.members.as_slice() {
            [.., last] if self.members.len() > 1 => format!("`{}` to `{}`", self.members[0].name, last.name),
            _ => format!("`{}`", self.members[0].name),
        }
    }

    /// What is wrong with an array of another shape, described with its type.
    pub fn unfit(&self, name: &str, described: &str) -> String {
        format!("`{name}` is {described}; {} in one array take {}", self.listed(), self.wanted())
    }

    /// The shape of an array, if it has the axes of the indices behind the record and room for a member's values behind them.
    pub fn takes(&self, shape: &[usize]) -> bool {
        let first = self.members[0];
        let Some((axes, own)) = shape.get(1..).and_then(|shape| shape.split_at_checked(self.axes.len())) else {
            return false;
        };
        axes == self.axes
            && (first.takes_other_shapes() || own.iter().product::<usize>() == first.shape.iter().product::<usize>())
    }

    /// The position of a member in the array.
    pub fn number(&self, place: &[usize]) -> usize {
        place.iter().zip(&self.axes).fold(0, |number, (at, axis)| number * axis + at)
    }

    /// A member's part of the array.
    pub fn cut(&self, raw: &Raw, place: &[usize]) -> Result<Raw> {
        let number = self.number(place);
        match raw {
            Raw::Numbers(array) => Ok(Raw::Numbers(member(array, self.axes.len(), number))),
            Raw::Stored(array) => stored::raw(array.member(self.axes.len(), number)),
            other => Ok(other.clone()),
        }
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
