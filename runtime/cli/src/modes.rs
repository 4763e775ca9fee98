//! `srvae-run sample | reconstruct | regenerate`: the modes of a trained model as sheets of images.

use super::args::{self, Drawing, RunArgs};
use super::session::Session;
use super::{device, machine, ranks, sheet};
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use srvae_training::data::given::Given;
use srvae_training::data::{self, Images};
use srvae_training::figures::{self, Large, Options, Strip};
use srvae_training::files::{self, Kind};
use srvae_training::picture::{self, Planes};
use srvae_training::spec::Variable;
use srvae_training::terminal::{self, note, out};
use srvae_training::train::interrupt;
use srvae_training::train::progress::Display;
use srvae_training::{Compiled, Decode, Draw, Mode, arrays};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the compiler calls the modes; where several of a kind differ, their names have more after it.
pub const GENERATION: &str = "generation";
pub const RECONSTRUCTION: &str = "reconstruction";
pub const REGENERATION: &str = "generative_reconstruction";
pub const CONDITIONAL: &str = "conditional_generation";
pub const CONTINUATION: &str = "continuation";
pub const TOP: &str = "top_reconstruction";

/// Draws what --given leaves open, given that; without --given everything.
pub fn sample(models: &'static [Compiled], args: &Drawing) -> Result<ExitCode> {
    let mut sessions = open(models, args)?;
    if let Some(steps) = args.length {
        sessions.iter_mut().try_for_each(|session| session.at_length(steps))?;
    }
    let given = match args.from_step {
        Some(steps) => ends(&sessions[0], steps)?,
        None => given(&sessions[0], args)?,
    };
    let modes: Vec<Mode> = match given.names().as_slice() {
        _ if args.from_step.is_some() => all(&sessions, CONTINUATION)?,
        [] => all(&sessions, GENERATION)?,
        names => sessions.iter_mut().map(|session| session.condition(names)).collect::<Result<_>>()?,
    };
    let mode = modes[0];
    // What else a mode is given comes from the test data.
    let others: Vec<&str> = mode.given.iter().filter(|name| !given.names().contains(name)).copied().collect();
    let count = given.records().map_or(args.count, |records| records.min(args.count));
    let records = if others.is_empty() {
        let columns = given.of(given.records().unwrap_or(count))?;
        let none = columns.is_empty();
        let records = if none { Images::empty(sessions[0].spec.picture_shape()) } else { Images::of(columns)? };
        records.scaled_by(sessions[0].kept()?.map(|kept| kept.scales).unwrap_or_default())
    } else {
        let length = Variable::length(&sessions[0].spec.variables);
        let mut records = if length.is_some_and(|length| others == [length.name.as_str()]) {
            // Lengths as the data have them, again and again where there are fewer than draws.
            let records = sessions[0].test(&args.data, None)?.1;
            let count = given.records().unwrap_or(count);
            records.select(&(0..count).map(|index| index % records.len().max(1)).collect::<Vec<_>>())?
        } else {
            sessions[0].test(&args.data, Some(count))?.1
        };
        if !given.names().is_empty() {
            note(&format!("{}: from the test data", others.join(", ")));
            records = records.only(&others);
        }
        for column in given.of(records.len())? {
            records.insert(column)?;
        }
        records
    };
    ranks::check_records(&records)?;
    let decode = if given.names().is_empty() { default_decode(&mode) } else { Decode::Sample };
    draw_sheet(&sessions, &modes, &records, &options(args, args.draw(decode), 1), args)
}

/// How many steps of each record are given, as if --given said it.
fn ends(session: &Session, steps: usize) -> Result<Given> {
    let length = session.spec.variables.iter().find_map(|variable| Some((variable, session.spec.steps(variable)?)));
    let (length, most) = length.with_context(|| format!("model {} has no sequences to continue", session.spec.name))?;
    ensure!(steps < most, "--continue {steps}: the records have {most} steps, of which some must be left to draw");
    Given::read(&session.spec, &[format!("{}={steps}", length.name)], &BTreeMap::new())
}

/// The default of --decode: samples for new images, the likeliest pixels where a result is compared with an original.
pub fn default_decode(mode: &Mode) -> Decode {
    if mode.given.is_empty() { Decode::Sample } else { Decode::Mode }
}

pub fn with_input(models: &'static [Compiled], kind: &str, args: &args::Mode) -> Result<ExitCode> {
    let sessions = open(models, &args.drawing)?;
    let kind = if kind == RECONSTRUCTION && args.drawing.top.is_some() { TOP } else { kind };
    let draw = args.drawing.draw(Decode::Mode);
    if args.full_size {
        ensure!(
            args.drawing.given.is_empty(),
            "--given cannot be used with --full-size: each tile is given its image only"
        );
        let mode = find(&sessions[0], kind)?;
        return full_size(&sessions[0], mode, args, draw);
    }
    let images = inputs(&sessions[0], &args.input, &args.drawing)?;
    draw_sheet(&sessions, &all(&sessions, kind)?, &images, &options(&args.drawing, draw, args.draws), &args.drawing)
}

