//! Work that is divided among ranks: the processes of a run on several machines, or on one.
//!
//! What is computed does not depend on the number of ranks. Work is cut into pieces that do not depend on it either; each rank does
//! some of them, and their results are taken in their order.

mod agree;
mod bytes;
mod order;
mod same;

pub use agree::{Elsewhere, agree, agree_on};
pub use bytes::{doubles, floats, of_doubles, of_floats};
pub use order::in_order;
pub use same::{Mark, same};
pub use srvae_ranks::*;
