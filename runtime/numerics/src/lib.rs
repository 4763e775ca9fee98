//! The common parts of layers, distributions and flows, and the trait of a model. The entries of the language are in
//! the crate `srvae-entries`.
//!
//! From the bottom up:
//! - [`params`], [`noise`]: parameters and randomness;
//! - [`nn`], [`dist`], [`flow`]: the traits and common parts of layers, distributions and bijectors;
//! - [`model`]: the trait between generated code and the code that uses models; [`generated`], [`members`]: helpers of
//!   generated code.

pub mod dist;
mod draw;
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
pub mod segments;
pub mod steps;
pub mod tensors;
mod terms;
mod weights;

pub use candle_core;
pub use candle_core::{DType, Device, Result, Tensor, Var};
pub use draw::{Decode, Draw};
pub use enumeration::Enumeration;
pub use model::{BoundOptions, Builder, Compiled, Flow, KlEstimator, Mode, Model, Setting, Settings, Values};
pub use noise::Noise;
pub use objective::{Moment, Ramp, Weight};
pub use params::Params;
pub use partly::Partly;
/// The tensor operations of the crate `srvae-kernels`.
pub use srvae_kernels as ops;
pub use terms::{Added, Score, Term, TermKind, Terms};
