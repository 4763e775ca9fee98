//! Pickled batches, as Python's programs read them: a dictionary with `data` (a numpy array of bytes, a picture a row) and
//! `labels`.

use super::of_rows;
use crate::data::Images;
use crate::pickle::{Item, Pickle};
use anyhow::{Context, Result, bail, ensure};

/// Labels count from `first`.
///
/// # Errors
/// Bytes that are no such pickle, or arrays that are not bytes or do not fit together.
pub fn read(bytes: &[u8], first: usize) -> Result<Images> {
    let (pickle, _) = Pickle::read(bytes)?;
    let root = pickle.root();
    let data = root.value("data").context("there is no entry `data` in it")?;
    let (shape, order, content) = array(data).context("its entry `data` is no numpy array")?;
    let &[rows, columns] = shape.as_slice() else {
        bail!("its entry `data` has shape {shape:?}, wanted are rows of pictures")
    };
    ensure!(content.len() == rows * columns, "{} bytes for shape {shape:?}, so not bytes or cut short", content.len());
    let content = if order { transposed(&content, rows, columns) } else { content };
    let labels = match root.value("labels").or_else(|| root.value("fine_labels")) {
        None => None,
        Some(labels) => Some(numbers(labels).context("its entry `labels` is no list of numbers")?),
    };
    of_rows(rows, columns, content, labels, first)
}

fn numbers(item: Item<'_>) -> Option<Vec<i64>> {
    if let Some(items) = item.items() {
        return items.map(Item::int).collect();
    }
    let (shape, _, content) = array(item)?;
    let count = shape.iter().product::<usize>().max(1);
    let width = content.len() / count;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0i64, |number, &byte| number << 8 | i64::from(byte));
    (1..=8).contains(&width).then(|| content.chunks_exact(width).map(number).collect())
}

/// Shape, whether columns lie together, and bytes of a numpy array.
fn array(item: Item<'_>) -> Option<(Vec<usize>, bool, Vec<u8>)> {
    let (function, arguments, state) = item.call()?;
    let sizes =
        |item: Item<'_>| item.items()?.map(|size| usize::try_from(size.int()?).ok()).collect::<Option<Vec<usize>>>();
    match state {
        // (version, shape, type, whether columns lie together, bytes)
        Some(state) if function.ends_with("multiarray._reconstruct") => {
            Some((sizes(state.item(1)?)?, state.item(3)?.int()? != 0, bytes(state.item(4)?)?))
        }
        // (bytes, type, shape, order)
        _ if function.ends_with("numeric._frombuffer") => {
            let order = arguments.item(3)?.text()? == "F";
            Some((sizes(arguments.item(2)?)?, order, bytes(arguments.item(0)?)?))
        }
        _ => None,
    }
}

/// Bytes, or the text that Python 3 writes bytes as where the protocol has none.
fn bytes(item: Item<'_>) -> Option<Vec<u8>> {
    match item.call() {
        Some((function, arguments, _)) if function == "_codecs.encode" => {
            arguments.item(0)?.text()?.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
        }
        _ => item.bytes().map(<[u8]>::to_vec),
    }
}

fn transposed(content: &[u8], rows: usize, columns: usize) -> Vec<u8> {
    (0..rows).flat_map(|row| (0..columns).map(move |column| content[column * rows + row])).collect()
}
