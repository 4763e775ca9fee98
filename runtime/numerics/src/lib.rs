//! What layers, distributions and flows are made of, and the trait of a model. The entries of the language themselves are the
//! crate `srvae-entries`.
//!
//! From the bottom up:
//! - [`params`], [`noise`]: where parameters live and where randomness comes from;
//! - [`nn`], [`dist`], [`flow`]: what all layers, all distributions and all bijectors share;
//! - [`model`]: the trait between generated code and everything above; [`generated`], [`members`]: what generated code has in scope.

pub mod dist;
pub mod enumeration;
pub mod flow;
pub mod generated;
pub mod members;
pub mod model;
pub mod nn;
pub mod noise;
mod objective;
pub mod params;
pub mod partly;
mod scope;
pub mod steps;
pub mod tensors;
mod terms;
mod weights;

pub use candle_core;
pub use candle_core::{DType, Device, Result, Tensor};
pub use enumeration::Enumeration;
pub use model::{
    BoundOptions, Builder, Compiled, Decode, Draw, Flow, KlEstimator, Mode, Model, Setting, Settings, Term, TermKind,
    Terms, Values,
};
pub use noise::Noise;
pub use objective::{Added, Moment, Ramp, Weight};
pub use params::Params;
pub use partly::Partly;
/// The tensor operations, from the crate below.
pub use srvae_kernels as ops;
