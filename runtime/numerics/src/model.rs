//! The trait between generated code and everything that trains, evaluates and draws from a model.

use crate::flow::Bijector;
use crate::{Added, Moment, Noise, Params, Result, Tensor, Weight};
use std::sync::Arc;

/// A compiled model with its parameters.
///
/// Tensors are batched first: `[batch, …]`. Where a call draws `samples` = K values an image, the batch is K·B with the
/// sample index the slow one (row k·B + b).
pub trait Model: Send {
    /// The parameters the model was built with.
    fn params(&self) -> &Params;

    /// The bound, term by term, for one batch of data: a tensor for each observed and each given variable. Which records have a
    /// partly observed one says the value under [`Values::presence_of`] its name.
    ///
    /// # Errors
    /// A variable missing in `data`, a shape that does not fit, or a failed tensor operation.
    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> Result<Terms>;

    /// Sets scale and bias of every weight-normalised layer from what passes through it, for one batch of data: where
    /// training begins. A model that goes on from saved parameters needs none.
    ///
    /// # Errors
    /// Those of [`Model::bound`].
    fn initialise(&self, data: &Values, noise: &mut Noise) -> Result<()> {
        self.params().initialisation(|| self.bound(data, noise, &BoundOptions::default())).map(drop)
    }

    /// How the terms count in training, those that the file weights.
    fn weights(&self) -> Vec<Weight> {
        Vec::new()
    }

    /// The terms as training takes them at a moment: by [`Model::weights`]. What is reported as a bound or a likelihood is
    /// always made of [`Model::bound`]'s terms, which stay as they are.
    ///
    /// # Errors
    /// A failed tensor operation.
    fn objective(&self, terms: &Terms, at: Moment) -> Result<Terms> {
        terms.weighted(&self.weights(), at)
    }

    /// The modes the graph allows, in the order the compiler prints them.
    fn modes(&self) -> &[Mode];

    /// The flows over the model's factors, in the order of the factors.
    fn flows(&self) -> Vec<Flow<'_>> {
        Vec::new()
    }

    /// Runs a mode. `given` holds the mode's given variables; `count` is the number of rows to draw in all, where something is
    /// given a multiple of its rows (row k·B + b is draw k for record b).
    /// Returns every variable that the mode yields.
    ///
    /// # Errors
    /// An unknown mode, a variable missing in `given`, or a failed tensor operation.
    fn run(&self, mode: &str, given: &Values, count: usize, noise: &mut Noise, draw: &Draw) -> Result<Values>;
}

/// A model that was compiled into this program: what `model!` leaves behind for the command line.
#[derive(Debug, Clone, Copy)]
pub struct Compiled {
    /// The name in the file.
    pub name: &'static str,
    /// The file the model was compiled from, relative to its crate.
    pub path: &'static str,
    /// The text it was compiled from.
    pub source: &'static str,
    /// Parameters that decide how many members families have, with the values that the code is for.
    pub sizes: &'static [(&'static str, i64)],
    /// Builds the model at the given settings; what `settings` does not name keeps its default.
    pub build: fn(settings: &Settings, params: &Params) -> Result<Box<dyn Model>>,
}

impl Compiled {
    /// Whether the code is for these settings: its families have as many members.
    pub fn fits(&self, settings: &Settings) -> bool {
        let is_other = |(name, value): &(String, Setting)| {
            self.sizes.iter().any(|(size, compiled)| size == name && *value != Setting::Int(*compiled))
        };
        !settings.iter().any(is_other)
    }
}

/// What makes a model of settings and parameters: compiled code, or a program to be interpreted.
#[derive(Clone)]
pub struct Builder(Arc<dyn Fn(&Settings, &Params) -> Result<Box<dyn Model>> + Send + Sync>);

impl Builder {
    pub fn new(build: impl Fn(&Settings, &Params) -> Result<Box<dyn Model>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(build))
    }

    /// The model at the given settings, its parameters new in `params`; what `settings` does not name keeps its default.
    ///
    /// # Errors
    /// Settings that the model does not have, or shapes that do not fit at them.
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
    /// As the command line writes it: `generation`, `reconstruction`, `generative_reconstruction`,
    /// `conditional_generation`, with `_NAME` after it where several differ.
    pub name: &'static str,
    /// Variables the caller gives.
    pub given: &'static [&'static str],
    /// Variables the mode yields, in the order they are computed; the observed ones last.
    pub yields: &'static [&'static str],
}

