//! The compiler of srvae: from the text of a `.pgm` file to a checked graph, its bound, its modes and Rust code.
//!
//! [`compile`] is the only entry point. The stages are, in order:
//! - [`source`]: the text and places in it;
//! - [`mod@parse`]: from text to a syntax tree, [`ast`];
//! - [`mod@check`]: resolution of names, numbers and shapes;
//! - [`catalog`]: every block, distribution, function and space of the language, one entry each;
//! - [`graph`]: the checked model, the input of all later stages;
//! - [`mod@derive`]: the terms of the bound and the modes, from the graph;
//! - [`plan`]: all decisions that generated code needs;
//! - [`emit`]: the plan printed as Rust, and [`explain`]: as text, mathematics and pictures.
//!
//! [`mod@format`] prints a file in canonical form. All messages are in [`diagnostics`].
//!
//! Invariant: the compiler contains no tensors. All it knows about a block is the block's entry in the catalogue.

pub mod ast;
/// Every block, distribution, function and space of the language, one entry each.
pub use srvae_entries as catalog;
pub mod check;
mod compilation;
mod cost;
pub mod derive;
pub mod diagnostics;
pub mod emit;
pub mod explain;
pub mod format;
pub mod graph;
mod indices;
pub mod parse;
pub mod plan;
pub mod source;

pub use check::{Overrides, RECORDS, check};
pub use compilation::{Compilation, compile, compile_bytes};
pub use diagnostics::{Diagnostic, Report, Severity, Style};
pub use format::format;
pub use parse::parse;
pub use source::{Source, Span};
