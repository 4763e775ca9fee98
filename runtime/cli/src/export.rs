//! `srvae-run export`: writes a trained model's weights with PyTorch's names, or as a checkpoint in half precision.

use super::args::Export;
use super::session::Session;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use srvae_training::files::{self, Kind};
use srvae_training::terminal::{note, out};
use srvae_training::train::Checkpoint;
use srvae_training::{Compiled, Device, torch};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Endings of the names of PyTorch's own files, which are of another format.
const PICKLED: [&str; 4] = ["pth", "pt", "ckpt", "bin"];

pub fn run(models: &'static [Compiled], args: &Export) -> Result<ExitCode> {
    let ending = args.out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ensure!(
        !ending.is_some_and(|ending| PICKLED.contains(&ending.as_str())),
        "--out {}: weights are written as safetensors, which PyTorch reads with `safetensors.torch.load_file`; the file's name ends in .safetensors",
        args.out.display()
    );
    files::check_place(&args.out, Kind::Weights, args.force)?;
    let session = Session::open(models, &args.run, &Device::Cpu)?;
    let settings = serde_json::to_string(&session.spec.settings)?;
    if args.half {
        return half(&session, args);
    }
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

/// A checkpoint of the weights used for results, in 16 bits each.
fn half(session: &Session, args: &Export) -> Result<ExitCode> {
    let file = Checkpoint::halved(session.header.clone(), session.model.params())
        .with_context(|| format!("{}: cannot be written in half precision", session.checkpoint.display()))?;
    file.save(&args.out)?;
    let count = file.elements("param");
    if args.json {
        out(&json!({ "file": args.out, "model": session.spec.name, "parameters": count }).to_string());
    } else {
        note(&format!("{count} parameters of model {}, 16 bits each", session.spec.name));
        out(&args.out.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}
