//! Tables: `.csv` and `.tsv`, also `.gz`. The first line contains the names of the columns.

use crate::data::Crop;
use crate::data::opened::{Opened, stem};
use crate::data::records::PICTURES;
use crate::data::table::{Field, Raw, Table};
use crate::input;
use anyhow::{Context, Result, bail, ensure};
use std::io::Read;
use std::path::Path;

/// Columns with the paths of image files, relative to the table's folder.
const FILES: [&str; 6] = ["file", "filename", "file_name", "path", "image_path", "image_file"];
/// Columns with the part of each record.
const PART: [&str; 3] = ["split", "part", "partition"];

/// The columns of a table. A column `file` names image files, which become the field `pictures`. A column `split` with
/// train, val and test divides the records.
///
/// # Errors
/// A damaged file, columns without a name or with the same name, or a line with another number of cells.
pub fn open(path: &Path, crop: Option<Crop>) -> Result<Opened> {
    let place = || format!("{}: cannot be read as a table", path.display());
    let table = parse(&text(path).with_context(place)?, separator(path), path, crop).with_context(place)?;
    divided(table, path)
}

fn separator(path: &Path) -> u8 {
    if path.to_string_lossy().to_lowercase().contains(".tsv") { b'\t' } else { b',' }
}

/// The bytes of the file, decompressed. The reader skips a byte order mark.
fn text(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = input::read(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut content = Vec::new();
        input::gunzip(bytes.as_slice(), input::limit()).read_to_end(&mut content)?;
        bytes = content;
    }
    ensure!(!bytes.starts_with(b"\xff\xfe") && !bytes.starts_with(b"\xfe\xff"), "it is UTF-16; save it as UTF-8");
    ensure!(!bytes.is_empty(), "the file is empty");
    ensure!(!bytes.contains(&0), "not text: it holds zero bytes");
    if let Err(error) = std::str::from_utf8(&bytes) {
        bail!("line {} is not UTF-8; save the file as UTF-8", 1 + line_ends(&bytes[..error.valid_up_to()]));
    }
    Ok(bytes)
}

/// The number of line ends: `\n`, `\r\n`, or `\r` alone.
fn line_ends(text: &[u8]) -> u64 {
    let ends = |(at, &byte): (usize, &u8)| byte == b'\n' || byte == b'\r' && text.get(at + 1) != Some(&b'\n');
    text.iter().enumerate().filter(|one| ends(*one)).count() as u64
}

/// The lines at which records begin.
struct Lines<'t> {
    text: &'t [u8],
    seen: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record at this byte or after the empty lines that begin there. Records are asked for in order.
    fn of(&mut self, byte: usize) -> u64 {
        let begins = byte + self.text[byte..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
        self.line += line_ends(&self.text[self.seen..begins]);
        self.seen = begins;
        self.line
    }
}

fn parse(text: &[u8], separator: u8, path: &Path, crop: Option<Crop>) -> Result<Table> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).flexible(true).from_reader(text);
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    for (at, name) in names.iter().enumerate() {
        ensure!(!name.is_empty(), "column {} has no name", at + 1);
        ensure!(!names[..at].contains(name), "two columns are named `{name}`");
        // A table without a header line would silently lose its first record.
        ensure!(
            name.parse::<f64>().is_err(),
            "the first line has the number {name} where the name of a column is expected; put a line of names before it"
        );
    }
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    let (mut lines, mut places) = (Vec::new(), Lines { text, seen: 0, line: 1 });
    for record in reader.records() {
        let record = record?;
        let line = places.of(record.position().map_or(0, |position| position.byte() as usize));
        let (own, wanted) = (record.len(), names.len());
        ensure!(own == wanted, "line {line} has {own} cells, and the line of names has {wanted}");
        lines.push(line);
        columns.iter_mut().zip(&record).for_each(|(column, cell)| column.push(cell.to_owned()));
    }
    ensure!(!columns.is_empty() && !columns[0].is_empty(), "there are no records below its line of names");
    let files = names.iter().position(|name| FILES.contains(&name.to_lowercase().as_str()));
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut fields = Vec::new();
    let mut called = None;
    for (at, (name, cells)) in names.into_iter().zip(columns).enumerate() {
        if files == Some(at) {
            if let Some(missing) = cells.iter().position(|cell| !folder.join(cell).is_file()) {
                bail!("line {}: column `{name}` names `{}`, and there is no such file", lines[missing], cells[missing]);
            }
            let files = cells.iter().map(|cell| folder.join(cell)).collect();
            fields.insert(0, Field { name: PICTURES.into(), raw: Raw::Files { files, crop } });
            called = Some(cells);
        } else {
            fields.push(Field { name, raw: Raw::Text(cells) });
        }
    }
    Ok(Table { names: called, lines: Some(lines), ..Table::new(fields) })
}

/// The parts given by a column.
///
/// # Errors
/// A word that is not a part.
pub fn divided(mut table: Table, path: &Path) -> Result<Opened> {
    let opened =
        |pool, validation, test, notes| Opened { name: stem(path), pool, validation, test, notes, published: false };
    let words: [&[&str]; 3] = [&["train", "training"], &["val", "valid", "validation", "dev"], &["test", "testing"]];
    let column = table.fields.iter().position(|field| PART.contains(&field.name.to_lowercase().as_str()));
    let Some(column) = column else { return Ok(opened(Some(table), None, None, Vec::new())) };
    let field = table.fields.remove(column);
    let Raw::Text(cells) = field.raw else { bail!("column `{}` is not text", field.name) };
    let mut parts: [Vec<usize>; 3] = Default::default();
    for (record, cell) in cells.iter().enumerate() {
        let part = words.iter().position(|words| words.contains(&cell.to_lowercase().as_str()));
        let part = part.with_context(|| {
            format!(
                "{}: {}: column `{}` says `{cell}`; known are train, val and test",
                path.display(),
                table.place(record),
                field.name
            )
        })?;
        parts[part].push(record);
    }
    let [pool, validation, test] = parts.map(|records| (!records.is_empty()).then(|| table.select(&records)));
    let note = format!("column `{}` says what is for training, validation and testing", field.name);
    Ok(opened(pool, validation, test, vec![note]))
}

#[cfg(test)]
mod tests {
    use super::open;

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.csv");
        std::fs::write(&path, "\u{feff}a,b\n1,2\n").unwrap();
        let pool = open(&path, None).unwrap().pool.unwrap();
        assert_eq!(pool.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((pool.count, pool.place(0)), (1, "line 2".to_owned()));
    }

    #[test]
    fn parts_are_named_in_any_case() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.csv");
        std::fs::write(&path, "a,Split\n1,Train\n2,TEST\n3,val\n4,train\n5,Dev\n").unwrap();
        let opened = open(&path, None).unwrap();
        let counts = [opened.pool, opened.validation, opened.test].map(|part| part.map_or(0, |part| part.count));
        assert_eq!(counts, [2, 2, 1]);
        std::fs::write(&path, "a,split\n1,train\n2,later\n").unwrap();
        let refused = open(&path, None).err().unwrap().to_string();
        assert!(refused.contains("line 3: column `split` says `later`"), "{refused}");
    }
}
