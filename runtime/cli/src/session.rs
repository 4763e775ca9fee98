//! A trained model, opened from its run folder or a checkpoint file.

use super::args::{DataArgs, RunArgs, Which};
use super::models::{self, Found};
use super::{compiler, machine, pretrained, ranks};
use anyhow::{Context, Result, bail};
use srvae_dsl::plan::Plan;
use srvae_interpreter::Interpreted;
use srvae_training::data::{self, Choice, Kept, PartName, Place, Records, Source};
use srvae_training::eval::ROWS;
use srvae_training::figures::Options;
use srvae_training::ranks::agree;
use srvae_training::spec::Spec;
use srvae_training::train::{Checkpoint, Header, RunFolder, differences, restore, same_model};
use srvae_training::{Compiled, DType, Decode, Device, Mode, Model, Params};
use std::path::{Path, PathBuf};

/// A model with trained parameters, and their origin.
pub struct Session {
    pub spec: Spec,
    pub header: Header,
    pub model: Box<dyn Model>,
    /// The folder of the run. For a checkpoint file outside of a run, the file's folder.
    pub folder: RunFolder,
    pub checkpoint: PathBuf,
    /// The bytes of the run's `split.json`.
    split: Option<Vec<u8>>,
}

impl Session {
    /// # Errors
    /// A missing or damaged checkpoint, or one of a model that is not compiled in.
    pub fn open(models: &'static [Compiled], args: &RunArgs, device: &Device) -> Result<Self> {
        let ranks = ranks::all();
        let Some(run) = args.run.as_deref() else {
            return agree(ranks, Self::pretrained(models, device));
        };
        // Only rank 0 needs access to the run folder.
        let found = match ranks.leads() {
            true => locate(run, args.checkpoint),
            false => Ok((RunFolder::at(run), run.to_owned())),
        };
        let (folder, checkpoint) = agree(ranks, found)?;
        let bytes = ranks::file(&checkpoint)?.with_context(|| format!("{}: no such file", checkpoint.display()))?;
        let split = ranks::file(&folder.split())?;
        let file = agree(ranks, Checkpoint::parse(&bytes, &checkpoint, device))?;
        agree(ranks, if ranks.leads() { check_folder(&folder, &checkpoint, &file.header) } else { Ok(()) })?;
        agree(ranks, Self::load(models, (folder, checkpoint), file, split, device))
    }

    /// The built-in weights. Without --out, results go to a folder `pretrained`.
    fn pretrained(models: &'static [Compiled], device: &Device) -> Result<Self> {
        let place = PathBuf::from(pretrained::NAME);
        let file = Checkpoint::parse(pretrained::bytes()?, &place, device)?;
        pretrained::check_model(models, &file)?;
        Self::load(models, (RunFolder::at("pretrained"), place), file, None, device)
    }

    fn load(
        models: &'static [Compiled],
        (folder, checkpoint): (RunFolder, PathBuf),
        file: Checkpoint,
        split: Option<Vec<u8>>,
        device: &Device,
    ) -> Result<Self> {
        let spec = spec_of(models, &file.header, &folder.source())?;
        compiler::check_header(&spec, file.elements("param"), &checkpoint)?;
        let params = Params::new(file.header.config.seed, DType::F32, device);
        let model = spec.build(&params)?;
        let average = file.group("average");
        let values = if average.is_empty() { file.group("param") } else { average };
        restore(&params, &values, &checkpoint.display().to_string())?;
        finite(&params, &checkpoint)?;
        params.set_phase(srvae_training::params::Phase::Inference);
        Ok(Self { spec, header: file.header, model, folder, checkpoint, split })
    }

    /// The mode that draws all other variables given these. If it was not compiled, it is derived now, and the model is
    /// interpreted from here on, with the same bits.
    ///
    /// # Errors
    /// An unknown variable, the reason why the mode does not exist, or a network in Rust, which cannot be interpreted.
    pub fn condition(&mut self, names: &[&str]) -> Result<Mode> {
        let (plan, name) = compiler::conditioned(&self.spec, names)?;
        let known = |model: &dyn Model| model.modes().iter().find(|mode| mode.name == name).copied();
        if let Some(mode) = known(self.model.as_ref()) {
            return Ok(mode);
        }
        self.interpret(plan)
            .with_context(|| format!("the mode that is given {} is not compiled in", names.join(" and ")))?;
        known(self.model.as_ref()).with_context(|| format!("model {} has no mode {name}", self.spec.name))
    }

