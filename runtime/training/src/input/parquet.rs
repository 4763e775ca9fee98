//! Parquet: the columns of a table, each with one cell per record, a list of numbers of one length, or encoded images.

use super::{limit, open, within};
use anyhow::{Context, Result, bail, ensure};
use parquet::basic::Compression;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, List};
use std::cell::Cell;
use std::path::Path;
use std::sync::Once;

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// As in a text table; an empty text for a missing value.
    Text(Vec<String>),
    /// Concatenated lists, each with this number of numbers; NaN for a missing value.
    Numbers(usize, Vec<f64>),
    /// Encoded image files.
    Files(Vec<Vec<u8>>),
}

/// The columns of a file by name, in its order.
///
/// # Errors
/// A file that is damaged or needs more memory than the limit; a column of maps or structures, of lists of several
/// lengths, or of mixed types.
pub fn read(path: &Path) -> Result<Vec<(String, Column)>> {
    let file = open(path)?;
    let read = quietly(|| columns(SerializedFileReader::new(file)?));
    read.with_context(|| format!("{}: cannot be read as a Parquet file", path.display()))
}

thread_local! {
    /// Whether a panic of this thread is expected, because it becomes an error.
    static IS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// The library checks much of a file by assertions. A panic on a damaged file becomes an error here, without output
/// from the panic handler.
fn quietly<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_EXPECTED.get() {
                others(panic);
            }
        }));
    });
    IS_EXPECTED.set(true);
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    IS_EXPECTED.set(false);
    read.unwrap_or_else(|_| bail!("the file is damaged"))
}

fn columns(file: impl FileReader) -> Result<Vec<(String, Column)>> {
    let about = file.metadata();
    let bytes = about.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX));
    within(bytes.fold(0, u64::saturating_add), limit())?;
    for column in about.row_groups().iter().flat_map(|group| group.columns()) {
        let packing = column.compression().to_string();
        ensure!(
            matches!(column.compression(), Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_)),
            "column `{}` is packed by {}; read are snappy, gzip and none",
            column.column_path().string(),
            packing.split('(').next().unwrap_or_default()
        );
    }
    let schema = about.file_metadata().schema();
    let names: Vec<String> = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let mut columns: Vec<Vec<Field>> = vec![Vec::new(); names.len()];
    for row in file.get_row_iter(None)? {
        let row = row?;
        ensure!(row.len() == names.len(), "a record has {} values for {} columns", row.len(), names.len());
        columns.iter_mut().zip(row.into_columns()).for_each(|(column, (_, value))| column.push(value));
    }
    let one = |(name, values): (String, Vec<Field>)| {
        let column = column(values).with_context(|| format!("column `{name}`"))?;
        Ok((name, column))
    };
    names.into_iter().zip(columns).map(one).collect()
}

fn column(values: Vec<Field>) -> Result<Column> {
    match values.iter().find(|value| !matches!(value, Field::Null)) {
        Some(Field::ListInternal(_)) => lists(&values),
        Some(Field::Bytes(_) | Field::Group(_)) => {
            let files = values.iter().enumerate();
            let files = files.map(|(at, value)| file(value).with_context(|| format!("record {at}")));
            Ok(Column::Files(files.collect::<Result<_>>()?))
        }
        _ => {
            let cells = values.iter().enumerate();
            Ok(Column::Text(
                cells.map(|(at, value)| cell(value).with_context(|| format!("record {at}"))).collect::<Result<_>>()?,
            ))
        }
    }
}

fn cell(value: &Field) -> Result<String> {
    Ok(match value {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bool(flag) => u8::from(*flag).to_string(),
        value => number(value)?.to_string(),
    })
}

fn number(value: &Field) -> Result<f64> {
    Ok(match value {
        Field::Null => f64::NAN,
        Field::Bool(flag) => f64::from(u8::from(*flag)),
        Field::Byte(number) => f64::from(*number),
        Field::Short(number) => f64::from(*number),
        Field::Int(number) | Field::Date(number) | Field::TimeMillis(number) => f64::from(*number),
        Field::Long(number)
        | Field::TimeMicros(number)
        | Field::TimestampMillis(number)
        | Field::TimestampMicros(number) => *number as f64,
        Field::UByte(number) => f64::from(*number),
        Field::UShort(number) => f64::from(*number),
        Field::UInt(number) => f64::from(*number),
        Field::ULong(number) => *number as f64,
        Field::Float16(number) => number.to_f64(),
        // From its shortest text, so that 0.1 stays 0.1.
        Field::Float(number) => number.to_string().parse()?,
        Field::Double(number) => *number,
        Field::Decimal(_) => value.to_string().parse()?,
        Field::Str(_) => bail!("expected a number, found a text"),
        _ => bail!("it holds {value}; supported are numbers, texts, lists of numbers and images"),
    })
}

/// Numbers of lists, also of nested lists.
fn flat(list: &List, numbers: &mut Vec<f64>) -> Result<()> {
    for value in list.elements() {
        match value {
            Field::ListInternal(inner) => flat(inner, numbers)?,
            value => numbers.push(number(value)?),
        }
    }
    Ok(())
}

fn lists(values: &[Field]) -> Result<Column> {
    let (mut rows, mut width) = (Vec::with_capacity(values.len()), None);
    for (at, value) in values.iter().enumerate() {
        let mut row = Vec::new();
        match value {
            Field::Null => {
                rows.push(None);
                continue;
            }
            Field::ListInternal(list) => flat(list, &mut row).with_context(|| format!("record {at}"))?,
            other => bail!("record {at} has {other}, the others have lists"),
        }
        let wanted = *width.get_or_insert(row.len());
        ensure!(row.len() == wanted, "record {at} has {} numbers, the first has {wanted}", row.len());
        rows.push(Some(row));
    }
    let width = width.unwrap_or(0);
    let all = rows.into_iter().flat_map(|row| row.unwrap_or_else(|| vec![f64::NAN; width])).collect();
    Ok(Column::Numbers(width, all))
}

/// A file as bytes, or as a structure with a field `bytes`, as in data sets of images.
fn file(value: &Field) -> Result<Vec<u8>> {
    match value {
        Field::Bytes(bytes) => Ok(bytes.data().to_vec()),
        Field::Group(group) => match group.get_column_iter().find(|(name, _)| *name == "bytes") {
            Some((_, Field::Bytes(bytes))) => Ok(bytes.data().to_vec()),
            _ => bail!("it is a structure without `bytes`; supported are numbers, texts, lists of numbers and images"),
        },
        Field::Null => bail!("there is no image"),
        other => bail!("it holds {other}, the others have bytes"),
    }
}
