//! Replaces downloads in a program that was built without the feature `fetch`; it opens no connections.

use super::Request;
use anyhow::{Result, bail};

/// # Errors
/// Always. The message says how to build a program with downloads, and which file to download in another way.
pub fn download(request: &Request<'_>) -> Result<bool> {
    bail!(
        "this program was built without the feature `fetch`; build it with `--features fetch`, or download {} by \
         other means to {}",
        request.url,
        request.target.display()
    )
}