    /// The model for records with this number of steps, interpreted from here on. The steps share their parameters.
    ///
    /// # Errors
    /// A model without sequences, too many steps, or a network in Rust, which cannot be interpreted.
    pub fn at_length(&mut self, steps: usize) -> Result<()> {
        let (spec, plan) = compiler::at_length(&self.spec, steps)?;
        self.interpret(plan)?;
        self.spec = spec;
        Ok(())
    }

    /// Continues with another plan and the same parameters.
    fn interpret(&mut self, plan: Plan) -> Result<()> {
        let own = self.model.params();
        let params = Params::new(self.header.config.seed, DType::F32, own.device());
        let model = Interpreted::new(plan, &params)?;
        let values = own.entries().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect();
        restore(&params, &values, &self.checkpoint.display().to_string())?;
        params.set_phase(srvae_training::params::Phase::Inference);
        self.model = Box::new(model);
        Ok(())
    }

    /// The name of this run: that of its folder.
    pub fn name(&self) -> String {
        let folder = self.folder.root().file_name().unwrap_or_default().to_string_lossy().into_owned();
        if folder.is_empty() { self.spec.name.clone() } else { folder }
    }

    /// The name of the data in the arguments, otherwise of the run's data.
    pub fn data_name(&self, args: &DataArgs) -> String {
        data_name(&args.source().unwrap_or_else(|| self.header.data.clone()))
    }

    /// Refuses to compute more rows (samples of records) at once than memory allows.
    ///
    /// # Errors
    /// Too little memory, with the numbers.
    pub fn check_rows(&self, rows: usize, advice: &str) -> Result<()> {
        if !self.model.params().device().is_cpu() {
            return Ok(());
        }
        let bytes = compiler::memory(&self.spec)?.evaluation(rows as u64);
        machine::check_memory(&format!("evaluating {rows} samples at once"), bytes as f64, advice)
    }

    /// The default number of rows (records times samples) that evaluation computes at once.
    ///
    /// # Errors
    /// A model that no longer compiles.
    pub fn rows_at_once(&self) -> Result<usize> {
        match self.model.params().device().is_cpu() {
            true => Ok(compiler::memory(&self.spec)?.rows_at_once().min(ROWS as u64) as usize),
            false => Ok(ROWS),
        }
    }

    /// The title of a sheet of this model's images.
    pub fn title(&self, mode: &str, options: &Options) -> String {
        let step = self.header.progress.step;
        let (mode, seed) = (mode.replace('_', " "), options.seed);
        let decode = decode_text(options.draw.decode);
        let temperature = match options.draw.temperature {
            1.0 => String::new(),
            temperature => format!(", temperature {temperature}"),
        };
        format!("{}, step {step}: {mode}, {decode}{temperature}, seed {seed}", self.spec.name)
    }

    /// The description of the run's data. None for built-in data.
    ///
    /// # Errors
    /// A damaged file.
    pub fn kept(&self) -> Result<Option<Kept>> {
        self.split.as_deref().map(|bytes| Kept::parse(bytes, &self.folder.split())).transpose()
    }

    /// The source of the data in the arguments, otherwise of the run's data.
    fn source(&self, args: &DataArgs, kept: Option<&Kept>) -> Result<Source> {
        let own = kept.map_or(&self.header.data, |kept| &kept.source);
        Source::parse(&args.source().unwrap_or_else(|| own.clone()))
    }

    /// The test records to evaluate or show, as [`Session::records`] selects them.
    ///
    /// # Errors
    /// Those of [`Session::records`].
    pub fn test(&self, args: &DataArgs, most: Option<usize>) -> Result<(String, Records)> {
        self.records(args, None, most)
    }

