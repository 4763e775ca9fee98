//! Pictures to train on and to evaluate with.
//!
//! Pictures are held as bytes, channel by channel, and become `f32` numbers k/255 a batch at a time.

mod augment;
mod batch;
mod builtin;
mod cifar;
mod folder;
mod order;
mod resize;
mod split;

pub use augment::Augment;
pub use batch::Batches;
pub use folder::open as open_picture;
pub use order::Order;
pub use resize::{fit as resize, fit_rgb as resize_rgb};
pub use split::Split;

use anyhow::{Result, bail, ensure};
use std::fmt;
use std::path::{Path, PathBuf};

/// Pictures of one shape, with labels where the data set has them.
#[derive(Debug, Clone)]
pub struct Images {
    shape: [usize; 3],
    bytes: Vec<u8>,
    labels: Option<Vec<usize>>,
}

impl Images {
    /// No pictures yet, of shape [channels, height, width].
    pub fn empty(shape: [usize; 3]) -> Self {
        Self { shape, bytes: Vec::new(), labels: None }
    }

    /// Pictures one after the other, each channel by channel.
    ///
    /// # Errors
    /// Bytes that are no whole number of pictures, or labels that are not one a picture.
    pub fn new(shape: [usize; 3], bytes: Vec<u8>, labels: Option<Vec<usize>>) -> Result<Self> {
        let size: usize = shape.iter().product();
        ensure!(
            size > 0 && bytes.len().is_multiple_of(size),
            "{} bytes are no whole number of pictures {shape:?}",
            bytes.len()
        );
        if let Some(labels) = &labels {
            ensure!(labels.len() == bytes.len() / size, "{} labels for {} pictures", labels.len(), bytes.len() / size);
        }
        Ok(Self { shape, bytes, labels })
    }

    /// [channels, height, width]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    pub fn len(&self) -> usize {
        self.bytes.len() / self.size()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes of one picture.
    pub fn picture(&self, index: usize) -> &[u8] {
        &self.bytes[index * self.size()..][..self.size()]
    }

    /// The class of a picture, where the data set has classes.
    pub fn label(&self, index: usize) -> Option<usize> {
        self.labels.as_ref().map(|labels| labels[index])
    }

    /// The pictures at these positions, in their order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let bytes = indices.iter().flat_map(|&index| self.picture(index)).copied().collect();
        let labels = self.labels.as_ref().map(|labels| indices.iter().map(|&index| labels[index]).collect());
        Self { shape: self.shape, bytes, labels }
    }

    /// At most the first `count` pictures.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        self.select(&(0..self.len().min(count)).collect::<Vec<_>>())
    }

    /// Every picture brought to `shape`.
    #[must_use]
    fn resized(self, shape: [usize; 3]) -> Self {
        if self.shape == shape {
            return self;
        }
        let bytes = (0..self.len()).flat_map(|index| resize::fit(self.picture(index), self.shape, shape)).collect();
        Self { shape, bytes, labels: self.labels }
    }

    fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A data set: what is trained on, what decides between checkpoints, and what is reported.
#[derive(Debug, Clone)]
pub struct Data {
    /// As it is named in reports.
    pub name: String,
    pub train: Images,
    pub validation: Images,
    pub test: Images,
}

/// Where data comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Scenes drawn from a seed.
    Builtin,
    /// A file or a folder; its kind is decided by what is in it.
    Path(PathBuf),
}

impl Source {
    /// `builtin`, or a path.
    pub fn parse(text: &str) -> Self {
        if text == "builtin" { Self::Builtin } else { Self::Path(PathBuf::from(text)) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => out.write_str("builtin"),
            Self::Path(path) => write!(out, "{}", path.display()),
        }
    }
}

/// Loads a data set at `shape` = [channels, height, width].
///
/// # Errors
/// A path that is missing, of no known kind, truncated or unreadable: what is wrong, where, and what would do.
pub fn load(source: &Source, shape: [usize; 3], split: Split) -> Result<Data> {
    let data = match source {
        Source::Builtin => builtin::load(shape),
        Source::Path(path) => load_path(path, shape, split)?,
    };
    ensure!(!data.train.is_empty(), "{source}: no pictures to train on");
    ensure!(!data.test.is_empty(), "{source}: no pictures to test with");
    Ok(data)
}

fn load_path(path: &Path, shape: [usize; 3], split: Split) -> Result<Data> {
    let kinds = "a folder with CIFAR-10's data_batch_*.bin and test_batch.bin, cifar-10-binary.tar.gz, \
                 a folder of PNG or JPEG pictures, or the word `builtin`";
    if !path.exists() {
        bail!("{}: no such file or folder; --data takes {kinds}", path.display());
    }
    if path.is_file() {
        if cifar::is_archive(path) {
            return cifar::load_archive(path, shape, split);
        }
        bail!("{}: not a data set; --data takes {kinds}", path.display());
    }
    if cifar::is_folder(path) {
        return cifar::load_folder(path, shape, split);
    }
    folder::load(path, shape, split)?.ok_or_else(|| {
        anyhow::anyhow!(
            "{}: nothing in this folder is a picture or a CIFAR-10 batch; --data takes {kinds}",
            path.display()
        )
    })
}
