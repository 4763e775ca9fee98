//! The GPU's kernels without a GPU: compiled by NVIDIA's compiler, and run on the CPU against the operations they stand for.

#[path = "kernels/agreement.rs"]
mod agreement;
#[path = "kernels/imitation.rs"]
mod imitation;
#[path = "kernels/nvrtc.rs"]
mod nvrtc;
