//! Replaces PNG and PDF output in a program that was built without the feature `png`: the same functions, with a clear
//! error.

use anyhow::{Result, bail};

/// # Errors
/// Always, because this program cannot render drawings.
pub fn png(_: &str) -> Result<Vec<u8>> {
    bail!("this program was built without the feature `png`; build it with `--features png`, or write an .svg file")
}

/// # Errors
/// Always, because this program cannot render drawings.
pub fn pdf(_: &str) -> Result<Vec<u8>> {
    bail!(
        "this program was built without the feature `png`, which PDF needs too; build it with `--features png`, or write an .svg file"
    )
}
