//! `srvae-run train`.

use super::args::{DataArgs, ModelArgs, ScheduleChoice, Train, TrainArgs};
use super::{changes, compiler, device, machine, models, ranks, recipe, session, tensorboard};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use srvae_training::data::{self, Data, Kept, Reader, Source};
use srvae_training::ranks::{Mark, agree, data_mark};
use srvae_training::spec::Spec;
use srvae_training::terminal::{note, out, table};
use srvae_training::train::{
    Activity, Checkpoint, Config, End, Header, Parts, RunFolder, ScheduleKind, Trainer, interrupt,
};
use srvae_training::{Compiled, Device};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub fn run(models: &'static [Compiled], args: &Train) -> Result<ExitCode> {
    let device = device::choose(&args.common)?;
    // Rank 0 alone need see the run folder.
    let folder = ranks::decide(args.file.is_dir())?;
    let outcome = if args.resume || folder {
        resume(models, args, folder, &device)?
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

/// What is to be trained, on what, how.
pub struct Plan {
    pub spec: Spec,
    pub data: Data,
    pub source: String,
    pub config: Config,
}

/// What a run came to.
pub struct Outcome {
    pub folder: RunFolder,
    pub end: End,
    pub model: String,
    pub parameters: usize,
    pub steps: usize,
    pub seconds: f64,
    pub images_per_second: f64,
    /// Of the three below: bits/dim, or nats where no images are observed.
    pub unit: &'static str,
    /// What records are called.
    pub records: &'static str,
    /// Of the test pictures, by a single sample.
    pub before: Option<f64>,
    pub after: Option<f64>,
    pub best: Option<f64>,
    /// Updates that were left out.
    pub skipped: usize,
    pub activity: Vec<Activity>,
}

/// Decides what the command line leaves open, and says what it decided.
///
/// # Errors
/// A model or data that is not there or does not fit.
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
    let mut config = Config { split: data.split.unwrap_or_default(), ..Config::default() };
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

/// Trains into a new run folder. What lies there is not touched before the model is built, initialised and evaluated.
///
/// # Errors
/// A folder that is not for this run, too little memory, and those of [`Trainer::run`].
pub fn fresh(plan: &Plan, out: Option<&Path>, device: &Device) -> Result<Outcome> {
    interrupt::listen();
    let ranks = ranks::all();
    let root = out.map_or_else(|| unused(&plan.spec.name), Path::to_owned);
    let checked = if ranks.leads() { RunFolder::check(&root) } else { Ok(()) };
    agree(ranks, checked.and_then(|()| check_memory(plan, device)))?;
    check_same(plan)?;
    let folder = RunFolder::at(&root);
    let config = plan.config.clone();
    let mut trainer = Trainer::new_on(ranks, &plan.spec, &plan.data, &plan.source, config, folder, device)?;
    announce(&trainer, plan, device);
    trainer.begin()?;
    let settings = settings(&trainer, plan, device)?;
    let begun = if ranks.leads() { begin(&root, plan, &settings) } else { Ok(RunFolder::at(&root)) };
    let folder = agree(ranks, begun)?;
    trainer.set_folder(folder.clone());
    finish(&mut trainer, plan, folder, &settings)
}

/// The run folder with what a run has from its start.
fn begin(root: &Path, plan: &Plan, settings: &Value) -> Result<RunFolder> {
    let (folder, moved) = RunFolder::create(root)?;
    if let Some(moved) = moved {
        note(&format!("{} held another run, which is now {}", root.display(), moved.display()));
    }
    // The recipe first: by it a start that was killed here is known.
    srvae_training::files::write(&folder.recipe(), recipe::text(plan)?.as_bytes())?;
    srvae_training::files::write(&folder.source(), plan.spec.source.as_bytes())?;
    write_json(&folder.config(), settings)?;
    Ok(folder)
}

/// Refuses to train where the ranks were given different work.
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
        data_mark("training data", &data.train),
        data_mark("validation data", &data.validation),
        data_mark("test data", &data.test),
    ])
}