/// A flow over one of a model's factors.
pub struct Flow<'m> {
    /// `p(u)`, `q(z | x)`: the factor as the file writes it.
    pub factor: &'m str,
    /// The block's name in the language.
    pub name: &'static str,
    /// Of what it stands over, without the batch: the variable, or what other flows leave of it.
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

    /// Adds a variable's value, or replaces it.
    pub fn insert(&mut self, name: &str, value: Tensor) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The same, for building in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, value: Tensor) -> Self {
        self.insert(name, value);
        self
    }

    /// # Errors
    /// No value under this name; the message lists those there are.
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

/// How the bound is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundOptions {
    /// Samples of the latents an image: K.
    pub samples: usize,
    /// How KL terms are computed.
    pub kl: KlEstimator,
}

impl Default for BoundOptions {
    /// One sample, KL terms as the compiler derived them.
    fn default() -> Self {
        Self { samples: 1, kl: KlEstimator::Derived }
    }
}

impl BoundOptions {
    /// K samples an image with every term a function of the sample, so that the rows of [`Terms::log_weights`] are
    /// importance weights.
    pub fn importance(samples: usize) -> Self {
        Self { samples, kl: KlEstimator::MonteCarlo }
    }
}

/// How KL terms are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KlEstimator {
    /// As the compiler derived it: in closed form where the graph proves it valid.
    Derived,
    /// log q − log p at the sample, everywhere.
    MonteCarlo,
}

/// How a mode draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// Scales the standard deviation of every continuous latent: 1 is the model's own.
    pub temperature: f64,
    /// How a likelihood's parameters become a value.
    pub decode: Decode,
    /// In top reconstruction: levels of the hierarchy that are drawn from q, the top ones; all of them where none are asked for.
    pub top: Option<usize>,
}

impl Default for Draw {
    fn default() -> Self {
        Self { temperature: 1.0, decode: Decode::Sample, top: None }
    }
}

/// How the parameters of a likelihood become a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// A draw from the distribution.
    Sample,
    /// Its mean: grey where a pixel may be black or white.
    Mean,
    /// Its mode, or what the field takes for it (the mean of the likeliest mixture component).
    Mode,
}

/// The terms of the bound for one batch: bound = Σ reconstruction − Σ KL.
#[derive(Debug, Clone)]
pub struct Terms {
    /// In the order the compiler prints them.
    pub terms: Vec<Term>,
    /// ln q of each latent that is drawn by its score (`draw y = score`), at its draws, `[K, B]`: [`Terms::score`] makes a
    /// gradient of them.
    pub scores: Vec<Tensor>,
    /// What training maximises besides the bound; no part of any bound or likelihood.
    pub added: Vec<Added>,
}

/// One term of the bound.
#[derive(Debug, Clone)]
pub struct Term {
    /// `RE_x`, `KL_z`, …
    pub name: &'static str,
    pub kind: TermKind,
    /// Nats, `[K, B]`.
    pub value: Tensor,
}

/// The sign a term enters the bound with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermKind {
    /// log p of an observed variable, or of a latent that q determines: added.
    Reconstruction,
    /// KL(q ‖ p), exact or log q − log p at the sample: subtracted.
    Kl,
}

impl Terms {
    /// What is to be added to an objective of these draws, `[B]`: 0, with the gradient that the objective has through how the
    /// discrete draws are distributed. `gain`, `[K, B]`, is what each draw adds to the objective; with `importance` the
    /// objective is ln (1/K) Σ_k exp gain_k, else the mean over k. None where nothing is drawn by its score.
    ///
    /// The baseline of a draw is made of the other samples of its record, or with one sample of the other records, so the
    /// gradient is unbiased; see [`crate::dist::through::score`].
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn score(&self, gain: &Tensor, importance: bool) -> Result<Option<Tensor>> {
        let mut scores = self.scores.iter();
        let Some(first) = scores.next() else { return Ok(None) };
        let log_q = scores.try_fold(first.clone(), |sum, score| sum + score)?;
        Ok(Some(crate::dist::through::score(&log_q, gain, importance)?))
    }

    /// The bound for each sample and image, nats, `[K, B]`.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn log_weights(&self) -> Result<Tensor> {
        let mut total: Option<Tensor> = None;
        for term in &self.terms {
            let signed = match term.kind {
                TermKind::Reconstruction => term.value.clone(),
                TermKind::Kl => term.value.neg()?,
            };
            total = Some(match total {
                Some(sum) => (sum + signed)?,
                None => signed,
            });
        }
        total.ok_or_else(|| candle_core::Error::Msg("a bound without terms".into()))
    }
}
