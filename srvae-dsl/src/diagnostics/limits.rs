//! Bounds that keep the compiler from being exhausted by a file, far above what a model needs.

/// Bytes of a file.
pub const LARGEST_FILE: usize = 16 << 20;

/// Bytes of a statement, blanks and comments aside. A line of text may be as long as the file; what is read as one expression may not.
pub const LONGEST_STATEMENT: usize = 1 << 20;

/// Brackets inside brackets. Everything that recurses over expressions rests on this bound.
pub const MOST_NESTING: usize = 32;

/// Arithmetic operators in one statement; the other bound on recursion.
pub const MOST_OPERATORS: usize = 200;

/// Messages printed of one file.
pub const MOST_ERRORS: usize = 50;

/// Named networks inside named networks.
pub const MOST_NETS: usize = 256;

/// Blocks of all factors' networks together, named networks written out: a chain of networks that each use the last one twice
/// doubles with each. What is compiled grows with them, and so does the time that takes.
pub const MOST_BLOCKS: usize = 4096;

/// The same of what stands at the steps of a sequence, which is interpreted where it is long.
pub const MOST_STEP_BLOCKS: usize = 65_536;

/// Values of a variable that `draw … = enumerate` goes through.
pub const MOST_VALUES: usize = 1024;

/// Variables, parameters and named networks together.
pub const MOST_NAMES: usize = 4096;
