//! Training: a run that is a function of its seed, can be cut off anywhere, and goes on as if it had not been.

mod activity;
mod average;
pub mod benchmark;
mod checkpoint;
mod config;
mod difference;
mod folder;
pub mod gradients;
pub mod interrupt;
mod lock;
pub mod metrics;
mod objective;
mod optimiser;
pub mod progress;
mod replay;
mod sane;
pub mod tensorboard;
mod trainer;
mod watch;

pub use activity::Activity;
pub use average::Average;
pub use checkpoint::{Checkpoint, Header, Progress, restore};
pub use config::{Config, Schedule, ScheduleKind};
pub use difference::{Difference, differences, same as same_model};
pub use folder::{RECIPE, RunFolder};
pub use interrupt::Interrupted;
pub use objective::TermMeans;
pub use optimiser::Optimiser;
pub use replay::Replay;
pub use trainer::{End, Trainer};
