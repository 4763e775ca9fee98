//! One training step, and skipped updates.

use super::Trainer;
use crate::data::Augment;
use crate::interrupt;
use crate::train::gradients::Recording;
use crate::train::lengths::Program;
use crate::train::objective::{self, TermMeans};
use crate::train::updates::Updates;
use crate::train::watch::{ADVICE, Fault};
use crate::train::{Replay, gradients};
use crate::{DType, Moment, Tensor, Terms, Values};
use anyhow::{Result, bail, ensure};
use candle_core::backprop::GradStore;
use serde_json::{Map, Value, json};
use std::time::Instant;

/// On a GPU, the interval of steps whose values are read.
const LOOK: usize = 20;

/// The report of a step.
pub struct Step {
    pub terms: TermMeans,
    /// The training objective, nats per record: the bound, unless terms are weighted or there are several samples.
    pub objective: Option<f64>,
    /// The values of the terms in the objective, if they differ.
    pub weighted: Option<Vec<(&'static str, f64)>>,
    pub norm: f64,
    pub rate: f64,
    /// The mean number of steps of the batch's sequences.
    pub length: Option<f64>,
    /// The reason why the update was skipped.
    pub skipped: Option<String>,
    /// With several ranks: seconds in which this one waited for the others, exchanged data and updated parameters.
    pub sharing: Option<f64>,
    /// Whether an interrupt was received, and whether the time limit is reached.
    pub asked: bool,
    pub over: bool,
}

impl Step {
    pub fn json(
        &self,
        number: usize,
        seconds: f64,
        (unit, score): (&str, f64),
        images_per_second: f64,
        skipped: usize,
    ) -> Value {
        let terms: Map<String, Value> =
            self.terms.terms.iter().map(|&(name, _, value)| (name.to_owned(), json!(value))).collect();
        let mut line = json!({
            "step": number,
            "seconds": seconds,
            "terms": terms,
            "gradient_norm": self.norm,
            "learning_rate": self.rate,
            "images_per_s": images_per_second,
        });
        line[if unit == "nats" { "nats" } else { "bits_per_dim" }] = json!(score);
        if let Some(length) = self.length {
            line["nats_per_step"] = json!(-self.terms.bound() / length);
        }
        if let Some(objective) = self.objective {
            line["objective"] = json!(objective);
        }
        if let Some(sharing) = self.sharing {
            line["sharing_s"] = json!(sharing);
        }
        if let Some(weighted) = &self.weighted {
            line["weighted"] = weighted.iter().map(|&(name, value)| (name.to_owned(), json!(value))).collect();
        }
        if skipped > 0 {
            line["skipped_updates"] = json!(skipped);
        }
        line
    }
}

impl Trainer<'_> {
    /// Whether the values of a step are read and checked. Reading waits for the device, so on a GPU most steps are not checked;
    /// checkpoints are written only after the loss was checked for NaN.
    fn looks(&self, number: usize) -> bool {
        let config = &self.config;
        let every = |steps: usize| number.is_multiple_of(steps.max(1));
        self.params.device().is_cpu()
            || config.clip.is_some()
            || config.skip_above.is_some()
            || number == config.steps
            || every(LOOK)
            || every(config.validate_every)
            || every(config.checkpoint_every)
            || interrupt::asked()
    }

