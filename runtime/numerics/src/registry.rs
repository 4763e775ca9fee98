//! Layers, functions, distributions and flows by their names in the language, for models that are put together at run
//! time.

use crate::dist::{Bernoulli, Categorical, Distribution, LogisticMixture, MixtureOfNormals, Normal, StandardNormal};
use crate::flow::{Bijector, RealNvp, RealNvpConfig};
use crate::nn::{
    Conv, ConvConfig, Decoder, DecoderConfig, DenseNet, DenseNetConfig, Encoder, EncoderConfig, Linear, LinearConfig,
    Residual, ResidualConfig,
};
use crate::ops::{self, transform};
use crate::{Params, Result, Setting, Tensor};
use candle_core::{Error, bail};
use std::sync::Arc;

/// The arguments of one entry by name, in the entry's order; an argument that repeats stands several times.
#[derive(Debug, Clone, Default)]
pub struct Arguments(pub Vec<(String, Setting)>);

impl Arguments {
    /// The values of a size that repeats.
    ///
    /// # Errors
    /// A value that is no size.
    pub fn sizes(&self, name: &str) -> Result<Vec<usize>> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.size(name)).collect()
    }

    /// A size.
    ///
    /// # Errors
    /// No such argument, or no size.
    pub fn size(&self, name: &str) -> Result<usize> {
        self.get(name)?.size(name)
    }

    /// An argument's value.
    ///
    /// # Errors
    /// No such argument.
    pub fn get(&self, name: &str) -> Result<&Setting> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value).ok_or_else(|| Error::Msg(format!("the argument `{name}` is missing")))
    }
}

/// A part of a network that holds parameters.
pub trait Layer: Send + Sync {
    /// The output's shape, without the batch.
    fn output(&self) -> &[usize];

    /// # Errors
    /// Inputs that do not fit.
    fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor>;
}

/// Layers of one input: the name, the type, its configuration with the arguments that are its fields.
macro_rules! layers {
    ($($name:literal: $layer:ident, $config:ident { $($argument:ident),* };)*) => {
        $(impl Layer for $layer {
            fn output(&self) -> &[usize] {
                $layer::output(self)
            }

            fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor> {
                $layer::forward(self, only(inputs)?)
            }
        })*

        /// A layer of this name, for inputs of these shapes, with its parameters below `params`.
        ///
        /// # Errors
        /// An unknown name, a missing argument, or a shape that does not fit.
        pub fn layer(name: &str, params: &Params, inputs: &[&[usize]], args: &Arguments) -> Result<Box<dyn Layer>> {
            match name {
                $($name => {
                    let config = $config { $($argument: args.size(stringify!($argument))?),* };
                    Ok(Box::new($layer::new(params, only(inputs)?, config)?))
                })*
                other => Err(unknown("layer", other)),
            }
        }
    };
}

layers! {
    "encoder": Encoder, EncoderConfig { growth, steps, down, out };
    "decoder": Decoder, DecoderConfig { growth, steps, up, out };
    "densenet": DenseNet, DenseNetConfig { growth, steps, blocks, out };
    "conv": Conv, ConvConfig { kernel, stride, out };
    "linear": Linear, LinearConfig { out };
    "residual": Residual, ResidualConfig { width };
}

/// A function without parameters, of a network or of a factor of q.
///
/// # Errors
/// An unknown name, a missing argument, or a shape that does not fit.
pub fn function(name: &str, inputs: &[&Tensor], args: &Arguments) -> Result<Tensor> {
    match name {
        "elu" => ops::elu(only(inputs)?),
        "relu" => ops::relu(only(inputs)?),
        "silu" => ops::silu(only(inputs)?),
        "upsample" => ops::upsample(only(inputs)?, args.size("factor")?),
        "downsample" => ops::downsample(only(inputs)?, args.size("factor")?),
        "concat" => ops::concat(inputs),
        "flatten" => ops::flatten(only(inputs)?),
        "reshape" => ops::reshape(only(inputs)?, &args.sizes("sizes")?),
        "downscale" => transform::downscale(only(inputs)?, args.size("factor")?),
        "grayscale" => transform::grayscale(only(inputs)?),
        "sketch" => transform::sketch(only(inputs)?),
        "fourier" => ops::fourier(only(inputs)?, args.size("size")?),
        other => Err(unknown("function", other)),
    }
}

/// The distribution that a network's output (its head) is the parameters of.
///
/// # Errors
/// An unknown name, a missing argument, or a head that does not fit.
pub fn distribution(name: &str, head: &Tensor, args: &Arguments) -> Result<Box<dyn Distribution>> {
    Ok(match name {
        "normal" => Box::new(Normal::from_head(head)?),
        "logistic_mixture" => Box::new(LogisticMixture::from_head(head, args.size("components")?)?),
        "bernoulli" => Box::new(Bernoulli::from_head(head)?),
        "categorical" => Box::new(Categorical::from_head(head)?),
        other => return Err(unknown("distribution over a network", other)),
    })
}

/// The distribution of a root over values of this shape, without the batch; its parameters, if any, lie below `params`.
///
/// # Errors
/// An unknown name, a missing argument, or a shape that does not fit.
pub fn root(name: &str, params: &Params, shape: &[usize], args: &Arguments) -> Result<Box<dyn Distribution>> {
    Ok(match name {
        "standard_normal" => Box::new(StandardNormal::new(params, shape)?),
        "mixture_of_normals" => Box::new(MixtureOfNormals::new(params, shape, args.size("components")?)?),
        other => return Err(unknown("distribution at a root", other)),
    })
}

/// A flow over values of this shape, without the batch, with its parameters below `params`.
///
/// # Errors
/// An unknown name, a missing argument, or a shape that does not fit.
pub fn flow(name: &str, params: &Params, shape: &[usize], args: &Arguments) -> Result<Arc<dyn Bijector>> {
    match name {
        "real_nvp" => {
            let config = RealNvpConfig {
                scales: args.size("scales")?,
                growth: args.size("growth")?,
                steps: args.size("steps")?,
            };
            Ok(Arc::new(RealNvp::new(params, shape, config)?))
        }
        other => Err(unknown("flow", other)),
    }
}

pub use crate::dist::divergence;

fn only<'a, T: ?Sized>(inputs: &[&'a T]) -> Result<&'a T> {
    match inputs {
        [input] => Ok(input),
        _ => bail!("one input is needed, there are {}", inputs.len()),
    }
}

fn unknown(kind: &str, name: &str) -> Error {
    Error::Msg(format!("no {kind} is named `{name}`"))
}
