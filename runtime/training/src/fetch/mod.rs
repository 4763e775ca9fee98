//! Files from the network, when they are asked for and never otherwise: into a cache, with a checksum.

#[cfg(feature = "fetch")]
mod download;
#[cfg(not(feature = "fetch"))]
#[path = "without.rs"]
mod download;

pub use download::download;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to download.
pub struct Request<'a> {
    pub url: &'a str,
    /// Of the whole file, in hexadecimal.
    pub sha256: &'a str,
    /// Of the whole file; not one more is taken.
    pub bytes: u64,
    /// Where the file is to be.
    pub target: &'a Path,
    pub pace: Pace,
    /// Called with the bytes there are and, once it is known, how many there will be.
    pub progress: &'a dyn Fn(u64, Option<u64>),
}

/// How slow a server may be before a connection is given up.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Without a byte.
    pub silence: Duration,
    /// In each window at least so many bytes come, unless the file ends.
    pub window: Duration,
    pub bytes: u64,
}

impl Default for Pace {
    /// A kilobyte a second, over a minute.
    fn default() -> Self {
        Self { silence: Duration::from_secs(30), window: Duration::from_secs(60), bytes: 60_000 }
    }
}

/// A file that can be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// As the command line names it.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    pub file: &'static str,
    pub url: &'static str,
    pub sha256: &'static str,
    pub bytes: u64,
}

/// The name of CIFAR-10, as `--data` takes it too.
const CIFAR: &str = "cifar10";
const WEIGHTS: &str = "fid-weights";

/// Of `pt_inception-2015-12-05-6726825d.pth`, the weights that FIDs in papers are computed with.
pub const FID_SHA256: &str = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2";

/// Everything there is to fetch.
pub const ITEMS: [Item; 3] = [
    Item {
        name: CIFAR,
        about: "CIFAR-10, for --data cifar10",
        file: "cifar-10-binary.tar.gz",
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        bytes: 170_052_171,
    },
    Item {
        name: "cifar10-python",
        about: "the same in Python's form, for --data PATH",
        file: "cifar-10-python.tar.gz",
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        sha256: "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        bytes: 170_498_071,
    },
    Item {
        name: WEIGHTS,
        about: "the Inception network of FIDs, for the commands fid and table",
        file: "pt_inception-2015-12-05-6726825d.pth",
        url: "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        sha256: FID_SHA256,
        bytes: 95_628_359,
    },
];

/// The file of this name.
///
/// # Errors
/// A name that is unknown, or of data that may not be fetched by a program.
pub fn find(name: &str) -> Result<&'static Item> {
    if let Some(item) = ITEMS.iter().find(|item| item.name == name) {
        return Ok(item);
    }
    if name.starts_with("imagenet") {
        bail!(
            "{name}: image-net.org gives ImageNet to those who sign in, so it cannot be fetched from here; get \
             Imagenet32_val_npz.zip and Imagenet32_train_npz.zip (or the PNG archives) there, unpack them into one folder, \
             and give it with --data"
        );
    }
    let names: Vec<&str> = ITEMS.iter().map(|item| item.name).collect();
    bail!("nothing is named `{name}`; there are {}", names.join(", "))
}

/// Where fetched files lie: `SRVAE_CACHE`, or `srvae` in the user's cache folder.
///
/// # Errors
/// A system that says no such folder.
pub fn cache() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("SRVAE_CACHE") {
        return Ok(folder);
    }
    let folder = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    Ok(folder.context("no folder for fetched files: set SRVAE_CACHE to one, or give --to")?.join("srvae"))
}

/// The file of a data set that `--data` gives by name, if `path` is one.
///
/// # Errors
/// A data set that was not fetched yet.
pub fn data_set(path: &Path) -> Result<Option<PathBuf>> {
    let Some(item) = ITEMS.iter().find(|item| item.name == CIFAR && path.as_os_str() == item.name) else {
        return Ok(None);
    };
    let file = cache()?.join(item.file);
    if !file.is_file() {
        bail!("{}: not fetched yet, there is no {}; `srvae-run fetch {0}` gets it", item.name, file.display());
    }
    Ok(Some(file))
}

/// Where the FID network's weights lie once they are fetched.
///
/// # Errors
/// As [`cache`].
pub fn fid_weights() -> Result<PathBuf> {
    Ok(cache()?.join(find(WEIGHTS)?.file))
}
