//! The building blocks of layers: weight-normalised convolutions, dense layers.
//!
//! Each is built once, `Type::new(&params, input, config)`, from the shape of its input without the batch. It knows the
//! shape of its output and registers its parameters below the position of `params`.

mod conv;
mod dense;
mod plain;

pub use conv::{NormConv, Shape2d};
pub use dense::DenseLayer;
pub use plain::Plain;

use crate::{Params, Result, Tensor};

/// A hand-written network, for a `.pgm` file that declares it with `= rust "path"`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named as a network in a model file, and does not implement `srvae::nn::Network`",
    label = "no network"
)]
pub trait Network: Sized {
    /// Builds the network for inputs of these shapes, without the batch.
    ///
    /// # Errors
    /// Unsupported shapes.
    fn new(params: &Params, inputs: &[&[usize]]) -> Result<Self>;

    /// The output's shape, without the batch.
    fn output(&self) -> &[usize];

    /// # Errors
    /// A failed tensor operation.
    fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor>;
}

/// A layer: a part of a network with parameters.
pub trait Layer: Send + Sync {
    /// The output's shape, without the batch.
    fn output(&self) -> &[usize];

    /// # Errors
    /// Inputs that do not fit.
    fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor>;
}
