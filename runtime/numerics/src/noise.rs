//! The only source of randomness: seeded, reproducible on every device, and able to replay recorded draws.

use crate::ops::cuda::noise::{self, Law};
use candle_core::{DType, Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};
use rayon::prelude::*;
use std::ops::Range;

/// A stream of random tensors.
///
/// Each call draws from a separate stream, numbered by a counter. The state is two numbers ([`Noise::state`]), so a
/// resumed run makes the same draws as an uninterrupted one. The streams are ChaCha's. On a GPU the numbers are
/// generated there by Philox, and differ from those on the CPU.
#[derive(Debug, Clone)]
pub struct Noise {
    seed: u64,
    counter: u64,
    /// Recorded draws, by variable.
    recorded: Vec<(String, Tensor)>,
    /// Normal draws that may be used in place of random ones.
    offered: Vec<(String, Tensor)>,
    rows: Option<Rows>,
    /// Whether draws are the middle of their distribution.
    is_still: bool,
    /// The number of copies of each draw: one for each enumerated value.
    copies: usize,
    /// A counter on the device, and the number of draws before it.
    base: Option<(Tensor, u64)>,
}

/// The rows of a batch: samples of images, where the sample is the slow index.
#[derive(Debug, Clone)]
struct Rows {
    samples: Range<usize>,
    images: Range<usize>,
}

impl Rows {
    /// The rows of draws of this shape: one for each sample of each image or, if the draw does not depend on the
    /// sample, one for each image.
    fn of(&self, shape: &[usize]) -> Option<Self> {
        let first = *shape.first().filter(|_| !shape.contains(&0))?;
        match first {
            _ if first == self.samples.len() * self.images.len() => Some(self.clone()),
            _ if first == self.images.len() => Some(Self { samples: 0..1, images: self.images.clone() }),
            _ => None,
        }
    }

    /// Draws of this shape, of each row from its own stream.
    fn draw(&self, seed: u64, shape: &[usize], one: impl Fn(&mut ChaCha8Rng) -> f32 + Sync) -> Vec<f32> {
        let mut values = vec![0f32; shape.iter().product()];
        let size = values.len() / shape[0];
        values.par_chunks_mut(size).enumerate().for_each(|(row, part)| {
            let sample = self.samples.start + row / self.images.len();
            let image = self.images.start + row % self.images.len();
            fill(seed, (image as u64) << 32 | sample as u64, &one, part);
        });
        values
    }
}

impl Noise {
    /// A source that is a function of the seed.
    pub fn seeded(seed: u64) -> Self {
        Self::at(seed, 0)
    }

    /// The source at a state from [`Noise::state`].
    pub fn at(seed: u64, counter: u64) -> Self {
        let (recorded, offered) = (Vec::new(), Vec::new());
        Self { seed, counter, recorded, offered, rows: None, is_still: false, copies: 1, base: None }
    }

    /// A source without randomness: every normal draw is 0 and every uniform draw ½. A draw of a normal is then its mean, one of a
    /// categorical or Bernoulli variable its likeliest value, and one of any other distribution of numbers its median.
    pub fn none() -> Self {
        Self { is_still: true, ..Self::seeded(0) }
    }

    /// Whether this is the source without randomness.
    pub fn is_none(&self) -> bool {
        self.is_still
    }

    /// A source whose draws for a row are a function of the seed, the row's sample and its image, so that samples and
    /// images may be computed in any portions.
    pub fn of_rows(seed: u64, samples: Range<usize>, images: Range<usize>) -> Self {
        Self { rows: Some(Rows { samples, images }), ..Self::seeded(seed) }
    }

    /// The source for draws on a GPU that are numbered from the value of `base` (one i64 there) at the time of the
    /// draw.
    pub fn numbered_from(&self, base: &Tensor) -> Self {
        Self { base: Some((base.clone(), self.counter)), ..self.clone() }
    }

    /// Sets the number of copies of each draw and returns the previous one.
    pub(crate) fn set_copies(&mut self, copies: usize) -> usize {
        std::mem::replace(&mut self.copies, copies)
    }

    /// Draws that are the same for all records: they depend only on the sample.
    ///
    /// # Errors
    /// Those of `draw`.
    pub fn for_all_records<T>(&mut self, draw: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.rows.clone();
        if let Some(rows) = &mut self.rows {
            rows.images = 0..1;
        }
        let drawn = draw(self);
        self.rows = before;
        drawn
    }

