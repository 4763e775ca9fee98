//! Deterministic functions: space and shape of the value are what the catalogue says.

use super::catalogue::{batch, values};
use super::support::list;
use anyhow::{Context, Result, ensure};
use srvae::entries::{FUNCTIONS, space_entry};

#[test]
fn values_are_in_their_range() -> Result<()> {
    for entry in FUNCTIONS {
        let Some(apply) = entry.apply else { continue };
        ensure!(!entry.examples.is_empty(), "`{}` has no example", entry.name);
        for example in entry.examples {
            let (arguments, input) = ((example.arguments)(), example.inputs[0]);
            let range = (entry.range)(&arguments, entry.from, input).map_err(anyhow::Error::msg)?;
            let (space, shape) = range.with_context(|| format!("{} has no range", entry.name))?;
            let value = apply(&values(1, entry.from, 3, input)?, &arguments)?;
            ensure!(value.dims() == batch(3, &shape), "{}: {:?}, the rule says {shape:?}", entry.name, value.dims());
            let wrong = list(&value)?.chunks(shape.iter().product()).find_map(space_entry(space).misfit);
            ensure!(wrong.is_none(), "{}: {}", entry.name, wrong.unwrap_or_default());
        }
    }
    Ok(())
}
