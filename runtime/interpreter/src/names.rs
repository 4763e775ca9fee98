//! Interned names, because the names in the trait `Model` are constants of compiled models.

use std::collections::BTreeSet;
use std::sync::Mutex;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
static LISTS: Mutex<BTreeSet<&'static [&'static str]>> = Mutex::new(BTreeSet::new());

/// The unique copy of a name.
pub fn interned(name: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match names.get(name) {
        Some(known) => known,
        None => {
            let new: &'static str = Box::leak(name.into());
            names.insert(new);
            new
        }
    }
}

/// The unique copy of a list of names.
pub fn interned_list(names: &[&str]) -> &'static [&'static str] {
    let names: Vec<&'static str> = names.iter().map(|name| interned(name)).collect();
    let mut lists = LISTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match lists.get(names.as_slice()) {
        Some(known) => known,
        None => {
            let new: &'static [&'static str] = names.leak();
            lists.insert(new);
            new
        }
    }
}
