//! A folder of image files of any size.

use super::Crop;
use super::opened::Opened;
use super::photo::{ENDINGS, OTHER_ENDINGS};
use super::records::{LABELS, PICTURES};
use super::table::{Field, Raw, Table};
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Names of sub-folders, in lower case. They include those of the downsampled ImageNet, whose `valid` is the test set
/// in the literature.
const TRAIN: [&str; 4] = ["train", "training", "train_32x32", "train_64x64"];
const TEST: [&str; 5] = ["test", "testing", "tests", "valid_32x32", "valid_64x64"];
const VALIDATION: [&str; 5] = ["val", "valid", "validation", "dev", "eval"];

/// CelebA's own division: lines with a file name and 0 (training), 1 (validation) or 2 (test).
const PARTITION: &str = "list_eval_partition.txt";

/// The contents of a folder.
#[derive(Debug, Default)]
struct Listing {
    /// Sorted.
    pictures: Vec<PathBuf>,
    /// The numbers of image files that cannot be read, by extension.
    skipped: BTreeMap<String, usize>,
    /// The number of folders that were already listed under another name.
    loops: usize,
}

impl Listing {
    /// Files that were left out, with the reasons. Empty if there are none.
    fn notes(&self) -> Vec<String> {
        let endings = self.skipped.iter().map(|(ending, count)| format!("{count} .{ending}")).collect::<Vec<_>>();
        let mut notes = Vec::new();
        if !endings.is_empty() {
            let read = ENDINGS.join(", ");
            notes.push(format!(
                "{} files are skipped: images of these formats are not supported ({read} are)",
                endings.join(", ")
            ));
        }
        if self.loops > 0 {
            notes.push(format!("{} links to folders that are already listed are skipped", self.loops));
        }
        notes
    }
}

/// The parts of a folder. None if it contains no images.
///
/// Sub-folders named `train`, `test` and `val`, in upper or lower case and common spellings, are parts (with `train`
/// and `val` alone, the latter is the test part), and so are those of CelebA's `list_eval_partition.txt`. If all images
/// of a part are in sub-folders, these are classes.
///
/// # Errors
/// A folder that cannot be listed, or two for the same part.
pub fn open(path: &Path, crop: Option<Crop>) -> Result<Option<Opened>> {
    let train = part(path, "training", &TRAIN)?;
    let mut test = part(path, "testing", &TEST)?;
    // Without a training or test part, `dev` is an ordinary class.
    let divided = train.is_some() || test.is_some();
    let mut validation = if divided { part(path, "validation", &VALIDATION)? } else { None };
    if test.is_none() {
        test = validation.take();
    }
    let mut notes = Vec::new();
    let said = [(&train, "trained on"), (&validation, "validated on"), (&test, "tested on")].map(|(part, what)| {
        let name = part.as_ref()?.file_name()?.to_string_lossy();
        Some(format!("{name}/ is {what}"))
    });
    if divided {
        notes.push(said.into_iter().flatten().collect::<Vec<_>>().join(", "));
    }
    let parts: Vec<PathBuf> = [&train, &validation, &test].into_iter().flatten().cloned().collect();
    let beside = list(path, &parts)?;
    // If there is a training folder, files outside of it belong to no part; otherwise they are training data.
    let pool = match &train {
        None => table(path, beside, crop, &mut notes),
        Some(train) => {
            if !beside.pictures.is_empty() {
                let count = beside.pictures.len();
                notes.push(format!("{count} images outside of these folders belong to no part and are skipped"));
            }
            table(train, list(train, &[])?, crop, &mut notes)
        }
    };
    let mut own = |root: Option<PathBuf>| -> Result<Option<Table>> {
        root.map(|root| Ok(table(&root, list(&root, &[])?, crop, &mut notes))).transpose()
    };
    let (validation, test) = (own(validation)?, own(test)?);
    if pool.count == 0 && test.as_ref().is_none_or(|test| test.count == 0) {
        return Ok(None);
    }
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    match partition_list(path).filter(|_| test.is_none()) {
        Some(list) => partition(&list, name, pool, notes).map(Some),
        None => Ok(Some(Opened { name, pool: Some(pool), validation, test, published: false, notes })),
    }
}

/// The sub-folder for a part.
fn part(path: &Path, what: &str, names: &[&str]) -> Result<Option<PathBuf>> {
    let failed = || format!("{}: cannot be listed", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if names.contains(&name.as_str()) && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
        bail!(
            "{}: two folders hold {what} data, {}; rename one, or give one of them as --data",
            path.display(),
            names.join(" and ")
        );
    }
    Ok(found.pop())
}

