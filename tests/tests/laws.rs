//! What must hold whatever the numbers are: densities add up to one, draws follow them, flows invert and know their
//! Jacobian, gradients are the slopes of what they belong to, and nothing is broadcast into a log-probability.
//!
//! In double precision, so that a tolerance is rounding or a stated error of the method, not slack.

#[path = "laws/support.rs"]
mod support;

#[path = "laws/distributions.rs"]
mod laws_distributions;
#[path = "laws/flows.rs"]
mod laws_flows;
#[path = "laws/layers.rs"]
mod laws_layers;
#[path = "laws/shapes.rs"]
mod laws_shapes;
#[path = "laws/threads.rs"]
mod laws_threads;
