//! The results of the compiler for people: text, mathematics, data and drawings.
//!
//! This module only reads the [`Plan`] and makes no decisions.

mod bound;
mod condense;
mod dot;
mod fold;
mod json;
mod latex;
mod networks;
mod notation;
mod objective;
mod svg;
mod text;

pub use dot::dot;
pub(crate) use fold::listed;
pub use json::json;
pub use latex::latex;
pub use networks::table as network_table;
pub use svg::svg;
pub use text::{mathematics, text};

#[cfg(doc)]
use crate::plan::Plan;
