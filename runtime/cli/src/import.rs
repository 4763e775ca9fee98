//! `srvae-run import`: a run folder from a PyTorch checkpoint.

use super::args::Import;
use super::{device, models};
use anyhow::Result;
use serde_json::json;
use srvae_training::terminal::{note, out};
use srvae_training::train::{Checkpoint, Config, Header, Progress, RunFolder};
use srvae_training::{Compiled, DType, Params, torch};
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Import) -> Result<ExitCode> {
    let device = device::choose(&args.common)?;
    RunFolder::check(&args.out)?;
    let state = torch::read(&args.weights)?;
    let spec = models::find(models, &args.file)?.spec(&args.model)?;
    let config = Config { split: args.data.split.unwrap_or_default(), ..Config::default() };
    let params = Params::new(config.seed, DType::F32, &device);
    // Parameters get their shapes when the model is built.
    let model = spec.build(&params)?;
    torch::restore(&params, &state, &args.weights.display().to_string())?;
    drop(model);
    let source = args.data.source().unwrap_or_else(|| "builtin".into());
    let (folder, moved) = RunFolder::create(&args.out)?;
    if let Some(moved) = moved {
        note(&format!("{} held another run, which is now {}", args.out.display(), moved.display()));
    }
    srvae_training::files::write(&folder.source(), spec.source.as_bytes())?;
    let mut checkpoint = Checkpoint::new(Header::new(&spec, &config, &source, Progress::default()));
    let entries = params.entries();
    checkpoint.add("param", entries.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())));
    checkpoint.save(&folder.best())?;
    let count = params.count();
    let line = json!({
        "run": folder.root(), "model": spec.name, "preset": spec.preset, "tensors": entries.len(), "parameters": count,
        "from": args.weights, "data": source,
    });
    srvae_training::files::write_json(&folder.config(), &line)?;
    if args.common.json {
        out(&line.to_string());
    } else {
        note(&format!("{} tensors, {count} parameters, all of model {}", entries.len(), spec.name));
        out(&folder.root().display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}
