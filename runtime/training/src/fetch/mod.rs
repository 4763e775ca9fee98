//! Downloads files into a cache, only on request, and verifies their checksums.

#[cfg(feature = "fetch")]
mod download;
#[cfg(not(feature = "fetch"))]
#[path = "without.rs"]
mod download;

pub use download::download;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A download.
pub struct Request<'a> {
    pub url: &'a str,
    /// The checksum of the whole file, in hexadecimal.
    pub sha256: &'a str,
    /// The length of the whole file. Longer content is an error.
    pub bytes: u64,
    /// The destination of the file.
    pub target: &'a Path,
    pub pace: Pace,
    /// Called with the number of received bytes and, once known, the total.
    pub progress: &'a dyn Fn(u64, Option<u64>),
}

/// The limits below which a connection is too slow.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The maximum time without a byte.
    pub silence: Duration,
    /// The minimum number of bytes in each time window, except at the end of the file.
    pub window: Duration,
    pub bytes: u64,
}

impl Default for Pace {
    /// A kilobyte per second, over a minute.
    fn default() -> Self {
        Self { silence: Duration::from_secs(30), window: Duration::from_secs(60), bytes: 60_000 }
    }
}

/// A named item that can be downloaded.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// The name on the command line.
    pub name: &'static str,
    /// Its purpose.
    pub about: &'static str,
    /// The folder in the cache, for items with several files.
    pub folder: Option<&'static str>,
    /// The address of the files, with the last slash.
    pub from: &'static str,
    pub files: &'static [Remote],
    /// Whether it is a name for `--data`.
    pub is_data: bool,
}

/// A file on the network.
#[derive(Debug, Clone, Copy)]
pub struct Remote {
    pub name: &'static str,
    pub sha256: &'static str,
    pub bytes: u64,
}

const fn remote(name: &'static str, sha256: &'static str, bytes: u64) -> Remote {
    Remote { name, sha256, bytes }
}

const WEIGHTS: &str = "fid-weights";

/// The checksum of `pt_inception-2015-12-05-6726825d.pth`, the weights for FIDs in papers.
pub const FID_SHA256: &str = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2";

const CIFAR: &str = "https://www.cs.toronto.edu/~kriz/";

/// All items.
pub const ITEMS: [Item; 6] = [
    Item {
        name: "cifar10",
        about: "CIFAR-10, for --data cifar10",
        folder: None,
        from: CIFAR,
        files: &[remote(
            "cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        )],
        is_data: true,
    },
    Item {
        name: "cifar10-python",
        about: "the same in Python's form, for --data PATH",
        folder: None,
        from: CIFAR,
        files: &[remote(
            "cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            170_498_071,
        )],
        is_data: false,
    },
    Item {
        name: "cifar100",
        about: "CIFAR-100, for --data cifar100",
        folder: None,
        from: CIFAR,
        files: &[remote(
            "cifar-100-binary.tar.gz",
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            168_513_733,
        )],
        is_data: true,
    },
    Item {
        name: "mnist",
        about: "MNIST, for --data mnist",
        folder: Some("mnist"),
        from: "https://storage.googleapis.com/cvdf-datasets/mnist/",
        files: &[
            remote(
                "train-images-idx3-ubyte.gz",
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                9_912_422,
            ),
            remote(
                "train-labels-idx1-ubyte.gz",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                28_881,
            ),
            remote(
                "t10k-images-idx3-ubyte.gz",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                1_648_877,
            ),
            remote(
                "t10k-labels-idx1-ubyte.gz",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                4_542,
            ),
        ],
        is_data: true,
    },
    Item {
        name: "fashion",
        about: "Fashion-MNIST, for --data fashion",
        folder: Some("fashion"),
        from: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        files: &[
            remote(
                "train-images-idx3-ubyte.gz",
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                26_421_880,
            ),
            remote(
                "train-labels-idx1-ubyte.gz",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                29_515,
            ),
            remote(
                "t10k-images-idx3-ubyte.gz",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                4_422_102,
            ),
            remote(
                "t10k-labels-idx1-ubyte.gz",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                5_148,
            ),
        ],
        is_data: true,
    },
    Item {
        name: WEIGHTS,
        about: "the Inception network of FIDs, for the commands fid and table",
        folder: None,
        from: "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/",
        files: &[remote("pt_inception-2015-12-05-6726825d.pth", FID_SHA256, 95_628_359)],
        is_data: false,
    },
];

impl Item {
    /// The size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The path for `--data`: the folder of the files, or the only file, in a cache.
    pub fn place(&self, cache: &Path) -> PathBuf {
        match (self.folder, self.files) {
            (Some(folder), _) => cache.join(folder),
            (None, [file]) => cache.join(file.name),
            (None, _) => cache.to_owned(),
        }
    }

    /// The address of one of its files. Another address (`--from`) is that of the only file, or of the folder of
    /// several.
    pub fn url(&self, from: Option<&str>, file: &Remote) -> String {
        match from {
            None => format!("{}{}", self.from, file.name),
            Some(from) if self.files.len() > 1 => format!("{}/{}", from.trim_end_matches('/'), file.name),
            Some(from) => from.to_owned(),
        }
    }

    /// The destination of one of its files.
    pub fn target(&self, cache: &Path, file: &Remote) -> PathBuf {
        self.folder.map_or_else(|| cache.to_owned(), |folder| cache.join(folder)).join(file.name)
    }
}

/// The item with this name.
///
/// # Errors
/// An unknown name, or data that programs may not download.
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
    bail!("nothing is named `{name}`; known are {}", names.join(", "))
}

/// The folder for downloads: `SRVAE_CACHE`, or `srvae` in the user's cache folder.
///
/// # Errors
/// A system without such a folder.
pub fn cache() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("SRVAE_CACHE") {
        return Ok(folder);
    }
    let folder = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    Ok(folder.context("no folder for fetched files: set SRVAE_CACHE to one, or give --to")?.join("srvae"))
}

/// The location of a data set, if `path` is its name.
///
/// # Errors
/// A data set that has not been downloaded completely.
pub fn data_set(path: &Path) -> Result<Option<PathBuf>> {
    let Some(item) = ITEMS.iter().find(|item| item.is_data && path.as_os_str() == item.name) else { return Ok(None) };
    let cache = cache()?;
    for file in item.files {
        let target = item.target(&cache, file);
        if !target.is_file() {
            bail!(
                "{}: not fetched yet, {} is missing; `srvae-run fetch {0}` downloads it",
                item.name,
                target.display()
            );
        }
    }
    Ok(Some(item.place(&cache)))
}

/// The location of the FID network's weights after the download.
///
/// # Errors
/// As [`cache`].
pub fn fid_weights() -> Result<PathBuf> {
    Ok(find(WEIGHTS)?.place(&cache()?))
}
