//! Lists the entries. Every file of an entries folder is one, so no list is maintained by hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Folder, type of its entries, and the name of the table.
const FOLDERS: [(&str, &str, &str); 5] = [
    ("blocks", "Block", "BLOCKS"),
    ("flows", "Block", "FLOWS"),
    ("distributions", "Distribution", "DISTRIBUTIONS"),
    ("functions", "Function", "FUNCTIONS"),
    ("spaces", "SpaceEntry", "SPACES"),
];

fn main() {
    let source = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("src");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    for (folder, entry, table) in FOLDERS {
        println!("cargo::rerun-if-changed=src/{folder}");
        let text = module(&source.join(folder), entry, table);
        std::fs::write(out.join(format!("{folder}.rs")), text).expect("the output folder is writable");
    }
}

/// The modules of a folder, sorted by name, their table, and their exports.
fn module(folder: &Path, entry: &str, table: &str) -> String {
    let files = std::fs::read_dir(folder).expect("the folder of entries is there");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a readable folder").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    let names: Vec<&str> = paths.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    let mut text = String::new();
    for (name, path) in names.iter().zip(&paths) {
        writeln!(text, "#[path = {path:?}]\npub mod {name};").expect("a string takes it");
    }
    let entries: Vec<_> = names.iter().map(|name| format!("&{name}::ENTRY")).collect();
    let (count, entries) = (names.len(), entries.join(", "));
    writeln!(text, "/// Every entry of this folder.\npub static {table}: [&crate::{entry}; {count}] = [{entries}];")
        .expect("a string takes it");
    if table != "SPACES" {
        let all = names.iter().map(|name| format!("    pub use super::{name}::*;\n"));
        text +=
            &exported("types", "What the entries of this folder declare: types, configurations and functions.", all);
    }
    if table == "BLOCKS" {
        let operations = names.iter().zip(&paths).filter(|(_, path)| declares_operation(path));
        let all = operations.map(|(name, _)| format!("    pub use super::{name}::shape_of as {name};\n"));
        text += &exported("shapes", "Shapes of what the functions on tensors yield, without the batch.", all);
    }
    text
}

/// A module of the runtime that exports what the lines name.
fn exported(name: &str, docs: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.collect();
    format!(
        "/// {docs}\n#[cfg(feature = \"tensors\")]\n#[allow(ambiguous_glob_reexports)]\npub mod {name} {{\n{lines}}}\n"
    )
}

fn declares_operation(path: &Path) -> bool {
    println!("cargo::rerun-if-changed={}", path.display());
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("\noperation! {") || text.contains("\nscalar! {"))
}
