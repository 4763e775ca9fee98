//! The entries of srvae's language: every distribution, block, flow, function and space, one file each.
//!
//! A file contains the entry's declaration: name, documentation, arguments with ranges and defaults, shape rule, cost,
//! natural parameters, closed forms, and examples for the laws. The compiler uses only the declarations. With the
//! feature `tensors`, the file also contains the implementation for the runtime; the compiler is built without this
//! feature.
//!
//! The build script lists the files of the folders, so an entry is added by adding its file: see `docs/adding.md`.

#[macro_use]
mod macros;

mod arguments;
mod block;
mod cost;
#[cfg(feature = "tensors")]
mod discretised;
mod distribution;
mod example;
mod function;
#[cfg(feature = "tensors")]
pub mod registry;
mod space;
#[cfg(feature = "tensors")]
pub mod tensors;

pub use arguments::{Arguments, Kind, Literal, Parameter, Value};
#[cfg(feature = "tensors")]
pub use block::Build;
pub use block::{Arity, Block, Role, ShapeRule, Ways};
pub use cost::{Cost, Work, spread_to};
#[cfg(feature = "tensors")]
pub use distribution::{ClosedForm, Make, Product};
pub use distribution::{Distribution, Domain, Experts, Least, Natural};
pub use example::Example;
pub use function::{Function, Origin, Range, RangeRule};
pub use space::{Grid, Space, SpaceEntry, space_entry};

/// Layers and functions on tensors.
pub mod blocks {
    include!(concat!(env!("OUT_DIR"), "/blocks.rs"));
}

/// Bijectors.
pub mod flows {
    include!(concat!(env!("OUT_DIR"), "/flows.rs"));
}

/// Distributions.
pub mod distributions {
    include!(concat!(env!("OUT_DIR"), "/distributions.rs"));
}

/// Deterministic functions of one variable.
pub mod functions {
    include!(concat!(env!("OUT_DIR"), "/functions.rs"));
}

/// The spaces of variables.
pub mod spaces {
    include!(concat!(env!("OUT_DIR"), "/spaces.rs"));
}

pub use blocks::BLOCKS;
pub use distributions::DISTRIBUTIONS;
pub use flows::FLOWS;
pub use functions::FUNCTIONS;
pub use spaces::SPACES;

/// Every type and function of the entries, for generated code.
#[cfg(feature = "tensors")]
pub mod all {
    pub use crate::blocks::types::*;
    pub use crate::distributions::types::*;
    pub use crate::flows::types::*;
    pub use crate::functions::types::*;
}

/// Output shapes of the functions on tensors, without the batch.
#[cfg(feature = "tensors")]
pub use blocks::shapes;

/// The maximum number of channels, features or pixels of one tensor.
pub const LARGEST_SIZE: usize = 1 << 20;

/// The block or flow of this name.
pub fn block(name: &str) -> Option<&'static Block> {
    BLOCKS.iter().chain(&FLOWS).copied().find(|entry| entry.name == name)
}

/// The flow of this name. An elementwise function may also be a block.
pub fn flow(name: &str) -> Option<&'static Block> {
    FLOWS.iter().copied().find(|entry| entry.name == name)
}

/// The distribution of this name.
pub fn distribution(name: &str) -> Option<&'static Distribution> {
    DISTRIBUTIONS.iter().copied().find(|entry| entry.name == name)
}

/// The distributions p for which KL(q ‖ p) has a closed form.
pub fn closed_forms(q: &Distribution) -> impl Iterator<Item = &'static Distribution> {
    DISTRIBUTIONS.iter().copied().filter(|p| q.has_closed_form(p))
}

/// The deterministic function of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().copied().find(|entry| entry.name == name)
}

/// Whether a block, a distribution or a function has this name.
pub fn is_taken(name: &str) -> bool {
    block(name).is_some() || distribution(name).is_some() || function(name).is_some()
}

/// A shape in the notation of the language: `[3, 32, 32]`.
pub fn show_shape(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", sizes.join(", "))
}

/// The imports of an entry's file. No entry needs all of them.
#[allow(unused_imports)]
mod prelude {
    pub(crate) use crate::cost::{
        Cost, autoregressive, autoregressive_fits, autoregressive_kernel, beside, bounded, conv, count, dense_channels,
        dense_layer, doubling, equal, known_planes, numbers, plain, planes, resizing, same, vector, windows,
    };
    pub(crate) use crate::function::{Range, image, images};
    pub(crate) use crate::space::{Grid, Space};
    pub(crate) use crate::{LARGEST_SIZE, show_shape, spread_to};
}
