//! Every block, distribution, function and space of the language: one entry each, in one table each.
//!
//! The checks, the emitter, the explanations, the reference and the hints all read these tables and nothing else, so
//! that a new block is one entry here and one type in the runtime.

mod arguments;
mod block;
mod blocks;
mod cost;
mod distribution;
mod flows;
mod function;
mod space;

pub use arguments::{Args, Kind, Literal, Parameter};
pub use block::{Arity, Block, Cost, Role};
pub use blocks::BLOCKS;
pub use distribution::{DISTRIBUTIONS, Distribution, Feed};
pub use function::{FUNCTIONS, Function, Origin};
pub use space::{SPACES, SpaceEntry, space_entry};

/// Channels, features or pixels of one tensor may not exceed this.
pub const LARGEST_SIZE: usize = 1 << 20;

/// The block of this name.
pub fn block(name: &str) -> Option<&'static Block> {
    BLOCKS.iter().find(|entry| entry.name == name)
}

/// The distribution of this name.
pub fn distribution(name: &str) -> Option<&'static Distribution> {
    DISTRIBUTIONS.iter().find(|entry| entry.name == name)
}

/// The deterministic function of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|entry| entry.name == name)
}

/// Whether some table has an entry of this name.
pub fn is_taken(name: &str) -> bool {
    block(name).is_some() || distribution(name).is_some() || function(name).is_some()
}

/// A shape as the language writes it: `[3, 32, 32]`.
pub fn show_shape(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", sizes.join(", "))
}
