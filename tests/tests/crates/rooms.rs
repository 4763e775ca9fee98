//! The modules of a crate: what each uses of its siblings, read off the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Of each module the siblings that it uses.
pub type Rooms = BTreeMap<String, BTreeSet<String>>;

/// The place of a module below the crate's root.
type Place = Vec<String>;

/// The modules of a crate, and the names that each re-exports, with the places of what they mean.
struct Modules {
    uses: BTreeMap<Place, Vec<Place>>,
    exports: BTreeMap<Place, BTreeMap<String, Place>>,
}

/// The modules inside each module of a crate, by its place. A use of a module below a sibling is a use of the sibling.
/// Tests are not read, neither in the file of their module nor in a file `tests.rs`.
pub fn rooms(src: &Path) -> BTreeMap<Place, Rooms> {
    let mut texts = BTreeMap::new();
    collect(src, &mut Vec::new(), &mut texts);
    let modules = Modules::of(&texts);
    let mut all: BTreeMap<Place, Rooms> = BTreeMap::new();
    for (own, uses) in &modules.uses {
        for other in uses.iter().filter_map(|used| modules.holding(used, 0)) {
            let common = own.iter().zip(&other).take_while(|(one, another)| one == another).count();
            if let (Some(from), Some(to)) = (own.get(common), other.get(common)) {
                let rooms = all.entry(own[..common].to_vec()).or_default();
                rooms.entry(to.clone()).or_default();
                rooms.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    all
}

fn collect(folder: &Path, place: &mut Place, texts: &mut BTreeMap<Place, String>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else { continue };
        let is_source = path.extension().is_some_and(|ending| ending == "rs");
        let is_folders = ["lib", "main", "mod"].contains(&stem.as_str());
        let is_tests = stem == "tests";
        if !is_folders {
            place.push(stem);
        }
        if path.is_dir() {
            collect(&path, place, texts);
        } else if let Some(text) = std::fs::read_to_string(&path).ok().filter(|_| is_source && !is_tests) {
            texts.insert(place.clone(), code(&text));
        }
        if !is_folders {
            place.pop();
        }
    }
}

/// A file without its comments and without its tests.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    own.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

impl Modules {
    fn of(texts: &BTreeMap<Place, String>) -> Self {
        let (mut uses, mut exports): (BTreeMap<_, Vec<Place>>, BTreeMap<_, BTreeMap<_, _>>) = Default::default();
        for (own, text) in texts {
            for (path, is_export) in paths(&tokens(text)) {
                let Some(found) = absolute(own, &path, |place| texts.contains_key(place)) else { continue };
                match path.last().filter(|_| is_export) {
                    Some(name) => drop(exports.entry(own.clone()).or_default().insert(name.clone(), found)),
                    None => uses.entry(own.clone()).or_default().push(found),
                }
            }
            uses.entry(own.clone()).or_default();
        }
        Self { uses, exports }
    }

    /// The module in which an item is defined: re-exports are followed, one of another at most six times.
    fn holding(&self, path: &[String], depth: usize) -> Option<Place> {
        let length = (0..=path.len()).rev().find(|length| self.uses.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let meant = rest.first().and_then(|name| self.exports.get(module)?.get(name));
        match meant.filter(|meant| depth < 6 && meant.as_slice() != &path[..=length]) {
            Some(meant) => self.holding(&[meant, &rest[1..]].concat(), depth + 1),
            None => Some(module.to_vec()),
        }
    }
}

/// A path as one from the crate's root. None for one of another crate.
fn absolute(own: &[String], path: &[String], is_module: impl Fn(&[String]) -> bool) -> Option<Place> {
    let first = path.first()?;
    if first == "crate" {
        return Some(path[1..].to_vec());
    }
    let ups = path.iter().take_while(|word| ["self", "super"].contains(&word.as_str()));
    let (steps, up) = ups.fold((0, 0), |(steps, up), word| (steps + 1, up + usize::from(word == "super")));
    let from = &own[..own.len().saturating_sub(up)];
    let found = [from, &path[steps..]].concat();
    let is_below = || is_module(&[from, &path[..1]].concat());
    (steps > 0 || is_below()).then_some(found)
}

/// Words, `::`, and single signs.
fn tokens(text: &str) -> Vec<&str> {
    let (mut all, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match rest.find(|c| !is_word(c)).unwrap_or(rest.len()) {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            length => length,
        };
        let (token, after) = rest.split_at(length);
        all.push(token);
        rest = after.trim_start();
    }
    all
}

/// The paths of `use` statements, and all other paths that begin with `crate`, `self` or `super`; whether each is
/// exported.
fn paths(tokens: &[&str]) -> Vec<(Place, bool)> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let before = at.checked_sub(1).map_or("", |before| tokens[before]);
        let begins = ["crate", "self", "super"].contains(&tokens[at]) && tokens.get(at + 1) == Some(&"::");
        if tokens[at] == "use" && ["", ";", "{", "}", "]", "pub", ")"].contains(&before) {
            let end = at + tokens[at..].iter().position(|token| *token == ";").unwrap_or(tokens.len() - at);
            let is_export = ["pub", ")"].contains(&before);
            all.extend(tree(&tokens[at + 1..end]).into_iter().map(|path| (path, is_export)));
            at = end;
        } else if begins && before != "::" {
            let words = tokens[at..].chunks(2).take_while(|pair| pair.get(1) == Some(&"::")).count();
            all.push((tokens[at..].iter().step_by(2).take(words + 1).map(|word| (*word).to_owned()).collect(), false));
            at += 2 * words + 1;
        } else {
            at += 1;
        }
    }
    all
}

/// The paths of one `use`: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn tree(tokens: &[&str]) -> Vec<Place> {
    let mut all = Vec::new();
    let mut depth = 0;
    let parts = tokens.split(|token| {
        depth += i32::from(*token == "{") - i32::from(*token == "}");
        *token == "," && depth == 0
    });
    for part in parts.filter(|part| !part.is_empty()) {
        let brace = part.iter().position(|token| *token == "{");
        let path = &part[..brace.unwrap_or(part.len())];
        let path: Place = path.iter().take_while(|word| **word != "as").map(|word| (*word).to_owned()).collect();
        let path: Place = path.into_iter().filter(|word| word != "::").collect();
        match brace {
            Some(brace) => all
                .extend(tree(&part[brace + 1..part.len() - 1]).into_iter().map(|below| [path.clone(), below].concat())),
            None => all.push(path),
        }
    }
    all
}

