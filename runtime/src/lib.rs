//! Latent-variable models stated in `.pgm` files and compiled to typed Rust on candle.
//!
//! [`model!`] compiles a file into a module of the calling crate. This crate contains the runtime of that module, and
//! the code that trains, evaluates and samples it:
//! - [`ops`]: tensor operations with their forward and backward passes;
//! - [`params`], [`noise`]: parameters and randomness;
//! - [`nn`]: layers and networks; [`dist`]: distributions; [`flow`]: bijectors; [`entries`]: all entries of the
//!   language, by name in [`entries::registry`];
//! - [`mod@model`]: the trait between generated code and the code that uses models;
//! - [`data`], [`train`], [`eval`], [`fid`], [`cli`]: running a model.

#[cfg(feature = "cli")]
pub use srvae_cli as cli;
pub use srvae_entries as entries;
#[cfg(feature = "interpret")]
pub use srvae_interpreter as interpret;
pub use srvae_macros::model;
#[cfg(not(feature = "training"))]
pub use srvae_numerics::*;
#[cfg(feature = "training")]
pub use srvae_training::*;

/// Layers, networks and their common parts.
pub mod nn {
    pub use srvae_entries::blocks::types::*;
    pub use srvae_numerics::nn::*;
}

/// Distributions and their closed-form divergences.
pub mod dist {
    pub use srvae_entries::distributions::types::*;
    pub use srvae_entries::registry::{divergence, divergence_term};
    pub use srvae_numerics::dist::*;
}

/// Bijectors and their common parts.
pub mod flow {
    pub use srvae_entries::flows::types::*;
    pub use srvae_numerics::flow::*;
}

/// The language's functions on tensors, of networks and of q, and the shapes of their outputs.
pub mod functions {
    pub use srvae_entries::blocks::{shapes, types::*};
    pub use srvae_entries::functions::types::*;
}

/// The examples of the library's guide, run as tests.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../library.md")]
pub struct Guide;
