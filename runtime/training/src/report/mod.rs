//! `report.html`: a run as one page that needs nothing else.

mod curve;
mod mathematics;
mod page;

pub use page::{Page, escape};

use crate::train::{RunFolder, metrics};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

/// What the compiler says of the model, as the page shows it.
#[derive(Debug, Clone, Default)]
pub struct Explained {
    /// The graph as an SVG element.
    pub graph: Option<String>,
    /// The factorisation and the bound as displays of LaTeX.
    pub latex: String,
    /// The same in lines of plain text, with the reasons.
    pub mathematics: String,
    /// Headers, then rows, of the table of networks.
    pub networks: Vec<Vec<String>>,
}

/// The page of a run: whatever its folder holds.
///
/// # Errors
/// A file of the folder that is there and cannot be read.
pub fn page(folder: &RunFolder, model: &str, explained: &Explained) -> Result<Page> {
    let mut page = Page::new(&format!("{model} · {}", folder.root().file_name().unwrap_or_default().to_string_lossy()));
    let config = json(folder, "config.json")?;
    let evaluation = json(folder, "evaluation.json")?;
    let lines = metrics::read(&folder.metrics())?;
    page.table("Result", &result(&evaluation, &lines, &config));
    if let Some(graph) = &explained.graph {
        page.section("Graph", &format!("<div class=\"wide\">{graph}</div>"));
    }
    bound(&mut page, explained)?;
    curves(&mut page, &lines)?;
    pictures(&mut page, folder)?;
    page.table("Networks", &explained.networks);
    if let Ok(source) = fs::read_to_string(folder.source()) {
        page.text("Model file", &source);
    }
    page.text("Settings", &config.map_or_else(String::new, |config| format!("{config:#}")));
    Ok(page)
}

/// The bound as mathematics, and below it how each term is computed and why.
fn bound(page: &mut Page, explained: &Explained) -> Result<()> {
    let displays = mathematics::displays(&explained.latex)?;
    if displays.is_empty() {
        page.text("Bound", &explained.mathematics);
        return Ok(());
    }
    let shown: String = displays.iter().map(|display| format!("<div class=\"display\">{display}</div>\n")).collect();
    let why = escape(explained.mathematics.trim_end());
    let text = format!("{shown}<details><summary>How each term is computed</summary><pre>{why}</pre></details>");
    page.section("Bound", &text);
    Ok(())
}

fn json(folder: &RunFolder, name: &str) -> Result<Option<Value>> {
    let path = folder.root().join(name);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
    Ok(Some(
        serde_json::from_str(&text).with_context(|| format!("{}: not the JSON this program wrote", path.display()))?,
    ))
}

fn result(evaluation: &Option<Value>, lines: &[Value], config: &Option<Value>) -> Vec<Vec<String>> {
    let mut rows = vec![vec!["".to_owned(), "value".into(), "unit".into()]];
    let mut add = |name: &str, value: Option<f64>, digits: usize, unit: &str| {
        if let Some(value) = value {
            rows.push(vec![name.to_owned(), format!("{value:.digits$}"), unit.to_owned()]);
        }
    };
    let tests: Vec<f64> = lines.iter().filter_map(|line| line["test"]["nll"].as_f64()).collect();
    add("test before training, K = 1", tests.first().copied(), 4, "bits/dim");
    add("test after training, K = 1", tests.get(1..).and_then(<[f64]>::last).copied(), 4, "bits/dim");
    if let Some(found) = evaluation {
        add(&format!("nll, K = {}", found["k"]), found["nll"].as_f64(), 4, "bits/dim");
        add("standard error", found["standard_error"].as_f64(), 4, "bits/dim");
        for (name, value) in found["terms"].as_object().into_iter().flatten() {
            add(name, value.as_f64(), 2, "nats");
        }
        add("test pictures", found["images"].as_f64(), 0, "");
    }
    let units = lines.iter().rev().find_map(|line| line["validation"]["units"].as_object());
    for (latent, counts) in units.into_iter().flatten() {
        add(&format!("active units of {latent}"), counts["active"].as_f64(), 0, &format!("of {}", counts["units"]));
    }
    let skipped = lines.iter().rev().find_map(|line| line["skipped_updates"].as_f64());
    add("updates left out", skipped, 0, "");
    let last = lines.iter().rev().find(|line| line["seconds"].is_f64());
    add("steps", last.and_then(|line| line["step"].as_f64()), 0, "");
    add("training", last.and_then(|line| line["seconds"].as_f64()), 0, "s");
    let batch = config.as_ref().and_then(|config| config["train"]["batch"].as_f64());
    let speed = last.and_then(|line| Some(line["step"].as_f64()? * batch? / line["seconds"].as_f64()?));
    add("speed", speed, 1, "images/s");
    add("parameters", config.as_ref().and_then(|config| config["parameters"].as_f64()), 0, "");
    if rows.len() == 1 { Vec::new() } else { rows }
}

fn curves(page: &mut Page, lines: &[Value]) -> Result<()> {
    let of = |pick: &dyn Fn(&Value) -> Option<f64>| -> Vec<(f64, f64)> {
        lines
            .iter()
            .filter_map(|line| Some((line["step"].as_f64()?, pick(line).filter(|value| value.is_finite())?)))
            .collect()
    };
    let bits = curve::draw(
        "bits/dim",
        &[
            ("training", of(&|line| line["bits_per_dim"].as_f64())),
            ("validation", of(&|line| line["validation"]["nll"].as_f64())),
            ("test", of(&|line| line["test"]["nll"].as_f64())),
        ],
    )?;
    let names: Vec<String> =
        lines.iter().find_map(|line| Some(line["terms"].as_object()?.keys().cloned().collect())).unwrap_or_default();
    let mut drawn = bits;
    for (title, kind) in [("reconstruction, nats", "RE"), ("KL, nats", "KL")] {
        let series: Vec<(&str, Vec<(f64, f64)>)> = names
            .iter()
            .filter(|name| name.starts_with(kind))
            .map(|name| (name.as_str(), of(&|line| line["terms"][name].as_f64())))
            .collect();
        drawn += &curve::draw(title, &series)?;
    }
    drawn += &curve::draw("gradient norm", &[("before clipping", of(&|line| line["gradient_norm"].as_f64()))])?;
    if !drawn.is_empty() {
        page.section("Training", &format!("<div class=\"curves\">{drawn}</div>"));
    }
    Ok(())
}

fn pictures(page: &mut Page, folder: &RunFolder) -> Result<()> {
    let grids = folder.root().join("grids");
    let mut paths: Vec<_> = fs::read_dir(&grids).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "png"));
    paths.sort();
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
        page.picture(&name, &bytes);
    }
    Ok(())
}
