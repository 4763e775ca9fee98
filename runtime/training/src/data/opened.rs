//! A data set as its format's reader returns it.

use super::table::Table;
use std::path::Path;

/// An opened data set with up to three parts. Missing parts are taken from the first one.
#[derive(Debug, Default)]
pub struct Opened {
    /// The name in reports.
    pub name: String,
    /// The training records, and those of missing parts. None if only the test part was read.
    pub pool: Option<Table>,
    /// The data set's own validation part.
    pub validation: Option<Table>,
    /// The data set's own test part.
    pub test: Option<Table>,
    /// Whether parts and order are those of a publication, which makes results comparable.
    pub published: bool,
    /// Notes for the user: guesses, and omitted files.
    pub notes: Vec<String>,
}

/// The name of a data set from its file name, without folder and extensions.
pub fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(&name);
    stem.to_owned()
}
