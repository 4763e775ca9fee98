//! A folder of PNG or JPEG pictures of any size.

use super::{Data, Images, Order, Split, resize};
use anyhow::{Context, Result, ensure};
use rayon::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// Of the choice of test pictures, the same whatever the run's seed.
const TEST_SEED: u64 = 0x7e57;

/// All pictures below `path`, or nothing where there are none.
///
/// Sub-folders named `train`, `test` and (if there) `val`, `valid` or `validation` are taken as such; otherwise every
/// tenth picture, at random, is for testing, and `split` takes the validation set from the rest.
///
/// # Errors
/// A folder or a picture that cannot be read.
pub fn load(path: &Path, shape: [usize; 3], split: Split) -> Result<Option<Data>> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let (train, test) = (path.join("train"), path.join("test"));
    if train.is_dir() && test.is_dir() {
        let (train, test) = (read(&pictures(&train)?, shape)?, read(&pictures(&test)?, shape)?);
        let kept = ["val", "valid", "validation"].map(|name| path.join(name)).into_iter().find(|path| path.is_dir());
        let (train, validation) = match kept {
            Some(kept) => (train, read(&pictures(&kept)?, shape)?),
            None => split.apply(train),
        };
        return Ok(Some(Data { name, train, validation, test }));
    }
    let files = pictures(path)?;
    if files.is_empty() {
        return Ok(None);
    }
    ensure!(files.len() >= 2, "{}: one picture only; training and testing need at least two", path.display());
    let all = read(&files, shape)?;
    let order = Order::permutation(all.len(), TEST_SEED, 0);
    let tests = (all.len() / 10).max(1);
    let (mut test, mut rest) = (order[..tests].to_vec(), order[tests..].to_vec());
    test.sort_unstable();
    rest.sort_unstable();
    let (train, validation) = split.apply(all.select(&rest));
    Ok(Some(Data { name, train, validation, test: all.select(&test) }))
}

/// The paths of all pictures below a folder, sorted.
///
/// # Errors
/// A folder that cannot be listed.
pub fn pictures(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("{}: cannot be listed", folder.display()))? {
            let path = entry.with_context(|| format!("{}: cannot be listed", folder.display()))?.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if path.is_dir() {
                folders.push(path);
            } else if ["png", "jpg", "jpeg"].contains(&ending.as_str()) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// One picture file, as RGB.
///
/// # Errors
/// A file that cannot be read or is no whole picture.
pub fn open(path: &Path) -> Result<image::RgbImage> {
    let hint = || format!("{}: not a picture that can be read; replace it or take it away", path.display());
    let reader = image::ImageReader::open(path).with_context(hint)?.with_guessed_format().with_context(hint)?;
    Ok(reader.decode().with_context(hint)?.into_rgb8())
}

fn read(files: &[PathBuf], shape: [usize; 3]) -> Result<Images> {
    let pictures: Vec<Vec<u8>> =
        files.par_iter().map(|file| Ok(resize::fit_rgb(&open(file)?, shape))).collect::<Result<_>>()?;
    Images::new(shape, pictures.concat(), None)
}
