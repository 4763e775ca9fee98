//! Files of others: opened with care, read within limits, verified by every checksum their format has.
//!
//! Whatever a file holds, reading it ends in its content or in one error: memory stays within [`limit`], lengths and shapes are
//! checked before anything is allocated for them, and nothing recurses as deep as a file says.

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

/// Bytes that one file may take in memory once it is unpacked, where nothing else is asked for.
pub const DEFAULT_LIMIT: u64 = 4 << 30;
/// The share of the limit that one picture may take: several are decoded at a time.
const PICTURE_SHARE: u64 = 16;

static LIMIT: AtomicU64 = AtomicU64::new(DEFAULT_LIMIT);

/// Bytes that one file may take in memory once it is unpacked.
pub fn limit() -> u64 {
    LIMIT.load(Ordering::Relaxed)
}

/// Bytes that one picture may take once it is decoded.
pub fn picture_limit() -> u64 {
    limit() / PICTURE_SHARE
}

/// Sets [`limit`] for the whole program, as `--read-limit` does.
pub fn set_limit(bytes: u64) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// Refuses content that would take more than `limit` bytes.
///
/// # Errors
/// More bytes than that, with both numbers and the option that raises the limit.
pub fn within(bytes: u64, limit: u64) -> Result<()> {
    if bytes > limit {
        bail!("it unpacks to {}, and the limit is {}; --read-limit raises it", size(bytes), size(limit));
    }
    Ok(())
}

/// A number of bytes for people: `1.5 GiB`.
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
