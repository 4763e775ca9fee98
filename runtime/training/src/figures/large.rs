//! A mode applied to an image of any size, tile by tile.

use super::{at_rest, complete, shows};
use crate::interrupt;
use crate::picture::{Blend, Canvas, Planes, Tiling};
use crate::spec::{Role, Spec, Variable};
use crate::{DType, Decode, Device, Draw, Mode, Model, Noise, Tensor, Values};
use anyhow::{Context, Result, bail, ensure};

/// Tiles computed at once.
const BATCH: usize = 32;

/// Options for an image of any size.
#[derive(Clone, Copy)]
pub struct Large<'a> {
    pub draw: Draw,
    pub seed: u64,
    /// Fraction of a tile that overlaps the next.
    pub overlap: f64,
    /// Called with the number of finished tiles and of all tiles.
    pub progress: &'a dyn Fn(usize, usize),
}

/// Applies a mode to an image of any size, which is the mode's only evidence.
///
/// Spatial latents get the same noise in every tile that contains them, so that overlapping tiles agree. Tiles are
/// blended with weights. With sampled pixels, each pixel comes from the tile whose border is farthest away.
///
/// # Errors
/// A mode without exactly one image as evidence, or without an image as a result; a failed tensor operation.
pub fn large(model: &dyn Model, spec: &Spec, mode: &Mode, picture: &Planes, how: &Large<'_>) -> Result<Planes> {
    let (given, [channels, ..]) = given(spec, mode)?;
    ensure!(
        picture.channels == channels,
        "`{given}` has {channels} channels, the image has {}; three or one can be adapted",
        picture.channels
    );
    at_rest(model, || tiles(model, spec, mode, picture, how))
}

/// The only evidence of a mode, and its shape as an image.
///
/// # Errors
/// Another number of variables, or one that is not an image.
pub fn given<'s>(spec: &'s Spec, mode: &Mode) -> Result<(&'s str, [usize; 3])> {
    // Variables that a record may lack need not be given.
    let whole: Vec<&str> = mode.given.iter().copied().filter(|name| !mode.partly.contains(name)).collect();
    let [name] = (if whole.is_empty() { mode.given } else { &whole }) else {
        let names = if mode.given.is_empty() { "nothing".into() } else { mode.given.join(", ") };
        bail!("mode {} is given {names}; this needs a mode that is given one image and nothing else", mode.name);
    };
    let variable = spec.variable(name).filter(|variable| shows(variable));
    let shape = variable.and_then(Variable::picture);
    let shape = shape.with_context(|| format!("mode {} is given `{name}`, which is not an image", mode.name))?;
    Ok((variable.map_or("", |variable| variable.name.as_str()), shape))
}

fn tiles(model: &dyn Model, spec: &Spec, mode: &Mode, picture: &Planes, how: &Large<'_>) -> Result<Planes> {
    let (given, [channels, height, width]) = given(spec, mode)?;
    let mut shown = mode.yields.iter().filter_map(|name| spec.variable(name));
    let shown = shown.rfind(|variable| variable.is_observed() && shows(variable));
    let (shown, [out, high, wide]) = shown
        .and_then(|variable| Some((variable, variable.picture()?)))
        .with_context(|| format!("mode {} yields nothing that can be shown as an image", mode.name))?;
    let fields = Fields::of(spec, mode, [height, width]);
    let tiling = Tiling::new([picture.height, picture.width], [height, width], how.overlap, fields.grid);
    let blend = if how.draw.decode == Decode::Sample { Blend::Nearest } else { Blend::Mean };
    let mut canvas = Canvas::new(tiling.scaled([high, wide]), out, blend);
    let drawn = fields.draw(&tiling, how.seed)?;
    let mut noise = Noise::seeded(how.seed);
    let device = model.params().device().clone();
    let indices: Vec<usize> = (0..tiling.len()).collect();
    for batch in indices.chunks(BATCH) {
        let numbers: Vec<f32> = batch.iter().flat_map(|&index| tiling.cut(picture, index)).collect();
        let tile = Tensor::from_vec(numbers, (batch.len(), channels, height, width), &device)?;
        // Unused noise that was offered for earlier tiles does not apply to these.
        let (seed, counter) = noise.state();
        noise = Noise::at(seed, counter);
        for (name, field, over) in &drawn {
            noise.offer(name, stack(field, over, batch, &device)?);
        }
        let given = Values::new().with(given, tile);
        let found = model.run(mode.name, &given, batch.len(), &mut noise, &how.draw)?;
        let pixels: Vec<f32> = found.get(&shown.name)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        for (&index, tile) in batch.iter().zip(pixels.chunks(out * high * wide)) {
            canvas.add(index, tile);
        }
        (how.progress)(batch[batch.len() - 1] + 1, tiling.len());
        interrupt::check()?;
    }
    Ok(canvas.finish())
}

