//! Every mode of a model as a sheet of pictures.

use crate::data::{Batches, Images};
use crate::params::Phase;
use crate::picture::{enlarge, from_batch, rows};
use crate::spec::{Role, Space, Spec, Variable};
use crate::{Draw, Mode, Model, Noise, Tensor, Values};
use anyhow::{Context, Result, bail};
use image::RgbImage;

/// How a sheet is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Examples, or draws where a mode is given nothing.
    pub count: usize,
    /// Examples side by side.
    pub columns: usize,
    /// Draws for each example, where a mode is given something.
    pub draws: usize,
    pub draw: Draw,
    pub seed: u64,
    /// Show the least picture at least this wide.
    pub width: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { count: 32, columns: 8, draws: 1, draw: Draw::default(), seed: 1, width: 64 }
    }
}

/// Rows of pictures with what they show, one picture an example.
#[derive(Debug, Clone)]
pub struct Strip {
    pub label: String,
    pub pictures: Vec<RgbImage>,
}

/// Draws a mode: what it is given over what it yields. `images` are the examples it is given.
///
/// # Errors
/// No pictures to give, or a failed tensor operation.
pub fn strips(model: &dyn Model, spec: &Spec, mode: &Mode, images: &Images, options: &Options) -> Result<Vec<Strip>> {
    let before = model.params().phase();
    model.params().set_phase(Phase::Inference);
    let result = draw(model, spec, mode, images, options);
    model.params().set_phase(before);
    result
}

/// Strips as one sheet: `columns` examples side by side, the strips one over the other, and so on.
pub fn sheet(strips: &[Strip], options: &Options) -> RgbImage {
    let count = strips.iter().map(|strip| strip.pictures.len()).max().unwrap_or(0);
    let width = strips.iter().flat_map(|strip| &strip.pictures).map(RgbImage::width).max().unwrap_or(1);
    let target = width * options.width.div_ceil(width).max(1);
    let show = |picture: &RgbImage| enlarge(picture, (target / picture.width()).max(1));
    let mut lines = Vec::new();
    for start in (0..count).step_by(options.columns.max(1)) {
        let end = (start + options.columns.max(1)).min(count);
        lines.extend(strips.iter().map(|strip| strip.pictures[start..end].iter().map(show).collect()));
    }
    rows(&lines)
}

/// Examples computed at once.
const BATCH: usize = 32;

fn draw(model: &dyn Model, spec: &Spec, mode: &Mode, images: &Images, options: &Options) -> Result<Vec<Strip>> {
    let mut noise = Noise::seeded(options.seed);
    let mut strips: Vec<Strip> = Vec::new();
    let mut add = |label: String, batch: &Tensor| -> Result<()> {
        let pictures = from_batch(batch)?;
        match strips.iter_mut().find(|strip| strip.label == label) {
            Some(strip) => strip.pictures.extend(pictures),
            None => strips.push(Strip { label, pictures }),
        }
        Ok(())
    };
    let mut done = 0;
    let count = if mode.given.is_empty() { options.count } else { options.count.min(images.len()) };
    while done < count {
        let size = BATCH.min(count - done);
        let given = if mode.given.is_empty() {
            Values::new()
        } else {
            let data = Batches::new(spec, images, model.params().device())?.range(images, done, size)?;
            let given = complete(model, mode, &data, &mut noise, &options.draw)?;
            for name in mode.given {
                if let Some(variable) = spec.variable(name).filter(|variable| shows(variable)) {
                    add(format!("{} given", variable.name), given.get(name)?)?;
                }
            }
            // Where a reduced picture is given, the full one is what the result is held against.
            for variable in spec
                .data_variables()
                .filter(|variable| shows(variable) && !mode.given.contains(&variable.name.as_str()))
            {
                add(format!("{} original", variable.name), data.get(&variable.name)?)?;
            }
            given
        };
        let draws = if mode.given.is_empty() { 1 } else { options.draws.max(1) };
        for number in 1..=draws {
            let found = model.run(mode.name, &given, size, &mut noise, &options.draw)?;
            for name in mode.yields {
                if let Some(variable) = spec.variable(name).filter(|variable| shows(variable)) {
                    let which = if draws > 1 { format!(" {number}") } else { String::new() };
                    add(format!("{}{which}", variable.name), found.get(name)?)?;
                }
            }
        }
        done += size;
    }
    if strips.is_empty() {
        bail!("mode {} yields nothing that can be seen as a picture", mode.name);
    }
    Ok(strips)
}

