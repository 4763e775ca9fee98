//! The declarations of entries: each becomes the entry's row, its configuration, and what follows from both.
//!
//! Every declaration begins with its documentation and `NAME: TYPE`, the name in the language and the type (or function) in
//! Rust; then come the arguments, as the fields of a configuration:
//!
//! ```text
//! /// Height and width of the kernel, odd.
//! kernel: usize in 1..=31 = 3,
//! ```
//!
//! a type (`usize`, `f64`, `bool`, `word`, or `[usize]` for one that repeats), its range, and its default, if it has one.

#[macro_use]
mod config;
#[macro_use]
mod block;
#[macro_use]
mod distribution;
#[macro_use]
mod function;
#[macro_use]
mod space;
