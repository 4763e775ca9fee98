//! File formats, one per file: `binary`, `npz` and `python` read a batch of a published data set, the others an
//! arbitrary data set.

pub mod arrays;
pub mod binary;
pub mod cifar100;
pub mod csv;
pub mod idx;
pub mod npz;
pub mod parquet;
pub mod python;
pub mod stored;
pub mod webdataset;

use super::Records;
use anyhow::{Result, ensure};

/// Images in rows of numbers, with the red, green and blue planes one after the other, and labels that count from
/// `first`.
fn of_rows(rows: usize, columns: usize, bytes: Vec<u8>, labels: Option<Vec<i64>>, first: usize) -> Result<Records> {
    let side = ((columns / 3) as f64).sqrt().round() as usize;
    ensure!(
        side > 0 && side.checked_mul(side).and_then(|pixels| pixels.checked_mul(3)) == Some(columns),
        "a row has {columns} numbers; a square image of three colours has 3072 (32x32) or 12288 (64x64)"
    );
    ensure!(
        rows.checked_mul(columns) == Some(bytes.len()),
        "{} bytes for {rows} images of {columns}; the file is cut short",
        bytes.len()
    );
    let labels = labels.map(|labels| labels.into_iter().map(|label| label_from(label, first)).collect()).transpose()?;
    Records::new([3, side, side], bytes, labels)
}

fn label_from(label: i64, first: usize) -> Result<usize> {
    let counted = usize::try_from(label).ok().and_then(|label| label.checked_sub(first));
    counted.ok_or_else(|| anyhow::anyhow!("label {label}: the labels of this format are numbered from {first}"))
}
