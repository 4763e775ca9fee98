//! Laws that hold for all values: densities integrate to one, draws follow them, flows are invertible with the right
//! Jacobian, gradients agree with finite differences, and nothing is broadcast into a log-probability.
//!
//! Blocks, distributions, flows and functions are tested with the examples of their declarations, so a new entry is
//! tested automatically. The tests use double precision, so a tolerance is the rounding error or a known error of the
//! method.

#[path = "laws/support.rs"]
mod support;

#[path = "laws/catalogue.rs"]
mod catalogue;
#[path = "laws/blocks.rs"]
mod laws_blocks;
#[path = "laws/definitions.rs"]
mod laws_definitions;
#[path = "laws/distributions.rs"]
mod laws_distributions;
#[path = "laws/flows.rs"]
mod laws_flows;
#[path = "laws/functions.rs"]
mod laws_functions;
#[path = "laws/logistic_mixture.rs"]
mod laws_logistic_mixture;
#[path = "laws/stated.rs"]
mod laws_stated;
#[path = "laws/threads.rs"]
mod laws_threads;