fn resume(models: &'static [Compiled], args: &Train, is_folder: bool, device: &Device) -> Result<Outcome> {
    interrupt::listen();
    let root = match (&args.out, is_folder) {
        (Some(out), _) => out.clone(),
        (None, true) => args.file.clone(),
        (None, false) => bail!("--resume: which run? Give its folder, as FILE or with --out"),
    };
    let ranks = ranks::all();
    let folder = agree(ranks, if ranks.leads() { opened(&root) } else { Ok(RunFolder::at(&root)) })?;
    let bytes = ranks::file(&folder.last())?.unwrap_or_default();
    let split = ranks::file(&folder.split())?;
    let again = agree(ranks, again(models, args, is_folder, (&folder, &bytes, split), device))?;
    let Again { plan, checkpoint, changed } = again;
    let header = &checkpoint.header;
    note(&format!("resuming from step {} of {}{}", header.progress.step, plan.config.steps, changes::say(&changed)));
    agree(ranks, check_memory(&plan, device))?;
    check_same(&plan)?;
    let config = plan.config.clone();
    let mut trainer = Trainer::resume_on(ranks, &plan.spec, &plan.data, &checkpoint, config, folder.clone(), device)?;
    announce(&trainer, &plan, device);
    let settings = settings(&trainer, &plan, device)?;
    if ranks.leads() {
        changes::record(&folder, header.progress.step, &changed, &settings)?;
    }
    finish(&mut trainer, &plan, folder, &settings)
}

/// The folder of a run that can go on, locked.
fn opened(root: &Path) -> Result<RunFolder> {
    let folder = RunFolder::at(root);
    if !folder.last().exists() {
        bail!("{}: nothing to resume: this folder has no checkpoints/last.safetensors", root.display());
    }
    folder.check_writable()?;
    folder.locked()
}

/// A run that is to go on.
struct Again {
    plan: Plan,
    checkpoint: Checkpoint,
    changed: Vec<changes::Change>,
}

/// What a run goes on with, of the bytes of its checkpoint and of what it kept of its data.
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
    // Of the file nothing but comments and spacing can have changed; the run keeps what it began with.
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

/// Refuses a batch that does not fit into memory, before anything is computed.
fn check_memory(plan: &Plan, device: &Device) -> Result<()> {
    if !device.is_cpu() {
        return Ok(());
    }
    // What is computed at once.
    let Config { batch, micro_batch, samples, .. } = plan.config;
    let (option, batch) = micro_batch.map_or(("--batch", batch), |micro| ("--micro-batch", micro));
    let memory = compiler::memory(&plan.spec)?;
    let fits = memory.largest_batch(machine::memory().unwrap_or(u64::MAX)) / samples as u64;
    let advice = match fits {
        0 => "take a smaller model (--preset, --set) or fewer --samples".to_owned(),
        fits => format!("{option} {fits} should fit"),
    };
    let bytes = memory.training((batch as u64).saturating_mul(samples as u64));
    let samples = if samples > 1 { format!(" and --samples {samples}") } else { String::new() };
    machine::check_memory(&format!("training with {option} {batch}{samples}"), bytes as f64, &advice)
}

/// The data a run began with, from where they lie now.
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

/// Refuses to go on with another model than the run's, before anything is compiled.
fn same_model(models: &'static [Compiled], checkpoint: &Checkpoint, args: &Train, folder: &RunFolder) -> Result<()> {
    let (path, text) = models::named(models, &args.file)?;
    let (model, settings) = compiler::settings(&path, &text, &args.model)?;
    // Parameters that are not given are the run's own.
    let given = args.model.preset.is_some() || !args.model.set.is_empty();
    let settings = if given { &settings } else { &checkpoint.header.settings };
    checkpoint.check_model(&model, &text, settings, &folder.last())
}

/// What is trained on what, in one line.
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
        device::name(device),
    ));
}

