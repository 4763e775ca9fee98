//! Sheets and arrays of a mode's results.

use crate::args::Drawing;
use crate::session::Session;
use crate::{machine, ranks, sheet};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use srvae_training::data::Images;
use srvae_training::data::given::named;
use srvae_training::figures::{self, Options, Strip};
use srvae_training::terminal::{self, note, out};
use srvae_training::{Mode, arrays};
use std::path::Path;
use std::process::ExitCode;

/// Refuses a sheet that does not fit into memory.
///
/// # Errors
/// Too little memory, with the numbers.
pub fn check_sheet(session: &Session, pictures: f64, options: &Options, advice: &str) -> Result<()> {
    // An image as drawn, as shown, and the sheet of all images.
    let [_, height, width] = session.spec.picture_shape();
    let zoom = f64::from(options.width).max(width as f64) / width as f64;
    let picture = 3.0 * (height * width) as f64 * (1.0 + 2.0 * zoom * zoom);
    let variables = session.spec.variables.iter().filter(|variable| variable.picture().is_some()).count();
    let all = pictures * picture * (2 * variables.max(1)) as f64;
    machine::check_memory(&format!("a sheet of {pictures} images"), all, advice)
}

/// Refuses arrays that do not fit into memory.
fn check_arrays(session: &Session, mode: &Mode, results: f64, advice: &str) -> Result<()> {
    let yields = session.spec.variables.iter().filter(|variable| mode.yields.contains(&variable.name.as_str()));
    let numbers: usize = yields.map(|variable| variable.shape.iter().product::<usize>()).sum();
    // As they are collected, and as they are written.
    machine::check_memory(&format!("arrays of {results} results"), 2.0 * 4.0 * results * numbers as f64, advice)
}

/// Draws a mode of every session on one sheet, or writes that of a single session as arrays, and prints the path.
pub fn draw_sheet(
    sessions: &[Session],
    modes: &[Mode],
    images: &Images,
    options: &Options,
    args: &Drawing,
) -> Result<ExitCode> {
    let mode = &modes[0];
    let named = args.given.iter().map(|text| named(&sessions[0].spec, text)).collect::<Result<Vec<_>>>()?;
    for name in named.concat() {
        let all = if mode.given.is_empty() { "nothing".to_owned() } else { mode.given.join(", ") };
        ensure!(
            mode.given.contains(&name),
            "--given {name}: {} is given {all} in this model; omit --given {name}",
            mode.name
        );
    }
    // There may be fewer examples than requested.
    let count = if mode.given.is_empty() { options.count } else { options.count.min(images.len()) };
    let results = count as f64 * options.draws as f64 * sessions.len() as f64;
    let advice = "use a smaller --count or fewer --draws";
    if let Some(out) = args.out.as_deref().filter(|out| is_arrays(out)) {
        check_arrays(&sessions[0], mode, results, advice)?;
        return write_arrays(&sessions[0], mode, images, options, args, out);
    }
    if !figures::displays(&sessions[0].spec, mode) {
        let kind = if mode.partly.is_empty() {
            ""
        } else {
            "; srvae-run impute writes the data with values in the place of missing ones"
        };
        bail!(
            "mode {} yields nothing that can be shown as an image; --out FILE.npz writes it as arrays{kind}",
            mode.name
        );
    }
    check_sheet(&sessions[0], results, options, advice)?;
    let mut strips: Vec<Strip> = Vec::new();
    for (session, mode) in sessions.iter().zip(modes) {
        let model = session.model.as_ref();
        for mut strip in figures::strips_on(ranks::all(), model, &session.spec, mode, images, options)? {
            if sessions.len() > 1 && !shown_once(&strip.label) {
                strip.label = format!("{} {}", strip.label, session.name());
            }
            if !strips.iter().any(|other| other.label == strip.label) {
                strips.push(strip);
            }
        }
    }
    if !ranks::all().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    let drawn = figures::sheet(&sessions[0].title(mode.name, options), &strips, options);
    let path = sheet::keep(&sessions[0], mode.name, &drawn, args.out.as_deref())?;
    tell(args, mode.name, &strips, &path);
    Ok(ExitCode::SUCCESS)
}

/// Whether results are written as arrays.
pub fn is_arrays(out: &Path) -> bool {
    out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"))
}

fn write_arrays(
    session: &Session,
    mode: &Mode,
    images: &Images,
    options: &Options,
    args: &Drawing,
    out: &Path,
) -> Result<ExitCode> {
    let model = session.model.as_ref();
    let found = figures::arrays_on(ranks::all(), model, &session.spec, mode, images, options)?;
    if !ranks::all().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    arrays::write_npz(out, &found)?;
    let count = found.first().map_or(0, |array| array.shape[0]);
    if args.common.json {
        let shapes: serde_json::Map<_, _> =
            found.iter().map(|array| (array.name.clone(), json!(array.shape))).collect();
        let line = json!({ "mode": mode.name, "file": out, "arrays": shapes, "count": count, "seed": args.seed });
        terminal::out(&line.to_string());
    } else {
        let shown: Vec<String> = found.iter().map(|array| format!("{} {:?}", array.name, array.shape)).collect();
        note(&format!("{}: {}", mode.name, shown.join(", ")));
        terminal::out(&out.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Originals are the same for all models.
fn shown_once(label: &str) -> bool {
    ["original", "given"].iter().any(|word| label.ends_with(word))
}

pub fn tell(args: &Drawing, mode: &str, strips: &[Strip], path: &Path) {
    // Interpolations between several pairs have one label.
    let mut labels: Vec<&str> = strips.iter().map(|strip| strip.label.as_str()).collect();
    labels.dedup();
    if args.common.json {
        let count = strips.first().map_or(0, |strip| strip.pictures.len());
        out(&json!({ "mode": mode, "picture": path, "rows": labels, "count": count, "seed": args.seed }).to_string());
    } else {
        note(&format!("{mode}: rows are {}", labels.join(", ")));
        out(&path.display().to_string());
    }
}
