//! Divides work among ranks: the processes of a run on one or several machines.
//!
//! The results do not depend on the number of ranks. Work is divided into pieces that do not depend on it either. Each
//! rank computes some of them, and the results are combined in their order.

mod agree;
mod bytes;
mod order;
mod same;

pub use agree::{Elsewhere, agree, agree_on};
pub use bytes::{doubles, floats, of_doubles, of_floats};
pub use order::in_order;
pub use same::{Mark, same};
pub use srvae_ranks::*;
