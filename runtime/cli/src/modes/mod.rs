//! `srvae-run sample | reconstruct | regenerate`: the modes of a trained model as sheets of images.

mod drawn;
mod full_size;

pub use drawn::{check_sheet, draw_sheet, tell};
pub use full_size::{output, tiled};

use super::args::{self, Drawing, RunArgs};
use super::session::Session;
use super::{device, ranks, sheet};
use anyhow::{Context, Result, bail, ensure};
use drawn::is_arrays;
use full_size::full_size;
use srvae_training::data::given::Given;
use srvae_training::data::{self, Images, Kept, Scales};
use srvae_training::figures::{CONTINUATION, Options};
use srvae_training::files::{self, Kind};
use srvae_training::interrupt;
use srvae_training::picture::resize;
use srvae_training::spec::Variable;
use srvae_training::terminal::note;
use srvae_training::{Compiled, Decode, Draw, Mode};
use std::path::PathBuf;
use std::process::ExitCode;

/// The compiler's names of the modes. If several of a kind differ, their names are longer.
pub const GENERATION: &str = "generation";
pub const RECONSTRUCTION: &str = "reconstruction";
pub const REGENERATION: &str = "generative_reconstruction";
pub const CONDITIONAL: &str = "conditional_generation";
pub const TOP: &str = "top_reconstruction";

/// Draws all variables that --given does not set, given these.
pub fn sample(models: &'static [Compiled], args: &Drawing) -> Result<ExitCode> {
    let mut sessions = open(models, args)?;
    if let Some(steps) = args.length {
        sessions.iter_mut().try_for_each(|session| session.at_length(steps))?;
    }
    let mut given = match args.from_step {
        Some(steps) => ends(&sessions[0], steps)?,
        None => given(&sessions[0], args)?,
    };
    let modes: Vec<Mode> = match given.names().as_slice() {
        _ if args.from_step.is_some() => all(&sessions, CONTINUATION)?,
        [] => all(&sessions, GENERATION)?,
        names => sessions.iter_mut().map(|session| session.condition(names)).collect::<Result<_>>()?,
    };
    let mode = modes[0];
    // Other evidence of the mode comes from the test data.
    let others: Vec<&str> = mode.given.iter().filter(|name| !given.names().contains(name)).copied().collect();
    let count = given.records().map_or(args.count, |records| records.min(args.count));
    let records = if others.is_empty() {
        let columns = given.of(given.records().unwrap_or(count))?;
        let none = columns.is_empty();
        let mut records = if none { Images::empty(sessions[0].spec.picture_shape()) } else { Images::of(columns)? };
        if !none {
            given.insert_into(&mut records, &sessions[0].spec)?;
        }
        records.scaled_by(scales(&sessions[0])?)
    } else {
        let length = Variable::length(&sessions[0].spec.variables);
        let mut records = if length.is_some_and(|length| others == [length.name.as_str()]) {
            // Lengths from the data, repeated if there are fewer than draws.
            let records = sessions[0].test(&args.data, None)?.1;
            let count = given.records().unwrap_or(count);
            records.select(&(0..count).map(|index| index % records.len().max(1)).collect::<Vec<_>>())?
        } else {
            sessions[0].test(&args.data, Some(count))?.1
        };
        if let (Some(steps), Some(length)) = (args.from_step, length)
            && let Some(own) = records.lengths(&length.name)
        {
            let shorter = own.iter().filter(|own| **own < steps).count();
            if shorter > 0 {
                note(&format!("{shorter} of {} records have fewer than {steps} steps, which are all given", own.len()));
            }
            given = Given::steps(length, own.into_iter().map(|own| own.min(steps)));
        }
        if !given.names().is_empty() {
            note(&format!("{}: from the test data", others.join(", ")));
            records = records.only(&others);
        }
        given.insert_into(&mut records, &sessions[0].spec)?;
        records
    };
    ranks::check_records(&records)?;
    let decode = if given.names().is_empty() { default_decode(&mode) } else { Decode::Sample };
    draw_sheet(&sessions, &modes, &records, &options(args, args.draw(decode), 1), args)
}

