//! The Fréchet inception distance (Heusel et al., 2017), with the usual protocol.
//!
//! Images, rounded to 8 bits, are resized to 299×299 and pass through Inception-v3 in the variant of pytorch-fid. The
//! distance is that between the normal distributions with the mean and the covariance of its 2048 pooled features.

mod convolution;
mod frechet;
mod inception;
mod statistics;
mod weights;

pub use frechet::distance;
pub use inception::{FEATURES, Inception};
pub use statistics::Statistics;
pub use weights::{SHA256, Weights};

use crate::data::{Batches, Images};
use crate::ranks::{self, Communicator};
use crate::spec::Spec;
use crate::{DType, Decode, Device, Draw, Model, Noise, Tensor, Values};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fmt;
use std::ops::Range;

/// Options of the measurement.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Number of images sampled from the model.
    pub samples: usize,
    /// Images computed at once.
    pub batch: usize,
    pub draw: Draw,
    pub seed: u64,
    /// The ranks that share the work. All get the same result.
    pub ranks: &'a dyn Communicator,
    /// Called with the number of finished images and of all images.
    pub progress: &'a dyn Fn(usize, usize),
}

/// A distance together with its protocol. Distances are comparable only for equal protocols.
#[derive(Debug, Clone)]
pub struct Distance {
    pub value: f64,
    pub samples: usize,
    pub real: usize,
    /// The name of the real images in reports.
    pub real_set: String,
    pub draw: Draw,
    pub seed: u64,
    /// The checksum of the network's weights.
    pub weights: String,
}

impl Distance {
    pub fn json(&self) -> Value {
        json!({
            "value": self.value,
            "protocol": {
                "samples": self.samples,
                "decode": decode(self.draw),
                "temperature": self.draw.temperature,
                "seed": self.seed,
                "real_pictures": self.real,
                "real_set": self.real_set,
                "rounding": "8 bits",
                "resize": "bilinear to 299x299",
                "network": "FID Inception-v3, pool3, 2048 features",
                "weights_sha256": self.weights,
            },
        })
    }
}

/// The value with its protocol.
impl fmt::Display for Distance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "FID {:.2} ({} sampled images, decoded by {}, temperature {}, seed {}; against {} {}; all rounded to 8 bits, \
             bilinear to 299x299; weights {})",
            self.value,
            self.samples,
            decode(self.draw),
            self.draw.temperature,
            self.seed,
            self.real,
            self.real_set,
            self.weights.get(..8).unwrap_or(&self.weights)
        )?;
        if self.samples.min(self.real) <= FEATURES {
            write!(
                out,
                "; with so few images the value is larger than with the usual 10,000 or 50,000: compare equal counts \
                 only"
            )?;
        }
        Ok(())
    }
}

fn decode(draw: Draw) -> &'static str {
    match draw.decode {
        Decode::Sample => "sample",
        Decode::Mean => "mean",
        Decode::Mode => "likeliest",
    }
}

/// The statistics of all given images.
///
/// # Errors
/// Ctrl-C, or a failed tensor operation.
pub fn of_images(network: &Inception, images: &Images, options: &Options<'_>) -> Result<Statistics> {
    features(options, images.len(), |records| {
        let part = images.select(&records.clone().collect::<Vec<_>>())?;
        let bytes: Vec<u8> = (0..part.len()).flat_map(|index| part.picture(index)).copied().collect();
        let [channels, height, width] = part.shape();
        let pictures = Tensor::from_vec(bytes, (records.len(), channels, height, width), network.device())?;
        network.features(&pictures)
    })
}

/// The statistics of the features of a number of images. `of` computes the features of a range.
fn features(options: &Options<'_>, count: usize, of: impl Fn(Range<usize>) -> Result<Tensor>) -> Result<Statistics> {
    let batch = options.batch.max(1);
    let part = |part: usize| part * batch..count.min((part + 1) * batch);
    let mut statistics = Statistics::default();
    let work = |number: usize| {
        let features = of(part(number))?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        Ok(ranks::of_floats(&features.flatten_all()?.to_vec1()?))
    };
    ranks::in_order(options.ranks, count.div_ceil(batch), work, |number, bytes| {
        statistics.add(&Tensor::from_vec(ranks::floats(bytes), (part(number).len(), FEATURES), &Device::Cpu)?)?;
        (options.progress)(part(number).end, count);
        Ok(())
    })?;
    Ok(statistics)
}

/// The statistics of images sampled from a model. Given variables (such as classes) come from `images`. An image
/// depends only on the seed and its number.
///
/// # Errors
/// A model without images, Ctrl-C, or a failed tensor operation.
pub fn of_model(
    network: &Inception,
    model: &dyn Model,
    spec: &Spec,
    images: &Images,
    options: &Options<'_>,
) -> Result<Statistics> {
    let variable = spec.variables.iter().filter(|variable| variable.is_observed());
    let variable = variable.filter(|it| it.picture().is_some()).max_by_key(|it| it.shape.iter().product::<usize>());
    let variable = variable.with_context(|| format!("model {} has no observed image, so no FID", spec.name))?;
    let mode = model.modes().iter().find(|mode| mode.name == "generation");
    let mode = mode.with_context(|| format!("model {} has no mode generation", spec.name))?;
    let batches = Batches::new(spec, images, model.params().device())?;
    features(options, options.samples, |records| {
        let mut given = Values::new();
        if !mode.given.is_empty() {
            let indices: Vec<usize> = records.clone().map(|at| at % images.len()).collect();
            let data = batches.take(images, &indices, None)?;
            for name in mode.given {
                given.insert(name, data.get(name)?.clone());
            }
        }
        let size = records.len();
        let mut noise = Noise::of_rows(options.seed ^ 0x0f1d, 0..1, records);
        let drawn = model.run(mode.name, &given, size, &mut noise, &options.draw)?;
        let pictures = drawn.get(&variable.name)?.to_device(network.device())?;
        network.features(&to_bytes(&pictures)?)
    })
}

/// Values in [0, 1] as the bytes of an image file.
fn to_bytes(pictures: &Tensor) -> Result<Tensor> {
    let finite = pictures.sum_all()?.to_dtype(DType::F32)?.to_scalar::<f32>()?.is_finite();
    ensure!(finite, "a sampled image has values that are not numbers");
    Ok((pictures * 255.0)?.round()?.clamp(0.0, 255.0)?.to_dtype(DType::U8)?)
}

/// The network with the weights of a file.
///
/// # Errors
/// Those of [`Weights::read`], or weights that do not fit the network.
pub fn load(weights: &Weights, device: &Device) -> Result<Inception> {
    Inception::new(&weights.tensors, device)
        .with_context(|| format!("{}: not the FID network's weights", weights.place))
}
