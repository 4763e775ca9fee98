//! A program that was built without the feature `png`: the same names, one clear error.

use anyhow::{Result, bail};

/// # Errors
/// Always: nothing here turns a drawing into pixels.
pub fn png(_: &str) -> Result<Vec<u8>> {
    bail!("this program was built without the feature `png`; build it with `--features png`, or write an .svg file")
}

/// # Errors
/// Always: nothing here turns a drawing into a page.
pub fn pdf(_: &str) -> Result<Vec<u8>> {
    bail!(
        "this program was built without the feature `png`, which PDF needs too; build it with `--features png`, or write an .svg file"
    )
}
