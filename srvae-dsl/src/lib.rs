//! The compiler of srvae: the text of a `.pgm` file becomes a checked graph, its bound, its modes and Rust tokens.
//!
//! [`compile`] is the way in for all who use the compiler. Behind it, in order:
//! - [`source`]: the text and places in it;
//! - [`mod@parse`]: the text becomes a syntax tree, [`ast`];
//! - [`mod@check`]: names, numbers and shapes are resolved;
//! - [`catalog`]: every block, distribution, function and space the language knows, one entry each;
//! - [`graph`]: the checked model, which everything after the checks reads;
//! - [`mod@derive`]: the terms of the bound and the modes follow from the graph;
//! - [`plan`]: everything generated code needs is decided;
//! - [`emit`]: the plan is written down as Rust, [`explain`] as text, mathematics and pictures.
//!
//! [`mod@format`] prints a file in its canonical form. What goes wrong on the way is one of the messages in [`diagnostics`].
//!
//! Invariant: no tensors here. Everything the compiler knows of a block is its entry in the catalogue.

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
