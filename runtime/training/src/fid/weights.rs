//! The weights of the FID network: a file from the user, verified before use.

use crate::Tensor;
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

pub use crate::fetch::FID_SHA256 as SHA256;

/// Weights read from a file.
#[derive(Debug)]
pub struct Weights {
    /// By PyTorch's names.
    pub tensors: BTreeMap<String, Tensor>,
    /// The checksum of the file.
    pub sha256: String,
    /// The file, for messages.
    pub place: String,
}

impl Weights {
    /// Reads a `.pth` or safetensors file. `any` accepts a file other than the usual one.
    ///
    /// # Errors
    /// A file that is missing, damaged or, without `any`, not the usual one.
    pub fn read(path: &Path, any: bool) -> Result<Self> {
        let bytes = crate::input::read(path).with_context(|| {
            format!(
                "{}: the FID network's weights cannot be read; `srvae-run fetch fid-weights` downloads them",
                path.display()
            )
        })?;
        let sha256 = digest(&bytes);
        ensure!(
            any || sha256 == SHA256,
            "{}: not the weights of published FIDs: its SHA-256 is {sha256}, that of \
             pt_inception-2015-12-05-6726825d.pth is {SHA256}; \
             `srvae-run fetch fid-weights` downloads them, and --weights-any uses this file for your own comparisons",
            path.display()
        );
        Ok(Self { tensors: crate::torch::read(path)?, sha256, place: path.display().to_string() })
    }
}

/// The checksum in hexadecimal.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
