//! Replaces FIDs in a program that was built without the feature `fid`: the same functions, with a clear error.

use super::args::{DataArgs, Fid, FidArgs};
use super::session::Session;
use anyhow::{Result, bail};
use serde_json::Value;
use srvae_training::data::Images;
use srvae_training::{Compiled, Device};
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

/// # Errors
/// Always, because this program has no FID network.
pub fn run(_: &'static [Compiled], _: &Fid) -> Result<ExitCode> {
    bail!("this program was built without the feature `fid`; build it with `--features fid`")
}

/// The file of the weights. It cannot be read here.
///
/// # Errors
/// Infallible; returns `Result` for a uniform signature.
pub fn weights(_: &FidArgs) -> Result<PathBuf> {
    Ok(PathBuf::new())
}

/// Never constructed.
pub struct Meter(Infallible);

/// Never constructed.
pub struct Real(Infallible);

/// Never constructed.
#[derive(Debug, Clone)]
pub struct Distance {
    pub value: f64,
    never: Infallible,
}

impl Meter {
    /// # Errors
    /// Always.
    pub fn open(_: &FidArgs, _: usize, _: u64, _: &Device) -> Result<Self> {
        bail!("this program was built without the feature `fid`; build it with `--features fid`, or give --no-fid")
    }

    pub fn pictures(&self, _: &Session, _: &DataArgs) -> Result<(String, Images)> {
        match self.0 {}
    }

    pub fn real(&self, _: &str, _: &Images) -> Result<Real> {
        match self.0 {}
    }

    pub fn measure(&self, _: &Session, real: &Real) -> Result<Distance> {
        match real.0 {}
    }
}

impl Distance {
    pub fn json(&self) -> Value {
        match self.never {}
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.never {}
    }
}