    /// The records of a part, and the name of their data: of the run's own data as the run divides them, or of the data
    /// in the arguments. Without a part the test records, or all records of other data without a test part. At most
    /// this number, at random.
    ///
    /// # Errors
    /// Data that cannot be loaded, or a part that they do not have.
    pub fn records(&self, args: &DataArgs, part: Option<PartName>, most: Option<usize>) -> Result<(String, Records)> {
        let kept = self.kept()?;
        let source = self.source(args, kept.as_ref())?;
        // A checkpoint without its run's split.json divides the data as the run did.
        let lost = args.data.is_none() && kept.is_none() && source.place != Place::Builtin;
        let split = args.split.or_else(|| lost.then_some(self.header.config.split));
        let found = data::choose(&source, &self.spec, kept.as_ref(), Choice { part, split, most });
        if args.data.is_none() { found.with_context(moved) } else { found }
    }
}

fn moved() -> String {
    "cannot open the run's data (--data gives their place if they were moved)".to_owned()
}

/// The name of a data set in all output: the last part of its path.
pub fn data_name(source: &str) -> String {
    let whole = Source::parse(source).map_or_else(|_| source.to_owned(), |source| source.to_string());
    Path::new(&whole).file_name().map_or(whole.clone(), |name| name.to_string_lossy().into_owned())
}

/// The decoding of a likelihood, for a title.
pub fn decode_text(decode: Decode) -> &'static str {
    match decode {
        Decode::Sample => "sampled pixels",
        Decode::Mean => "mean pixels",
        Decode::Mode => "likeliest pixels",
    }
}

/// Refuses a checkpoint of another model than that of its run folder. A file that is not in a run folder is not compared.
///
/// # Errors
/// The statements that differ, or a `model.pgm` that cannot be read.
pub fn check_folder(folder: &RunFolder, checkpoint: &Path, header: &Header) -> Result<()> {
    let path = folder.source();
    if !folder.holds_a_run() || !path.exists() {
        return Ok(());
    }
    let text = models::read(&path)?;
    if same_model(&header.source, &text) {
        return Ok(());
    }
    let mut found: Vec<String> = differences(&header.source, &text).iter().map(ToString::to_string).collect();
    if found.is_empty() {
        found.push("the order of the statements".to_owned());
    }
    bail!(
        "{}: this checkpoint is not of the model in {}:\n  {}\n(there: the checkpoint, here: the file) restore the one \
         that was changed",
        checkpoint.display(),
        path.display(),
        found.join("\n  ")
    );
}

/// Refuses parameters that are not finite.
fn finite(params: &Params, checkpoint: &Path) -> Result<()> {
    for (name, var) in params.entries() {
        let sum = var.abs()?.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            bail!("{}: {name} has values that are not numbers; use another checkpoint", checkpoint.display());
        }
    }
    Ok(())
}

/// The model of a checkpoint, at its parameter values.
///
/// # Errors
/// A model that is not compiled in.
pub fn spec_of(models: &'static [Compiled], header: &Header, path: &Path) -> Result<Spec> {
    let Found { builder, .. } = models::of_text(models, path, &header.source)?;
    Ok(Spec {
        name: header.model.clone(),
        source: header.source.clone(),
        preset: header.preset.clone(),
        settings: header.settings.clone(),
        variables: header.variables.clone(),
        builder,
    })
}

/// Settings as one line.
pub fn show_settings(spec: &Spec) -> String {
    let pairs: Vec<String> = spec.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

fn locate(run: &Path, which: Which) -> Result<(RunFolder, PathBuf)> {
    if run.is_file() {
        let parent = run.parent().unwrap_or(Path::new("."));
        let root =
            if parent.file_name().is_some_and(|name| name == "checkpoints") { parent.parent() } else { Some(parent) };
        return Ok((RunFolder::at(root.unwrap_or(parent)), run.to_owned()));
    }
    if !run.exists() {
        bail!("{}: no such run folder or checkpoint; `srvae-run train FILE --out {0}` creates one", run.display());
    }
    let folder = RunFolder::at(run);
    let wanted = match which {
        Which::Best if folder.best().exists() => folder.best(),
        _ => folder.last(),
    };
    if !wanted.exists() {
        bail!("{}: no checkpoint in this folder; a run folder has checkpoints/last.safetensors", run.display());
    }
    Ok((folder, wanted))
}