/// Images, their names relative to the part's folder, and their classes if each is in a sub-folder.
fn table(root: &Path, listing: Listing, crop: Option<Crop>, notes: &mut Vec<String>) -> Table {
    notes.extend(listing.notes());
    let files = listing.pictures;
    let relative: Vec<&Path> = files.iter().map(|file| file.strip_prefix(root).unwrap_or(file)).collect();
    let names = relative.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let class = |path: &&Path| {
        let mut parts = path.components();
        let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
        parts.next().map(|_| first)
    };
    let classes = relative.iter().map(class).collect::<Option<Vec<String>>>().filter(|classes| !classes.is_empty());
    let pictures = Field { name: PICTURES.into(), raw: Raw::Files { files: files.clone(), crop } };
    let labels = classes.map(|classes| Field { name: LABELS.into(), raw: Raw::Text(classes) });
    Table { names: Some(names), ..Table::new([Some(pictures), labels].into_iter().flatten().collect()) }
}

/// CelebA's list, in the folder or next to it.
fn partition_list(path: &Path) -> Option<PathBuf> {
    let beside = path.parent().map(|parent| parent.join(PARTITION));
    [Some(path.join(PARTITION)), beside].into_iter().flatten().find(|list| list.is_file())
}

fn partition(list: &Path, name: String, pool: Table, mut notes: Vec<String>) -> Result<Opened> {
    let text = fs::read_to_string(list).with_context(|| format!("{}: cannot be read", list.display()))?;
    let mut part = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let which = match (words.next(), words.next()) {
            (Some(name), Some("0")) => part.insert(name, 0),
            (Some(name), Some("1")) => part.insert(name, 1),
            (Some(name), Some("2")) => part.insert(name, 2),
            _ => bail!("{}: line {} is `{line}`; expected a file name and 0, 1 or 2", list.display(), number + 1),
        };
        ensure!(which.is_none(), "{}: line {} names a file for the second time", list.display(), number + 1);
    }
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for (index, name) in pool.names.iter().flatten().enumerate() {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let which = part.get(name).with_context(|| format!("{name} is not in {}", list.display()))?;
        parts[*which].push(index);
    }
    let [train, validation, test] = parts.map(|indices| pool.select(&indices));
    ensure!(test.count > 0, "{}: no image is for testing (2)", list.display());
    notes.push(format!("{} says what is for training, validation and testing", list.display()));
    let validation = Some(validation).filter(|part| part.count > 0);
    Ok(Opened { name, pool: Some(train), validation, test: Some(test), published: false, notes })
}

/// The image files below a folder, sorted. Hidden files and folders (`._x.png`, `.thumbnails`) and the folders `except`
/// are left out. A folder that is reached in several ways counts once, by its own name rather than a link's.
///
/// # Errors
/// A folder that cannot be listed.
fn list(path: &Path, except: &[PathBuf]) -> Result<Listing> {
    let mut found = Listing::default();
    let mut seen = HashSet::new();
    let (mut folders, mut links) = (vec![path.to_owned()], Vec::new());
    while let Some(folder) = folders.pop().or_else(|| links.pop()) {
        let failed = || format!("{}: cannot be listed", folder.display());
        if !seen.insert(fs::canonicalize(&folder).with_context(failed)?) {
            found.loops += 1;
            continue;
        }
        let entries = fs::read_dir(&folder).with_context(failed)?.collect::<std::io::Result<Vec<_>>>();
        let mut entries = entries.with_context(failed)?;
        entries.sort_by_key(fs::DirEntry::path);
        for path in entries.iter().map(fs::DirEntry::path) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "__MACOSX" || except.contains(&path) {
                continue;
            }
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if path.is_dir() {
                if path.is_symlink() { links.push(path) } else { folders.push(path) }
            } else if ENDINGS.contains(&ending.as_str()) {
                found.pictures.push(path);
            } else if OTHER_ENDINGS.contains(&ending.as_str()) {
                *found.skipped.entry(ending).or_default() += 1;
            }
        }
    }
    found.pictures.sort();
    Ok(found)
}

/// The image files below a folder, or the file itself, for `--input`.
///
/// # Errors
/// A folder without images, or one that cannot be listed.
pub fn inputs(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let found = list(path, &[])?;
    ensure!(
        !found.pictures.is_empty(),
        "{}: there are no images in this folder; supported are {}",
        path.display(),
        ENDINGS.join(", ")
    );
    Ok(found.pictures)
}
