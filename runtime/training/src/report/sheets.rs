//! A run's sheets of images, with labels as text above or beside their rows, depending on the screen's width.

use super::page::{Page, image};
use crate::picture::{self, Description};
use crate::printable::escape;
use crate::train::RunFolder;
use anyhow::{Context, Result};
use image::{RgbImage, imageops};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// Adds every PNG file of the run's folder `grids`.
///
/// # Errors
/// A file that cannot be read.
pub fn add(page: &mut Page, folder: &RunFolder) -> Result<()> {
    let grids = folder.root().join("grids");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&grids).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "png"));
    paths.sort();
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
        let (pixels, description) =
            picture::decode(&bytes).with_context(|| format!("{}: no PNG image", path.display()))?;
        page.section(
            &name,
            &match description {
                Some(description) if !description.rows.is_empty() => rows(&pixels, &description)?,
                _ => format!("<div class=\"wide\">{}</div>", image(&name, &bytes)),
            },
        );
    }
    Ok(())
}

fn rows(pixels: &RgbImage, description: &Description) -> Result<String> {
    let mut html = format!("<p>{}</p>\n<div class=\"sheet\">\n", escape(&description.title));
    for (at, row) in description.rows.iter().enumerate() {
        let new = at > 0 && row.group != description.rows[at - 1].group;
        let part = imageops::crop_imm(pixels, row.left, row.top, row.width, row.height).to_image();
        let class = if new { "row new" } else { "row" };
        let (label, shown) = (escape(&row.label), image(&row.label, &picture::png(&part)?));
        // Writing to a string cannot fail.
        writeln!(html, "<div class=\"{class}\"><span>{label}</span>{shown}</div>").ok();
    }
    html += "</div>";
    Ok(html)
}
