//! What q makes of data: the latents of every record.

use crate::arrays::{Array, Numbers};
use crate::data::{Batches, Images};
use crate::params::Phase;
use crate::spec::{Role, Spec, Variable};
use crate::train::interrupt;
use crate::{DType, Draw, Model, Noise, Tensor, Values};
use anyhow::{Context, Result, ensure};

/// How records are encoded.
#[derive(Clone, Copy)]
pub struct Encoding<'a> {
    /// Draws of the latents for each record, besides their means.
    pub draws: usize,
    /// Records computed at once; changes nothing else.
    pub batch: usize,
    /// Records used; none is all.
    pub images: Option<usize>,
    pub seed: u64,
    /// Called with the records done and all of them.
    pub progress: &'a dyn Fn(usize, usize),
}

/// The latents that a model's q infers, in the file's order, and the mode that does it.
///
/// # Errors
/// A model that infers none.
pub fn inferred<'s>(model: &dyn Model, spec: &'s Spec) -> Result<(&'static str, Vec<&'s Variable>)> {
    let mode = model.modes().iter().find(|mode| mode.name == "reconstruction");
    let mode =
        mode.with_context(|| format!("model {} infers no latents from data, so none can be encoded", spec.name))?;
    let latent = |variable: &&Variable| {
        let is_inferred = matches!(variable.role, Role::Latent | Role::Partly);
        is_inferred && mode.yields.contains(&variable.name.as_str())
    };
    let latents: Vec<&Variable> = spec.variables.iter().filter(latent).collect();
    ensure!(!latents.is_empty(), "model {} infers no latents from data, so none can be encoded", spec.name);
    Ok((mode.name, latents))
}

/// Two arrays for each latent: NAME `[records, …]`, what q yields without noise (its mean, where q is a normal, given the
/// means of the latents above), and, where draws are asked for, NAME_draws `[records, draws, …]`. The draws of a record
/// depend on the seed and the record's number alone.
///
/// # Errors
/// Data the model cannot take, Ctrl-C, or a failed tensor operation.
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
    let mut done = 0;
    while done < count {
        let size = how.batch.clamp(1, count - done);
        let data = batches.range(images, done, size)?;
        let run = |noise: &mut Noise| Ok::<_, anyhow::Error>(model.run(mode, &data, size, noise, &Draw::default())?);
        let means = run(&mut still(model, latents.iter().copied(), size)?)?;
        let mut draws = Vec::with_capacity(how.draws);
        for draw in 0..how.draws {
            draws.push(run(&mut Noise::of_rows(how.seed ^ 0x656e_636f, draw..draw + 1, done..done + size))?);
            interrupt::check()?;
        }
        for (latent, [mean, drawn]) in latents.iter().zip(&mut found) {
            let values = |of: &Values| -> Result<Vec<Vec<f32>>> {
                Ok(of.get(&latent.name)?.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2()?)
            };
            mean.extend(values(&means)?.concat());
            let draws = draws.iter().map(values).collect::<Result<Vec<_>>>()?;
            (0..size).for_each(|record| draws.iter().for_each(|draw| drawn.extend(&draw[record])));
        }
        done += size;
        (how.progress)(done, count);
        interrupt::check()?;
    }
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

/// Noise that is zero for these latents: what q draws is its mean then.
pub(crate) fn still<'s>(model: &dyn Model, latents: impl Iterator<Item = &'s Variable>, size: usize) -> Result<Noise> {
    let params = model.params();
    let mut noise = Noise::seeded(0);
    for latent in latents {
        let dims: Vec<usize> = std::iter::once(size).chain(latent.shape.iter().copied()).collect();
        noise.offer(&latent.name, Tensor::zeros(dims, params.dtype(), params.device())?);
    }
    Ok(noise)
}
