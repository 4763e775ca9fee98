//! Limits that protect the compiler from excessive files. They are far above what a model needs.

/// The maximum size of a file, in bytes.
pub const LARGEST_FILE: usize = 16 << 20;

/// The maximum size of a statement in bytes, without whitespace and comments. A line of text may be as long as the
/// file, but an expression may not.
pub const LONGEST_STATEMENT: usize = 1 << 20;

/// The maximum nesting of brackets. It limits all recursion over expressions.
pub const MOST_NESTING: usize = 32;

/// The maximum number of arithmetic operators in one statement, which also limits recursion.
pub const MOST_OPERATORS: usize = 200;

/// The maximum number of messages for one file.
pub const MOST_ERRORS: usize = 50;

/// The maximum nesting of named networks.
pub const MOST_NETS: usize = 256;

/// The maximum number of blocks of all factors' networks, with named networks expanded. In a chain of networks that
/// each use the last one twice, the number doubles with each. The size of the generated code and the compile time grow
/// with it.
pub const MOST_BLOCKS: usize = 4096;

/// The maximum number of blocks at the steps of a sequence. Long sequences are interpreted.
pub const MOST_STEP_BLOCKS: usize = 65_536;

/// The maximum number of values of a variable with `draw … = enumerate`.
pub const MOST_VALUES: usize = 1024;

/// The maximum number of combinations of values in a table of a sum over latents that q does not draw. A training step
/// keeps several numbers for each entry of every table and each record.
pub const MOST_ENTRIES: usize = 16_384;

/// The maximum number of variables, parameters and named networks together.
pub const MOST_NAMES: usize = 4096;
