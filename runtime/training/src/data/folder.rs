//! A folder of PNG or JPEG pictures of any size.

use super::{Crop, Data, Images, Order, Split, resize};
use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// Seed of the choice of test images; independent of the run's seed.
const TEST_SEED: u64 = 0x7e57;

/// Names of sub-folders, the downsampled ImageNet's among them; its `valid` is what the field tests on.
const TRAIN: [&str; 3] = ["train", "train_32x32", "train_64x64"];
const TEST: [&str; 3] = ["test", "valid_32x32", "valid_64x64"];
const VALIDATION: [&str; 3] = ["val", "valid", "validation"];

/// CelebA's own division: lines of a file name and 0 (training), 1 (validation) or 2 (test).
const PARTITION: &str = "list_eval_partition.txt";

/// Files for training, validation and testing.
struct Files {
    train: Vec<PathBuf>,
    validation: Option<Vec<PathBuf>>,
    test: Vec<PathBuf>,
}

/// All pictures below `path`, or nothing where there are none.
///
/// Sub-folders named `train`, `test` and (if there) `val`, `valid` or `validation` are taken as such (without `test`, the latter
/// are for testing), and so is CelebA's `list_eval_partition.txt`; otherwise every tenth picture, at random, is for testing.
/// `split` takes a validation set from the rest where there is none.
///
/// # Errors
/// A folder or a picture that cannot be read, or that `crop` does not fit into.
pub fn load(path: &Path, shape: [usize; 3], split: Split, crop: Option<Crop>) -> Result<Option<Data>> {
    let Some(files) = divide(path)? else { return Ok(None) };
    let (train, test) = (read(&files.train, shape, crop)?, read(&files.test, shape, crop)?);
    let (train, validation) = match files.validation {
        Some(files) => (train, read(&files, shape, crop)?),
        None => split.apply(train),
    };
    Ok(Some(Data { name: name(path), train, validation, test }))
}

/// The test pictures alone; the others are not even read.
///
/// # Errors
/// As [`load`].
pub fn test(path: &Path, shape: [usize; 3], crop: Option<Crop>) -> Result<Option<(String, Images)>> {
    let Some(files) = divide(path)? else { return Ok(None) };
    Ok(Some((name(path), read(&files.test, shape, crop)?)))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn divide(path: &Path) -> Result<Option<Files>> {
    let folder = |names: &[&str]| names.iter().map(|name| path.join(name)).find(|path| path.is_dir());
    if let (Some(train), test, validation) = (folder(&TRAIN), folder(&TEST), folder(&VALIDATION))
        && let Some(tests) = test.as_ref().or(validation.as_ref())
    {
        let validation = validation.as_ref().filter(|_| test.is_some()).map(|folder| pictures(folder)).transpose()?;
        return Ok(Some(Files { train: pictures(&train)?, validation, test: pictures(tests)? }));
    }
    let files = pictures(path)?;
    if files.is_empty() {
        return Ok(None);
    }
    let beside = path.parent().map(|parent| parent.join(PARTITION));
    if let Some(list) = [Some(path.join(PARTITION)), beside].into_iter().flatten().find(|list| list.is_file()) {
        return partition(&list, files).map(Some);
    }
    ensure!(files.len() >= 2, "{}: one picture only; training and testing need at least two", path.display());
    let (train, test) = tenth(files.len());
    let chosen = |indices: Vec<usize>| indices.into_iter().map(|index| files[index].clone()).collect();
    Ok(Some(Files { train: chosen(train), validation: None, test: chosen(test) }))
}

/// All but every tenth picture, and every tenth.
pub fn every_tenth(images: Images) -> (Images, Images) {
    let (train, test) = tenth(images.len());
    (images.select(&train), images.select(&test))
}

/// The numbers below `count` but a tenth of them chosen at random, and that tenth.
fn tenth(count: usize) -> (Vec<usize>, Vec<usize>) {
    let mut order = Order::permutation(count, TEST_SEED, 0);
    let mut rest = order.split_off((count / 10).max(1).min(count));
    order.sort_unstable();
    rest.sort_unstable();
    (rest, order)
}

fn partition(list: &Path, files: Vec<PathBuf>) -> Result<Files> {
    let text = fs::read_to_string(list).with_context(|| format!("{}: cannot be read", list.display()))?;
    let mut part = std::collections::HashMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some(name), Some(which @ ("0" | "1" | "2"))) => drop(part.insert(name, which)),
            _ => bail!("{}: line {} is `{line}`, wanted are a file name and 0, 1 or 2", list.display(), number + 1),
        }
    }
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match part.get(name.as_str()) {
            Some(&"0") => parts[0].push(file),
            Some(&"1") => parts[1].push(file),
            Some(_) => parts[2].push(file),
            None => bail!("{}: {name} is not in {}", file.display(), list.display()),
        }
    }
    let [train, validation, test] = parts;
    let validation = Some(validation).filter(|files| !files.is_empty());
    Ok(Files { train, validation, test })
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
    let bytes = crate::input::read(path)?;
    let picture = crate::input::check_picture(&bytes).and_then(|reader| Ok(reader.decode()?));
    Ok(picture.with_context(hint)?.into_rgb8())
}

fn read(files: &[PathBuf], shape: [usize; 3], crop: Option<Crop>) -> Result<Images> {
    let one = |file: &PathBuf| {
        let picture = open(file)?;
        let picture = match crop {
            Some(crop) => crop.apply(&picture).with_context(|| format!("{}: cannot be cropped", file.display()))?,
            None => picture,
        };
        Ok(resize::fit_rgb(&picture, shape))
    };
    let pictures: Vec<Vec<u8>> = files.par_iter().map(one).collect::<Result<_>>()?;
    Images::new(shape, pictures.concat(), None)
}
