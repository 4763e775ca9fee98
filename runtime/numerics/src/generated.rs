//! What generated code has in scope: everything above, and the few helpers that only it needs.

pub use crate::dist::{
    Bernoulli, Categorical, Distribution, Flowed, LogisticMixture, MixtureOfNormals, Normal, StandardNormal, decode,
    divergence_term,
};
pub use crate::flow::{Bijector, RealNvp, RealNvpConfig};
pub use crate::nn::{
    Conv, ConvConfig, Decoder, DecoderConfig, DenseNet, DenseNetConfig, Encoder, EncoderConfig, Linear, LinearConfig,
    Network, Residual, ResidualConfig,
};
pub use crate::ops::transform::{downscale, grayscale, sketch};
pub use crate::ops::{
    concat, downsample, elu, flatten, fourier, per_sample, relu, repeat, reshape, shapes, silu, upsample,
};
pub use crate::{
    BoundOptions, Compiled, Draw, Flow, Mode, Model, Noise, Params, Result, Settings, Tensor, Term, TermKind, Terms,
    Values,
};
pub use std::sync::Arc;

use crate::Setting;
use candle_core::{Error, bail};

/// What an image yields once, for each of its samples: row k·B + b is row b.
///
/// # Errors
/// A failed tensor operation.
pub fn repeat_each<const N: usize>(values: &[Tensor; N], samples: usize) -> Result<[Tensor; N]> {
    let repeated = values.iter().map(|value| repeat(value, samples)).collect::<Result<Vec<_>>>()?;
    repeated.try_into().map_err(|_| Error::Msg("values were lost".into()))
}

/// log q − log p at a sample, `[N]` nats.
///
/// # Errors
/// Shapes that differ.
pub fn sampled_kl_term(log_q: &Tensor, log_p: &Tensor) -> Result<Tensor> {
    log_q - log_p
}

/// The error for a setting that a model does not have.
pub fn unknown_setting(name: &str, known: &[&str]) -> Error {
    match known {
        [] => Error::Msg(format!("the model has no parameters, so no `{name}` to set")),
        _ => Error::Msg(format!("the model has no parameter `{name}`; it has {}", known.join(", "))),
    }
}

/// The error for a mode that a model does not have.
pub fn unknown_mode(name: &str, modes: &[Mode]) -> Error {
    let known: Vec<_> = modes.iter().map(|mode| mode.name).collect();
    Error::Msg(format!("the model has no mode `{name}`; it has {}", known.join(", ")))
}

impl Setting {
    /// A size; `name` is the parameter's, for the message.
    ///
    /// # Errors
    /// Another kind of value, or a negative one.
    pub fn size(&self, name: &str) -> Result<usize> {
        match self {
            Self::Int(value) if *value >= 0 => Ok(*value as usize),
            _ => bail!("`{name}` is a whole number, not {self}"),
        }
    }

    /// A real number.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn real(&self, name: &str) -> Result<f64> {
        match self {
            Self::Real(value) => Ok(*value),
            Self::Int(value) => Ok(*value as f64),
            _ => bail!("`{name}` is a number, not {self}"),
        }
    }

    /// true or false.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn switch(&self, name: &str) -> Result<bool> {
        match self {
            Self::Bool(value) => Ok(*value),
            _ => bail!("`{name}` is true or false, not {self}"),
        }
    }

    /// A word.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn word(&self, name: &str) -> Result<String> {
        match self {
            Self::Word(value) => Ok(value.clone()),
            _ => bail!("`{name}` is a word, not {self}"),
        }
    }
}
