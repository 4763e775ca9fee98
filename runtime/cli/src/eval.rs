//! `srvae-run eval`.

use super::args::{DataArgs, Eval, LikelihoodArgs};
use super::session::Session;
use super::{compiler, device, ranks};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use srvae_training::arrays::{self, Array};
use srvae_training::data::{Images, PartName};
use srvae_training::eval::{self, Evaluation, Options};
use srvae_training::files::{self, Kind};
use srvae_training::interrupt;
use srvae_training::progress::Display;
use srvae_training::ranks::agree;
use srvae_training::spec::Spec;
use srvae_training::terminal::{note, out, table};
use srvae_training::{Compiled, TermKind};
use std::path::Path;
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Eval) -> Result<ExitCode> {
    let records = args.per_record.as_deref().map(|path| record_kind(path, args.force)).transpose()?;
    let session = Session::open(models, &args.run, &device::choose(&args.common)?)?;
    let (name, part) = (session.data_name(&args.data), args.part.name());
    let (_, images) = agree(ranks::all(), session.records(&args.data, part, args.likelihood.images))?;
    ranks::check_records(&images)?;
    interrupt::listen();
    let found = likelihood(&session, &images, &args.likelihood)?;
    if !ranks::all().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(shared) = session.spec.variables.iter().find(|variable| variable.is_global) {
        note(&format!(
            "{} is shared by all records: the bounds with K = 1 add up to the bound of the data set, and with more \
             samples they are not bounds",
            shared.name
        ));
    }
    let part = part.unwrap_or(PartName::Test);
    let mut line = line(&session, &name, &found)?;
    extend(&mut line, json!({ "part": part.word() }));
    if let (Some(path), Some(kind)) = (&args.per_record, records) {
        write_records(path, kind, &found)?;
    }
    keep(&session, (&args.data, part), &name, &line);
    if args.common.json {
        out(&line.to_string());
    } else {
        out(&format!(
            "{} at step {}, {} {} {} of {name}",
            session.spec.name,
            session.header.progress.step,
            found.images,
            part.adjective(),
            session.spec.records()
        ));
        out(&rows(&session.spec, &found)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// An evaluation with its description, for `--json` and `evaluation.json`.
///
/// # Errors
/// The compiler's report on the model's text.
pub fn line(session: &Session, data: &str, found: &Evaluation) -> Result<Value> {
    let mut line = found.json();
    let header = &session.header;
    extend(
        &mut line,
        json!({
            "model": session.spec.name,
            "likelihood_of": compiler::bounded(&session.spec)?,
            "run": session.folder.root(),
            "data": data,
            "train_seed": header.config.seed,
            "learning_rate": header.config.schedule.rate,
            "step": header.progress.step,
            "checkpoint": session.checkpoint,
        }),
    );
    Ok(line)
}

/// Stores an evaluation in the run folder: of the run's own test records as `evaluation.json`, of other data with their
/// name, and of another part with its name, too.
pub fn keep(session: &Session, (args, part): (&DataArgs, PartName), data: &str, line: &Value) {
    if !session.folder.holds_a_run() {
        return;
    }
    let own = args.source().is_none_or(|source| source == session.header.data);
    let path = match part {
        PartName::Test if own => session.folder.evaluation(),
        PartName::Test => session.folder.evaluation_on(data),
        part => session.folder.evaluation_on(&format!("{data}-{}", part.word())),
    };
    if let Err(reason) = srvae_training::files::write_json(&path, line) {
        note(&format!("warning: {reason:#}"));
    }
}

/// The format of a file for records.
///
/// # Errors
/// An extension other than .csv and .npz, or an existing file of another kind.
fn record_kind(path: &Path, force: bool) -> Result<Kind> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let kind = match ending.as_str() {
        "csv" => Kind::Csv,
        "npz" => Kind::Npz,
        _ => bail!("--per-record {}: the file's name ends in .csv or .npz", path.display()),
    };
    files::check_place(path, kind, force)?;
    Ok(kind)
}

fn write_records(path: &Path, kind: Kind, found: &Evaluation) -> Result<()> {
    let columns = found.records.columns();
    match kind {
        Kind::Npz => {
            let arrays: Vec<Array> = columns.iter().map(|(name, values)| Array::column(name, values)).collect();
            arrays::write_npz(path, &arrays)
        }
        _ => arrays::write_csv(path, &columns),
    }
}

/// The likelihood of a trained model, with progress on standard error.
///
/// # Errors
/// Portions that do not fit into memory, and those of [`eval::evaluate`].
pub fn likelihood(session: &Session, images: &Images, args: &LikelihoodArgs) -> Result<Evaluation> {
    let count = args.images.unwrap_or(usize::MAX).min(images.len());
    let display = Display::new("evaluating", 0, count);
    let show = |done: usize, _: usize| display.set(done, String::new());
    let options = Options {
        samples: args.k,
        chunk: args.chunk,
        batch: args.batch,
        rows: session.rows_at_once()?,
        images: args.images,
        seed: args.seed,
        ranks: ranks::all(),
        progress: &show,
    };
    let (batch, chunk) = options.portion();
    session.check_rows(batch.min(count) * chunk, "use a smaller --batch or --chunk")?;
    eval::evaluate(session.model.as_ref(), &session.spec, images, &options)
}

/// The evaluation as a table.
///
/// # Errors
/// The compiler's report on the model's text.
pub fn rows(spec: &Spec, found: &Evaluation) -> Result<String> {
    let mut rows = Vec::new();
    for &(samples, nll) in &found.by_samples {
        let unit = match found.standard_error.filter(|_| samples == found.samples) {
            Some(error) => format!("± {error:.4} {}", found.unit),
            None => found.unit.into(),
        };
        rows.push(vec![format!("nll, K = {samples}"), format!("{nll:.4}"), unit]);
    }
    if let Some(nats) = found.nats_per_step() {
        rows.push(vec![format!("nll per step, K = {}", found.samples), format!("{nats:.4}"), "nats".into()]);
    }
    rows.push(vec!["bound".into(), format!("{:.4}", found.bound), found.unit.into()]);
    let likelihood = format!("log-likelihood, {}", compiler::bounded(spec)?);
    rows.push(vec![likelihood, format!("{:.2}", found.log_likelihood), "nats".into()]);
    for &(name, kind, value) in &found.terms {
        let sign = if kind == TermKind::Kl { "nats, subtracted" } else { "nats" };
        rows.push(vec![name.into(), format!("{value:.2}"), sign.into()]);
    }
    rows.push(vec!["speed".into(), format!("{:.1}", found.images_per_second()), format!("{}/s", spec.records())]);
    Ok(table(&rows))
}

/// Adds the fields of an object to another.
pub fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}
