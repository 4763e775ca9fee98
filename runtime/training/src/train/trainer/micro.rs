//! A training step whose gradient is summed over micro-batches, on one rank or several.

use super::Trainer;
use super::step::Step;
use crate::interrupt;
use crate::ranks;
use crate::train::gradients::Recording;
use crate::train::lengths::Program;
use crate::train::objective::{self, TermMeans};
use crate::train::parts::Parts;
use crate::train::tree::{Block, Tree};
use crate::train::updates;
use crate::train::watch::Fault;
use crate::{DType, Noise, Tensor, TermKind, Values};
use anyhow::{Result, ensure};
use candle_core::backprop::GradStore;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Instant;

/// The report of a rank about its micro-batches. All ranks decide from the same reports, so their decisions agree.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    /// For each micro-batch the objective, the means of the terms, and their weighted values if they differ; as bits,
    /// so that NaN is transmitted too.
    numbers: Vec<Vec<u64>>,
    /// The first term that is not finite, in words.
    fault: Option<String>,
    /// Whether an interrupt was received here.
    asked: bool,
    /// Whether the time limit is reached, on rank 0.
    over: bool,
}

/// A rank's results of a step.
#[derive(Default)]
struct Own {
    told: Told,
    terms: Vec<(&'static str, TermKind)>,
    /// The terms with a weight, and additional terms.
    counts: Vec<&'static str>,
    sums: Tree<Vec<Tensor>>,
}

impl Trainer<'_> {
    pub(super) fn step_in_parts(&mut self, parts: &Parts) -> Result<Step> {
        let begun = Instant::now();
        let position = self.order.position();
        let indices = self.order.next(self.config.batch);
        let own = self.own_parts(parts, &indices, position);
        let computed = Instant::now();
        let (own, told) = ranks::agree_on(self.ranks, own, |own| Ok(serde_json::to_vec(&own.told)?))?;
        let told: Vec<Told> = told.iter().map(|told| serde_json::from_slice(told)).collect::<Result<_, _>>()?;
        let number = self.progress.step + 1;
        let rate = self.config.schedule.at(self.progress.step, self.config.steps);
        let (objective, means, weighted) = means(&own, &told)?;
        let fault = Fault { spec: self.spec, step: number, means: &means, pictures: &indices };
        let (mut norm, mut skipped) = (f64::NAN, None);
        if let Some(fault) = told.iter().find_map(|told| told.fault.clone()) {
            skipped = Some(self.leave_out(fault)?);
        } else {
            let mut slopes = self.updates.sum(&self.params, self.ranks, parts, own.sums)?;
            norm = slopes.norm;
            if !norm.is_finite() {
                skipped = Some(self.leave_out(fault.of_parameter(slopes.broken.as_deref(), norm))?);
            } else if let Some(reason) = self.too_large(norm) {
                skipped = Some(reason);
            } else {
                let factor = self.clipping(norm);
                self.updates.step(&self.params, self.ranks, &mut slopes, factor, rate)?;
                self.average_in()?;
            }
        }
        let sharing = (self.ranks.size() > 1).then(|| computed.elapsed().as_secs_f64());
        self.count(number, begun, skipped.is_some());
        let asked = told.iter().any(|told| told.asked);
        let over = told.first().is_some_and(|told| told.over);
        let (objective, length) = (Some(objective), self.mean_length(&indices));
        Ok(Step { terms: means, objective, weighted, norm, rate, length, skipped, sharing, asked, over })
    }

    /// Forward and backward passes of this rank's micro-batches. Gradients of neighbouring micro-batches are summed.
    fn own_parts(&self, parts: &Parts, indices: &[usize], position: u64) -> Result<Own> {
        let mut own = Own::default();
        // The longest record of the whole batch determines the program, so that all ranks run the same one.
        let program = Program::of(self.lengths.as_ref(), self.model.as_ref(), indices);
        for part in parts.own() {
            let records = parts.records(part);
            let batch = self.batch(&indices[records.clone()], position + records.start as u64, program.steps)?;
            let mut noise = self.noise_of(records.clone());
            let recording = Recording::begin(self.model.as_ref());
            let loss = self.forward(&program, &batch, &mut noise, &indices[records], &mut own)?;
            // After a fault there is no update, but the terms of all micro-batches are still reported.
            if own.told.fault.is_none() {
                let block = Block { start: part, level: 0, sum: self.slopes(&recording.backward(&loss)?)? };
                own.sums.push(block, &updates::add)?;
            }
        }
        own.told.asked = interrupt::asked();
        own.told.over = self.time_is_up();
        Ok(own)
    }

