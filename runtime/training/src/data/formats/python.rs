//! Pickled batches written by Python programs: a dictionary with `data` (a NumPy array of bytes, one image per row) and
//! `labels`.

use super::of_rows;
use crate::data::Records;
use crate::input::{Array, Kind};
use crate::pickle::{Item, Pickle};
use anyhow::{Context, Result, bail, ensure};

/// Labels count from `first`.
///
/// # Errors
/// Bytes that are not such a pickle, or arrays that are not bytes or do not match.
pub fn read(bytes: &[u8], first: usize) -> Result<Records> {
    let pickle = Pickle::whole(bytes)?;
    let root = pickle.root();
    let data = root.value("data").context("there is no entry `data` in it")?;
    let data = array(data).context("its entry `data`")?;
    ensure!(data.kind == Kind::Unsigned(1), "its entry `data` holds {}; expected bytes (uint8)", data.kind);
    let &[rows, columns] = data.shape.as_slice() else {
        bail!("its entry `data` has shape {:?}; expected rows of images", data.shape)
    };
    let labels = root.value("labels").or_else(|| root.value("fine_labels"));
    let labels = labels.map(numbers).transpose().context("its entry `labels`")?;
    of_rows(rows, columns, data.content, labels, first)
}

/// A list of whole numbers, or an array of them.
fn numbers(item: Item<'_>) -> Result<Vec<i64>> {
    match item.items() {
        Some(items) => items.map(Item::int).collect::<Option<_>>().context("it is not a list of whole numbers"),
        None => array(item)?.integers(),
    }
}

/// A NumPy array.
fn array(item: Item<'_>) -> Result<Array> {
    let parts = || -> Option<(Item<'_>, Item<'_>, bool, Item<'_>)> {
        let (function, arguments, state) = item.call()?;
        match state {
            // (version, shape, type, whether in Fortran order, bytes)
            Some(state) if function.ends_with("multiarray._reconstruct") => {
                Some((state.item(1)?, state.item(2)?, state.item(3)?.int()? != 0, state.item(4)?))
            }
            // (bytes, type, shape, order)
            _ if function.ends_with("numeric._frombuffer") => {
                Some((arguments.item(2)?, arguments.item(1)?, arguments.item(3)?.text()? == "F", arguments.item(0)?))
            }
            _ => None,
        }
    };
    let (shape, kind, columns_first, content) = parts().context("it is not a NumPy array")?;
    let sizes = shape.items().and_then(|items| items.map(|size| usize::try_from(size.int()?).ok()).collect());
    let kind = descr(kind).context("its type is not there")?;
    let content = bytes(content).context("its numbers are not there")?;
    Array::new(&kind, columns_first, sizes.context("its shape is not there")?, content)
}

/// NumPy's name of a type with the byte order: `numpy.dtype("u1", …)` with a state `(3, "|", …)`.
fn descr(item: Item<'_>) -> Option<String> {
    let (function, arguments, state) = item.call()?;
    let name = arguments.item(0)?.text()?;
    let order = state.and_then(|state| state.item(1)).and_then(Item::text).unwrap_or("|");
    (function == "numpy.dtype").then(|| format!("{order}{name}"))
}

/// Bytes, or the text that Python 3 uses for bytes in protocols without a type for them.
fn bytes(item: Item<'_>) -> Option<Vec<u8>> {
    match item.call() {
        Some((function, arguments, _)) if function == "_codecs.encode" => {
            arguments.item(0)?.text()?.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
        }
        _ => item.bytes().map(<[u8]>::to_vec),
    }
}
