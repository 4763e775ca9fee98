//! A program that was built without the feature `fetch` opens no connection.

use anyhow::{Result, bail};
use std::path::Path;

/// What to download.
pub struct Request<'a> {
    pub url: &'a str,
    /// Of the whole file, in hexadecimal.
    pub sha256: &'a str,
    /// Where the file is to be.
    pub target: &'a Path,
    /// Called with the bytes there are and, once it is known, how many there will be.
    pub progress: &'a dyn Fn(u64, Option<u64>),
}

/// # Errors
/// Always: the message says how to build a program that can, and what to fetch by other means.
pub fn download(request: &Request<'_>) -> Result<bool> {
    bail!(
        "this program was built without the feature `fetch`; build it with `--features fetch`, or get {} by other means and \
         put it at {}",
        request.url,
        request.target.display()
    )
}
