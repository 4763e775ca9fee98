//! Reads untrusted files: opened with care, read within limits, verified by all checksums of their format.
//!
//! Reading a file results in its contents or in one error. Memory stays within [`limit`], lengths and shapes are
//! checked before memory is allocated for them, and the recursion depth does not depend on the file.

mod gzip;
mod npy;
mod open;
#[cfg(feature = "parquet")]
pub mod parquet;
mod picture;
pub mod stored;
mod tar;
mod zip;
mod zip_layout;

pub use gzip::gunzip;
pub use npy::{Array, Head, Kind};
pub use open::{open, read};
pub use picture::check as check_picture;
pub use stored::{Stored, resident, set_resident};
pub use tar::members as tar_members;
pub use zip::Archive;

use anyhow::{Result, bail};
use std::sync::atomic::{AtomicU64, Ordering};

/// The default limit for the memory of one unpacked file, in bytes.
pub const DEFAULT_LIMIT: u64 = 4 << 30;
/// The fraction of the limit for one image, because several are decoded at a time.
const PICTURE_SHARE: u64 = 16;

static LIMIT: AtomicU64 = AtomicU64::new(DEFAULT_LIMIT);

/// The limit for the memory of one unpacked file, in bytes.
pub fn limit() -> u64 {
    LIMIT.load(Ordering::Relaxed)
}

/// The limit for the memory of one decoded image, in bytes.
pub fn picture_limit() -> u64 {
    limit() / PICTURE_SHARE
}

/// Sets [`limit`] for the whole program (`--read-limit`).
pub fn set_limit(bytes: u64) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// Refuses content of more than `limit` bytes.
///
/// # Errors
/// More bytes, with both numbers and the option that raises the limit.
pub fn within(bytes: u64, limit: u64) -> Result<()> {
    if bytes > limit {
        bail!("it unpacks to {}, and the limit is {}; --read-limit raises it", size(bytes), size(limit));
    }
    Ok(())
}

/// A number of bytes in readable form: `1.5 GiB`.
pub fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if amount < 1024.0 {
            break;
        }
        (amount, unit) = (amount / 1024.0, larger);
    }
    let whole = unit == "bytes" || amount.fract() < 0.05;
    if whole { format!("{amount:.0} {unit}") } else { format!("{amount:.1} {unit}") }
}
