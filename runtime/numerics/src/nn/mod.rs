//! Layers and networks.
//!
//! Each is built once, `Type::new(&params, input, config)`, from the shape of its input without the batch; it knows its
//! output's shape and registers its parameters below the position it is given.

mod conv;
mod dense;
mod networks;
mod small;

pub use conv::{NormConv, Shape2d};
pub use dense::DenseLayer;
pub use networks::{Decoder, DecoderConfig, DenseNet, DenseNetConfig, Encoder, EncoderConfig};
pub use small::{Conv, ConvConfig, Linear, LinearConfig, Residual, ResidualConfig};

use crate::{Params, Result, Tensor};

/// A network written by hand, for a `.pgm` file that declares it with `= rust "path"`.
pub trait Network: Sized {
    /// Builds the network for inputs of these shapes, without the batch.
    ///
    /// # Errors
    /// Shapes it cannot take.
    fn new(params: &Params, inputs: &[&[usize]]) -> Result<Self>;

    /// The output's shape, without the batch.
    fn output(&self) -> &[usize];

    /// # Errors
    /// A failed tensor operation.
    fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor>;
}

/// Channels, height and width.
///
/// # Errors
/// A shape of another rank: the message names the layer.
fn image(layer: &str, shape: &[usize]) -> Result<[usize; 3]> {
    <[usize; 3]>::try_from(shape)
        .map_err(|_| candle_core::Error::Msg(format!("{layer} takes [channels, height, width], not {shape:?}")))
}