/// What `config.json` says of a run at its start.
fn settings(trainer: &Trainer<'_>, plan: &Plan, device: &Device) -> Result<Value> {
    let settings = plan.spec.settings.iter().map(|(name, value)| Ok((name.clone(), serde_json::to_value(value)?)));
    Ok(json!({
        "model": plan.spec.name,
        "preset": plan.spec.preset,
        "settings": settings.collect::<Result<serde_json::Map<_, _>>>()?,
        "parameters": trainer.model().params().count(),
        "data": session::data_name(&plan.source),
        "data_source": plan.source,
        "device": device::name(device),
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

impl Outcome {
    pub fn json(&self) -> Value {
        json!({
            "run": self.folder.root(),
            "model": self.model,
            "parameters": self.parameters,
            "steps": self.steps,
            "seconds": self.seconds,
            "images_per_s": self.images_per_second,
            "unit": self.unit,
            "test_before": self.before,
            "test_after": self.after,
            "validation_best": self.best,
            "skipped_updates": self.skipped,
            "units": Activity::json(&self.activity),
            "ended": match self.end {
                End::Done => "done",
                End::Patience => "patience",
                End::Time => "time",
                End::Interrupted => "interrupted",
            },
        })
    }

    /// For people.
    pub fn table(&self) -> String {
        let bits = |name: &str, value: Option<f64>| {
            value.map(|value| vec![name.to_owned(), format!("{value:.4}"), self.unit.into()])
        };
        let mut rows: Vec<Vec<String>> =
            [bits("test before", self.before), bits("test after", self.after), bits("validation, best", self.best)]
                .into_iter()
                .flatten()
                .collect();
        for Activity { latent, active, units } in &self.activity {
            rows.push(vec![format!("units of {latent}"), active.to_string(), format!("of {units} active")]);
        }
        if self.skipped > 0 {
            rows.push(vec!["updates skipped".into(), self.skipped.to_string(), format!("of {}", self.steps)]);
        }
        rows.push(vec![
            "training".into(),
            format!("{:.1}", self.images_per_second),
            format!("{}/s, {:.0} s", self.records, self.seconds),
        ]);
        format!("{}\n  run folder: {}", table(&rows), self.folder.root().display())
    }
}

fn apply(config: &mut Config, args: &TrainArgs, pictures: usize) -> Result<()> {
    fn set<T: Copy>(slot: &mut T, given: Option<T>) {
        *slot = given.unwrap_or(*slot);
    }
    set(&mut config.batch, args.batch);
    if let Some(epochs) = args.epochs {
        config.steps = ((epochs * pictures as f64 / config.batch as f64).round() as usize).max(1);
    }
    set(&mut config.steps, args.steps);
    set(&mut config.seed, args.seed);
    set(&mut config.init_images, args.init_images);
    set(&mut config.schedule.rate, args.lr);
    if let Some(kind) = args.schedule {
        config.schedule.kind = match kind {
            ScheduleChoice::Exponential => ScheduleKind::Exponential,
            ScheduleChoice::Cosine => ScheduleKind::Cosine,
            ScheduleChoice::Constant => ScheduleKind::Constant,
        };
    }
    set(&mut config.samples, args.samples);
    set(&mut config.augment, args.augment);
    set(&mut config.warm_up, args.warm_up);
    set(&mut config.free_nats, args.free_nats);
    set(&mut config.graph, args.graph);
    set(&mut config.validation_images, args.validation_images);
    config.clip = args.clip.or(config.clip);
    config.skip_above = args.skip_above.or(config.skip_above);
    set(&mut config.skip_limit, args.skip_limit);
    config.average = args.average.or(config.average);
    config.patience = args.patience.or(config.patience);
    config.minutes = args.minutes.or(config.minutes);
    set(&mut config.validate_every, args.validate_every);
    set(&mut config.checkpoint_every, args.checkpoint_every);
    config.micro_batch = args.micro_batch.or(config.micro_batch);
    let ranks = ranks::all().size();
    if ranks > 1 && config.micro_batch.is_none() {
        config.micro_batch = Some(Parts::usual(config.batch, ranks)?);
    }
    if let Some(micro) = config.micro_batch {
        Parts::new(config.batch, micro, 0, ranks)?;
    }
    Ok(())
}

/// Six looks at a short run, one in a thousand steps at a long one. A resumed run keeps the rhythm it began with.
fn rhythm(config: &mut Config, args: &TrainArgs) {
    config.validate_every = args.validate_every.unwrap_or((config.steps / 6).clamp(1, 1000));
    config.checkpoint_every = args.checkpoint_every.unwrap_or(config.validate_every.min(200));
}

/// A folder below `runs/` that is not there yet.
fn unused(name: &str) -> PathBuf {
    let numbered = |number: u32| PathBuf::from("runs").join(format!("{name}-{number}"));
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| PathBuf::from("runs").join(name))
}

/// The text of a JSON object in a file.
///
/// # Errors
/// A place that cannot be written to.
pub fn write_json(path: &Path, value: &Value) -> Result<()> {
    srvae_training::files::write(path, format!("{value:#}\n").as_bytes()).context("the result could not be saved")
}
