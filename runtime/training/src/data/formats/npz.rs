//! NumPy's archives of arrays: `data` (bytes) and `labels` (whole numbers).

use super::of_rows;
use crate::data::Records;
use crate::input::{self, Archive, Array, Kind};
use anyhow::{Context, Result, bail, ensure};

/// Labels count from `first`.
///
/// # Errors
/// Bytes that are not such an archive, or arrays of another type or shape.
pub fn read(bytes: &[u8], first: usize) -> Result<Records> {
    let mut archive = Archive::open(bytes, input::limit())?;
    let names = archive.names().to_vec();
    let find = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.trim_end_matches(".npy")));
    let (at, labels_at) = (find(&["data", "images", "arr_0"]), find(&["labels", "arr_1"]));
    let (mut data, mut labels) = (None, None);
    // Unused arrays are verified too, because they reveal a damaged file.
    for (index, name) in names.iter().enumerate() {
        let content = archive.member(index)?;
        if Some(index) == at {
            data = Some(Array::parse(content).with_context(|| format!("array `{name}`"))?);
        } else if Some(index) == labels_at {
            let numbers = Array::parse(content).and_then(|array| array.integers());
            labels = Some(numbers.with_context(|| format!("array `{name}`"))?);
        }
    }
    let data = data.with_context(|| format!("there is no array `data` in it; it holds {}", names.join(", ")))?;
    ensure!(data.kind == Kind::Unsigned(1), "array `data` holds {}; expected bytes (uint8)", data.kind);
    match *data.shape.as_slice() {
        [rows, columns] => of_rows(rows, columns, data.content, labels, first),
        [rows, 3, height, width] if height == width => of_rows(rows, area(height)?, data.content, labels, first),
        [rows, height, width, 3] if height == width => {
            let pixels = area(height)? / 3;
            let planes =
                |picture: &[u8]| (0..3 * pixels).map(|at| picture[at % pixels * 3 + at / pixels]).collect::<Vec<u8>>();
            let content = data.content.chunks_exact((3 * pixels).max(1)).flat_map(planes).collect();
            of_rows(rows, 3 * pixels, content, labels, first)
        }
        _ => bail!(
            "array `data` has shape {:?}; expected [images, 3·side·side], or square images of three colours",
            data.shape
        ),
    }
}

/// The number of values of a square image with three colours.
fn area(side: usize) -> Result<usize> {
    side.checked_mul(side).and_then(|pixels| pixels.checked_mul(3)).with_context(|| format!("images of side {side}"))
}
