//! Checkpoints: one safetensors file with everything that is needed to resume a run, and a JSON header that describes
//! it.

mod sane;

use super::Config;
use super::difference::differences;
use crate::spec::{Spec, Variable};
use crate::terminal::note;
use crate::{DType, Device, Params, Settings, Tensor, tensors};
use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The key of the header among the file's metadata.
const HEADER: &str = "srvae";
/// The version of the format. Since 2, with a checksum of the whole file.
const FORMAT: u32 = 2;
/// The largest number in 16 bits.
const LARGEST_HALF: f32 = 65504.0;

/// The groups of tensors.
const GROUPS: [&str; 3] = ["param", "optimiser", "average"];

/// The header of a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    pub model: String,
    /// The text of the model file.
    pub source: String,
    pub preset: Option<String>,
    /// The value of every parameter of the model file.
    pub settings: Settings,
    pub variables: Vec<Variable>,
    pub config: Config,
    /// The value of `--data`.
    pub data: String,
    pub progress: Progress,
}

impl Header {
    pub fn new(spec: &Spec, config: &Config, data: &str, progress: Progress) -> Self {
        Self {
            format: FORMAT,
            model: spec.name.clone(),
            source: spec.source.clone(),
            preset: spec.preset.clone(),
            settings: spec.settings.clone(),
            variables: spec.variables.clone(),
            config: config.clone(),
            data: data.to_owned(),
            progress,
        }
    }
}

/// The progress of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The number of steps so far.
    pub step: usize,
    /// The position in the data order.
    pub order: u64,
    /// Seed and counter of the noise.
    pub noise: (u64, u64),
    /// Validation bits/dim: the best so far, its step, and the number of validations since.
    pub best: Option<f64>,
    pub best_step: usize,
    pub since_best: usize,
    /// The step of the last validation.
    #[serde(default)]
    pub validated: usize,
    /// Test bits/dim before the first step.
    pub before: Option<f64>,
    /// The number of skipped updates, in total and in a row.
    #[serde(default)]
    pub skipped: usize,
    #[serde(default)]
    pub skipped_in_a_row: usize,
}

/// A checkpoint after reading.
#[derive(Debug)]
pub struct Checkpoint {
    pub header: Header,
    tensors: BTreeMap<String, Tensor>,
}

impl Checkpoint {
    /// Creates a checkpoint. Its groups are `param`, `optimiser` and `average`.
    pub fn new(header: Header) -> Self {
        Self { header, tensors: BTreeMap::new() }
    }

    /// Adds tensors as `group/name`.
    pub fn add(&mut self, group: &str, tensors: impl IntoIterator<Item = (String, Tensor)>) {
        self.tensors.extend(tensors.into_iter().map(|(name, tensor)| (format!("{group}/{name}"), tensor)));
    }

    /// Only the weights, in 16 bits each, for distribution. The data of the run are replaced by the built-in data,
    /// because other users do not have them.
    ///
    /// # Errors
    /// A weight beyond ±65504, the largest number in 16 bits.
    pub fn halved(header: Header, params: &Params) -> Result<Self> {
        let mut file = Self::new(Header { data: "builtin".into(), ..header });
        for (name, var) in params.entries() {
            let largest = var.abs()?.flatten_all()?.max(0)?.to_dtype(DType::F32)?.to_scalar::<f32>()?;
            ensure!(largest <= LARGEST_HALF, "{name} has a weight of size {largest}, more than {LARGEST_HALF}");
            file.add("param", [(name, var.to_dtype(DType::F16)?.to_device(&Device::Cpu)?.contiguous()?)]);
        }
        Ok(file)
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// A path that cannot be written, or a full disk. The previous file remains.
    pub fn save(&self, path: &Path) -> Result<()> {
        let header = serde_json::to_string(&self.header)?;
        let bytes = tensors::write(&self.tensors, &BTreeMap::from([(HEADER.to_owned(), header)]))
            .with_context(|| format!("{}: the checkpoint could not be written", path.display()))?;
        crate::files::write(path, &bytes)
    }

    /// # Errors
    /// A file that is missing, damaged, not a checkpoint of this program, or with an invalid header.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::parse(&crate::input::read(path)?, path, device)
    }

