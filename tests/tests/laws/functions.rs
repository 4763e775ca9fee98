//! Deterministic functions: space and shape of the value agree with the catalogue.

use super::catalogue::{batch, values};
use super::support::list;
use anyhow::{Context, Result, ensure};
use srvae::entries::{FUNCTIONS, space_entry};
use srvae::{Device, Tensor};

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

/// The value of a function without arguments for an image `[1, C, H, W]`, in levels from 0 to 255.
fn levels(name: &str, shape: [usize; 3], pixels: &[f64]) -> Result<Vec<f64>> {
    let entry = FUNCTIONS.iter().find(|entry| entry.name == name).context("no such function")?;
    let apply = entry.apply.context("it is not applied")?;
    let x = Tensor::from_vec(pixels.to_vec(), (1, shape[0], shape[1], shape[2]), &Device::Cpu)?;
    list(&(apply(&x, &(entry.examples[0].arguments)())? * 255.0)?.round()?)
}

/// Luma of Rec. 601: 0.299, 0.587 and 0.114 of 255, rounded.
#[test]
fn grey_is_the_luma_of_a_colour() -> Result<()> {
    for (colour, level) in
        [([1.0, 0.0, 0.0], 76.0), ([0.0, 1.0, 0.0], 150.0), ([0.0, 0.0, 1.0], 29.0), ([1.0; 3], 255.0)]
    {
        ensure!(levels("grayscale", [3, 1, 1], &colour)? == [level], "{colour:?}");
    }
    Ok(())
}

/// Sobel's gradient divided by 4, in either direction: next to a step of 1/5 it is 1/5; two perpendicular steps give √2
/// times as much.
#[test]
fn edges_are_found_in_both_directions() -> Result<()> {
    let [o, x] = [0.0, 0.2];
    for (pixels, level) in [
        ([o, o, x, o, o, x, o, o, x], 51.0),
        ([o, o, o, o, o, o, x, x, x], 51.0),
        // (1 + 2 + 1 − 1) fifths from side to side and up and down: 3/20 · √2 of 255.
        ([o, o, x, o, o, x, x, x, x], 54.0),
    ] {
        let found = levels("sketch", [1, 3, 3], &pixels)?[4];
        ensure!(found == level, "{pixels:?}: {found}");
    }
    Ok(())
}
