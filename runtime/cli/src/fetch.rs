//! `srvae-run fetch`.

use super::args::Fetch;
use anyhow::Result;
use serde_json::json;
use srvae_training::fetch::{Item, Pace, Remote, Request, cache, download, find};
use srvae_training::interrupt;
use srvae_training::progress::Display;
use srvae_training::terminal::{note, out};
use std::path::Path;
use std::process::ExitCode;

pub fn run(args: &Fetch) -> Result<ExitCode> {
    let item = find(&args.name)?;
    let folder = args.to.clone().map_or_else(cache, Ok)?;
    let from = args.from.as_deref().unwrap_or(item.from);
    note(&format!("fetching {} ({}, {:.0} MB) from {from}", item.name, item.about, item.bytes() as f64 / 1e6));
    interrupt::listen();
    let mut new = false;
    for file in item.files {
        new |= one(item, file, args.from.as_deref(), &folder)?;
    }
    let place = item.place(&folder);
    if args.json {
        let sums: serde_json::Map<_, _> =
            item.files.iter().map(|file| (file.name.to_owned(), json!(file.sha256))).collect();
        let sha256 = if let [file] = item.files { json!(file.sha256) } else { json!(sums) };
        out(&json!({ "name": item.name, "file": place, "sha256": sha256, "new": new }).to_string());
    } else {
        let sums = if item.files.len() > 1 { "the checksums match" } else { "its checksum matches" };
        note(&format!("{}; {sums}", if new { "fetched" } else { "already present" }));
        out(&place.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Downloads a file. Returns false if it already exists.
fn one(item: &Item, file: &Remote, from: Option<&str>, folder: &Path) -> Result<bool> {
    let Remote { sha256, bytes, .. } = *file;
    let url = item.url(from, file);
    let display = Display::new("fetching", 0, bytes as usize);
    let show = |done: u64, _: Option<u64>| display.set(done as usize, String::new());
    let target = item.target(folder, file);
    download(&Request { url: &url, sha256, bytes, target: &target, pace: Pace::default(), progress: &show })
}