    /// The loss of a micro-batch. Its report is added to `own`.
    fn forward(
        &self,
        program: &Program<'_>,
        batch: &Values,
        noise: &mut Noise,
        pictures: &[usize],
        own: &mut Own,
    ) -> Result<Tensor> {
        let step = self.progress.step;
        let mut terms = program.model.bound(batch, noise, &objective::options(&self.config))?;
        self.data.train.own_units(&mut terms, batch)?;
        let (model, config) = (self.model.as_ref(), &self.config);
        let weighted = objective::weighted(model, &terms, config, self.moment())?;
        let loss = objective::loss(&weighted, config)?;
        let counts = match objective::is_plain(model, &terms, config) {
            true => Vec::new(),
            false => objective::counts(&weighted)?,
        };
        let means = TermMeans::of(&terms)?;
        let value = -f64::from(loss.to_dtype(DType::F32)?.to_scalar::<f32>()?);
        if own.told.fault.is_none() && (!value.is_finite() || means.broken().is_some()) {
            let fault = Fault { spec: self.spec, step: step + 1, means: &means, pictures };
            own.told.fault = Some(fault.of_terms(&terms));
        }
        let numbers = std::iter::once(value).chain(means.terms.iter().map(|(_, _, mean)| *mean));
        let numbers = numbers.chain(counts.iter().map(|(_, count)| *count));
        own.told.numbers.push(numbers.map(f64::to_bits).collect());
        own.counts = counts.into_iter().map(|(name, _)| name).collect();
        own.terms = means.terms.iter().map(|&(name, kind, _)| (name, kind)).collect();
        Ok(loss)
    }

    /// The noise for records of this step's batch: a function of the seed, the step and the record's position.
    fn noise_of(&self, records: Range<usize>) -> Noise {
        let (seed, _) = self.noise.state();
        let step = scramble(seed ^ scramble(self.progress.step as u64));
        Noise::of_rows(step, 0..self.config.samples.max(1), records)
    }

    /// The gradient of every parameter. Zero if the loss does not depend on it.
    fn slopes(&self, gradients: &GradStore) -> Result<Vec<Tensor>> {
        let one = |(_, var): (String, candle_core::Var)| match gradients.get(&var) {
            Some(gradient) => Ok(gradient.contiguous()?.detach()),
            None => Ok(var.zeros_like()?.detach()),
        };
        self.params.entries().into_iter().map(one).collect()
    }
}

/// The means over all micro-batches, in their order: of the objective, of each term, and of their weighted values.
fn means(own: &Own, told: &[Told]) -> Result<(f64, TermMeans, Option<Vec<(&'static str, f64)>>)> {
    let mut sums = vec![0.0; 1 + own.terms.len() + own.counts.len()];
    let mut count = 0.0;
    for numbers in told.iter().flat_map(|told| &told.numbers) {
        ensure!(numbers.len() == sums.len(), "ranks have bounds of different terms");
        sums.iter_mut().zip(numbers).for_each(|(sum, &bits)| *sum += f64::from_bits(bits));
        count += 1.0;
    }
    sums.iter_mut().for_each(|sum| *sum /= count);
    let (terms, counts) = sums[1..].split_at(own.terms.len());
    let terms = own.terms.iter().zip(terms).map(|(&(name, kind), &mean)| (name, kind, mean)).collect();
    let counts: Vec<_> = own.counts.iter().copied().zip(counts.iter().copied()).collect();
    Ok((sums[0], TermMeans { terms }, Some(counts).filter(|counts| !counts.is_empty())))
}

/// Scrambles a number: the last step of SplitMix64, after its constant was added.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
