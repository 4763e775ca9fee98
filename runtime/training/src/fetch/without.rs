//! A program that was built without the feature `fetch` opens no connection.

use super::Request;
use anyhow::{Result, bail};

/// # Errors
/// Always: the message says how to build a program that can, and what to fetch by other means.
pub fn download(request: &Request<'_>) -> Result<bool> {
    bail!(
        "this program was built without the feature `fetch`; build it with `--features fetch`, or download {} by \
         other means to {}",
        request.url,
        request.target.display()
    )
}
