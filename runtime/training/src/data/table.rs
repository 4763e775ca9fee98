//! The fields of a data set as read from files, before they are assigned to variables.

use super::Crop;
use super::cells::Cells;
use super::records::Records;
use crate::input::{Array, Kind, Stored};
use anyhow::Result;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// The number of records of a stored array in its fingerprint.
const SAMPLED: usize = 64;

/// Fields with the same number of records.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub fields: Vec<Field>,
    pub count: usize,
    /// The names of the records, such as their files relative to the data set's folder.
    pub names: Option<Vec<String>>,
    /// The line of each record in its file, if this is a table of text.
    pub lines: Option<Vec<u64>>,
}

/// A named field with a value for each record.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub raw: Raw,
}

/// The values of a field.
#[derive(Debug, Clone)]
pub enum Raw {
    /// Image files, read on demand.
    Files { files: Vec<PathBuf>, crop: Option<Crop> },
    /// Encoded image files from an archive, in memory.
    Encoded(Vec<Vec<u8>>),
    /// Numbers. The first axis is the record.
    Numbers(Array),
    /// Numbers that stay in their file, read on demand.
    Stored(Stored),
    /// The cells of a column of a table, or the names of classes.
    Text(Vec<String>),
}

fn at<T: Clone>(all: &[T], indices: &[usize]) -> Vec<T> {
    indices.iter().map(|&index| all[index].clone()).collect()
}

/// The shape of an array with these axes behind the records, in words: `[records, 3, 2]`.
pub fn of_records<'a>(axes: impl IntoIterator<Item = &'a usize>) -> String {
    axes.into_iter().fold("[records".to_owned(), |text, size| format!("{text}, {size}")) + "]"
}

impl Raw {
    /// The records at these positions.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        match self {
            Self::Files { files, crop } => Self::Files { files: at(files, indices), crop: *crop },
            Self::Encoded(pictures) => Self::Encoded(at(pictures, indices)),
            Self::Text(cells) => Self::Text(at(cells, indices)),
            Self::Stored(array) => Self::Stored(array.select(indices)),
            Self::Numbers(array) => {
                let row = array.shape.iter().skip(1).product::<usize>() * array.kind.width();
                let content = indices.iter().flat_map(|&index| &array.content[index * row..][..row]).copied().collect();
                let shape = std::iter::once(indices.len()).chain(array.shape.iter().skip(1).copied()).collect();
                Self::Numbers(Array { kind: array.kind, shape, content })
            }
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Files { files, .. } => files.len(),
            Self::Encoded(pictures) => pictures.len(),
            Self::Numbers(array) => array.shape.first().copied().unwrap_or(0),
            Self::Stored(array) => array.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    /// Whether its records have no elements. A tiny file could then claim any number of records.
    pub fn is_hollow(&self) -> bool {
        let shape = match self {
            Self::Numbers(array) => &array.shape,
            Self::Stored(array) => &array.shape,
            Self::Files { .. } | Self::Encoded(_) | Self::Text(_) => return false,
        };
        shape.iter().skip(1).any(|&axis| axis == 0)
    }

    /// Whether this can only be images: files, or bytes in rows and columns.
    pub fn is_pictures(&self) -> bool {
        match self {
            Self::Files { .. } | Self::Encoded(_) => true,
            Self::Numbers(array) => array.kind == Kind::Unsigned(1) && array.shape.len() > 2,
            Self::Stored(array) => array.kind == Kind::Unsigned(1) && array.shape.len() > 2,
            Self::Text(_) => false,
        }
    }

    /// The shape of an array, with the records first.
    pub fn shape(&self) -> Option<&[usize]> {
        match self {
            Self::Numbers(array) => Some(&array.shape),
            Self::Stored(array) => Some(&array.shape),
            Self::Files { .. } | Self::Encoded(_) | Self::Text(_) => None,
        }
    }

    /// For messages: `uint8 [60000, 28, 28]`.
    pub fn describe(&self) -> String {
        match self {
            Self::Files { files, .. } => format!("{} image files", files.len()),
            Self::Encoded(pictures) => format!("{} images", pictures.len()),
            Self::Numbers(array) => format!("{} {:?}", array.kind, array.shape),
            Self::Stored(array) => format!("{} {:?}", array.kind, array.shape),
            Self::Text(cells) => format!("{} cells", cells.len()),
        }
    }

