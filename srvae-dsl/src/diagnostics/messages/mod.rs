//! Every message of the compiler, each with a code of its own, one constructor each, always with a hint.
//!
//! Titles are one sentence without a final period, in the words of the language. A code begins with the phase that finds
//! the error: E01 text and grammar, E02 names, E03 arguments and numbers, E04 factors, E05 shapes, W06 warnings.

mod arguments;
mod elsewhere;
mod factors;
mod flows;
mod indices;
mod mixtures;
mod names;
mod networks;
mod objective;
mod phrases;
mod shapes;
mod text;
mod warnings;

pub(crate) use arguments::*;
pub(crate) use factors::*;
pub(crate) use flows::*;
pub(crate) use indices::*;
pub(crate) use mixtures::*;
pub(crate) use names::*;
pub(crate) use networks::*;
pub(crate) use objective::*;
pub(crate) use shapes::*;
pub(crate) use text::*;
pub(crate) use warnings::*;
