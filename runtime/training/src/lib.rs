//! Running a model: data, training, evaluation, figures and reports.
//!
//! Knows no model: everything here works on any type that implements [`Model`], which generated code does.

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
pub mod spec;
pub mod terminal;
pub mod torch;
pub mod train;

pub use srvae_numerics::*;
