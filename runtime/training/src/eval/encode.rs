//! Arrays for every record of a data set: its latents from q (encode), or its data with values in the place of missing ones (impute).

use crate::arrays::{Array, Numbers};
use crate::data::{Batches, Images};
use crate::interrupt;
use crate::params::Phase;
use crate::ranks::{self, ALONE, Communicator};
use crate::results;
use crate::spec::{Role, Spec, Variable};
use crate::{DType, Decode, Draw, Mode, Model, Noise, Values, partly};
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
pub fn inferred<'s>(model: &dyn Model, spec: &'s Spec) -> Result<Vec<&'s Variable>> {
    let mode = reconstruction(model, spec, "encode")?;
    let latent = |variable: &&Variable| {
        let name = &variable.name.as_str();
        // What q does not infer is drawn from p, as the other data are.
        let is_inferred = match variable.role {
            Role::Partly => mode.completed.contains(name) || !mode.partly.contains(name),
            role => role == Role::Latent,
        };
        is_inferred && mode.yields.contains(name)
    };
    let latents: Vec<&Variable> = spec.variables.iter().filter(latent).collect();
    ensure!(!latents.is_empty(), "model {} infers no latents from data, so there is nothing to encode", spec.name);
    Ok(latents)
}

/// The partly observed variables, whose missing values the model yields given the other data.
///
/// # Errors
/// A model without such variables.
pub fn imputed<'s>(model: &dyn Model, spec: &'s Spec) -> Result<Vec<&'s Variable>> {
    let mode = reconstruction(model, spec, "impute")?;
    let is_imputed =
        |variable: &&Variable| variable.role == Role::Partly && mode.yields.contains(&variable.name.as_str());
    let variables: Vec<&Variable> = spec.variables.iter().filter(is_imputed).collect();
    ensure!(
        !variables.is_empty(),
        "model {} has no partly observed variables, so there is nothing to impute",
        spec.name
    );
    Ok(variables)
}

fn reconstruction<'m>(model: &'m dyn Model, spec: &Spec, job: &str) -> Result<&'m Mode> {
    let mode = model.modes().iter().find(|mode| mode.name == "reconstruction");
    mode.with_context(|| {
        format!(
            "model {} has no mode `reconstruction`, which {job} runs: q reads no variable of the data, or none is latent; \
             srvae-run sample --given draws variables given some others",
            spec.name
        )
    })
}

/// Two arrays for each latent: NAME `[records, …]`, the value of q without noise ([`Noise::none`], given the values of the
/// latents above), and with draws NAME_draws `[records, draws, …]`. The draws of a record depend only on
/// the seed and the record's number.
///
/// # Errors
/// Data that do not fit the model, Ctrl-C, or a failed tensor operation.
pub fn encode(model: &dyn Model, spec: &Spec, images: &Images, how: &Encoding<'_>) -> Result<Vec<Array>> {
    let task = Task { variables: inferred(model, spec)?, imputes: false };
    at_rest(model, || all(model, spec, images, (&task, how)))
}

/// Two arrays for each partly observed variable: NAME `[records, …]`, the values that a record has, and in the place of missing ones
/// the likeliest of p (or the value of q) at the latents without noise; and with draws NAME_draws `[records, draws, …]`, in which
/// missing values are drawn. For sequences, the lengths as an array.
///
/// # Errors
/// Data that do not fit the model, Ctrl-C, or a failed tensor operation.
pub fn impute(model: &dyn Model, spec: &Spec, images: &Images, how: &Encoding<'_>) -> Result<Vec<Array>> {
    let task = Task { variables: imputed(model, spec)?, imputes: true };
    at_rest(model, || all(model, spec, images, (&task, how)))
}

/// What is computed for every record.
struct Task<'s> {
    variables: Vec<&'s Variable>,
    /// Whether the values that a record has take the place of draws.
    imputes: bool,
}

fn at_rest<T>(model: &dyn Model, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = model.params().phase();
    model.params().set_phase(Phase::Inference);
    let result = work();
    model.params().set_phase(before);
    result
}

fn all(model: &dyn Model, spec: &Spec, images: &Images, (task, how): (&Task<'_>, &Encoding<'_>)) -> Result<Vec<Array>> {
    let latents = &task.variables;
    let batches = Batches::new(spec, images, model.params().device())?;
    let count = how.images.unwrap_or(usize::MAX).min(images.len());
    ensure!(count > 0, "there are no records");
    let mut found: Vec<[Vec<f32>; 2]> = vec![Default::default(); latents.len()];
    let batch = how.batch.max(1);
    let size = |portion: usize| batch.min(count - portion * batch);
    let work = |portion: usize| {
        let (begin, size) = (portion * batch, size(portion));
        let data = batches.range(images, begin, size)?;
        portion_of(model, task, how, (&data, begin, size))
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
    for (latent, [mut mean, mut drawn]) in latents.iter().zip(found) {
        // Data are in their own units.
        if let Some(scale) = images.scale_of(&latent.name) {
            [&mut mean, &mut drawn].into_iter().for_each(|values| scale.undo(values));
        }
        let shape = |first: &[usize]| [first, &latent.shape].concat();
        arrays.push(Array { name: latent.name.clone(), shape: shape(&[count]), values: Numbers::F32(mean) });
        if how.draws > 0 {
            let (name, shape) = (format!("{}_draws", latent.name), shape(&[count, how.draws]));
            arrays.push(Array { name, shape, values: Numbers::F32(drawn) });
        }
    }
    if let (true, Some(length)) = (task.imputes, Variable::length(&spec.variables)) {
        let lengths = images.lengths(&length.name).unwrap_or_default();
        results::end(&mut arrays, spec, &lengths[..count.min(lengths.len())]);
    }
    arrays.extend(results::numbers(images, spec, count));
    Ok(arrays)
}

/// For each variable, the values without noise of a portion of the records, then the draws of each record, as bytes.
fn portion_of(
    model: &dyn Model,
    task: &Task<'_>,
    how: &Encoding<'_>,
    (data, begin, size): (&Values, usize, usize),
) -> Result<Vec<u8>> {
    let run = |noise: &mut Noise, decode: Decode| -> Result<Values> {
        let mut found = model.run("reconstruction", data, size, noise, &Draw { decode, ..Draw::default() })?;
        for variable in task.variables.iter().filter(|_| task.imputes) {
            let name = &variable.name;
            match (data.find(name), data.find(&Values::presence_of(name))) {
                (Some(own), Some(present)) => found.insert(name, partly::choose(present, own, found.get(name)?)?),
                (Some(own), None) => found.insert(name, own.clone()),
                (None, _) => {}
            }
        }
        Ok(found)
    };
    let means = run(&mut Noise::none(), if task.imputes { Decode::Mode } else { Decode::Sample })?;
    let mut draws = Vec::with_capacity(how.draws);
    for draw in 0..how.draws {
        let mut noise = Noise::of_rows(how.seed ^ 0x656e_636f, draw..draw + 1, begin..begin + size);
        draws.push(run(&mut noise, Decode::Sample)?);
        interrupt::check()?;
    }
    let mut numbers: Vec<f32> = Vec::new();
    for latent in &task.variables {
        let values = |of: &Values| -> Result<Vec<Vec<f32>>> {
            Ok(of.get(&latent.name)?.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2()?)
        };
        numbers.extend(values(&means)?.concat());
        let draws = draws.iter().map(values).collect::<Result<Vec<_>>>()?;
        (0..size).for_each(|record| draws.iter().for_each(|draw| numbers.extend(&draw[record])));
    }
    Ok(ranks::of_floats(&numbers))
}
