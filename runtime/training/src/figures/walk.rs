//! Interpolation between two images along a line in latent space.

use super::{Options, Strip, at_rest, shows};
use crate::data::{Batches, Images};
use crate::interrupt;
use crate::picture::from_batch;
use crate::spec::Spec;
use crate::{DType, Mode, Model, Noise, Tensor, Values};
use anyhow::{Context, Result, ensure};

/// The path of an interpolation.
#[derive(Debug, Clone)]
pub struct Walk {
    /// The latents that are interpolated, in q's order; all others follow from them or stay fixed.
    pub latents: Vec<String>,
    /// Whether they are the roots of p, so that everything below is drawn from p.
    pub top: bool,
    /// Number of images along the path, ends included.
    pub steps: usize,
}

/// Interpolates between the posterior means of two images in some latents. The originals are the first and the last
/// image. All other noise is the same at every step.
///
/// # Errors
/// A latent that no mode infers, or whose q has no noise to control; a failed tensor operation.
pub fn interpolation(model: &dyn Model, spec: &Spec, ends: &Images, walk: &Walk, options: &Options) -> Result<Strip> {
    at_rest(model, || {
        let walker = Walker { model, spec, mode: mode(model, walk)?, options };
        walker.walk(ends, walk)
    })
}

/// The mode that draws the latents from q.
fn mode<'m>(model: &'m dyn Model, walk: &Walk) -> Result<&'m Mode> {
    ensure!(!walk.latents.is_empty(), "interpolation needs a model with latents");
    let wanted = if walk.top { ["generative_reconstruction", "reconstruction"] } else { ["reconstruction"; 2] };
    let found = wanted.iter().find_map(|name| model.modes().iter().find(|mode| mode.name == *name));
    let mode = found.context("interpolation needs a mode that infers the latents")?;
    for name in &walk.latents {
        let known = mode.yields.contains(&name.as_str());
        ensure!(
            known,
            "there is no latent `{name}` to interpolate: mode {} infers {}",
            mode.name,
            mode.yields.join(", ")
        );
    }
    Ok(mode)
}

/// Runs a mode for one image with given noise for some latents and fixed noise for all others.
struct Walker<'a> {
    model: &'a dyn Model,
    spec: &'a Spec,
    mode: &'a Mode,
    options: &'a Options,
}

/// Latents with given noise.
type Steered = Vec<(String, Tensor)>;

impl Walker<'_> {
    fn walk(&self, ends: &Images, walk: &Walk) -> Result<Strip> {
        let batches = Batches::new(self.spec, ends, self.model.params().device())?;
        let [from, to] = [batches.take(ends, &[0], None)?, batches.take(ends, &[1], None)?];
        let still =
            walk.latents.iter().map(|name| Ok((name.clone(), self.noise(name, 0.0)?))).collect::<Result<_>>()?;
        let (begin, end) = (self.run(&from, &still)?, self.run(&to, &still)?);
        let shown = self.spec.variables.iter().find(|variable| variable.is_observed() && shows(variable));
        let shown = shown.context("this model has no images to show")?;
        let mut pictures = from_batch(from.get(&shown.name)?)?;
        // The first latent's moments are the same at every step; those of the others depend on the latents before.
        let first = self.moments(&from, &Steered::new(), &walk.latents[0])?;
        for step in 0..walk.steps {
            let part = step as f64 / (walk.steps.max(2) - 1) as f64;
            let mut steered = Steered::new();
            for (at, name) in walk.latents.iter().enumerate() {
                let (mean, deviation) = if at == 0 { first.clone() } else { self.moments(&from, &steered, name)? };
                let goal = ((begin.get(name)? * (1.0 - part))? + (end.get(name)? * part)?)?;
                steered.push((name.clone(), ((goal - mean)? / deviation)?));
            }
            pictures.extend(from_batch(self.run(&from, &steered)?.get(&shown.name)?)?);
            interrupt::check()?;
        }
        pictures.extend(from_batch(to.get(&shown.name)?)?);
        Ok(Strip { label: format!("{} along {}", shown.name, walk.latents.join(", ")), pictures })
    }

    fn run(&self, given: &Values, steered: &Steered) -> Result<Values> {
        let mut noise = Noise::seeded(self.options.seed);
        steered.iter().for_each(|(name, draw)| noise.record(name, draw.clone()));
        Ok(self.model.run(self.mode.name, given, 1, &mut noise, &self.options.draw)?)
    }

    /// Noise for a latent with this value everywhere.
    fn noise(&self, name: &str, value: f32) -> Result<Tensor> {
        let shape = self.spec.variable(name).map(|variable| variable.shape.clone()).unwrap_or_default();
        let dims: Vec<usize> = std::iter::once(1).chain(shape).collect();
        let params = self.model.params();
        Ok(Tensor::full(value, dims, params.device())?.to_dtype(params.dtype())?)
    }

    /// Mean and deviation of a latent under q, given the noise of those before it. q draws mean + deviation · noise, so two runs
    /// with noise 0 and 1 determine both.
    fn moments(&self, given: &Values, before: &Steered, name: &str) -> Result<(Tensor, Tensor)> {
        let at = |value: f32| -> Result<Tensor> {
            let mut steered = before.clone();
            steered.push((name.to_owned(), self.noise(name, value)?));
            Ok(self.run(given, &steered)?.get(name)?.clone())
        };
        let mean = at(0.0)?;
        let deviation = (at(1.0)? - &mean)?;
        let least = deviation.abs()?.flatten_all()?.min(0)?.to_dtype(DType::F32)?.to_scalar::<f32>()?;
        ensure!(least > 0.0, "`{name}` does not depend on noise under q, so it cannot be interpolated");
        Ok((mean, deviation))
    }
}
