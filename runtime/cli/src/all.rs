//! `srvae-run FILE`: trains, evaluates, runs every mode, writes a report.

use super::args::{All, RunArgs, Which};
use super::modes::default_decode;
use super::plan::Plan;
use super::session::{Session, data_name};
use super::{compiler, device, eval, interpolate, report, sheet, train};
use anyhow::{Result, bail};
use serde_json::json;
use srvae_training::data::Images;
use srvae_training::eval::Evaluation;
use srvae_training::figures::{self, Options, Walk};
use srvae_training::files::write_json;
use srvae_training::interrupt;
use srvae_training::picture::Sheet;
use srvae_training::progress::Display;
use srvae_training::terminal::{note, out};
use srvae_training::train::End;
use srvae_training::{Compiled, Decode, Device, Draw, Model};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Minutes of training, so that the whole command takes less than five on two cores.
const MINUTES: f64 = 3.5;

pub fn run(models: &'static [Compiled], args: &All) -> Result<ExitCode> {
    let Some(file) = &args.file else { bail!("a model file is needed") };
    let begun = Instant::now();
    let device = device::choose(&args.common)?;
    let mut plan = train::plan(models, file, &args.model, &args.data, &args.train, &device)?;
    if !args.train.has_length() {
        plan.config.minutes = Some(MINUTES);
        note(&format!(
            "no --steps: training for {} steps or {MINUTES} minutes, whichever ends first",
            plan.config.steps
        ));
    }
    let outcome = train::fresh(&plan, args.out.as_deref(), &device)?;
    if outcome.end == End::Interrupted {
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    let root = outcome.folder.root().display().to_string();
    rest(models, args, &plan, &outcome, &device, begun).inspect_err(|_| {
        note(&format!("training is complete, and its run is in {root}; evaluate it with `srvae-run eval {root}`"));
    })
}

/// The work after training: the evaluation, every mode, the report.
fn rest(
    models: &'static [Compiled],
    args: &All,
    plan: &Plan,
    outcome: &train::Outcome,
    device: &Device,
    begun: Instant,
) -> Result<ExitCode> {
    let run = RunArgs::at(outcome.folder.root().to_owned(), Which::Best);
    let session = Session::open(models, &run, device)?;
    let found = evaluate(session.model.as_ref(), plan, args)?;
    let line = eval::line(&session, &data_name(&plan.source), &found)?;
    write_json(&outcome.folder.evaluation(), &line)?;
    let grids = draw(&session, &plan.data.test, plan.config.seed)?;
    let page = report::write(&outcome.folder, &plan.spec, &outcome.folder.report())?;
    if args.common.json {
        let mut said = outcome.json();
        eval::extend(
            &mut said,
            json!({
                "evaluation": line, "pictures": grids, "report": page, "total_seconds": begun.elapsed().as_secs_f64(),
            }),
        );
        out(&said.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    out(&format!("\n{}, {} parameters, {} steps", outcome.model, outcome.parameters, outcome.steps));
    out(&outcome.table());
    out(&format!(
        "evaluation on {} test {}, the checkpoint with the best validation",
        found.images,
        plan.spec.records()
    ));
    out(&eval::rows(&plan.spec, &found)?);
    for path in &grids {
        out(&format!("  picture: {}", path.display()));
    }
    out(&format!("  report: {}\n  {:.0} s in all", page.display(), begun.elapsed().as_secs_f64()));
    Ok(ExitCode::SUCCESS)
}

fn evaluate(model: &dyn Model, plan: &Plan, args: &All) -> Result<Evaluation> {
    let display = Display::new("evaluating", 0, args.images.min(plan.data.test.len()));
    let show = |done: usize, _: usize| display.set(done, String::new());
    let options = srvae_training::eval::Options {
        samples: args.k,
        images: Some(args.images),
        batch: Some(plan.config.batch),
        seed: plan.config.seed,
        progress: &show,
        ..srvae_training::eval::Options::default()
    };
    srvae_training::eval::evaluate(model, &plan.spec, &plan.data.test, &options)
}

/// A sheet for each mode with images, one of interpolations between test images, and the marginals of the data.
fn draw(session: &Session, images: &Images, seed: u64) -> Result<Vec<PathBuf>> {
    let (model, spec) = (session.model.as_ref(), &session.spec);
    let mut paths = Vec::new();
    let mut keep = |name: &str, sheet: &Sheet| -> Result<()> {
        paths.push(sheet::keep(session, name, sheet, None)?);
        Ok(())
    };
    for mode in model.modes().iter().filter(|mode| figures::displays(spec, mode)) {
        let draw = Draw { decode: default_decode(mode), ..Draw::default() };
        let options = Options { draw, seed, ..Options::default() };
        let strips = figures::strips(model, spec, mode, images, &options)?;
        keep(mode.name, &figures::sheet(&session.title(mode.name, &options), &strips, &options))?;
    }
    let classes = session.kept()?.map(|kept| kept.classes).unwrap_or_default();
    let marginals = figures::marginals(model, spec, images, seed, &classes)?;
    if !marginals.charts.is_empty() {
        write_json(&session.folder.marginals(), &serde_json::to_value(&marginals.charts)?)?;
    }
    let plots = figures::plots(model, spec, images, seed, &classes)?;
    if !plots.is_empty() {
        write_json(&session.folder.plots(), &serde_json::to_value(&plots)?)?;
    }
    if !marginals.means.is_empty() {
        let options = Options { seed, width: 128, ..Options::default() };
        let title = format!("{}, step {}: mean images", spec.name, session.header.progress.step);
        keep("means", &figures::sheet(&title, &marginals.means, &options))?;
    }
    let latents = compiler::walked_roots(spec)?;
    let shown = model.modes().iter().any(|mode| figures::displays(spec, mode));
    if !latents.is_empty() && images.len() >= 2 && shown {
        let walk = Walk { latents, top: true, steps: 8 };
        let draw = Draw { decode: Decode::Mode, ..Draw::default() };
        let options = Options { draw, seed, columns: walk.steps + 2, ..Options::default() };
        let pairs = (images.len() / 2).min(8);
        let strip =
            |pair| figures::interpolation(model, spec, &images.select(&[2 * pair, 2 * pair + 1])?, &walk, &options);
        let strips = (0..pairs).map(strip).collect::<Result<Vec<_>>>()?;
        keep("interpolation", &interpolate::walks(&session.title("interpolation", &options), &strips, &options))?;
    }
    Ok(paths)
}
