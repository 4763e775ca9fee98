//! Resumes a run.

use super::options::apply;
use super::{Outcome, announce, check_memory, check_same, finish, settings};
use crate::args::{ModelArgs, Train};
use crate::plan::Plan;
use crate::{changes, compiler, models, ranks, session};
use anyhow::{Context, Result, bail};
use srvae_training::data::{self, Data, Kept, Source};
use srvae_training::interrupt;
use srvae_training::ranks::agree;
use srvae_training::spec::Spec;
use srvae_training::terminal::note;
use srvae_training::train::{Checkpoint, Header, RunFolder, Trainer};
use srvae_training::{Compiled, Device};
use std::path::Path;

pub fn resume(models: &'static [Compiled], args: &Train, is_folder: bool, device: &Device) -> Result<Outcome> {
    interrupt::listen();
    let root = match (&args.out, is_folder) {
        (Some(out), _) => out.clone(),
        (None, true) => args.file.clone(),
        (None, false) if !args.file.exists() => bail!("--resume: {}: no such run folder", args.file.display()),
        (None, false) => bail!("--resume: which run? Give its folder, as FILE or with --out"),
    };
    let ranks = ranks::all();
    let folder = agree(ranks, if ranks.leads() { opened(&root) } else { Ok(RunFolder::at(&root)) })?;
    let bytes = ranks::file(&folder.last())?.unwrap_or_default();
    let split = ranks::file(&folder.split())?;
    let again = agree(ranks, again(models, args, is_folder, (&folder, &bytes, split), device))?;
    let Again { plan, checkpoint, changed } = again;
    let header = &checkpoint.header;
    agree(ranks, if ranks.leads() { session::check_folder(&folder, &folder.last(), header) } else { Ok(()) })?;
    note(&format!("resuming from step {} of {}{}", header.progress.step, plan.config.steps, changes::say(&changed)));
    if header.progress.step > plan.config.steps {
        note("the run is past this step, which counts from its beginning: nothing is left to train");
    }
    agree(ranks, check_memory(&plan, device))?;
    check_same(&plan)?;
    let config = plan.config.clone();
    let mut trainer = Trainer::resume(plan.task(device), &checkpoint, config, folder.clone())?;
    announce(&trainer, &plan, device);
    let settings = settings(&trainer, &plan, device)?;
    if ranks.leads() {
        changes::record(&folder, header.progress.step, &changed, &settings)?;
    }
    finish(&mut trainer, &plan, folder, &settings)
}

/// The folder of a run that can be resumed, locked.
fn opened(root: &Path) -> Result<RunFolder> {
    let folder = RunFolder::at(root);
    if !folder.last().exists() {
        bail!("{}: nothing to resume: this folder has no checkpoints/last.safetensors", root.display());
    }
    folder.check_writable()?;
    folder.locked()
}

/// A run to resume.
struct Again {
    plan: Plan,
    checkpoint: Checkpoint,
    changed: Vec<changes::Change>,
}

/// Restores a run from the bytes of its checkpoint and of its `split.json`.
fn again(
    models: &'static [Compiled],
    args: &Train,
    is_folder: bool,
    (folder, bytes, split): (&RunFolder, &[u8], Option<Vec<u8>>),
    device: &Device,
) -> Result<Again> {
    let checkpoint = Checkpoint::parse(bytes, &folder.last(), device)?;
    let header = &checkpoint.header;
    let spec = if is_folder {
        if args.model.preset.is_some() || !args.model.set.is_empty() {
            bail!("--resume: a run keeps its parameters; omit --preset and --set");
        }
        session::spec_of(models, header, &folder.source())?
    } else {
        same_model(models, &checkpoint, args, folder)?;
        let found = models::find(models, &args.file)?;
        Spec { settings: header.settings.clone(), preset: header.preset.clone(), ..found.spec(&ModelArgs::default())? }
    };
    // Only comments and spacing of the file may have changed; the run keeps the original text.
    let spec = Spec { variables: header.variables.clone(), source: header.source.clone(), ..spec };
    compiler::check_header(&spec, checkpoint.elements("param"), &folder.last())?;
    let mut config = header.config.clone();
    let kept = split.map(|bytes| Kept::parse(&bytes, &folder.split())).transpose()?;
    let (source, data) = kept_data(args, header, &spec, kept)?;
    apply(&mut config, &args.train, data.train.len())?;
    if config.seed != header.config.seed {
        bail!("--seed: a resumed run keeps its seed, {}", header.config.seed);
    }
    let changed = changes::between(&header.config, &config)?;
    Ok(Again { plan: Plan { spec, data, source, config }, checkpoint, changed })
}

/// The data of the run, from their current location.
fn kept_data(args: &Train, header: &Header, spec: &Spec, kept: Option<Kept>) -> Result<(String, Data)> {
    let own = kept.as_ref().map_or(&header.data, |kept| &kept.source);
    let source = args.data.source().unwrap_or_else(|| own.clone());
    if let Some(split) = args.data.split.filter(|split| *split != header.config.split) {
        bail!("--split {split}: a resumed run keeps its split, {}", header.config.split);
    }
    let place = Source::parse(&source)?;
    let data = match &kept {
        Some(kept) => data::load_kept(&place, spec, kept)
            .context("cannot open the run's data (--data gives their place if they were moved)")?,
        None => data::load(&place, spec, header.config.split)?,
    };
    Ok((source, data))
}

/// Refuses to resume with another model, before anything is compiled.
fn same_model(models: &'static [Compiled], checkpoint: &Checkpoint, args: &Train, folder: &RunFolder) -> Result<()> {
    let (path, text) = models::named(models, &args.file)?;
    let (model, settings) = compiler::settings(&path, &text, &args.model)?;
    // Parameters that are not given are those of the run.
    let given = args.model.preset.is_some() || !args.model.set.is_empty();
    let settings = if given { &settings } else { &checkpoint.header.settings };
    checkpoint.check_model(&model, &text, settings, &folder.last())
}