    /// Advances the counter by `draws` without drawing.
    pub fn skip(&mut self, draws: u64) {
        self.counter += draws;
    }

    /// Seed and number of draws so far.
    pub fn state(&self) -> (u64, u64) {
        (self.seed, self.counter)
    }

    /// Replaces the next draw for `variable` by `draw`. Several are used first in, first out.
    pub fn record(&mut self, variable: &str, draw: Tensor) {
        self.recorded.push((variable.to_owned(), draw));
    }

    /// Replaces the next normal draw of this shape for `variable` by `draw`. Other kinds of draws ignore it.
    pub fn offer(&mut self, variable: &str, draw: Tensor) {
        self.offered.push((variable.to_owned(), draw));
    }

    /// Independent standard normal draws for `variable`.
    ///
    /// # Errors
    /// A recorded draw of another shape.
    pub fn normal(&mut self, variable: &str, shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor> {
        if self.copies > 1 {
            return self.copied(shape, |noise, shape| noise.normal(variable, shape, dtype, device));
        }
        if let Some(at) = self.offered.iter().position(|(name, draw)| name == variable && draw.dims() == shape) {
            return self.offered.remove(at).1.to_dtype(dtype)?.to_device(device);
        }
        self.draw(variable, shape, dtype, device, Law::Normal, |rng| StandardNormal.sample(rng))
    }

    /// Independent draws, uniform on [0, 1), for `variable`.
    ///
    /// # Errors
    /// A recorded draw of another shape.
    pub fn uniform(&mut self, variable: &str, shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor> {
        if self.copies > 1 {
            return self.copied(shape, |noise, shape| noise.uniform(variable, shape, dtype, device));
        }
        self.draw(variable, shape, dtype, device, Law::Uniform, |rng| StandardUniform.sample(rng))
    }

    /// The draws of one copy, repeated for all copies.
    fn copied(&mut self, shape: &[usize], draw: impl FnOnce(&mut Self, &[usize]) -> Result<Tensor>) -> Result<Tensor> {
        let copies = self.set_copies(1);
        let mut one = shape.to_vec();
        one[0] /= copies;
        let drawn = draw(self, &one);
        self.set_copies(copies);
        let drawn = drawn?;
        Tensor::cat(&vec![&drawn; copies], 0)
    }

    fn draw(
        &mut self,
        variable: &str,
        shape: &[usize],
        dtype: DType,
        device: &Device,
        law: Law,
        one: impl Fn(&mut ChaCha8Rng) -> f32 + Sync,
    ) -> Result<Tensor> {
        if let Some(at) = self.recorded.iter().position(|(name, _)| name == variable) {
            let (_, draw) = self.recorded.remove(at);
            if draw.dims() != shape {
                candle_core::bail!("the recorded draw for `{variable}` has shape {:?}, needed {shape:?}", draw.dims());
            }
            return draw.to_dtype(dtype)?.to_device(device);
        }
        if self.is_still {
            let middle = match law {
                Law::Normal => 0.0,
                Law::Uniform => 0.5f32,
            };
            return Tensor::full(middle, shape, device)?.to_dtype(dtype);
        }
        // The rows of these draws, if they depend on rows.
        let rows = self.rows.as_ref().and_then(|rows| rows.of(shape));
        // Draws of one pass differ in the seed, rows in the stream.
        let row_seed = self.seed.wrapping_add(self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if device.is_cuda() {
            let drawn = match rows {
                Some(rows) => noise::draw_rows(law, shape, row_seed, &rows.samples, &rows.images, device)?,
                None => {
                    let (base, before) = self.base.as_ref().map_or((None, 0), |(base, before)| (Some(base), *before));
                    noise::draw(law, shape, self.seed, self.counter - before, base, device)?
                }
            };
            self.counter += 1;
            return drawn.to_dtype(dtype);
        }
        let values = match rows {
            Some(rows) => rows.draw(row_seed, shape, one),
            None => {
                let mut values = vec![0f32; shape.iter().product()];
                fill(self.seed, self.counter, one, &mut values);
                values
            }
        };
        self.counter += 1;
        Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }
}

/// Fills numbers from one stream.
fn fill(seed: u64, stream: u64, one: impl Fn(&mut ChaCha8Rng) -> f32, values: &mut [f32]) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    values.iter_mut().for_each(|value| *value = one(&mut rng));
}