    /// Hashes the first `count` records: numbers and texts themselves, for image files their sizes.
    fn hash(&self, count: usize, hash: &mut Sha256) {
        match self {
            Self::Files { files, .. } => files.iter().take(count).for_each(|file| {
                let size = std::fs::metadata(file).map_or(0, |about| about.len());
                hash.update(size.to_le_bytes());
            }),
            Self::Encoded(pictures) => pictures.iter().take(count).for_each(|picture| hash.update(picture)),
            Self::Numbers(array) => {
                let row = array.shape.iter().skip(1).product::<usize>() * array.kind.width();
                hash.update(&array.content[..(row * count).min(array.content.len())]);
            }
            Self::Stored(array) => {
                hash.update(format!("{} {:?}", array.kind, array.shape));
                // Reading all of it could take longer than training.
                let first =
                    array.select(&(0..count.min(array.len())).step_by((count / SAMPLED).max(1)).collect::<Vec<_>>());
                match first.spread(SAMPLED) {
                    Ok(some) => hash.update(&some.content),
                    Err(reason) => hash.update(format!("{reason:#}")),
                }
            }
            Self::Text(cells) => cells.iter().take(count).for_each(|cell| {
                hash.update(cell.as_bytes());
                hash.update([0]);
            }),
        }
    }
}

impl Table {
    pub fn new(fields: Vec<Field>) -> Self {
        let count = fields.first().map_or(0, |field| field.raw.len());
        Self { fields, count, names: None, lines: None }
    }

    /// The place of a record in messages: its line, or its number from 0.
    pub fn place(&self, index: usize) -> String {
        match self.lines.as_ref().and_then(|lines| lines.get(index)) {
            Some(line) => format!("line {line}"),
            None => format!("record {index}"),
        }
    }

    /// The records at these positions.
    pub fn select(&self, indices: &[usize]) -> Self {
        let field = |field: &Field| Field { name: field.name.clone(), raw: field.raw.select(indices) };
        Self {
            fields: self.fields.iter().map(field).collect(),
            count: indices.len(),
            names: self.names.as_ref().map(|names| at(names, indices)),
            lines: self.lines.as_ref().map(|lines| at(lines, indices)),
        }
    }

    /// The records at these positions, including those of stored fields. Fields that are not `used` are left out.
    ///
    /// # Errors
    /// A file that can no longer be read.
    pub fn read(&self, used: &[usize], indices: &[usize]) -> Result<Self> {
        let field = |(at, field): (usize, &Field)| {
            let raw = match &field.raw {
                _ if !used.contains(&at) => Raw::Text(Vec::new()),
                Raw::Stored(array) => Raw::Numbers(array.read(indices)?),
                raw => raw.select(indices),
            };
            Ok(Field { name: field.name.clone(), raw })
        };
        Ok(Self {
            fields: self.fields.iter().enumerate().map(field).collect::<Result<_>>()?,
            count: indices.len(),
            names: self.names.as_ref().map(|names| at(names, indices)),
            lines: self.lines.as_ref().map(|lines| at(lines, indices)),
        })
    }

    /// A fingerprint of the first `count` records: the names of the fields and of the records, and their contents.
    pub fn digest(&self, count: usize) -> String {
        let mut hash = Sha256::new();
        for field in &self.fields {
            hash.update(field.name.as_bytes());
            hash.update([0]);
            field.raw.hash(count, &mut hash);
        }
        for name in self.names.iter().flatten().take(count) {
            hash.update(name.as_bytes());
            hash.update([0]);
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl From<Records> for Table {
    /// Images and labels that were read together.
    fn from(records: Records) -> Self {
        let count = records.len();
        let fields = records.columns().iter().map(|column| {
            let (kind, shape, content) = match column.cells.clone() {
                Cells::Pictures { shape, bytes } => (Kind::Unsigned(1), shape.to_vec(), bytes),
                Cells::Reals { shape, numbers } => {
                    (Kind::Float(4), shape, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
                }
                Cells::Classes(classes) => {
                    let bytes = classes.iter().flat_map(|&class| (class as u64).to_le_bytes());
                    (Kind::Unsigned(8), Vec::new(), bytes.collect())
                }
                Cells::Codes { places, codes } => {
                    (Kind::Unsigned(4), vec![places], codes.iter().flat_map(|code| code.to_le_bytes()).collect())
                }
            };
            let shape = std::iter::once(count).chain(shape).collect();
            Field { name: column.name.clone(), raw: Raw::Numbers(Array { kind, shape, content }) }
        });
        Self { fields: fields.collect(), count, names: None, lines: None }
    }
}
