//! The results of the compiler for people: text, mathematics, data and drawings.
//!
//! This module only reads the [`Plan`] and makes no decisions.

mod blocks;
mod bound;
mod condense;
mod dot;
mod ends;
mod factors;
mod fold;
mod json;
mod known;
mod latex;
mod members;
mod networks;
mod notation;
mod objective;
mod slots;
mod steps;
mod svg;
mod terms;
mod text;

pub use dot::dot;
pub(crate) use fold::listed;
pub use json::json;
pub use latex::latex;
pub use networks::table as network_table;
pub use svg::svg;
pub use text::{bound_sum, mathematics, text};

#[cfg(doc)]
use crate::plan::Plan;