/// The spatial latents of a mode.
struct Fields<'s> {
    variables: Vec<(&'s str, [usize; 3])>,
    /// Tiles that start at multiples of it start at whole pixels of every such latent.
    grid: [usize; 2],
}

impl<'s> Fields<'s> {
    fn of(spec: &'s Spec, mode: &Mode, tile: [usize; 2]) -> Self {
        let latents = mode.yields.iter().filter_map(|name| spec.variable(name));
        let latents = latents.filter(|variable| variable.role == Role::Latent && !shows(variable));
        let variables: Vec<_> =
            latents.filter_map(|variable| Some((variable.name.as_str(), variable.picture()?))).collect();
        let grid = [0, 1].map(|axis| {
            let whole =
                |step: &usize| variables.iter().all(|(_, shape)| (step * shape[1 + axis]).is_multiple_of(tile[axis]));
            (1..=tile[axis]).find(whole).unwrap_or(1)
        });
        Self { variables, grid }
    }

    /// Standard normal noise for each of them, over the extent of all tiles.
    fn draw(&self, tiling: &Tiling, seed: u64) -> Result<Vec<(&'s str, Planes, Tiling)>> {
        let mut noise = Noise::seeded(seed ^ 0x0066_6965_6c64);
        let mut drawn = Vec::new();
        for &(name, [channels, height, width]) in &self.variables {
            let mut over = tiling.scaled([height, width]);
            over.size = over.extent();
            let shape = [channels, over.size[0], over.size[1]];
            let values = noise.normal(name, &shape, DType::F32, &Device::Cpu)?.flatten_all()?.to_vec1()?;
            drawn.push((name, Planes { channels, height: shape[1], width: shape[2], values }, over));
        }
        Ok(drawn)
    }
}

fn stack(field: &Planes, tiling: &Tiling, batch: &[usize], device: &Device) -> Result<Tensor> {
    let numbers: Vec<f32> = batch.iter().flat_map(|&index| tiling.cut(field, index)).collect();
    Ok(Tensor::from_vec(numbers, (batch.len(), field.channels, tiling.tile[0], tiling.tile[1]), device)?)
}

/// Applies the model's q to an image of its observed variable, which gives the reduced image for `mode`.
///
/// # Errors
/// A mode without exactly one image as evidence; a failed tensor operation.
pub fn reduce(model: &dyn Model, spec: &Spec, mode: &Mode, picture: &Planes) -> Result<Planes> {
    let (given, [out, high, wide]) = given(spec, mode)?;
    let full = spec.data_variables().find_map(|variable| Some((variable, variable.picture()?)));
    let (full, [channels, height, width]) = full.context("this model has no images as data")?;
    let tiling = Tiling::new([picture.height, picture.width], [height, width], 0.0, [height, width]);
    let mut canvas = Canvas::new(tiling.scaled([high, wide]), out, Blend::Mean);
    let device = model.params().device().clone();
    let indices: Vec<usize> = (0..tiling.len()).collect();
    at_rest(model, || {
        for batch in indices.chunks(BATCH) {
            let numbers: Vec<f32> = batch.iter().flat_map(|&index| tiling.cut(picture, index)).collect();
            let tile = Tensor::from_vec(numbers, (batch.len(), channels, height, width), &device)?;
            let data = Values::new().with(&full.name, tile);
            let reduced = complete(model, mode, &data, &mut Noise::seeded(0), &Draw::default())?;
            let pixels: Vec<f32> = reduced.get(given)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
            for (&index, tile) in batch.iter().zip(pixels.chunks(out * high * wide)) {
                canvas.add(index, tile);
            }
        }
        Ok(canvas.finish())
    })
}
