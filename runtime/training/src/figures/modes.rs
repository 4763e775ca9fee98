//! The modes of a model as strips of images.

use super::{Options, Strip, at_rest, shows};
use crate::arrays::{Array, Numbers};
use crate::data::{Batches, Images};
use crate::picture::from_batch;
use crate::spec::{Role, Spec};
use crate::train::interrupt;
use crate::train::progress::Display;
use crate::{DType, Draw, Mode, Model, Noise, Tensor, Values, partly};
use anyhow::{Context, Result, bail};

/// Examples computed at once.
const BATCH: usize = 32;

/// Runs a mode: strips of the variables it is given, then of those it yields. `images` are the examples it is given.
///
/// # Errors
/// No displayable variable, or a failed tensor operation.
pub fn strips(model: &dyn Model, spec: &Spec, mode: &Mode, images: &Images, options: &Options) -> Result<Vec<Strip>> {
    at_rest(model, || draw(model, spec, mode, images, options))
}

fn draw(model: &dyn Model, spec: &Spec, mode: &Mode, images: &Images, options: &Options) -> Result<Vec<Strip>> {
    let mut sheet = Strips::default();
    each(model, spec, mode, images, options, |batch| {
        if let Some((given, data)) = &batch.given {
            sheet.add_given(spec, mode, given, data)?;
        }
        for (at, found) in batch.draws.iter().enumerate() {
            sheet.add_found(spec, mode, found, (batch.draws.len() > 1).then_some(at + 1))?;
        }
        Ok(())
    })?;
    if sheet.0.is_empty() {
        bail!("mode {} yields nothing that can be seen as a picture; --out FILE.npz writes it as arrays", mode.name);
    }
    Ok(sheet.0)
}

/// Runs a mode: an array for each variable that it yields, under its name, `[examples, …]`, or where several draws are asked
/// for `[examples, draws, …]`.
///
/// # Errors
/// A failed tensor operation.
pub fn arrays(model: &dyn Model, spec: &Spec, mode: &Mode, images: &Images, options: &Options) -> Result<Vec<Array>> {
    let mut found: Vec<Vec<f32>> = vec![Vec::new(); mode.yields.len()];
    let mut count = 0;
    let work = |batch: Batch| -> Result<()> {
        for (name, all) in mode.yields.iter().zip(&mut found) {
            let rows = |values: &Values| -> Result<Vec<Vec<f32>>> {
                let value = values.get(name)?.to_dtype(DType::F32)?;
                Ok(value.reshape((value.dim(0)?, ()))?.to_vec2()?)
            };
            let draws = batch.draws.iter().map(rows).collect::<Result<Vec<_>>>()?;
            (0..batch.size).for_each(|example| draws.iter().for_each(|draw| all.extend(&draw[example])));
        }
        count += batch.size;
        Ok(())
    };
    at_rest(model, || each(model, spec, mode, images, options, work))?;
    let array = |(name, values): (&&str, Vec<f32>)| {
        let own = spec.variable(name).map_or(&[][..], |variable| &variable.shape);
        let draws = if options.draws > 1 && !mode.given.is_empty() { vec![options.draws] } else { Vec::new() };
        Array {
            name: (*name).to_owned(),
            shape: [vec![count], draws, own.to_vec()].concat(),
            values: Numbers::F32(values),
        }
    };
    Ok(mode.yields.iter().zip(found).map(array).collect())
}

/// Examples of a mode that were computed at once.
struct Batch {
    size: usize,
    /// What the mode was given, and the data this comes from.
    given: Option<(Values, Values)>,
    draws: Vec<Values>,
}

