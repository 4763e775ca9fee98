//! Examples of entries, for the tests of the laws.

use crate::Arguments;

/// A use of an entry, small enough to test every law on it.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    pub arguments: fn() -> Arguments,
    /// Shapes without the batch: of the inputs of a block, or of the variable of a distribution, flow or function.
    pub inputs: &'static [&'static [usize]],
}
