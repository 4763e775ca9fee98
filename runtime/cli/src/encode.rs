//! `srvae-run encode | impute`: the latents of every record, or its data without gaps, as arrays.

use super::args::Encode;
use super::session::Session;
use super::{device, machine, ranks};
use anyhow::{Result, bail};
use serde_json::json;
use srvae_training::Compiled;
use srvae_training::arrays::{self, Array};
use srvae_training::eval::{self, Encoding};
use srvae_training::files::{self, Kind};
use srvae_training::interrupt;
use srvae_training::progress::Display;
use srvae_training::ranks::agree;
use srvae_training::terminal::{note, out};
use std::process::ExitCode;

/// What is written.
#[derive(Clone, Copy)]
pub enum Job {
    /// The latents.
    Encode,
    /// The partly observed variables.
    Impute,
}

pub fn run(models: &'static [Compiled], job: Job, args: &Encode) -> Result<ExitCode> {
    if !args.out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz")) {
        bail!("--out {}: results are written as arrays; the file's name ends in .npz", args.out.display());
    }
    files::check_place(&args.out, Kind::Npz, args.force)?;
    let session = Session::open(models, &args.run, &device::choose(&args.common)?)?;
    let name = session.data_name(&args.data);
    let (_, images) = agree(ranks::all(), session.records(&args.data, args.part.name(), args.images))?;
    ranks::check_records(&images)?;
    let count = args.images.unwrap_or(usize::MAX).min(images.len());
    let variables = match job {
        Job::Encode => eval::inferred(session.model.as_ref(), &session.spec)?,
        Job::Impute => eval::imputed(session.model.as_ref(), &session.spec)?,
    };
    let numbers: usize = variables.iter().map(|variable| variable.shape.iter().product::<usize>()).sum();
    let bytes = count as f64 * numbers as f64 * 4.0 * (1.0 + args.draws as f64);
    machine::check_memory(
        &format!("arrays of {count} records with --draws {}", args.draws),
        bytes,
        "use fewer --draws",
    )?;
    session.check_rows(args.batch.min(count), "use a smaller --batch")?;
    interrupt::listen();
    let display = Display::new(if matches!(job, Job::Encode) { "encoding" } else { "imputing" }, 0, count);
    let show = |done: usize, _: usize| display.set(done, String::new());
    let how = Encoding {
        draws: args.draws,
        batch: args.batch,
        images: args.images,
        seed: args.seed,
        ranks: ranks::all(),
        progress: &show,
    };
    let work = match job {
        Job::Encode => eval::encode,
        Job::Impute => eval::impute,
    };
    let found = work(session.model.as_ref(), &session.spec, &images, &how)?;
    if !ranks::all().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    arrays::write_npz(&args.out, &found)?;
    drop(display);
    report(&session, args, &found, (count, &name));
    Ok(ExitCode::SUCCESS)
}

/// Prints what was written: the arrays of `count` records of this data set.
fn report(session: &Session, args: &Encode, found: &[Array], (count, name): (usize, &str)) {
    if args.common.json {
        let shapes: serde_json::Map<_, _> =
            found.iter().map(|array| (array.name.clone(), json!(array.shape))).collect();
        let line = json!({
            "file": args.out, "arrays": shapes, "records": count, "data": name, "model": session.spec.name,
            "step": session.header.progress.step, "seed": args.seed,
        });
        out(&line.to_string());
    } else {
        let shown: Vec<String> = found.iter().map(|array| format!("{} {:?}", array.name, array.shape)).collect();
        note(&format!("{count} records of {name}: {}", shown.join(", ")));
        out(&args.out.display().to_string());
    }
}
