//! Parquet files as tables. Without the feature `parquet` they are known and refused.

use crate::data::open::Opened;
use anyhow::Result;
use std::path::Path;

/// The columns of a file; as in a table of text, a column `split` divides the records.
///
/// # Errors
/// A file that is damaged, or a column of something that is not read.
#[cfg(feature = "parquet")]
pub fn open(path: &Path) -> Result<Opened> {
    use crate::data::table::{Field, Raw, Table};
    use crate::input::Array;
    use crate::input::parquet::{Column, read};
    let field = |(name, column): (String, Column)| {
        let raw = match column {
            Column::Text(cells) => Raw::Text(cells),
            Column::Files(files) => Raw::Encoded(files),
            Column::Numbers(width, numbers) => {
                let content = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                let shape = vec![numbers.len().checked_div(width).unwrap_or(0), width];
                Raw::Numbers(Array::new("<f8", false, shape, content)?)
            }
        };
        Ok(Field { name, raw })
    };
    let fields = read(path)?.into_iter().map(field).collect::<Result<_>>()?;
    super::csv::divided(Table::new(fields), path)
}

/// # Errors
/// Always: this program was built without it.
#[cfg(not(feature = "parquet"))]
pub fn open(path: &Path) -> Result<Opened> {
    anyhow::bail!("{}: this program reads no Parquet files; build it with `--features parquet`", path.display())
}
