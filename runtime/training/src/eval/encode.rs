//! Encodes data: the latents of every record, from q.

use crate::arrays::{Array, Numbers};
use crate::data::{Batches, Images};
use crate::interrupt;
use crate::params::Phase;
use crate::ranks::{self, ALONE, Communicator};
use crate::spec::{Role, Spec, Variable};
use crate::{DType, Draw, Model, Noise, Values};
use anyhow::{Context, Result, ensure};

/// Options of the encoding.
#[derive(Clone, Copy)]
pub struct Encoding<'a> {
    /// Draws of the latents per record, in addition to their means.
    pub draws: usize,
    /// Records per batch. It does not change the results.
    pub batch: usize,
    /// The number of records. None means all.
    pub images: Option<usize>,
    pub seed: u64,
    /// The ranks that share the work. Rank 0 gets the arrays, the others empty ones.
    pub ranks: &'a dyn Communicator,
    /// Called with the number of finished records and of all records.
    pub progress: &'a dyn Fn(usize, usize),
}

impl Default for Encoding<'_> {
    fn default() -> Self {
        Self { draws: 0, batch: 32, images: None, seed: 1, ranks: &ALONE, progress: &|_, _| () }
    }
}

/// The latents that q infers, in the file's order, and the mode that infers them.
///
/// # Errors
/// A model without such latents.
pub fn inferred<'s>(model: &dyn Model, spec: &'s Spec) -> Result<(&'static str, Vec<&'s Variable>)> {
    let mode = model.modes().iter().find(|mode| mode.name == "reconstruction");
    let mode = mode.with_context(|| {
        format!(
            "model {} has no mode `reconstruction`, which encode runs: no variable that every record has is read by q, or none is latent; \
             srvae-run sample --given draws latents given some variables",
            spec.name
        )
    })?;
    let latent = |variable: &&Variable| {
        let name = &variable.name.as_str();
        // What is given where a record has it is drawn from p, as the other data are.
        let is_inferred = match variable.role {
            Role::Partly => !mode.partly.contains(name),
            role => role == Role::Latent,
        };
        is_inferred && mode.yields.contains(name)
    };
    let latents: Vec<&Variable> = spec.variables.iter().filter(latent).collect();
    ensure!(!latents.is_empty(), "model {} infers no latents from data, so there is nothing to encode", spec.name);
    Ok((mode.name, latents))
}

/// Two arrays for each latent: NAME `[records, …]`, the value of q without noise ([`Noise::none`], given the values of the
/// latents above), and with draws NAME_draws `[records, draws, …]`. The draws of a record depend only on
/// the seed and the record's number.
///
/// # Errors
/// Data that do not fit the model, Ctrl-C, or a failed tensor operation.
pub fn encode(model: &dyn Model, spec: &Spec, images: &Images, how: &Encoding<'_>) -> Result<Vec<Array>> {
    let before = model.params().phase();
    model.params().set_phase(Phase::Inference);
    let result = all(model, spec, images, how);
    model.params().set_phase(before);
    result
}

fn all(model: &dyn Model, spec: &Spec, images: &Images, how: &Encoding<'_>) -> Result<Vec<Array>> {
    let (mode, latents) = inferred(model, spec)?;
    let batches = Batches::new(spec, images, model.params().device())?;
    let count = how.images.unwrap_or(usize::MAX).min(images.len());
    ensure!(count > 0, "there are no records to encode");
    let mut found: Vec<[Vec<f32>; 2]> = vec![Default::default(); latents.len()];
    let batch = how.batch.max(1);
    let size = |portion: usize| batch.min(count - portion * batch);
    let work = |portion: usize| {
        let (begin, size) = (portion * batch, size(portion));
        let data = batches.range(images, begin, size)?;
        portion_of(model, mode, &latents, how, (&data, begin, size))
    };
    ranks::in_order(how.ranks, count.div_ceil(batch), work, |portion, bytes| {
        let (numbers, size) = (ranks::floats(bytes), size(portion));
        let mut rest = numbers.as_slice();
        for (latent, [mean, drawn]) in latents.iter().zip(&mut found).filter(|_| how.ranks.leads()) {
            let length = size * latent.shape.iter().product::<usize>();
            let (means, more) = rest.split_at(length);
            let (draws, more) = more.split_at(length * how.draws);
            mean.extend(means);
            drawn.extend(draws);
            rest = more;
        }
        (how.progress)(portion * batch + size, count);
        Ok(())
    })?;
    let count = if how.ranks.leads() { count } else { 0 };
    let mut arrays = Vec::new();
    for (latent, [mean, drawn]) in latents.iter().zip(found) {
        let shape = |first: &[usize]| [first, &latent.shape].concat();
        arrays.push(Array { name: latent.name.clone(), shape: shape(&[count]), values: Numbers::F32(mean) });
        if how.draws > 0 {
            let (name, shape) = (format!("{}_draws", latent.name), shape(&[count, how.draws]));
            arrays.push(Array { name, shape, values: Numbers::F32(drawn) });
        }
    }
    Ok(arrays)
}

/// For each latent, the means of a portion of the records, then the draws of each record, as bytes.
fn portion_of(
    model: &dyn Model,
    mode: &str,
    latents: &[&Variable],
    how: &Encoding<'_>,
    (data, begin, size): (&Values, usize, usize),
) -> Result<Vec<u8>> {
    let run = |noise: &mut Noise| Ok::<_, anyhow::Error>(model.run(mode, data, size, noise, &Draw::default())?);
    let means = run(&mut Noise::none())?;
    let mut draws = Vec::with_capacity(how.draws);
    for draw in 0..how.draws {
        draws.push(run(&mut Noise::of_rows(how.seed ^ 0x656e_636f, draw..draw + 1, begin..begin + size))?);
        interrupt::check()?;
    }
    let mut numbers: Vec<f32> = Vec::new();
    for latent in latents {
        let values = |of: &Values| -> Result<Vec<Vec<f32>>> {
            Ok(of.get(&latent.name)?.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2()?)
        };
        numbers.extend(values(&means)?.concat());
        let draws = draws.iter().map(values).collect::<Result<Vec<_>>>()?;
        (0..size).for_each(|record| draws.iter().for_each(|draw| numbers.extend(&draw[record])));
    }
    Ok(ranks::of_floats(&numbers))
}