/// Modules that use one another, directly or through others; none where the arrows run one way.
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

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_a_file_uses_is_read_off_its_paths() {
    let text =
        "pub use crate::{a, b::{c as d, self}};\nuse super::super::f::*;\nfn h() { $crate::i::j(a::super_::k()) }";
    let found: Vec<(String, bool)> =
        paths(&tokens(text)).into_iter().map(|(path, is_export)| (path.join(" "), is_export)).collect();
    let found: Vec<(&str, bool)> = found.iter().map(|(path, is_export)| (path.as_str(), *is_export)).collect();
    let wanted = [
        ("crate a", true),
        ("crate b c", true),
        ("crate b self", true),
        ("super super f *", false),
        ("crate i j", false),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn an_item_is_of_the_module_that_defines_it() {
    let text = |place: &str, text: &str| (words(place), text.to_owned());
    let modules = Modules::of(&BTreeMap::from([
        text("", "mod a; pub use a::Item; mod b;"),
        text("a", "mod inner; pub use inner::Item; use crate::b::Other;"),
        text("a inner", "pub struct Item;"),
        text("b", "use crate::Item; use super::a::inner; use std::fmt;"),
    ]));
    let holding = |path: &str| modules.holding(&words(path), 0).map(|place| place.join(" "));
    assert_eq!(holding("Item").as_deref(), Some("a inner"));
    assert_eq!(holding("a Item").as_deref(), Some("a inner"));
    assert_eq!(holding("b Other").as_deref(), Some("b"));
    assert_eq!(modules.uses[&words("b")], [words("Item"), words("a inner")]);
}

#[test]
fn circles_are_found() {
    let rooms = |all: &[(&str, &str)]| -> Rooms {
        all.iter().map(|(room, used)| ((*room).to_owned(), words(used).into_iter().collect())).collect()
    };
    assert_eq!(circle(&rooms(&[("a", "b"), ("b", "c"), ("c", "")])), None);
    let found = circle(&rooms(&[("a", "b"), ("b", "c"), ("c", "b")]));
    assert_eq!(found, Some(words("b c")));
}
