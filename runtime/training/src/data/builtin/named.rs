//! Built-in data sets with names, whose fields are bound as usual: `--data digits`, `table`, `sequences`, `counts`,
//! `pairs`.

use super::digits::Digits;
use super::table::{Use, normal, random};
use super::{CLASSES, counts, sequences};
use crate::data::opened::Opened;
use crate::data::records::{LABELS, PICTURES};
use crate::data::table::{Field, Raw, Table};
use crate::input::Array;
use anyhow::Result;
use rand::RngExt;

/// The names and their contents.
pub const NAMES: [(&str, &str); 5] = [
    ("digits", "handwritten digits: `pictures` [8, 8] and `labels`"),
    ("table", "plants: `height`, `width`, `weight` (with gaps), `leaves`, `healthy`, `species`"),
    ("sequences", "pendulums and music: `swings` [24, 2], `notes` [24, 8], `lengths`, `labels`"),
    ("counts", "molecules in single cells: `counts` [50], `batch`, `kind`"),
    ("pairs", "the halves of digits: `upper` [4, 8], `lower` [4, 8], `labels`"),
];
/// The number of records of the generated sets.
const COUNT: usize = 2000;
/// The length of the longest sequence.
const LONGEST: usize = 24;
const SWINGS: usize = 2;
const KEYS: usize = 8;
const GENES: usize = 50;

/// The data set of this name, if there is one.
///
/// # Errors
/// A damaged file of digits.
pub fn open(name: &str) -> Result<Option<Opened>> {
    let fields = match name {
        "digits" => digits()?,
        "table" => plants(),
        "sequences" => sequences()?,
        "counts" => cells()?,
        "pairs" => halves()?,
        _ => return Ok(None),
    };
    Ok(Some(Opened { name: name.to_owned(), pool: Some(Table::new(fields)), ..Opened::default() }))
}

fn field(name: &str, raw: Raw) -> Field {
    Field { name: name.to_owned(), raw }
}

fn bytes(shape: &[usize], content: Vec<u8>) -> Result<Raw> {
    Ok(Raw::Numbers(Array::new("|u1", false, shape.to_vec(), content)?))
}

fn floats(shape: &[usize], numbers: &[f32]) -> Result<Raw> {
    let content = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Ok(Raw::Numbers(Array::new("<f4", false, shape.to_vec(), content)?))
}

fn digits() -> Result<Vec<Field>> {
    let digits = Digits::read()?;
    let all = 0..digits.len();
    let pictures: Vec<u8> = all.clone().flat_map(|index| *digits.grey(index)).collect();
    let labels = all.map(|index| digits.class(index) as u8).collect();
    Ok(vec![field(PICTURES, bytes(&[digits.len(), 8, 8], pictures)?), field(LABELS, bytes(&[digits.len()], labels)?)])
}

/// The upper half of a digit in one field, the lower half in another.
fn halves() -> Result<Vec<Field>> {
    let digits = Digits::read()?;
    let half = |from: usize| -> Vec<u8> {
        (0..digits.len()).flat_map(|index| digits.grey(index)[from..from + 32].to_vec()).collect()
    };
    let labels = (0..digits.len()).map(|index| digits.class(index) as u8).collect();
    Ok(vec![
        field("upper", bytes(&[digits.len(), 4, 8], half(0))?),
        field("lower", bytes(&[digits.len(), 4, 8], half(32))?),
        field(LABELS, bytes(&[digits.len()], labels)?),
    ])
}

fn sequences() -> Result<Vec<Field>> {
    let class = |index: usize| index % CLASSES;
    let swings: Vec<f32> =
        (0..COUNT).flat_map(|index| sequences::pendulum(LONGEST, SWINGS, index, 0, class(index))).collect();
    let notes: Vec<u8> = (0..COUNT).flat_map(|index| sequences::music(LONGEST, KEYS, index, 0, class(index))).collect();
    let lengths = (0..COUNT).map(|index| sequences::length(LONGEST, index) as u8).collect();
    let labels = (0..COUNT).map(|index| class(index) as u8).collect();
    Ok(vec![
        field("swings", floats(&[COUNT, LONGEST, SWINGS], &swings)?),
        field("notes", bytes(&[COUNT, LONGEST, KEYS], notes)?),
        field("lengths", bytes(&[COUNT], lengths)?),
        field(LABELS, bytes(&[COUNT], labels)?),
    ])
}

fn cells() -> Result<Vec<Field>> {
    let batches = 3;
    let all = (0..COUNT).flat_map(|index| counts::cell(GENES, index, 0, index % batches));
    let content = all.flat_map(|count| (count as u16).to_le_bytes()).collect();
    let kind = |index: usize| format!("kind {}", counts::kind(index));
    Ok(vec![
        field("counts", Raw::Numbers(Array::new("<u2", false, vec![COUNT, GENES], content)?)),
        field("batch", bytes(&[COUNT], (0..COUNT).map(|index| (index % batches) as u8).collect())?),
        field("kind", Raw::Text((0..COUNT).map(kind).collect())),
    ])
}

/// Measurements of three species with missing values: a height in 15 % of the records, a weight in 10 %.
fn plants() -> Vec<Field> {
    let species = ["beech", "oak", "pine"];
    let mut columns: [Vec<String>; 6] = Default::default();
    for index in 0..COUNT {
        let mut chance = random(Use::Record, index, 6000);
        let kind = index % species.len();
        let size = normal(&mut chance);
        let healthy = chance.random::<f32>() < 0.75;
        let height = [18.0, 14.0, 24.0][kind] + 4.0 * size + normal(&mut chance);
        let width = [7.0, 10.0, 4.0][kind] + 1.5 * size + 0.6 * normal(&mut chance);
        let weight = 40.0 * (0.5 * size + 0.2 * normal(&mut chance)).exp() * [1.0, 1.4, 0.8][kind];
        let leaves = ([30.0, 20.0, 60.0][kind] * (0.3 * size).exp() * if healthy { 1.0 } else { 0.5 }).floor();
        let (no_height, no_weight) = (chance.random::<f32>() < 0.15, chance.random::<f32>() < 0.1);
        let cell = |number: f32, missing: bool| if missing { String::new() } else { format!("{number:.2}") };
        let cells = [
            cell(height, no_height),
            cell(width, false),
            cell(weight, no_weight),
            format!("{leaves}"),
            u8::from(healthy).to_string(),
            species[kind].to_owned(),
        ];
        columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
    }
    let names = ["height", "width", "weight", "leaves", "healthy", "species"];
    names.into_iter().zip(columns).map(|(name, cells)| field(name, Raw::Text(cells))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_set_opens_and_is_always_the_same() {
        for (name, _) in NAMES {
            let [a, b] = [(); 2].map(|()| open(name).unwrap().unwrap().pool.unwrap());
            assert!(a.count >= 1000 && a.fields.iter().all(|field| field.raw.len() == a.count), "{name}");
            assert_eq!(a.digest(a.count), b.digest(b.count), "{name}");
        }
        assert!(open("other").unwrap().is_none());
    }

    #[test]
    fn the_table_has_gaps() {
        let table = open("table").unwrap().unwrap().pool.unwrap();
        let missing = |at: usize| match &table.fields[at].raw {
            Raw::Text(cells) => cells.iter().filter(|cell| cell.is_empty()).count(),
            _ => 0,
        };
        // 15 % and 10 % of 2000, within five standard deviations.
        assert!(missing(0).abs_diff(300) < 80 && missing(2).abs_diff(200) < 70 && missing(1) == 0);
    }
}
