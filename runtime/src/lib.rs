//! Latent-variable models stated in `.pgm` files, compiled to typed Rust on candle.
//!
//! [`model!`] compiles a file into a module of the calling crate; the rest of this crate is what that module calls and what
//! trains, evaluates and draws from it:
//! - [`ops`]: tensor operations with their own forward and backward passes;
//! - [`params`], [`noise`]: where parameters live and where randomness comes from;
//! - [`nn`]: layers and networks; [`dist`]: distributions; [`flow`]: bijectors;
//! - [`model`]: the trait between generated code and everything above;
//! - [`data`], [`train`], [`eval`], [`fid`], [`cli`]: running a model.

#[cfg(feature = "cli")]
pub use srvae_cli as cli;
pub use srvae_macros::model;
#[cfg(not(feature = "training"))]
pub use srvae_numerics::*;
#[cfg(feature = "training")]
pub use srvae_training::*;
