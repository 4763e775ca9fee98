//! `srvae-run fetch`.

use super::args::Fetch;
use anyhow::Result;
use serde_json::json;
use srvae_training::fetch::{Item, Pace, Request, cache, download, find};
use srvae_training::terminal::{note, out};
use srvae_training::train::interrupt;
use srvae_training::train::progress::Display;
use std::process::ExitCode;

pub fn run(args: &Fetch) -> Result<ExitCode> {
    let item = find(&args.name)?;
    let folder = args.to.clone().map_or_else(cache, Ok)?;
    let (target, url) = (folder.join(item.file), args.from.as_deref().unwrap_or(item.url));
    note(&format!("fetching {} ({}, {:.0} MB) from {url}", item.name, item.about, item.bytes as f64 / 1e6));
    interrupt::listen();
    let display = Display::new("fetching", 0, item.bytes as usize);
    let show = |done: u64, _: Option<u64>| display.set(done as usize, String::new());
    let Item { sha256, bytes, .. } = *item;
    let new = download(&Request { url, sha256, bytes, target: &target, pace: Pace::default(), progress: &show })?;
    drop(display);
    if args.json {
        out(&json!({ "name": item.name, "file": target, "sha256": item.sha256, "new": new }).to_string());
    } else {
        note(if new { "fetched; its checksum is right" } else { "it was there already; its checksum is right" });
        out(&target.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}
