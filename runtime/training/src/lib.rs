//! Running a model: data, training, evaluation, figures and reports.
//!
//! This crate contains no model-specific code. It works with any type that implements [`Model`].

pub mod arrays;
pub mod data;
pub mod eval;
pub mod fetch;
#[cfg(feature = "fid")]
pub mod fid;
pub mod figures;
pub mod files;
pub mod input;
pub mod interrupt;
pub mod pickle;
pub mod picture;
mod printable;
pub mod progress;
pub mod ranks;
pub mod report;
mod results;
pub mod spec;
pub mod terminal;
pub mod torch;
pub mod train;

pub use srvae_numerics::*;