    /// One step, and its report if its values are read.
    pub(super) fn step(&mut self) -> Result<Option<Step>> {
        if let Some(parts) = self.parts.clone() {
            return self.step_in_parts(&parts).map(Some);
        }
        let begun = Instant::now();
        let position = self.order.position();
        let indices = self.order.next(self.config.batch);
        let program = Program::of(self.lengths.as_ref(), self.model.as_ref(), &indices);
        let batch = self.batch(&indices, position, program.steps)?;
        if self.replays() {
            return self.replayed(&batch, begun);
        }
        let recording = Recording::begin(self.model.as_ref());
        let mut terms = program.model.bound(&batch, &mut self.noise, &objective::options(&self.config))?;
        self.data.train.own_units(&mut terms, &batch)?;
        let number = self.progress.step + 1;
        let (loss, weighted) = self.loss(&terms, self.looks(number))?;
        let rate = self.config.schedule.at(self.progress.step, self.config.steps);
        if !self.looks(number) {
            self.update(&recording.backward(&loss)?, rate)?;
            self.count(number, begun, false);
            return Ok(None);
        }
        let means = TermMeans::of(&terms)?;
        let fault = Fault { spec: self.spec, step: number, means: &means, pictures: &indices };
        let objective = -f64::from(loss.to_dtype(DType::F32)?.to_scalar::<f32>()?);
        let (norm, skipped) = if !objective.is_finite() || means.broken().is_some() {
            (f64::NAN, Some(self.leave_out(fault.of_terms(&terms))?))
        } else {
            let gradients = recording.backward(&loss)?;
            drop((terms, loss));
            self.checked_update(gradients, &fault, rate)?
        };
        self.count(number, begun, skipped.is_some());
        let (asked, over) = (interrupt::asked(), self.time_is_up());
        let (objective, length, sharing) = (Some(objective), self.mean_length(&indices), None);
        Ok(Some(Step { terms: means, objective, weighted, norm, rate, length, skipped, sharing, asked, over }))
    }