/// The values a mode is given, out of data: what is not data comes from q.
///
/// # Errors
/// A variable that no mode infers from data, or a failed tensor operation.
pub fn complete(model: &dyn Model, mode: &Mode, data: &Values, noise: &mut Noise, draw: &Draw) -> Result<Values> {
    let mut given = Values::new();
    for name in mode.given {
        let value = match data.find(name) {
            Some(value) => value.clone(),
            None => {
                let infers = |other: &&Mode| {
                    other.yields.contains(name) && other.given.iter().all(|given| data.find(given).is_some())
                };
                let from = model.modes().iter().find(|mode| mode.name == "reconstruction" && infers(mode));
                let from = from.or_else(|| model.modes().iter().filter(|mode| !mode.given.is_empty()).find(infers));
                let from = from
                    .with_context(|| format!("mode {} is given `{name}`, which nothing infers from data", mode.name))?;
                model.run(from.name, data, data_size(data), noise, draw)?.get(name)?.clone()
            }
        };
        given.insert(name, value);
    }
    Ok(given)
}

/// From one picture to another in `steps` steps, ends included, along a line through what q makes of them in the first
/// latent that p draws; both originals stand at the ends.
///
/// # Errors
/// A model without latents, or with a q that is no normal; a failed tensor operation.
pub fn interpolation(model: &dyn Model, spec: &Spec, ends: &Images, steps: usize, options: &Options) -> Result<Strip> {
    let before = model.params().phase();
    model.params().set_phase(Phase::Inference);
    let result = walk(model, spec, ends, steps, options);
    model.params().set_phase(before);
    result
}

fn walk(model: &dyn Model, spec: &Spec, ends: &Images, steps: usize, options: &Options) -> Result<Strip> {
    let modes = model.modes();
    let top = modes.iter().find(|mode| mode.name == "generation").and_then(|mode| mode.yields.first());
    let top = top.context("interpolation needs a model with latents")?;
    let mode = ["generative_reconstruction", "reconstruction"]
        .iter()
        .find_map(|name| modes.iter().find(|mode| mode.name == *name));
    let mode = mode.context("interpolation needs a mode that infers the latents of a picture")?;
    let device = model.params().device();
    let batches = Batches::new(spec, ends, device)?;
    let both = batches.take(ends, &[0, 1], None)?;
    // q's draw is mean + deviation · noise: two runs with chosen noise tell both, a third goes where it is sent.
    let shape = spec.variable(top).map(|variable| variable.shape.clone()).unwrap_or_default();
    let with = |given: &Values, noise: &Tensor| -> Result<Values> {
        let mut source = Noise::seeded(options.seed);
        source.record(top, noise.clone());
        Ok(model.run(mode.name, given, noise.dim(0)?, &mut source, &options.draw)?)
    };
    let dims = |count: usize| std::iter::once(count).chain(shape.iter().copied()).collect::<Vec<_>>();
    let zeros = Tensor::zeros(dims(2), model.params().dtype(), device)?;
    let means = with(&both, &zeros)?.get(top)?.clone();
    let deviations = (with(&both, &zeros.ones_like()?)?.get(top)? - &means)?;
    let (from, to, deviation) = (means.narrow(0, 0, 1)?, means.narrow(0, 1, 1)?, deviations.narrow(0, 0, 1)?);
    let part = |step: usize| step as f64 / (steps.max(2) - 1) as f64;
    let on_the_way: Vec<Tensor> =
        (0..steps).map(|step| Ok((((&to - &from)? * part(step))? / &deviation)?)).collect::<Result<_>>()?;
    let found = with(&batches.take(ends, &vec![0; steps], None)?, &Tensor::cat(&on_the_way, 0)?)?;
    let shown = spec.variables.iter().find(|variable| variable.role == Role::Observed && shows(variable));
    let shown = shown.context("this model has no pictures to show")?;
    let mut originals = from_batch(both.get(&shown.name)?)?;
    let last = originals.pop();
    let pictures = originals.into_iter().chain(from_batch(found.get(&shown.name)?)?).chain(last).collect();
    Ok(Strip { label: format!("{} along {top}", shown.name), pictures })
}

fn data_size(data: &Values) -> usize {
    data.iter().next().and_then(|(_, value)| value.dims().first().copied()).unwrap_or(0)
}

/// Images show, and whatever else is data in the shape of a picture; latents of real numbers do not.
fn shows(variable: &Variable) -> bool {
    variable.picture().is_some() && (variable.role != Role::Latent || variable.space != Space::Real)
}