    /// Parses a file's bytes. `path` is used in messages.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn parse(bytes: &[u8], path: &Path, device: &Device) -> Result<Self> {
        let place = path.display();
        let file = tensors::read(bytes, device)
            .with_context(|| format!("{place}: the checkpoint is damaged, cut short, or not a safetensors file"))?;
        let header = header(&file, path)?;
        if !file.verified {
            note(&format!("{place}: written by an older version, without a checksum; damage would go unnoticed"));
        }
        let faults = sane::faults(&header);
        ensure!(
            faults.is_empty(),
            "{place}: the checkpoint's header is invalid; train again or use another checkpoint:\n  {}",
            faults.join("\n  ")
        );
        let mut tensors = BTreeMap::new();
        for (name, tensor) in file.tensors {
            let group = name.split_once('/').map_or("", |(group, _)| group);
            ensure!(
                GROUPS.contains(&group),
                "{place}: its tensor {name} is in none of the groups {}",
                GROUPS.join(", ")
            );
            let kind = tensor.dtype();
            ensure!(
                matches!(kind, DType::F32 | DType::F16),
                "{place}: its tensor {name} is {}; expected F32 or F16",
                kind.as_str().to_uppercase()
            );
            tensors.insert(name, tensor.to_dtype(DType::F32)?);
        }
        Ok(Self { header, tensors })
    }

    /// The total number of elements of a group.
    pub fn elements(&self, group: &str) -> usize {
        self.group(group).values().map(Tensor::elem_count).sum()
    }

    /// The tensors of a group, by name.
    pub fn group(&self, group: &str) -> BTreeMap<String, Tensor> {
        let prefix = format!("{group}/");
        let inside = self
            .tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone())));
        inside.collect()
    }

    /// Refuses a checkpoint of another model, with the statements that differ.
    ///
    /// # Errors
    /// Another name, other statements, or other settings.
    pub fn check_model(&self, name: &str, source: &str, settings: &Settings, path: &Path) -> Result<()> {
        let mut found = Vec::new();
        let same = self.header.model == name;
        if !same {
            found.push(format!("it is of model `{}`, this is `{name}`", self.header.model));
        }
        let texts = differences(&self.header.source, source);
        found.extend(texts.iter().filter(|difference| !difference.what.starts_with("model ")).map(ToString::to_string));
        for (name, value) in self.header.settings.iter().filter(|_| same) {
            match settings.iter().find(|(key, _)| key == name) {
                Some((_, now)) if now == value => {}
                Some((_, now)) => found.push(format!("{name} is {value} in the checkpoint and {now} here")),
                None => found.push(format!("it has a parameter `{name}`, which this model lacks")),
            }
        }
        ensure!(
            found.is_empty(),
            "{}: this checkpoint does not belong to the model:\n  {}\nuse the model it was made with, or train again \
             into another --out",
            path.display(),
            found.join("\n  ")
        );
        Ok(())
    }
}

fn header(file: &tensors::File, path: &Path) -> Result<Header> {
    let other = || format!("{}: not a checkpoint of this program", path.display());
    let text = file.about.get(HEADER).with_context(other)?;
    let header: Header = serde_json::from_str(text).with_context(other)?;
    ensure!(
        (1..=FORMAT).contains(&header.format),
        "{}: the checkpoint has format {}, this program reads 1 to {FORMAT}",
        path.display(),
        header.format
    );
    ensure!(
        header.format == 1 || file.verified,
        "{}: the checkpoint is damaged: it should have a checksum, and has none",
        path.display()
    );
    Ok(header)
}

/// Sets parameters to values.
///
/// # Errors
/// One message with all missing, unknown and misshapen values.
pub fn restore(params: &Params, values: &BTreeMap<String, Tensor>, place: &str) -> Result<()> {
    params.restore(values).map_err(|reason| anyhow!("{place}: {reason}"))
}
