//! The command line, run as by a user, with a model that trains in milliseconds.

#[path = "cli/support.rs"]
mod support;

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/data.rs"]
mod data;
#[path = "cli/encoding.rs"]
mod encoding;
#[path = "cli/evaluation.rs"]
mod evaluation;
#[path = "cli/figures.rs"]
mod figures;
#[path = "cli/given.rs"]
mod given;
#[path = "cli/incomplete.rs"]
mod incomplete;
#[path = "cli/interpreted.rs"]
mod interpreted;
#[path = "cli/jobs.rs"]
mod jobs;
#[path = "cli/parts.rs"]
mod parts;
#[path = "cli/results.rs"]
mod results;
#[path = "cli/runs.rs"]
mod runs;
#[path = "cli/sequences.rs"]
mod sequences;
#[path = "cli/streams.rs"]
mod streams;
#[path = "cli/survival.rs"]
mod survival;
#[path = "cli/trials.rs"]
mod trials;
