//! The compiler of srvae: the text of a `.pgm` file becomes a checked graph, its bound, its modes and Rust tokens.
//!
//! The way of a model, in order:
//! - [`source`]: the text and places in it;
//! - [`catalog`]: every block, distribution, function and space the language knows, one entry each;
//! - [`graph`]: the checked model, which everything after the checks reads.
//!
//! Invariant: no tensors here. Everything the compiler knows of a block is its entry in the catalogue.

pub mod catalog;
pub mod graph;
pub mod source;
