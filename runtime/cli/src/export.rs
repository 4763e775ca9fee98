//! `srvae-run export`: a trained model's weights under PyTorch's names.

use super::args::Export;
use super::session::Session;
use anyhow::Result;
use serde_json::json;
use srvae_training::files::{self, Kind};
use srvae_training::terminal::{note, out};
use srvae_training::{Compiled, Device, torch};
use std::collections::BTreeMap;
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Export) -> Result<ExitCode> {
    files::check_place(&args.out, Kind::Weights, args.force)?;
    let session = Session::open(models, &args.run, &Device::Cpu)?;
    let settings = serde_json::to_string(&session.spec.settings)?;
    let about = BTreeMap::from([
        ("model".to_owned(), session.spec.name.clone()),
        ("settings".to_owned(), settings),
        ("step".to_owned(), session.header.progress.step.to_string()),
    ]);
    let count = torch::export(session.model.params(), &about, &args.out)?;
    if args.json {
        out(&json!({ "file": args.out, "model": session.spec.name, "tensors": count }).to_string());
    } else {
        note(&format!("{count} tensors of model {} with PyTorch's names, f32", session.spec.name));
        out(&args.out.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}
