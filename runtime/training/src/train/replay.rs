//! A training step recorded as a CUDA graph and replayed.

use super::objective::{self, TermMeans};
use super::optimiser::Optimiser;
use super::{Config, gradients};
use crate::data::Records;
use crate::ops::cuda::graph::{self, Graph};
use crate::terminal::note;
use crate::{DType, Model, Moment, Noise, Tensor, TermKind, Values};
use anyhow::{Result, bail};
use gradients::Recording;

/// A training step with fixed device buffers for batch, rate and noise, and its recording as a CUDA graph. Without a
/// recording, its operations are launched one by one.
pub struct Replay {
    places: Places,
    /// The number of draws in a step.
    draws: u64,
    terms: Vec<(&'static str, TermKind)>,
    graph: Option<Graph>,
}

/// Device memory that the recorded step reads and writes.
struct Places {
    batch: Values,
    /// The learning rate, corrected for the bias of the mean.
    rate: Tensor,
    /// The number of draws before the step.
    number: Tensor,
    /// The mean of each term, and the squared norm of the gradient.
    found: Option<Tensor>,
}

impl Replay {
    /// Runs a step. The first one is recorded for later ones.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn take(
        kept: &mut Option<Self>,
        model: &dyn Model,
        batch: &Values,
        noise: &mut Noise,
        optimiser: &mut Optimiser,
        config: &Config,
        at: Moment,
    ) -> Result<()> {
        match kept {
            Some(replay) => replay.step(model, batch, noise, optimiser, config, at)?,
            None => *kept = Some(Self::begin(model, batch, noise, optimiser, config, at)?),
        }
        Ok(())
    }

    /// Runs a step and records it. Weights of terms are fixed to those of the moment `at`.
    ///
    /// # Errors
    /// A failed tensor operation. If only the recording fails, a line reports it and steps run without it.
    pub fn begin(
        model: &dyn Model,
        batch: &Values,
        noise: &mut Noise,
        optimiser: &mut Optimiser,
        config: &Config,
        at: Moment,
    ) -> Result<Self> {
        let device = model.params().device();
        let mut copies = Values::new();
        for (name, value) in batch.iter() {
            copies.insert(name, value.copy()?);
        }
        let mut places = Places {
            batch: copies,
            rate: Tensor::zeros(1, DType::F32, device)?,
            number: Tensor::zeros(1, DType::I64, device)?,
            found: None,
        };
        places.set(noise, optimiser, config.schedule.at(at.step, config.steps))?;
        let (mut draws, mut terms) = (0, Vec::new());
        let recorded = graph::record(device, || {
            let mut source = noise.numbered_from(&places.number);
            terms = places.work(model, &mut source, optimiser, config, at).map_err(candle_core::Error::wrap)?;
            draws = source.state().1 - noise.state().1;
            Ok(())
        })?;
        noise.skip(draws);
        model.params().touch();
        let graph =
            recorded.inspect_err(|reason| note(&format!("--graph: steps are not recorded, because {reason}"))).ok();
        Ok(Self { places, draws, terms, graph })
    }

    /// Runs the next step, on a batch of the same shapes.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn step(
        &mut self,
        model: &dyn Model,
        batch: &Values,
        noise: &mut Noise,
        optimiser: &mut Optimiser,
        config: &Config,
        at: Moment,
    ) -> Result<()> {
        for (name, value) in batch.iter() {
            self.places.batch.get(name)?.slice_set(&value.contiguous()?, 0, 0)?;
        }
        self.places.set(noise, optimiser, config.schedule.at(at.step, config.steps))?;
        match &self.graph {
            Some(graph) => graph.launch()?,
            None => {
                let mut source = noise.numbered_from(&self.places.number);
                self.places.work(model, &mut source, optimiser, config, at)?;
            }
        }
        noise.skip(self.draws);
        model.params().touch();
        Ok(())
    }

    /// Whether steps are replayed.
    pub fn is_recorded(&self) -> bool {
        self.graph.is_some()
    }

    /// The terms of the last step in the data's own units, and the norm of its gradient. Waits for the GPU.
    ///
    /// # Errors
    /// A term or a gradient that is not a number.
    pub fn found(&self, step: usize, records: &Records) -> Result<(TermMeans, f64)> {
        let Some(found) = &self.places.found else { bail!("no step was taken") };
        let numbers = found.to_vec1::<f32>()?;
        let means = self.terms.iter().zip(&numbers).map(|(&(name, kind), &mean)| (name, kind, f64::from(mean)));
        let mut means = TermMeans { terms: means.collect() };
        records.means_in_own_units(&mut means.terms, &self.places.batch)?;
        let norm = f64::from(numbers.last().copied().unwrap_or(f32::NAN)).sqrt();
        if let Some((name, value)) = means.broken() {
            bail!("step {step}: the term {name} is {value}; {}", super::watch::ADVICE);
        }
        if !norm.is_finite() {
            bail!("step {step}: the gradient's norm is {norm}; {}", super::watch::ADVICE);
        }
        Ok((means, norm))
    }
}

impl Places {
    fn set(&self, noise: &Noise, optimiser: &mut Optimiser, rate: f64) -> Result<()> {
        let device = self.rate.device();
        self.rate.slice_set(&Tensor::from_slice(&[optimiser.next_rate(rate) as f32], 1, device)?, 0, 0)?;
        self.number.slice_set(&Tensor::from_slice(&[noise.state().1 as i64], 1, device)?, 0, 0)?;
        Ok(())
    }

    /// The recorded work. None of it waits for the GPU, and none of its memory is kept after it.
    fn work(
        &mut self,
        model: &dyn Model,
        noise: &mut Noise,
        optimiser: &Optimiser,
        config: &Config,
        at: Moment,
    ) -> Result<Vec<(&'static str, TermKind)>> {
        let recording = Recording::begin(model);
        let terms = model.bound(&self.batch, noise, &objective::options(config))?;
        let slopes = recording.backward(&objective::loss(&objective::weighted(model, &terms, config, at)?, config)?)?;
        let mut numbers = Vec::with_capacity(terms.terms.len() + 1);
        for term in &terms.terms {
            numbers.push(term.value.to_dtype(DType::F32)?.mean_all()?.detach());
        }
        numbers.push(gradients::squares_on_gpu(model.params(), &slopes)?);
        let numbers = Tensor::stack(&numbers, 0)?;
        match &self.found {
            Some(found) => found.slice_set(&numbers, 0, 0)?,
            None => self.found = Some(numbers.copy()?),
        }
        optimiser.step_on_gpu(&slopes, &self.rate)?;
        Ok(terms.terms.iter().map(|term| (term.name, term.kind)).collect())
    }
}
