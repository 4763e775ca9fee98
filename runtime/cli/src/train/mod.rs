//! `srvae-run train`.

mod options;
mod outcome;
mod resume;

pub use outcome::Outcome;

use super::args::{DataArgs, ModelArgs, Train, TrainArgs};
use super::plan::Plan;
use super::{compiler, device, machine, models, ranks, recipe, session, tensorboard};
use anyhow::Result;
use options::{apply, rhythm};
use serde_json::{Value, json};
use srvae_training::data::{self, Reader, Source};
use srvae_training::files::write_json;
use srvae_training::interrupt;
use srvae_training::ranks::{Mark, agree};
use srvae_training::terminal::{note, out};
use srvae_training::train::{Activity, Config, End, RunFolder, Trainer};
use srvae_training::{Compiled, Device};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Train) -> Result<ExitCode> {
    let device = device::choose(&args.common)?;
    // Only rank 0 needs access to the run folder.
    let folder = ranks::decide(args.file.is_dir())?;
    let outcome = if args.resume || folder {
        resume::resume(models, args, folder, &device)?
    } else {
        let plan = plan(models, &args.file, &args.model, &args.data, &args.train, &device);
        fresh(&agree(ranks::all(), plan)?, args.out.as_deref(), &device)?
    };
    if args.common.json {
        out(&outcome.json().to_string());
    } else {
        out(&outcome.table());
    }
    Ok(match outcome.end {
        End::Interrupted => ExitCode::from(interrupt::EXIT_CODE),
        _ => ExitCode::SUCCESS,
    })
}

/// Chooses defaults for options that are not given, and prints them.
///
/// # Errors
/// A model or data that are missing or do not fit.
pub fn plan(
    models: &'static [Compiled],
    file: &Path,
    model: &ModelArgs,
    data: &DataArgs,
    train: &TrainArgs,
    device: &Device,
) -> Result<Plan> {
    let found = models::find(models, file)?;
    let mut model = model.clone();
    if model.preset.is_none() && device.is_cpu() && found.has_preset("quick")? {
        note("no GPU and no --preset: using the preset `quick` (choose another with --preset)");
        model.preset = Some("quick".into());
    }
    let mut spec = found.spec(&model)?;
    let source = data.source().unwrap_or_else(|| {
        note(&format!("no --data: using built-in data, {} (choose others with --data)", data::describe_builtin(&spec)));
        "builtin".into()
    });
    let place = Source::parse(&source)?;
    let reader = Reader::open(&place)?;
    if let Some(length) = spec.variables.iter().find(|variable| variable.is_length).map(|length| length.name.clone())
        && !model.set.iter().any(|pair| pair.split('=').next().is_some_and(|name| name.trim() == length))
        && let Some(steps) = reader.steps(&spec)
    {
        note(&format!("the data have up to {steps} steps: {length} = {steps}"));
        model.set.push(format!("{length}={steps}"));
        spec = found.spec(&model)?;
    }
    let base = if options::is_first_look(train, &model, device) { Config::first_look() } else { Config::default() };
    let mut config = Config { split: data.split.unwrap_or_default(), ..base };
    let data = reader.load(&spec, config.split)?;
    if let Some(records) = compiler::records(&spec)?
        && !model.set.iter().any(|pair| pair.split('=').next().is_some_and(|name| name.trim() == records))
    {
        model.set.push(format!("{records}={}", data.train.len()));
        spec = found.spec(&model)?;
    }
    apply(&mut config, train, data.train.len())?;
    rhythm(&mut config, train);
    Ok(Plan { spec, data, source, config })
}

/// Trains into a new run folder. An existing run there is not touched until the model is built, initialised and
/// evaluated.
///
/// # Errors
/// A folder with other contents, too little memory, and those of [`Trainer::run`].
pub fn fresh(plan: &Plan, out: Option<&Path>, device: &Device) -> Result<Outcome> {
    interrupt::listen();
    let ranks = ranks::all();
    let root = out.map_or_else(|| unused(&plan.spec.name), Path::to_owned);
    let checked = if ranks.leads() { RunFolder::check(&root) } else { Ok(()) };
    agree(ranks, checked.and_then(|()| check_memory(plan, device)))?;
    check_same(plan)?;
    let folder = RunFolder::at(&root);
    let config = plan.config.clone();
    let mut trainer = Trainer::new(plan.task(device), config, folder)?;
    announce(&trainer, plan, device);
    trainer.begin()?;
    let settings = settings(&trainer, plan, device)?;
    let begun = if ranks.leads() { begin(&root, plan, &settings) } else { Ok(RunFolder::at(&root)) };
    let folder = agree(ranks, begun)?;
    trainer.set_folder(folder.clone());
    finish(&mut trainer, plan, folder, &settings)
}

/// The run folder with its initial files.
fn begin(root: &Path, plan: &Plan, settings: &Value) -> Result<RunFolder> {
    let (folder, moved) = RunFolder::create(root)?;
    if let Some(moved) = moved {
        note(&format!("{} held another run, which is now {}", root.display(), moved.display()));
    }
    // The recipe comes first, because it identifies a start that was killed here.
    srvae_training::files::write(&folder.recipe(), recipe::text(plan)?.as_bytes())?;
    srvae_training::files::write(&folder.source(), plan.spec.source.as_bytes())?;
    write_json(&folder.config(), settings)?;
    Ok(folder)
}