fn each(
    model: &dyn Model,
    spec: &Spec,
    mode: &Mode,
    images: &Images,
    options: &Options,
    mut visit: impl FnMut(Batch) -> Result<()>,
) -> Result<()> {
    let mut noise = Noise::seeded(options.seed);
    let is_given = !mode.given.is_empty();
    let count = if is_given { options.count.min(images.len()) } else { options.count };
    let display = Display::new("drawing", 0, count);
    let mut done = 0;
    while done < count {
        let size = BATCH.min(count - done);
        let mut given = None;
        if is_given {
            let data = Batches::available(spec, images, model.params().device())?.range(images, done, size)?;
            given = Some((complete(model, mode, &data, &mut noise, &options.draw)?, data));
        }
        let none = Values::new();
        let known = given.as_ref().map_or(&none, |(known, _)| known);
        let mut draws = Vec::new();
        for _ in 0..if is_given { options.draws.max(1) } else { 1 } {
            draws.push(model.run(mode.name, known, size, &mut noise, &options.draw)?);
            interrupt::check()?;
        }
        visit(Batch { size, given, draws })?;
        done += size;
        display.set(done, String::new());
    }
    Ok(())
}

/// Strips as they grow, batch by batch.
#[derive(Default)]
struct Strips(Vec<Strip>);

impl Strips {
    fn add(&mut self, label: String, batch: &Tensor) -> Result<()> {
        let pictures = from_batch(batch)?;
        match self.0.iter_mut().find(|strip| strip.label == label) {
            Some(strip) => strip.pictures.extend(pictures),
            None => self.0.push(Strip { label, pictures }),
        }
        Ok(())
    }

    fn add_given(&mut self, spec: &Spec, mode: &Mode, given: &Values, data: &Values) -> Result<()> {
        for variable in mode.given.iter().filter_map(|name| spec.variable(name)).filter(|variable| shows(variable)) {
            let what = if variable.role == Role::Latent { "given" } else { "original" };
            self.add(format!("{} {what}", variable.name), given.get(&variable.name)?)?;
        }
        // Where a reduced image is given, the full one is shown for comparison.
        let held = |name: &str| !mode.given.contains(&name);
        for variable in spec.data_variables().filter(|variable| shows(variable) && held(&variable.name)) {
            if let Some(original) = data.find(&variable.name) {
                self.add(format!("{} original", variable.name), original)?;
            }
        }
        Ok(())
    }

    fn add_found(&mut self, spec: &Spec, mode: &Mode, found: &Values, number: Option<usize>) -> Result<()> {
        for variable in mode.yields.iter().filter_map(|name| spec.variable(name)).filter(|variable| shows(variable)) {
            let number = number.map_or_else(String::new, |number| format!(" {number}"));
            self.add(format!("{}{number}", variable.name), found.get(&variable.name)?)?;
        }
        Ok(())
    }
}

/// The values of the variables a mode is given: from the data, else inferred by q.
///
/// # Errors
/// A variable that no mode infers from data, or a failed tensor operation.
pub fn complete(model: &dyn Model, mode: &Mode, data: &Values, noise: &mut Noise, draw: &Draw) -> Result<Values> {
    let mut given = Values::new();
    for name in mode.given {
        // What some records have is inferred for the others.
        let lacking = data.find(&Values::presence_of(name)).filter(|present| !is_everywhere(present));
        let own = data.find(name);
        let value = match (own, lacking) {
            (Some(value), None) => value.clone(),
            _ => {
                let infers = |other: &&Mode| {
                    let is_known = |given: &&str| *given != *name && data.find(given).is_some();
                    other.yields.contains(name) && other.given.iter().all(is_known)
                };
                let from = model.modes().iter().find(|mode| mode.name == "reconstruction" && infers(mode));
                let from = from.or_else(|| model.modes().iter().filter(|mode| !mode.given.is_empty()).find(infers));
                let from = from
                    .with_context(|| format!("mode {} is given `{name}`, which nothing infers from data", mode.name))?;
                let found = model.run(from.name, data, data_size(data), noise, draw)?.get(name)?.clone();
                match (own, lacking) {
                    (Some(own), Some(present)) => partly::choose(present, own, &found)?,
                    _ => found,
                }
            }
        };
        given.insert(name, value);
    }
    Ok(given)
}

fn is_everywhere(present: &Tensor) -> bool {
    let least = present.flatten_all().and_then(|all| all.min(0)?.to_dtype(DType::F64)?.to_scalar::<f64>());
    least.is_ok_and(|least| least == 1.0)
}

fn data_size(data: &Values) -> usize {
    data.iter().next().and_then(|(_, value)| value.dims().first().copied()).unwrap_or(0)
}
