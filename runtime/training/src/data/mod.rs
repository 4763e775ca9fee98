//! Pictures to train on and to evaluate with.
//!
//! Pictures are held as bytes, channel by channel, and become `f32` numbers k/255 a batch at a time.

mod augment;
mod batch;
mod batches;
mod builtin;
mod crop;
mod folder;
pub mod formats;
mod order;
mod published;
mod resize;
mod split;

pub use augment::Augment;
pub use batch::Batches;
pub use crop::Crop;
pub use folder::open as open_picture;
pub use order::Order;
pub use resize::{fit as resize, fit_rgb as resize_rgb};
pub use split::Split;

use anyhow::{Context, Result, bail, ensure};
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
    /// Bytes that are not a whole number of images, or a number of labels other than that of the images.
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

    /// Adds pictures of the same shape; labels stay where both have them.
    fn append(&mut self, other: Self) {
        self.bytes.extend(other.bytes);
        self.labels = match (self.labels.take(), other.labels) {
            (Some(mut labels), Some(more)) => {
                labels.extend(more);
                Some(labels)
            }
            _ => None,
        };
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
    /// A file or a folder; its kind is decided by what is in it. Pictures of a folder may be cropped.
    Path(PathBuf, Option<Crop>),
}

/// Between a path and its window in the text of a source.
const CROP: &str = "#crop=";

impl Source {
    /// `builtin`, the name of a data set that was fetched, or a path; behind it there may be `#crop=` and a [`Crop`].
    ///
    /// # Errors
    /// A window that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let (path, crop) = match text.split_once(CROP) {
            Some((path, crop)) => (path, Some(crop.parse()?)),
            None => (text, None),
        };
        match path {
            "builtin" if crop.is_some() => bail!("--crop is for folders of pictures, and the data is `builtin`"),
            "builtin" => Ok(Self::Builtin),
            path => Ok(Self::Path(PathBuf::from(path), crop)),
        }
    }

    /// The text of a path and a window, as [`Source::parse`] reads it.
    pub fn text(path: &str, crop: Option<&str>) -> String {
        crop.map_or_else(|| path.to_owned(), |crop| format!("{path}{CROP}{crop}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => out.write_str("builtin"),
            Self::Path(path, _) => write!(out, "{}", path.display()),
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
        Source::Path(path, crop) => match kind(path, *crop)? {
            Kind::Archive(path) => batches::load_archive(&path, shape, split)?,
            Kind::Npz => {
                let (train, test) = folder::every_tenth(npz(path)?.resized(shape));
                let (train, validation) = split.apply(train);
                Data { name: name(path), train, validation, test }
            }
            Kind::Batches => batches::load_folder(path, shape, split)?,
            Kind::Folder => folder::load(path, shape, split, *crop)?.ok_or_else(|| nothing(path))?,
        },
    };
    ensure!(!data.train.is_empty(), "{source}: no pictures to train on");
    ensure!(!data.test.is_empty(), "{source}: no pictures to test with");
    Ok(data)
}

/// The test pictures alone, with the name of their data set; what is for training need not be there, and is not read where it
/// lies in files of its own. A single `.npz` file is for testing as a whole.
///
/// # Errors
/// As [`load`].
pub fn test(source: &Source, shape: [usize; 3], split: Split) -> Result<(String, Images)> {
    let (name, images) = match source {
        Source::Builtin => {
            let data = builtin::load(shape);
            (data.name, data.test)
        }
        Source::Path(path, crop) => match kind(path, *crop)? {
            Kind::Archive(path) => {
                let data = batches::load_archive(&path, shape, split)?;
                (data.name, data.test)
            }
            Kind::Npz => (name(path), npz(path)?.resized(shape)),
            Kind::Batches => batches::test_of_folder(path, shape)?,
            Kind::Folder => folder::test(path, shape, *crop)?.ok_or_else(|| nothing(path))?,
        },
    };
    ensure!(!images.is_empty(), "{source}: no pictures to test with");
    Ok((name, images))
}

/// What lies at a path.
enum Kind {
    Archive(PathBuf),
    /// One file of arrays.
    Npz,
    /// A folder of batches.
    Batches,
    /// A folder of pictures, if of anything.
    Folder,
}

const KINDS: &str = "a folder with CIFAR-10's batches (binary or python) or the downsampled ImageNet's (npz or python), \
                     cifar-10-binary.tar.gz or cifar-10-python.tar.gz, an .npz file, a folder of PNG or JPEG pictures, \
                     or one of the words `builtin` and `cifar10`";

fn kind(path: &Path, crop: Option<Crop>) -> Result<Kind> {
    let kind = if !path.exists() {
        match crate::fetch::data_set(path)? {
            Some(fetched) => Kind::Archive(fetched),
            None => bail!("{}: no such file or folder; --data takes {KINDS}", path.display()),
        }
    } else if path.is_file() {
        let is_npz = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
        match batches::is_archive(path) {
            true => Kind::Archive(path.to_owned()),
            false if is_npz => Kind::Npz,
            false => bail!("{}: not a data set; --data takes {KINDS}", path.display()),
        }
    } else if batches::is_folder(path) {
        Kind::Batches
    } else {
        Kind::Folder
    };
    if crop.is_some() && !matches!(kind, Kind::Folder) {
        bail!("{}: --crop is for folders of pictures, and this is another kind of data set", path.display());
    }
    Ok(kind)
}

fn npz(path: &Path) -> Result<Images> {
    let bytes = crate::input::read(path)?;
    formats::npz::read(&bytes, 0)
        .with_context(|| format!("{}: not an npz file of pictures; copy or download it again", path.display()))
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn nothing(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("{}: nothing in this folder is a picture or a batch; --data takes {KINDS}", path.display())
}
