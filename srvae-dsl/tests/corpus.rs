//! Good model files have no errors or warnings. The messages of bad files are stored as comments at the end of the
//! file.
//!
//! `UPDATE_EXPECT=1 cargo test -p srvae-dsl --test corpus` rewrites these comments.

use srvae_dsl::{Overrides, compile_bytes};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The messages of a bad file follow this line.
const MARK: &str = "//~ says\n";

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "pgm")).collect();
    files.sort();
    files
}

/// All messages of the compiler for a file: errors, or else warnings.
fn says(name: &str, bytes: &[u8]) -> String {
    compile_bytes(name, bytes, &Overrides::default()).report().to_string()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Codes that no file of the corpus can cause: one flow of the catalogue has only one direction, a file of 16 MiB.
const NOT_IN_A_FILE: [&str; 6] = ["E0102", "E0115", "E0216", "E0217", "E0222", "E0421"];

/// The codes in the catalogue of messages, as often as they occur there.
fn catalogue() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostics/messages");
    let is_code = |word: &&str| word.len() == 5 && word[1..].bytes().all(|byte| byte.is_ascii_digit());
    let mut codes = Vec::new();
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        codes.extend(text.split('"').filter(is_code).map(str::to_owned));
    }
    codes
}

/// A code is one message's.
#[test]
fn no_code_has_two_messages() {
    let mut codes = catalogue();
    codes.sort();
    let twice: Vec<_> = codes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(codes.len() >= 175, "{} codes", codes.len());
}

#[test]
fn bad_files_say_what_stands_in_them() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let (mut differences, mut codes) = (String::new(), std::collections::BTreeSet::new());
    let files = files("bad");
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let end = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes()).unwrap_or(bytes.len());
        let (code, expected) = bytes.split_at(end);
        let said = says(&name(path), code);
        assert!(!said.is_empty(), "{}: nothing is wrong with it", path.display());
        codes.extend(said.match_indices(['E', 'W']).filter_map(|(at, _)| said.get(at..at + 5).map(str::to_owned)));
        let said: String = said.lines().map(|line| format!("{}\n", format!("// {line}").trim_end())).collect();
        let whole = format!("{MARK}{said}");
        if update {
            std::fs::write(path, [code, whole.as_bytes()].concat()).unwrap();
        } else if expected != whole.as_bytes() {
            writeln!(differences, "{}:\n{said}", path.display()).unwrap();
        }
    }
    assert!(differences.is_empty(), "these say something else now (UPDATE_EXPECT=1 accepts it):\n{differences}");
    assert!(files.len() >= 60, "{} bad files", files.len());
    let untested: Vec<_> = catalogue()
        .into_iter()
        .filter(|code| !codes.contains(code) && !NOT_IN_A_FILE.contains(&code.as_str()))
        .collect();
    assert!(untested.is_empty(), "no bad file says {untested:?}");
}

#[test]
fn good_files_check_without_a_word() {
    let mut said = String::new();
    let files = files("good");
    for path in &files {
        said += &says(&name(path), &std::fs::read(path).unwrap());
    }
    assert!(said.is_empty(), "{said}");
    assert!(files.len() >= 25, "{} good files", files.len());
}
