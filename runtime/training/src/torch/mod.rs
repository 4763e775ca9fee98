//! Weights from and for PyTorch: the names of the authors' code, its checkpoints, and files for it.

mod names;
mod pth;
mod state;

pub use names::torch_names;
pub use state::{export, parse, read, restore};
