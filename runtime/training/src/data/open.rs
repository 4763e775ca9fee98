//! From a path to its data set: the table of formats.

use super::opened::Opened;
use super::{Crop, batches, builtin, folder, formats};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};

/// Options for opening a data set.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    pub crop: Option<Crop>,
    /// Only the test part is needed. Training files may be missing and are not read.
    pub only_test: bool,
}

/// A format of data sets.
struct Format {
    /// The name in messages.
    name: &'static str,
    /// Whether a path has this format, by its name or by the names in the folder.
    is: fn(&Path) -> bool,
    /// None if the contents turn out to be of another format.
    open: fn(&Path, How) -> Result<Option<Opened>>,
    /// Whether its images may be cropped.
    crops: bool,
}

/// All formats, the more specific ones first.
const FORMATS: [Format; 13] = [
    Format {
        name: "CIFAR-10's or the downsampled ImageNet's batches (a folder)",
        is: |path| path.is_dir() && batches::is_folder(path),
        open: |path, how| batches::open_folder(path, how.only_test).map(Some),
        crops: false,
    },
    Format {
        name: "CIFAR-100 (a folder)",
        is: formats::cifar100::is_folder,
        open: |path, how| formats::cifar100::open(path, how.only_test).map(Some),
        crops: false,
    },
    Format {
        name: "MNIST's form, IDX (a folder)",
        is: formats::idx::is_folder,
        open: |path, how| formats::idx::open_folder(path, how.only_test).map(Some),
        crops: false,
    },
    Format {
        name: "CIFAR-10 (.tar.gz)",
        is: |path| path.is_file() && batches::is_archive(path),
        open: |path, _| batches::open_archive(path),
        crops: false,
    },
    Format {
        name: "CIFAR-100 (.tar.gz)",
        is: |path| path.is_file() && batches::is_archive(path),
        open: |path, _| formats::cifar100::open_archive(path),
        crops: false,
    },
    Format {
        name: "WebDataset (.tar)",
        is: |path| path.is_file() && batches::is_archive(path),
        open: |path, _| formats::webdataset::open(path).map(Some),
        crops: false,
    },
    Format {
        name: "NumPy arrays (.npz)",
        is: |path| file_ends(path, &["npz"]),
        open: |path, _| formats::arrays::open_npz(path).map(Some),
        crops: false,
    },
    Format {
        name: "a NumPy array (.npy) or a folder of them",
        is: |path| file_ends(path, &["npy"]) || formats::arrays::is_folder(path),
        open: |path, _| formats::arrays::open_npy(path).map(Some),
        crops: false,
    },
    Format {
        name: "safetensors",
        is: |path| file_ends(path, &["safetensors"]),
        open: |path, _| formats::arrays::open_safetensors(path).map(Some),
        crops: false,
    },
    Format {
        name: "a table (.csv or .tsv, also .gz)",
        is: |path| file_ends(path, &["csv", "tsv", "csv.gz", "tsv.gz"]),
        open: |path, how| formats::csv::open(path, how.crop).map(Some),
        crops: true,
    },
    Format {
        name: "a table (.parquet, with the feature `parquet`)",
        is: |path| file_ends(path, &["parquet"]),
        open: |path, _| formats::parquet::open(path).map(Some),
        crops: false,
    },
    Format {
        name: "an IDX file",
        is: formats::idx::is_file,
        open: |path, _| formats::idx::open_file(path).map(Some),
        crops: false,
    },
    Format {
        name: "a folder of images",
        is: Path::is_dir,
        open: |path, how| folder::open(path, how.crop),
        crops: true,
    },
];

/// Whether a path is a file with one of these extensions, in upper or lower case.
pub fn file_ends(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    path.is_file() && endings.iter().any(|ending| name.ends_with(&format!(".{ending}")))
}

/// The data set at a path.
///
/// # Errors
/// A path that is missing, of unknown kind, truncated or unreadable, with the reason and a suggestion.
pub fn open(path: &Path, how: How) -> Result<Opened> {
    if path.symlink_metadata().is_err()
        && let Some(named) = path.to_str().map(builtin::named::open).transpose()?.flatten()
    {
        ensure!(how.crop.is_none(), "--crop is for folders of images, and `{}` is built in", path.display());
        return Ok(named);
    }
    let asked = path;
    let path = located(asked)?;
    for format in FORMATS.iter().filter(|format| (format.is)(&path)) {
        if let Some(mut opened) = (format.open)(&path, how)? {
            if how.crop.is_some() && !format.crops {
                bail!("{}: --crop is for folders of images, and this is {}", path.display(), format.name);
            }
            ensure!(
                opened.pool.as_ref().is_some_and(|pool| pool.count > 0)
                    || opened.test.as_ref().is_some_and(|test| test.count > 0),
                "{}: there are no records in it",
                path.display()
            );
            let parts = [&opened.pool, &opened.validation, &opened.test];
            if let Some(field) =
                parts.into_iter().flatten().flat_map(|part| &part.fields).find(|field| field.raw.is_hollow())
            {
                bail!("{}: `{}` is {}: its records have no numbers", path.display(), field.name, field.raw.describe());
            }
            opened.notes.extend(hides(asked));
            return Ok(opened);
        }
    }
    let what = if path.is_dir() { "nothing in this folder is an image or another data set" } else { "not a data set" };
    let hidden = builtin::named::NAMES.iter().any(|(name, _)| asked.as_os_str() == *name);
    let hidden = if hidden { "; it hides the built-in data set of this name" } else { "" };
    bail!("{}: {what}{hidden}; --data takes {}", path.display(), kinds())
}

/// A note that a path in the current folder has the name of a data set, which it hides.
fn hides(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let is_here = folder.is_none_or(|folder| std::env::current_dir().is_ok_and(|here| here == folder));
    let built_in = builtin::named::NAMES.iter().any(|(known, _)| *known == name);
    let fetched = crate::fetch::ITEMS.iter().any(|item| item.is_data && item.name == name);
    let kind = if path.is_dir() { "folder" } else { "file" };
    let what = if built_in { "built-in data set" } else { "data set that `srvae-run fetch` gets" };
    (is_here && (built_in || fetched) && path.exists())
        .then(|| format!("this is the {kind} `{name}` in the current folder, not the {what} of this name"))
}

/// The path itself, or the location of a downloaded data set of this name.
fn located(path: &Path) -> Result<PathBuf> {
    if path.symlink_metadata().is_ok() {
        path.metadata().with_context(|| format!("{}: this link leads nowhere", path.display()))?;
        return Ok(path.to_owned());
    }
    match crate::fetch::data_set(path)? {
        Some(fetched) => Ok(fetched),
        None => bail!("{}: no such file or folder; --data takes {}", path.display(), kinds()),
    }
}

fn kinds() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let built_in = builtin::named::NAMES.map(|(name, _)| format!("`{name}`"));
    let fetched = crate::fetch::ITEMS.iter().filter(|item| item.is_data).map(|item| format!("`{}`", item.name));
    let words: Vec<String> = built_in.into_iter().chain(fetched).collect();
    format!("{}, or one of the words `builtin`, {}", names.join(", "), words.join(", "))
}
