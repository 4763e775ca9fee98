//! `report.html`: a run as one page that needs nothing else.

mod chart;
mod curve;
mod curves;
mod histogram;
mod mathematics;
mod page;
mod plots;
mod sheets;
mod summary;

pub use page::Page;

use crate::figures::{Marginal, Plots};
use crate::printable::escape;
use crate::train::tensorboard::Node;
use crate::train::{RunFolder, metrics};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

/// Lines of a display that are shown at once.
const LINES: usize = 24;

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
    /// The factors of p and of q, for TensorBoard's graph.
    pub nodes: Vec<Node>,
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
    page.tables(&[
        summary::run(model, config.as_ref(), &lines),
        summary::result(evaluation.as_ref(), &lines, config.as_ref()),
    ]);
    if let Some(graph) = &explained.graph {
        page.section("Graph", &format!("<div class=\"wide\">{graph}</div>"));
    }
    bound(&mut page, explained)?;
    let clipped = config.as_ref().is_some_and(|config| !config["train"]["clip"].is_null());
    let curves = curves::draw(&lines, clipped)?;
    if !curves.is_empty() {
        page.section("Training", &format!("<div class=\"curves\">{curves}</div>"));
    }
    marginals(&mut page, folder)?;
    if let Some(found) = json(folder, "plots.json")? {
        let place = || format!("{}: not what this program wrote", folder.plots().display());
        let found: Plots = serde_json::from_value(found).with_context(place)?;
        plots::add(&mut page, &found)?;
    }
    sheets::add(&mut page, folder)?;
    page.table("Networks", &explained.networks);
    if let Ok(source) = fs::read_to_string(folder.source()) {
        page.text("Model file", &source);
    }
    page.folded("Settings", &config.map_or_else(String::new, |config| format!("{config:#}")));
    Ok(page)
}

/// Data beside samples, for variables that are no images.
fn marginals(page: &mut Page, folder: &RunFolder) -> Result<()> {
    let Some(found) = json(folder, "marginals.json")? else { return Ok(()) };
    let found: Vec<Marginal> = serde_json::from_value(found)
        .with_context(|| format!("{}: not what this program wrote", folder.marginals().display()))?;
    let charts: String = found.iter().map(histogram::draw).collect::<Result<_>>()?;
    if !charts.is_empty() {
        page.section("Marginals", &format!("<div class=\"curves\">{charts}</div>"));
    }
    Ok(())
}

/// The bound as mathematics, and below it how each term is computed and why.
fn bound(page: &mut Page, explained: &Explained) -> Result<()> {
    let displays = mathematics::displays(&explained.latex)?;
    if displays.is_empty() {
        page.text("Bound", &explained.mathematics);
        return Ok(());
    }
    let shown: String = displays.iter().map(|display| shown(display)).collect();
    let why = escape(explained.mathematics.trim_end());
    let text = format!("{shown}<details><summary>How each term is computed</summary><pre>{why}</pre></details>");
    page.section("Bound", &text);
    Ok(())
}

/// A display of mathematics, to be opened where it is longer than a screen: that of a model with many steps.
fn shown(display: &str) -> String {
    let lines = display.matches("<mtr").count();
    let display = format!("<div class=\"display\">{display}</div>\n");
    match lines {
        0..=LINES => display,
        _ => format!("<details><summary>The bound in {lines} terms</summary>{display}</details>\n"),
    }
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
