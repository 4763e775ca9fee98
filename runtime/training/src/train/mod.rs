//! Training. A run is a function of its seed; it can be interrupted at any time and resumed with the same result.

mod activity;
mod average;
pub mod benchmark;
mod checkpoint;
mod config;
mod difference;
mod flat;
mod folder;
pub mod gradients;
mod lengths;
mod lock;
pub mod metrics;
mod objective;
mod optimiser;
mod parts;
mod replay;
mod shards;
pub mod tensorboard;
mod trainer;
mod tree;
mod updates;
mod watch;

pub use activity::Activity;
pub use average::Average;
pub use checkpoint::{Checkpoint, Header, Progress, restore};
pub use config::{Config, Schedule, ScheduleKind};
pub use difference::{Difference, differences, same as same_model};
pub use folder::{RECIPE, RunFolder};
pub use objective::TermMeans;
pub use optimiser::Optimiser;
pub use parts::Parts;
pub use replay::Replay;
pub use trainer::{End, Task, Trainer};
