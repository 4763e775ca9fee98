//! WebDataset: a `.tar` (or `.tar.gz`) in which the members of a record have the same name up to the first dot:
//! `0001.png`, `0001.cls`.

use crate::data::opened::{Opened, stem};
use crate::data::photo::ENDINGS;
use crate::data::records::{LABELS, PICTURES};
use crate::data::table::{Field, Raw, Table};
use crate::input;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

/// Extensions of a class, by number or name.
const CLASS: [&str; 3] = ["cls", "cls.txt", "label"];

/// The images of an archive, their classes (`.cls`), and other members as text (`.txt`), by extension.
///
/// # Errors
/// An archive that is damaged or contains no images, or a record without a member that others have.
pub fn open(path: &Path) -> Result<Opened> {
    let place = path.display();
    let file = input::open(path)?;
    let packed = !path.to_string_lossy().to_lowercase().ends_with(".tar");
    let stream: Box<dyn Read> =
        if packed { Box::new(input::gunzip(file, input::limit())) } else { Box::new(BufReader::new(file)) };
    let wanted = |name: &str| field(name).is_some();
    let members = input::tar_members(stream, input::limit(), wanted)
        .with_context(|| format!("{place}: the archive is damaged or cut short"))?;
    let mut records: BTreeMap<String, BTreeMap<&'static str, Vec<u8>>> = BTreeMap::new();
    for (name, content) in members {
        let Some((record, field)) = field(&name) else { continue };
        let twice = records.entry(record.to_owned()).or_default().insert(field, content);
        ensure!(twice.is_none(), "{place}: record {record} has two members for {field}");
    }
    ensure!(
        records.values().any(|record| record.contains_key(PICTURES)),
        "{place}: there are no batches of CIFAR-10 and no images in this archive; expected cifar-10-binary.tar.gz, \
         cifar-10-python.tar.gz or a WebDataset ({})",
        ENDINGS.join(", ")
    );
    collect(path, records)
}

/// The record of a member, and the field of its extension.
fn field(name: &str) -> Option<(&str, &'static str)> {
    let begin = name.rfind('/').map_or(0, |at| at + 1);
    let point = begin + name[begin..].find('.').filter(|&at| at > 0)?;
    let ending = name[point + 1..].to_lowercase();
    let field = if ENDINGS.contains(&ending.as_str()) {
        PICTURES
    } else if CLASS.contains(&ending.as_str()) {
        LABELS
    } else if ending == "txt" {
        "txt"
    } else {
        return None;
    };
    Some((&name[..point], field))
}

fn collect(path: &Path, records: BTreeMap<String, BTreeMap<&'static str, Vec<u8>>>) -> Result<Opened> {
    let mut names: Vec<&'static str> = records.values().flat_map(|record| record.keys().copied()).collect();
    names.sort_unstable_by_key(|name| (*name != PICTURES, *name));
    names.dedup();
    let mut fields = Vec::new();
    for name in names {
        let mut contents = Vec::with_capacity(records.len());
        for (record, members) in &records {
            match members.get(name) {
                Some(content) => contents.push(content.clone()),
                None => bail!("{}: record {record} has no member for {name}, and others have", path.display()),
            }
        }
        let raw = match name {
            PICTURES => Raw::Encoded(contents),
            _ => Raw::Text(contents.iter().map(|text| String::from_utf8_lossy(text).trim().to_owned()).collect()),
        };
        fields.push(Field { name: name.to_owned(), raw });
    }
    let names = Some(records.into_keys().collect());
    Ok(Opened { name: stem(path), pool: Some(Table { names, ..Table::new(fields) }), ..Opened::default() })
}
