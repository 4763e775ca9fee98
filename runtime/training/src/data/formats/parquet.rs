//! Parquet files as tables. Without the feature `parquet` they are recognised and refused.

use crate::data::opened::Opened;
use anyhow::Result;
use std::path::Path;

/// The columns of a file. As in text tables, a column `split` divides the records.
///
/// # Errors
/// A damaged file, or a column of an unsupported type.
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
/// Always, because this program was built without the feature.
#[cfg(not(feature = "parquet"))]
pub fn open(path: &Path) -> Result<Opened> {
    anyhow::bail!("{}: this program reads no Parquet files; build it with `--features parquet`", path.display())
}
