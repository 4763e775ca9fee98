//! Weights to and from PyTorch: the names of the authors' code, its checkpoints, and files it can load.

mod names;
mod pth;
mod state;

pub use names::torch_names;
pub use state::{export, parse, read, restore};