/// What --given says.
fn given(session: &Session, args: &Drawing) -> Result<Given> {
    let (classes, scales) = session.kept()?.map(|kept| (kept.classes, kept.scales)).unwrap_or_default();
    Ok(Given::read(&session.spec, &args.given, &classes)?.scaled(&scales))
}

/// The same records with what --given says in place of their own values.
fn with_given(session: &Session, mut records: Images, args: &Drawing) -> Result<Images> {
    for column in given(session, args)?.of(records.len())? {
        records.insert(column)?;
    }
    Ok(records)
}

/// The run, and those it is to be held against.
pub fn open(models: &'static [Compiled], args: &Drawing) -> Result<Vec<Session>> {
    match &args.out {
        Some(out) if is_arrays(out) => {
            ensure!(args.against.is_empty(), "--against compares images, and --out asks for arrays");
            files::check_place(out, Kind::Npz, args.force)?;
        }
        Some(out) => sheet::check_place(out, args.force)?,
        None => {}
    }
    interrupt::listen();
    let device = device::choose(&args.common)?;
    let mut sessions = vec![Session::open(models, &args.run, &device)?];
    for run in &args.against {
        let other = Session::open(models, &RunArgs::at(run.clone(), args.run.checkpoint), &device)?;
        let (own, its) = (sessions[0].spec.picture_shape(), other.spec.picture_shape());
        ensure!(own == its, "{}: its images are {its:?}, those of the first run {own:?}", run.display());
        sessions.push(other);
    }
    Ok(sessions)
}

pub fn options(args: &Drawing, draw: Draw, draws: usize) -> Options {
    Options { count: args.count, draws, draw, seed: args.seed, ..Options::default() }
}

/// Refuses a sheet that does not fit into memory.
///
/// # Errors
/// Too little memory, with the numbers.
pub fn check_sheet(session: &Session, pictures: f64, options: &Options, advice: &str) -> Result<()> {
    // A picture as it was drawn, as it is shown, and the sheet of all of them.
    let [_, height, width] = session.spec.picture_shape();
    let zoom = f64::from(options.width).max(width as f64) / width as f64;
    let picture = 3.0 * (height * width) as f64 * (1.0 + 2.0 * zoom * zoom);
    let variables = session.spec.variables.iter().filter(|variable| variable.picture().is_some()).count();
    let all = pictures * picture * (2 * variables.max(1)) as f64;
    machine::check_memory(&format!("a sheet of {pictures} images"), all, advice)
}

