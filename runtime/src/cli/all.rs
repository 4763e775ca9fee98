//! `srvae-run FILE`: train, evaluate, every mode, a report.

use super::args::All;
use super::{device, eval, report, train};
use crate::eval::{Evaluation, Options};
use crate::figures;
use crate::spec::Spec;
use crate::terminal::{note, out};
use crate::train::progress::Display;
use crate::train::{Checkpoint, End, RunFolder, interrupt, restore};
use crate::{Compiled, DType, Device, Draw, Model, Params, picture};
use anyhow::{Result, bail};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Minutes of training that leave room for the rest within five, on two cores.
const MINUTES: f64 = 3.5;

pub fn run(models: &'static [Compiled], args: &All) -> Result<ExitCode> {
    let Some(file) = &args.file else { bail!("a model file is needed") };
    let begun = Instant::now();
    let device = device::choose(&args.common)?;
    let mut plan = train::plan(models, file, &args.model, &args.data, &args.train, &device)?;
    let own_length = args.train.steps.is_none() && args.train.epochs.is_none() && args.train.minutes.is_none();
    if own_length {
        plan.config.minutes = Some(MINUTES);
        note(&format!("no --steps: {} steps, or {MINUTES} minutes where that is less", plan.config.steps));
    }
    let outcome = train::fresh(&plan, args.out.as_deref(), &device)?;
    if outcome.end == End::Interrupted {
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    let model = best(&plan.spec, &outcome.folder, &device)?;
    let found = evaluate(model.as_ref(), &plan, args)?;
    train::write_json(&outcome.folder.evaluation(), &found.json())?;
    let grids = draw(model.as_ref(), &plan, &outcome.folder)?;
    let page = report::write(&outcome.folder, &plan.spec, &outcome.folder.report())?;
    if args.common.json {
        let mut line = outcome.json();
        eval::extend(
            &mut line,
            json!({
                "evaluation": found.json(), "pictures": grids, "report": page, "total_seconds": begun.elapsed().as_secs_f64(),
            }),
        );
        out(&line.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    out(&format!("\n{}, {} parameters, {} steps", outcome.model, outcome.parameters, outcome.steps));
    out(&outcome.table());
    out(&format!("evaluation on {} test pictures, the checkpoint with the best validation", found.images));
    out(&eval::rows(&found));
    for path in &grids {
        out(&format!("  picture: {}", path.display()));
    }
    out(&format!("  report: {}\n  {:.0} s in all", page.display(), begun.elapsed().as_secs_f64()));
    Ok(ExitCode::SUCCESS)
}

/// The model with the parameters that validated best.
fn best(spec: &Spec, folder: &RunFolder, device: &Device) -> Result<Box<dyn Model>> {
    let path = if folder.best().exists() { folder.best() } else { folder.last() };
    let checkpoint = Checkpoint::load(&path, device)?;
    let params = Params::new(checkpoint.header.config.seed, DType::F32, device);
    let model = spec.build(&params)?;
    let average = checkpoint.group("average");
    let values = if average.is_empty() { checkpoint.group("param") } else { average };
    restore(&params, &values, &path.display().to_string())?;
    Ok(model)
}

fn evaluate(model: &dyn Model, plan: &train::Plan, args: &All) -> Result<Evaluation> {
    let display = Display::new("evaluating", 0, args.images.min(plan.data.test.len()));
    let show = |done: usize, _: usize| display.set(done, String::new());
    let options = Options {
        samples: args.k,
        images: Some(args.images),
        batch: Some(plan.config.batch),
        seed: plan.config.seed,
        progress: &show,
        ..Options::default()
    };
    crate::eval::evaluate(model, &plan.spec, &plan.data.test, &options)
}

/// One sheet for each mode.
fn draw(model: &dyn Model, plan: &train::Plan, folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for mode in model.modes() {
        let options = figures::Options { draw: Draw::default(), seed: plan.config.seed, ..figures::Options::default() };
        let strips = figures::strips(model, &plan.spec, mode, &plan.data.test, &options)?;
        let path = folder.grid(mode.name);
        picture::save(&figures::sheet(&strips, &options), &path)?;
        paths.push(path);
    }
    Ok(paths)
}
