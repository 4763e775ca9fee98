//! `srvae-run eval`.

use super::args::{Eval, LikelihoodArgs};
use super::device;
use super::session::Session;
use anyhow::Result;
use serde_json::{Value, json};
use srvae_training::data::Images;
use srvae_training::eval::{self, Evaluation, Options};
use srvae_training::terminal::{out, table};
use srvae_training::train::interrupt;
use srvae_training::train::progress::Display;
use srvae_training::{Compiled, TermKind};
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Eval) -> Result<ExitCode> {
    let session = Session::open(models, &args.run, &device::choose(&args.common)?)?;
    let (name, images) = session.test(&args.data, args.likelihood.images)?;
    interrupt::listen();
    let found = likelihood(&session, &images, &args.likelihood)?;
    let mut line = found.json();
    extend(
        &mut line,
        json!({
            "model": session.spec.name,
            "data": name,
            "step": session.header.progress.step,
            "checkpoint": session.checkpoint,
        }),
    );
    if args.common.json {
        out(&line.to_string());
    } else {
        out(&format!(
            "{} at step {}, {} test pictures of {name}",
            session.spec.name, session.header.progress.step, found.images
        ));
        out(&rows(&found));
    }
    Ok(ExitCode::SUCCESS)
}

/// The likelihood of a trained model, with progress on standard error.
///
/// # Errors
/// Those of [`eval::evaluate`].
pub fn likelihood(session: &Session, images: &Images, args: &LikelihoodArgs) -> Result<Evaluation> {
    let display = Display::new("evaluating", 0, args.images.unwrap_or(usize::MAX).min(images.len()));
    let show = |done: usize, _: usize| display.set(done, String::new());
    let options = Options {
        samples: args.k,
        chunk: args.chunk,
        batch: args.batch,
        images: args.images,
        seed: args.seed,
        progress: &show,
    };
    eval::evaluate(session.model.as_ref(), &session.spec, images, &options)
}

/// The evaluation as a table.
pub fn rows(found: &Evaluation) -> String {
    let mut rows = Vec::new();
    for &(samples, nll) in &found.by_samples {
        let unit = match samples == found.samples {
            true => format!("± {:.4} bits/dim", found.standard_error),
            false => "bits/dim".into(),
        };
        rows.push(vec![format!("nll, K = {samples}"), format!("{nll:.4}"), unit]);
    }
    rows.push(vec!["bound".into(), format!("{:.4}", found.bound), "bits/dim".into()]);
    for &(name, kind, value) in &found.terms {
        let sign = if kind == TermKind::Kl { "nats, subtracted" } else { "nats" };
        rows.push(vec![name.into(), format!("{value:.2}"), sign.into()]);
    }
    rows.push(vec!["speed".into(), format!("{:.1}", found.images_per_second()), "images/s".into()]);
    table(&rows)
}

/// Adds the fields of an object to another.
pub fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}
