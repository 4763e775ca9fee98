//! Layers and networks: gradients are slopes, for the input and for every parameter; the first batch sets each layer's output.

use super::support::{list, normal, params, slopes, stir};
use anyhow::{Result, ensure};
use srvae::nn::{
    Conv, ConvConfig, Decoder, DecoderConfig, DenseNet, DenseNetConfig, Encoder, EncoderConfig, Linear, LinearConfig,
    NormConv, Residual, ResidualConfig, Shape2d,
};
use srvae::params::Phase;
use srvae::{Params, Tensor, ops};

type Forward = Box<dyn Fn(&Tensor) -> Result<Tensor>>;

/// Builds a layer over an input shape, without the batch.
type Build = fn(&Params, &[usize]) -> Result<Forward>;

macro_rules! layer {
    ($ty:ident, $config:expr) => {
        |params, shape| {
            let layer = $ty::new(params, shape, $config)?;
            Ok(Box::new(move |x: &Tensor| Ok(layer.forward(x)?)))
        }
    };
}

/// Every layer there is, with an input's shape.
const LAYERS: [(&str, Build, &[usize]); 12] = [
    ("convolution", layer!(Conv, ConvConfig { kernel: 3, stride: 1, out: 2 }), &[3, 5, 4]),
    ("wide convolution", layer!(Conv, ConvConfig { kernel: 5, stride: 1, out: 2 }), &[1, 4, 5]),
    ("strided convolution", layer!(Conv, ConvConfig { kernel: 3, stride: 2, out: 3 }), &[2, 5, 4]),
    ("pointwise convolution", layer!(Conv, ConvConfig { kernel: 1, stride: 1, out: 4 }), &[3, 3, 2]),
    ("transposed convolution", transposed, &[3, 3, 2]),
    ("linear", layer!(Linear, LinearConfig { out: 3 }), &[5]),
    ("residual", layer!(Residual, ResidualConfig { width: 3 }), &[2, 3, 4]),
    ("encoder", layer!(Encoder, EncoderConfig { growth: 2, steps: 2, down: 1, out: 3 }), &[2, 4, 6]),
    ("decoder", layer!(Decoder, DecoderConfig { growth: 4, steps: 2, up: 1, out: 3 }), &[3, 2, 3]),
    ("dense network", layer!(DenseNet, DenseNetConfig { growth: 2, steps: 3, blocks: 2, out: 3 }), &[2, 3, 5]),
    ("upsampling", |_, _| Ok(Box::new(|x| Ok(ops::upsample(x, 3)?))), &[2, 3, 2]),
    ("downsampling", |_, _| Ok(Box::new(|x| Ok(ops::downsample(x, 2)?))), &[2, 4, 2]),
];

fn transposed(params: &Params, shape: &[usize]) -> Result<Forward> {
    let layer = NormConv::new(params, shape[0], 2, 3, Shape2d::Double)?;
    Ok(Box::new(move |x| Ok(layer.forward(x)?)))
}

fn batch(count: usize, shape: &[usize]) -> Vec<usize> {
    std::iter::once(count).chain(shape.iter().copied()).collect()
}

#[test]
fn gradients_are_slopes() -> Result<()> {
    for (name, build, shape) in LAYERS {
        let params = params();
        let forward = build(&params, shape)?;
        stir(&params)?;
        let x = normal(1, &batch(2, shape))?;
        let weights = normal(2, forward(&x)?.dims())?;
        slopes(&params, &x, |x| Ok((forward(x)? * &weights)?)).map_err(|error| error.context(name))?;
    }
    Ok(())
}

#[test]
fn a_batch_is_its_images_one_by_one() -> Result<()> {
    for (name, build, shape) in LAYERS {
        let params = params();
        let forward = build(&params, shape)?;
        stir(&params)?;
        let x = normal(3, &batch(3, shape))?;
        let together = list(&forward(&x)?)?;
        let apart = (0..3).map(|row| list(&forward(&x.narrow(0, row, 1)?)?)).collect::<Result<Vec<_>>>()?.concat();
        let error = together.iter().zip(&apart).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        ensure!(error < 1e-12, "{name}: {error:e}");
    }
    Ok(())
}

/// Salimans and Kingma (2016): after the first batch each channel of it has mean 0 and the chosen deviation, 0.01.
#[test]
fn the_first_batch_sets_the_output() -> Result<()> {
    for (name, build, shape) in &LAYERS[..5] {
        let params = params();
        let forward = build(&params, shape)?;
        let x = normal(4, &batch(6, shape))?;
        params.set_phase(Phase::Initialisation);
        forward(&x)?;
        params.set_phase(Phase::Training);
        let channels = forward(&x)?.transpose(0, 1)?.flatten_from(1)?;
        for channel in channels.to_vec2::<f64>()? {
            let count = channel.len() as f64;
            let mean = channel.iter().sum::<f64>() / count;
            let variance = channel.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
            // The root is taken of the variance + 1e-8, which is next to nothing of a variance near 1.
            ensure!(
                mean.abs() < 1e-12 && (variance.sqrt() - 0.01).abs() < 1e-8,
                "{name}: {mean} ± {}",
                variance.sqrt()
            );
        }
    }
    Ok(())
}

/// What the first pictures leave undetermined keeps scale 1: a layer initialised on flat pictures passes varied ones on as they
/// are, and not a hundred times as loud.
#[test]
fn channels_without_variance_are_not_amplified() -> Result<()> {
    for (name, build, shape) in &LAYERS[..5] {
        for level in [0.0, 1.0, 1000.0] {
            let params = params();
            let forward = build(&params, shape)?;
            let flat = Tensor::full(level, batch(6, shape), &Device::Cpu)?;
            params.set_phase(Phase::Initialisation);
            // Borders vary where a kernel reaches over them; a layer of one pixel has none.
            forward(&flat)?;
            params.set_phase(Phase::Training);
            let x = normal(4, &batch(6, shape))?;
            let loud = forward(&x)?.sqr()?.mean_all()?.sqrt()?.to_scalar::<f64>()?;
            ensure!(loud.is_finite() && loud < 20.0 + level, "{name} after pictures of {level}: {loud}");
        }
    }
    Ok(())
}
