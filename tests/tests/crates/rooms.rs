//! The rooms of a crate, which are its modules at the top: what each uses of the others, read off the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Of each room the others that it uses.
pub type Rooms = BTreeMap<String, BTreeSet<String>>;

/// The rooms below a crate's folder `src`; tests of a file are not read.
pub fn rooms(src: &Path) -> Rooms {
    let mut rooms = Rooms::new();
    let all: Vec<String> = names(src);
    for room in &all {
        let mut files = Vec::new();
        collect(src, &mut vec![room.clone()], &mut files);
        let used = files.iter().flat_map(|(depth, text)| used(text, *depth));
        rooms.insert(room.clone(), used.filter(|other| other != room && all.contains(other)).collect());
    }
    rooms
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |path: &Path| -> Option<String> {
        let is_room = path.is_dir() || path.extension().is_some_and(|ending| ending == "rs");
        let stem = path.file_stem()?.to_str()?.to_owned();
        (is_room && !["lib", "main", "mod", "tests"].contains(&stem.as_str())).then_some(stem)
    };
    let all: BTreeSet<String> = entries.filter_map(|entry| name(&entry.path())).collect();
    all.into_iter().collect()
}

/// The files of a module and of those below it: how deep each stands, and its text.
fn collect(src: &Path, path: &mut Vec<String>, files: &mut Vec<(usize, String)>) {
    let own = src.join(path.join("/"));
    let texts = [own.with_extension("rs"), own.join("mod.rs")].map(std::fs::read_to_string);
    files.extend(texts.into_iter().flatten().map(|text| (path.len(), code(&text))));
    for below in names(&own) {
        path.push(below);
        collect(src, path, files);
        path.pop();
    }
}

/// A file without its comments and without its tests.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    own.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What paths from the crate's root begin with, in a file of a module so deep.
fn used(text: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in text.match_indices(&root) {
            // `$crate::` is the root, too; `x::crate::` and longer rows of `super::` are none.
            if text[..at].ends_with("::") || text[..at].ends_with(char::is_alphanumeric) {
                continue;
            }
            found.extend(first_words(&text[at + root.len()..]));
        }
    }
    found
}

/// The first word of a path, or of each path in braces.
fn first_words(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(inside) = text.strip_prefix('{') else { return vec![word(text)] };
    let (mut words, mut depth, mut begins) = (Vec::new(), 0, true);
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                words.push(word(&inside[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    words
}

/// Rooms that use one another, directly or through others; none where the arrows run one way.
pub fn circle(rooms: &Rooms) -> Option<Vec<String>> {
    let reached = |from: &str| {
        let (mut found, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(at) = open.pop() {
            open.extend(rooms[&at].iter().filter(|next| found.insert((*next).clone())).cloned());
        }
        found
    };
    let in_one = rooms.keys().filter(|room| reached(room).contains(*room)).cloned();
    Some(in_one.collect::<Vec<_>>()).filter(|all| !all.is_empty())
}

#[test]
fn what_a_file_uses_is_read_off_its_paths() {
    let text = "use crate::{a, b::{c, d}, self::e};\nuse super::super::f::g;\nfn h() { crate::i::j(super::k()) }";
    let words = |depth| used(&code(text), depth).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(words(2), "a b f i self");
    assert_eq!(words(1), "a b i k self super");
    let rooms = |all: &[(&str, &[&str])]| -> Rooms {
        let one = |(room, used): &(&str, &[&str])| {
            ((*room).to_owned(), used.iter().map(|other| (*other).to_owned()).collect())
        };
        all.iter().map(one).collect()
    };
    assert_eq!(circle(&rooms(&[("a", &["b"]), ("b", &["c"]), ("c", &[])])), None);
    let found = circle(&rooms(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]));
    assert_eq!(found, Some(vec!["b".to_owned(), "c".to_owned()]));
}
