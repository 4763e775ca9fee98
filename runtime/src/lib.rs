//! Latent-variable models stated in `.pgm` files, compiled to typed Rust on candle.
//!
//! [`model!`] compiles a file into a module of the calling crate; the rest of this crate is what that module calls and what
//! trains, evaluates and draws from it:
//! - [`ops`]: tensor operations with their own forward and backward passes;
//! - [`params`], [`noise`]: where parameters live and where randomness comes from;
//! - [`nn`]: layers and networks; [`dist`]: distributions; [`flow`]: bijectors; [`entries`]: all of them as the language has
//!   them, by name in [`entries::registry`];
//! - [`mod@model`]: the trait between generated code and everything above;
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

/// Layers and networks, and what they are made of.
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

/// Bijectors, and what they are made of.
pub mod flow {
    pub use srvae_entries::flows::types::*;
    pub use srvae_numerics::flow::*;
}

/// The language's functions on tensors, of networks and of q, and the shapes of what they yield.
pub mod functions {
    pub use srvae_entries::blocks::{shapes, types::*};
    pub use srvae_entries::functions::types::*;
}

/// The examples of the library's guide, run as tests.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../library.md")]
pub struct Guide;