    /// The loss of a step, and if asked for the weighted values of its terms, where they differ from the terms.
    fn loss(&self, terms: &Terms, with_counts: bool) -> Result<(Tensor, Option<Vec<(&'static str, f64)>>)> {
        let model = self.model.as_ref();
        let weighted = objective::weighted(model, terms, &self.config, self.moment())?;
        let loss = objective::loss(&weighted, &self.config)?;
        let with_counts = with_counts && !objective::is_plain(model, terms, &self.config);
        Ok((loss, with_counts.then(|| objective::counts(&weighted)).transpose()?))
    }

    /// Updates the parameters, unless the gradient is not finite or too large. Returns its norm, and why the update was skipped.
    fn checked_update(
        &mut self,
        mut gradients: GradStore,
        fault: &Fault<'_>,
        rate: f64,
    ) -> Result<(f64, Option<String>)> {
        let norm = gradients::norm(&self.params, &gradients)?;
        if !norm.is_finite() {
            return Ok((norm, Some(self.leave_out(fault.of_gradient(&self.params, &gradients, norm))?)));
        }
        let too_large = self.too_large(norm);
        if too_large.is_none() {
            if let Some(factor) = self.clipping(norm) {
                gradients::scale(&self.params, &mut gradients, factor)?;
            }
            self.update(&gradients, rate)?;
        }
        Ok((norm, too_large))
    }

    /// Why a gradient of this norm is left out, if it is.
    pub(super) fn too_large(&self, norm: f64) -> Option<String> {
        let limit = self.config.skip_above.filter(|limit| norm > *limit)?;
        Some(format!("step {}: the gradient's norm is {norm:.4}, above {limit}", self.progress.step + 1))
    }

    /// The factor that clips a gradient of this norm, if it does.
    pub(super) fn clipping(&self, norm: f64) -> Option<f64> {
        self.config.clip.filter(|limit| norm > *limit).map(|limit| limit / norm)
    }

    /// Whether steps are recorded: on a GPU, once only batch, rate and noise change.
    fn replays(&self) -> bool {
        let config = &self.config;
        let watched = config.clip.is_some() || config.skip_above.is_some() || self.average.is_some();
        let recorded = config.graph && self.params.device().is_cuda() && !watched && !self.model.recomputes();
        recorded && objective::is_settled(self.model.as_ref(), config, self.moment())
    }

    /// The progress of training.
    pub(super) fn moment(&self) -> Moment {
        Moment::of(self.progress.step, self.config.batch, self.data.train.len())
    }

    /// A recorded step. A value that is not a number is detected when values are read; checkpoints are written only
    /// after this check.
    fn replayed(&mut self, batch: &Values, begun: Instant) -> Result<Option<Step>> {
        let (model, moment) = (self.model.as_ref(), self.moment());
        let step = moment.step;
        let (noise, Updates::Whole(optimiser)) = (&mut self.noise, &mut self.updates) else {
            bail!("recorded steps are taken by one process");
        };
        Replay::take(&mut self.replay, model, batch, noise, optimiser, &self.config, moment)?;
        let number = step + 1;
        let found = match &self.replay {
            Some(replay) if self.looks(number) => Some(replay.found(number, &self.data.train)?),
            _ => None,
        };
        self.count(number, begun, false);
        let rate = self.config.schedule.at(step, self.config.steps);
        let (asked, over) = (interrupt::asked(), self.time_is_up());
        let (objective, weighted, length, skipped, sharing) = (None, None, None, None, None);
        let step =
            |(terms, norm)| Step { terms, objective, weighted, norm, rate, length, skipped, sharing, asked, over };
        Ok(found.map(step))
    }

    fn update(&mut self, gradients: &GradStore, rate: f64) -> Result<()> {
        let Updates::Whole(optimiser) = &mut self.updates else { bail!("several ranks train on micro-batches") };
        optimiser.step(gradients, rate)?;
        self.average_in()
    }

    /// Updates the running average of the parameters, if there is one.
    pub(super) fn average_in(&mut self) -> Result<()> {
        match &mut self.average {
            Some(average) => average.update(&self.params),
            None => Ok(()),
        }
    }

    pub(super) fn count(&mut self, number: usize, begun: Instant, skipped: bool) {
        self.progress.step = number;
        self.progress.skipped += usize::from(skipped);
        self.progress.skipped_in_a_row = if skipped { self.progress.skipped_in_a_row + 1 } else { 0 };
        self.seconds += begun.elapsed().as_secs_f64();
    }

    /// A fault ends the run, unless updates may be skipped.
    pub(super) fn leave_out(&self, fault: String) -> Result<String> {
        if self.config.skip_above.is_none() {
            bail!("{fault}; {ADVICE}");
        }
        Ok(fault)
    }

    /// Limits skipped updates: in a row, and to a tenth of all steps.
    pub(super) fn bound_skips(&self) -> Result<()> {
        let (progress, limit) = (&self.progress, self.config.skip_limit);
        ensure!(
            progress.skipped_in_a_row <= limit && progress.skipped <= limit + progress.step / 10,
            "step {}: {} of {} updates were skipped, the last {} in a row; that is more than --skip-limit {limit} allows. \
             The last checkpoint is untouched; resume from it with a lower --lr or a higher --skip-above",
            progress.step,
            progress.skipped,
            progress.step,
            progress.skipped_in_a_row
        );
        Ok(())
    }

    /// Whether the time limit of training is reached.
    pub(super) fn time_is_up(&self) -> bool {
        let elapsed = self.begun.elapsed().as_secs_f64();
        self.config.minutes.is_some_and(|minutes| elapsed > minutes * 60.0)
    }

    /// For the progress line.
    pub(super) fn skipped(&self) -> String {
        match self.progress.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} updates skipped"),
        }
    }

    /// The mean number of steps of these records, if they have lengths.
    pub(super) fn mean_length(&self, indices: &[usize]) -> Option<f64> {
        self.lengths.as_ref().map(|lengths| lengths.mean(indices))
    }

    /// Training records, with the position of the first one in the run; for sequences the first `steps`.
    pub(super) fn batch(&self, indices: &[usize], position: u64, steps: Option<usize>) -> Result<Values> {
        let augment = Augment::new(self.config.seed);
        let augment = self.config.augment.then_some((&augment, position));
        let mut batch = self.batches.take(&self.data.train, indices, augment)?;
        if let (Some(lengths), Some(steps)) = (&self.lengths, steps) {
            lengths.cut(&mut batch, steps)?;
        }
        Ok(batch)
    }
}