/// Refuses to train if the ranks have different tasks.
fn check_same(plan: &Plan) -> Result<()> {
    let Plan { spec, data, config, .. } = plan;
    if ranks::all().size() == 1 {
        return Ok(());
    }
    let settings = serde_json::to_string(&spec.settings)?;
    ranks::check_same(vec![
        Mark::new("model", &spec.name, &spec.source),
        Mark::new("settings", &session::show_settings(spec), settings),
        Mark::new("options", &format!("{} steps of {}", config.steps, config.batch), serde_json::to_string(config)?),
        data::mark("training data", &data.train),
        data::mark("validation data", &data.validation),
        data::mark("test data", &data.test),
    ])
}

/// Refuses a batch that does not fit into memory.
fn check_memory(plan: &Plan, device: &Device) -> Result<()> {
    if !device.is_cpu() {
        return Ok(());
    }
    // The part that is computed at once.
    let Config { batch, micro_batch, samples, .. } = plan.config;
    let (option, batch) = micro_batch.map_or(("--batch", batch), |micro| ("--micro-batch", micro));
    let (memory, data) = (compiler::memory(&plan.spec)?, plan.data.bytes() as u64);
    let left = machine::memory().unwrap_or(u64::MAX).saturating_sub(data);
    let fits = memory.largest_batch(left) / samples as u64;
    let advice = match fits {
        0 => "use a smaller model (--preset, --set) or fewer --samples".to_owned(),
        fits => format!("{option} {fits} should fit"),
    };
    let bytes = memory.training((batch as u64).saturating_mul(samples as u64)).saturating_add(data);
    let samples = if samples > 1 { format!(" and --samples {samples}") } else { String::new() };
    machine::check_memory(&format!("training with {option} {batch}{samples}"), bytes as f64, &advice)
}

/// The task in one line.
fn announce(trainer: &Trainer<'_>, plan: &Plan, device: &Device) {
    let mut about = vec![format!("{} parameters", trainer.model().params().count())];
    about.extend(plan.spec.preset.as_ref().map(|preset| format!("preset {preset}")));
    if !plan.spec.settings.is_empty() {
        about.push(session::show_settings(&plan.spec));
    }
    note(&format!(
        "training {} ({}) on {} ({} {}), {} steps of {}, on {}",
        plan.spec.name,
        about.join(", "),
        session::data_name(&plan.source),
        plan.data.train.len(),
        plan.spec.records(),
        plan.config.steps,
        plan.config.batch,
        machine::name_of(device),
    ));
}

/// The initial content of `config.json`.
fn settings(trainer: &Trainer<'_>, plan: &Plan, device: &Device) -> Result<Value> {
    let settings = plan.spec.settings.iter().map(|(name, value)| Ok((name.clone(), serde_json::to_value(value)?)));
    Ok(json!({
        "model": plan.spec.name,
        "preset": plan.spec.preset,
        "settings": settings.collect::<Result<serde_json::Map<_, _>>>()?,
        "parameters": trainer.model().params().count(),
        "data": session::data_name(&plan.source),
        "data_source": plan.source,
        "device": machine::name_of(device),
        "started": humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
        "train": plan.config,
        "variables": plan.spec.variables,
    }))
}

fn finish(trainer: &mut Trainer<'_>, plan: &Plan, folder: RunFolder, settings: &Value) -> Result<Outcome> {
    let parameters = trainer.model().params().count();
    let leads = ranks::all().leads();
    if leads {
        tensorboard::begin(&folder, settings, &plan.spec)?;
    }
    if let Some(kept) = plan.data.kept.as_ref().filter(|_| leads) {
        srvae_training::files::write(&folder.split(), kept.json().as_bytes())?;
    }
    let end = trainer.run();
    let told = if leads { tensorboard::end(&folder, trainer.progress().step, end.is_ok()) } else { Ok(()) };
    let end = end?;
    told?;
    say(end, trainer, plan, &folder);
    let progress = trainer.progress();
    Ok(Outcome {
        end,
        model: plan.spec.name.clone(),
        parameters,
        steps: progress.step,
        seconds: trainer.seconds(),
        images_per_second: trainer.images_per_second(),
        unit: plan.spec.unit(),
        records: plan.spec.records(),
        before: progress.before,
        after: trainer.after().map(|found| found.nll),
        best: progress.best,
        skipped: progress.skipped,
        activity: trainer.activity().to_vec(),
        folder,
    })
}

/// How training ended, and the latents that it left unused.
fn say(end: End, trainer: &Trainer<'_>, plan: &Plan, folder: &RunFolder) {
    match end {
        End::Done => {}
        End::Interrupted => note(&format!(
            "interrupted at step {}; resume with: srvae-run train {} --resume",
            trainer.progress().step,
            folder.root().display()
        )),
        End::Time => note(&format!("the time is up at step {} of {}", trainer.progress().step, plan.config.steps)),
        End::Patience => note(&format!(
            "validation was best at step {}; ending at {}",
            trainer.progress().best_step,
            trainer.progress().step
        )),
    }
    let collapsed = |activity: &&Activity| activity.collapsed(&plan.config, trainer.progress().step);
    for latent in trainer.activity().iter().filter(collapsed) {
        note(&format!(
            "warning: latent `{}` has collapsed: {} of its {} units are active; \
             --warm-up or --free-nats may keep it in use",
            latent.latent, latent.active, latent.units
        ));
    }
}

/// A new folder below `runs/`.
fn unused(name: &str) -> PathBuf {
    let numbered = |number: u32| PathBuf::from("runs").join(format!("{name}-{number}"));
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| PathBuf::from("runs").join(name))
}
