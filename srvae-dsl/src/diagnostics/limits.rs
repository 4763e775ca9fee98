//! Bounds that keep the compiler from being exhausted by a file, far above what a model needs.

/// Bytes of a file.
pub const LARGEST_FILE: usize = 16 << 20;

/// Bytes of a statement. A line of text may be as long as the file; what is read as one expression may not.
pub const LONGEST_STATEMENT: usize = 1 << 17;

/// Brackets inside brackets. Everything that recurses over expressions rests on this bound.
pub const MOST_NESTING: usize = 32;

/// Arithmetic operators in one statement; the other bound on recursion.
pub const MOST_OPERATORS: usize = 200;

/// Messages printed of one file.
pub const MOST_ERRORS: usize = 50;

/// Named networks inside named networks.
pub const MOST_NETS: usize = 16;

/// Variables, parameters and named networks together.
pub const MOST_NAMES: usize = 4096;

/// Blocks in all networks together, a named network counted wherever it is used: what is compiled or run grows with them.
pub const MOST_BLOCKS: usize = 2048;
