//! The trait between generated code and the code that trains, evaluates and samples models.

use crate::flow::Bijector;
use crate::{Draw, Moment, Noise, Params, Result, Tensor, Terms, Weight};
use std::sync::Arc;

/// A model with its parameters.
///
/// The first dimension of tensors is the batch: `[batch, …]`. With K = `samples` values per image, the batch is K·B,
/// and the sample is the slow index (row k·B + b).
pub trait Model: Send {
    /// The parameters of the model.
    fn params(&self) -> &Params;

    /// The terms of the bound for one batch of data: a tensor for each observed and each given variable. The presences
    /// of a partly observed variable are the value with the name [`Values::presence_of`].
    ///
    /// # Errors
    /// A variable missing in `data`, a shape that does not fit, or a failed tensor operation.
    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> Result<Terms>;

    /// Whether the bound recomputes parts of itself in the backward pass, to save memory. It does so only while a
    /// [tape](crate::ops::tape::Tape) records.
    fn recomputes(&self) -> bool {
        false
    }

    /// Sets scale and bias of every weight-normalised layer from its outputs for one batch of data, before training. A
    /// model with loaded parameters does not need this.
    ///
    /// # Errors
    /// Those of [`Model::bound`].
    fn initialise(&self, data: &Values, noise: &mut Noise) -> Result<()> {
        self.params().initialisation(|| self.bound(data, noise, &BoundOptions::default())).map(drop)
    }

    /// The weights of the terms in training, for terms that the file weights.
    fn weights(&self) -> Vec<Weight> {
        Vec::new()
    }

    /// The terms of the training objective at a moment, weighted by [`Model::weights`]. Reported bounds and likelihoods
    /// are always computed from the unchanged terms of [`Model::bound`].
    ///
    /// # Errors
    /// A failed tensor operation.
    fn objective(&self, terms: &Terms, at: Moment) -> Result<Terms> {
        terms.weighted(&self.weights(), at)
    }

    /// The modes of the graph, in the compiler's order.
    fn modes(&self) -> &[Mode];

    /// The flows of the model's factors, in the order of the factors.
    fn flows(&self) -> Vec<Flow<'_>> {
        Vec::new()
    }

    /// Runs a mode. `given` contains the mode's evidence. `count` is the total number of rows to draw; with evidence it
    /// is a multiple of the evidence's rows (row k·B + b is draw k for record b). Returns every variable that the mode
    /// yields.
    ///
    /// # Errors
    /// An unknown mode, a variable missing in `given`, or a failed tensor operation.
    fn run(&self, mode: &str, given: &Values, count: usize, noise: &mut Noise, draw: &Draw) -> Result<Values>;
}

/// The description of a compiled model: the constant that `model!` defines for the command line.
#[derive(Debug, Clone, Copy)]
pub struct Compiled {
    /// The name in the file.
    pub name: &'static str,
    /// The file the model was compiled from, relative to its crate.
    pub path: &'static str,
    /// The text it was compiled from.
    pub source: &'static str,
    /// Parameters that determine the number of members of families, with their compiled values.
    pub sizes: &'static [(&'static str, i64)],
    /// Builds the model at the given settings. Settings that are not given have their defaults.
    pub build: fn(settings: &Settings, params: &Params) -> Result<Box<dyn Model>>,
}

impl Compiled {
    /// Whether the code is valid for these settings: the families have the same numbers of members.
    pub fn fits(&self, settings: &Settings) -> bool {
        let is_other = |(name, value): &(String, Setting)| {
            self.sizes.iter().any(|(size, compiled)| size == name && *value != Setting::Int(*compiled))
        };
        !settings.iter().any(is_other)
    }
}

/// Builds models from settings and parameters, from compiled code or by interpretation.
#[derive(Clone)]
pub struct Builder(Arc<dyn Fn(&Settings, &Params) -> Result<Box<dyn Model>> + Send + Sync>);

impl Builder {
    pub fn new(build: impl Fn(&Settings, &Params) -> Result<Box<dyn Model>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(build))
    }

    /// The model at the given settings, with new parameters in `params`. Settings that are not given have their
    /// defaults.
    ///
    /// # Errors
    /// Unknown settings, or shapes that do not fit.
    pub fn build(&self, settings: &Settings, params: &Params) -> Result<Box<dyn Model>> {
        (self.0)(settings, params)
    }
}

impl From<Compiled> for Builder {
    fn from(compiled: Compiled) -> Self {
        Self::new(compiled.build)
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Builder")
    }
}

/// Values of a model file's parameters, in the file's order.
pub type Settings = Vec<(String, Setting)>;

/// The value of one parameter.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Setting {
    Bool(bool),
    Int(i64),
    Real(f64),
    Word(String),
}

impl std::fmt::Display for Setting {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(out),
            Self::Int(value) => value.fmt(out),
            Self::Real(value) => value.fmt(out),
            Self::Word(value) => value.fmt(out),
        }
    }
}

/// A mode of inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// The name on the command line: `generation`, `reconstruction`, `generative_reconstruction`,
    /// `conditional_generation`, with `_NAME` appended if there are several.
    pub name: &'static str,
    /// The mode's evidence.
    pub given: &'static [&'static str],
    /// Those of the evidence that a record may lack: the draws for a record are given what it has. Their presences are given
    /// too ([`Values::presence_of`]).
    pub partly: &'static [&'static str],
    /// Those of these whose observed values are kept: q draws them in the records that lack them.
    pub completed: &'static [&'static str],
    /// The variables that the mode yields, in the order of computation, observed ones last.
    pub yields: &'static [&'static str],
}

/// A flow of one of a model's factors.
pub struct Flow<'m> {
    /// `p(u)`, `q(z | x)`: the factor as written in the file.
    pub factor: &'m str,
    /// The block's name in the language.
    pub name: &'static str,
    /// The shape of its value on the side of the variable, without the batch.
    pub shape: Vec<usize>,
    pub bijector: &'m dyn Bijector,
}

/// Tensors by variable name, in order.
#[derive(Debug, Clone, Default)]
pub struct Values(Vec<(String, Tensor)>);

impl Values {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a variable's value.
    pub fn insert(&mut self, name: &str, value: Tensor) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Adds a variable's value, for building in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, value: Tensor) -> Self {
        self.insert(name, value);
        self
    }

    /// # Errors
    /// No value with this name. The message lists the existing ones.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.find(name).ok_or_else(|| {
            let names: Vec<_> = self.0.iter().map(|(key, _)| key.as_str()).collect();
            candle_core::Error::Msg(format!("variable `{name}` has no value here; given: {}", names.join(", ")))
        })
    }

    pub fn find(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

/// Options of the bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundOptions {
    /// K, the number of samples of the latents per image.
    pub samples: usize,
    /// The estimator of KL terms.
    pub kl: KlEstimator,
}

impl Default for BoundOptions {
    /// One sample, with KL terms as derived by the compiler.
    fn default() -> Self {
        Self { samples: 1, kl: KlEstimator::Derived }
    }
}

impl BoundOptions {
    /// K samples per image, with every term evaluated at the sample, so that the rows of [`Terms::log_weights`] are
    /// importance weights.
    pub fn importance(samples: usize) -> Self {
        Self { samples, kl: KlEstimator::MonteCarlo }
    }
}

/// The estimator of KL terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KlEstimator {
    /// As derived by the compiler: in closed form where this is proven valid.
    Derived,
    /// log q − log p at the sample, for all terms.
    MonteCarlo,
}
