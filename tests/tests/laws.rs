//! What must hold whatever the numbers are: densities add up to one, draws follow them, flows invert and know their
//! Jacobian, gradients are the slopes of what they belong to, and nothing is broadcast into a log-probability.
//!
//! Blocks, distributions, flows and functions are tried at the examples of their declarations: an entry has its laws by being
//! there. In double precision, so that a tolerance is rounding or a stated error of the method, not slack.

#[path = "laws/support.rs"]
mod support;

#[path = "laws/catalogue.rs"]
mod catalogue;
#[path = "laws/blocks.rs"]
mod laws_blocks;
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