/// The number of given steps of each record, in the form of --given.
fn ends(session: &Session, steps: usize) -> Result<Given> {
    let length = session.spec.variables.iter().find_map(|variable| Some((variable, session.spec.steps(variable)?)));
    let (length, most) = length.with_context(|| format!("model {} has no sequences to continue", session.spec.name))?;
    ensure!(steps < most, "--continue {steps}: the records have {most} steps, of which some must be left to draw");
    Ok(Given::steps(length, std::iter::once(steps)))
}

/// The default of --decode: samples for new images, the likeliest pixels for results that are compared with an
/// original.
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

/// The values of --given.
fn given(session: &Session, args: &Drawing) -> Result<Given> {
    let classes = session.kept()?.map(|kept| kept.classes).unwrap_or_default();
    Ok(Given::read(&session.spec, &args.given, &classes)?.scaled(&scales(session)?))
}

/// The scales of a run's data.
fn scales(session: &Session) -> Result<Scales> {
    let scales = |kept: Kept| kept.scales_of(&session.spec.variables).cloned();
    session.kept()?.map_or_else(|| Ok(Scales::new()), scales)
}

/// The records with the values of --given in place of their own.
fn with_given(session: &Session, mut records: Images, args: &Drawing) -> Result<Images> {
    given(session, args)?.insert_into(&mut records, &session.spec)?;
    Ok(records)
}

/// The run, and the runs to compare with.
pub fn open(models: &'static [Compiled], args: &Drawing) -> Result<Vec<Session>> {
    match &args.out {
        Some(out) if is_arrays(out) => {
            ensure!(args.against.is_empty(), "--against compares images, and --out asks for arrays");
            files::check_place(out, Kind::Npz, args.force)?;
        }
        Some(out) => {
            let place = out.display();
            ensure!(
                sheet::format(out).is_ok(),
                "{place}: images are written as .png, .svg or .pdf, and values as .npz; the name of the file decides"
            );
            sheet::check_place(out, args.force)?;
        }
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

/// The mode of a kind in every session.
///
/// # Errors
/// A graph that does not allow it, with the modes that it allows.
pub fn all(sessions: &[Session], kind: &str) -> Result<Vec<Mode>> {
    sessions.iter().map(|session| find(session, kind).copied()).collect()
}

/// The mode of a kind.
///
/// # Errors
/// A graph that does not allow it, with the modes that it allows.
pub fn find<'s>(session: &'s Session, kind: &str) -> Result<&'s Mode> {
    let modes = session.model.modes();
    let named = modes.iter().find(|mode| mode.name == kind);
    // In a model with nothing below its top latents, the two modes are the same.
    let same = |mode: &&Mode| kind == REGENERATION && mode.name == RECONSTRUCTION;
    if let Some(mode) = named.or_else(|| modes.iter().find(same)) {
        if mode.name != kind {
            note(&format!("in this model {kind} is {}", mode.name));
        }
        return Ok(mode);
    }
    let several: Vec<&str> = modes.iter().map(|mode| mode.name).filter(|name| name.starts_with(kind)).collect();
    let names: Vec<&str> = modes.iter().map(|mode| mode.name).collect();
    if kind == CONDITIONAL && !several.is_empty() {
        bail!("model {} has several: {}; choose with --from VARIABLE", session.spec.name, several.join(", "));
    }
    bail!("model {} has no mode {kind}; its graph allows {}", session.spec.name, names.join(", "))
}

/// Images of the user, fitted to the model's size, or the test images.
pub fn inputs(session: &Session, files: &[PathBuf], args: &Drawing) -> Result<Images> {
    if files.is_empty() {
        return with_given(session, session.test(&args.data, Some(args.count))?.1, args);
    }
    let shape = session.spec.picture_shape();
    let pictures: Vec<Vec<u8>> = pictures(files)?
        .iter()
        .map(|file| Ok(resize::fit_rgb(&data::open_picture(file)?, shape)))
        .collect::<Result<_>>()?;
    with_given(session, Images::new(shape, pictures.concat(), None)?, args)
}

/// The given image files, including those in folders.
pub fn pictures(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    Ok(paths.iter().map(|path| data::inputs(path)).collect::<Result<Vec<_>>>()?.concat())
}
