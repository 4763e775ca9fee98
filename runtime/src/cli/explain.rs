//! `srvae-run explain | check | fmt`: the compiler as a tool.

use super::args::{Check, Explain, Fmt};
use anyhow::{Result, bail};
use std::process::ExitCode;

pub fn explain(_args: &Explain) -> Result<ExitCode> {
    bail!("explain")
}

pub fn check(_args: &Check) -> Result<ExitCode> {
    bail!("check")
}

pub fn format(_args: &Fmt) -> Result<ExitCode> {
    bail!("fmt")
}