/// Draws a mode of every session on one sheet, or that of the only one as arrays, and says where it is.
pub fn draw_sheet(
    sessions: &[Session],
    modes: &[Mode],
    images: &Images,
    options: &Options,
    args: &Drawing,
) -> Result<ExitCode> {
    let mode = &modes[0];
    for name in args.given.iter().filter_map(|text| text.split('=').next()).map(str::trim) {
        let all = if mode.given.is_empty() { "nothing".to_owned() } else { mode.given.join(", ") };
        ensure!(mode.given.contains(&name), "--given {name}: {} is given {all} in this model", mode.name);
    }
    // Fewer examples than were asked for where there are fewer to be given.
    let count = if mode.given.is_empty() { options.count } else { options.count.min(images.len()) };
    let pictures = count as f64 * options.draws as f64 * sessions.len() as f64;
    check_sheet(&sessions[0], pictures, options, "take a smaller --count or fewer --draws")?;
    if let Some(out) = args.out.as_deref().filter(|out| is_arrays(out)) {
        return write_arrays(&sessions[0], mode, images, options, args, out);
    }
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

/// Whether results are asked for as arrays.
fn is_arrays(out: &Path) -> bool {
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

/// Originals are the same whatever the model.
fn shown_once(label: &str) -> bool {
    ["original", "given"].iter().any(|word| label.ends_with(word))
}

pub fn tell(args: &Drawing, mode: &str, strips: &[Strip], path: &Path) {
    // Walks between several pairs have one label.
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

/// The mode of a kind in every session.
///
/// # Errors
/// A graph that does not allow it: what it does allow.
pub fn all(sessions: &[Session], kind: &str) -> Result<Vec<Mode>> {
    sessions.iter().map(|session| find(session, kind).copied()).collect()
}

/// The mode of a kind.
///
/// # Errors
/// A graph that does not allow it: what it does allow.
pub fn find<'s>(session: &'s Session, kind: &str) -> Result<&'s Mode> {
    let modes = session.model.modes();
    let named = modes.iter().find(|mode| mode.name == kind);
    // In a model without anything below its top latents to be drawn anew, the two are one.
    let same = |mode: &&Mode| kind == REGENERATION && mode.name == RECONSTRUCTION;
    if let Some(mode) = named.or_else(|| modes.iter().find(same)) {
        if mode.name != kind {
            note(&format!("in this model {kind} is {}", mode.name));
        }
        return Ok(mode);
    }
    let several: Vec<&str> = modes.iter().map(|mode| mode.name).filter(|name| name.starts_with(kind)).collect();
    let names: Vec<&str> = modes.iter().map(|mode| mode.name).collect();
    match several.is_empty() {
        true => bail!("model {} has no mode {kind}; its graph allows {}", session.spec.name, names.join(", ")),
        false => bail!("model {} has several: {}; choose with --from VARIABLE", session.spec.name, several.join(", ")),
    }
}

/// Pictures of the user's own, brought to the model's size, or else the test pictures.
pub fn inputs(session: &Session, files: &[PathBuf], args: &Drawing) -> Result<Images> {
    if files.is_empty() {
        return with_given(session, session.test(&args.data, Some(args.count))?.1, args);
    }
    let shape = session.spec.picture_shape();
    let pictures: Vec<Vec<u8>> = pictures(files)?
        .iter()
        .map(|file| Ok(data::resize_rgb(&data::open_picture(file)?, shape)))
        .collect::<Result<_>>()?;
    with_given(session, Images::new(shape, pictures.concat(), None)?, args)
}

/// The picture files that are given, those of folders among them.
pub fn pictures(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    Ok(paths.iter().map(|path| data::inputs(path)).collect::<Result<Vec<_>>>()?.concat())
}

/// A mode over pictures at their full size: one PNG for each picture and draw.
fn full_size(session: &Session, mode: &Mode, args: &args::Mode, draw: Draw) -> Result<ExitCode> {
    let (_, [channels, ..]) = figures::given(&session.spec, mode)?;
    let files = pictures(&args.input)?;
    for file in &files {
        let picture = Planes::of(&data::open_picture(file)?, channels);
        for number in 1..=args.draws {
            let path = output(session, file, mode.name, &args.drawing, &files, (number, args.draws))?;
            let result = tiled(session, mode, &picture, draw, args.drawing.seed + number as u64 - 1, 0.5)?;
            picture::save(&result.image(), &path)?;
            let line = json!({
                "mode": mode.name, "picture": path, "input": file, "width": result.width, "height": result.height,
            });
            out(&if args.drawing.common.json { line.to_string() } else { path.display().to_string() });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// [`figures::large`] with a progress bar.
pub fn tiled(session: &Session, mode: &Mode, picture: &Planes, draw: Draw, seed: u64, overlap: f64) -> Result<Planes> {
    let display = Display::new("tiles", 0, 0);
    let progress = |done: usize, all: usize| display.of(done, all);
    let how = Large { draw, seed, overlap, progress: &progress };
    figures::large(session.model.as_ref(), &session.spec, mode, picture, &how)
}

/// Where the result for a picture goes: --out where it is one file, else below RUN/grids.
pub fn output(
    session: &Session,
    file: &Path,
    mode: &str,
    args: &Drawing,
    inputs: &[PathBuf],
    (number, draws): (usize, usize),
) -> Result<PathBuf> {
    match &args.out {
        Some(out) if inputs.len() == 1 && draws == 1 => Ok(out.clone()),
        Some(_) => bail!("--out names one file, but {} files are written; omit it", inputs.len() * draws),
        None => {
            let stem = name(file, inputs).context("an image without a name")?;
            let number = if draws > 1 { format!("_{number}") } else { String::new() };
            Ok(session.folder.grid(&format!("{mode}_{stem}{number}")))
        }
    }
}

/// What a result is called after: the name of its file, with those of the folders above it as far as files share them.
fn name(file: &Path, all: &[PathBuf]) -> Option<String> {
    let called = |path: &Path, folders: usize| -> Option<String> {
        let stem = path.file_stem()?.to_string_lossy().into_owned();
        let above = path.parent()?.components().rev().take(folders).map(|part| part.as_os_str().to_string_lossy());
        let mut parts: Vec<String> =
            above.map(|part| part.replace(['/', '\\'], "")).filter(|part| !part.is_empty()).collect();
        parts.reverse();
        parts.push(stem);
        Some(parts.join("_"))
    };
    let most = file.components().count();
    let alone = |folders: &usize| {
        let own = called(file, *folders);
        all.iter().filter(|other| called(other, *folders) == own).count() < 2
    };
    if let Some(folders) = (0..most).find(alone) {
        return called(file, folders);
    }
    // The same stem with several endings, or the same file twice.
    let number = all.iter().position(|other| other == file)?;
    Some(format!("{}_{}", called(file, 0)?, number + 1))
}

#[cfg(test)]
mod tests {
    use super::name;
    use std::path::PathBuf;

    #[test]
    fn results_of_files_of_one_name_have_names_of_their_own() {
        let files: Vec<PathBuf> =
            ["a/1.png", "b/1.png", "c/d/1.png", "x/d/1.png", "2.png", "2.jpg"].map(PathBuf::from).to_vec();
        let names: Vec<String> = files.iter().map(|file| name(file, &files).unwrap()).collect();
        assert_eq!(names, ["a_1", "b_1", "c_d_1", "x_d_1", "2_5", "2_6"]);
    }
}
