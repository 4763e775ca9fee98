//! The GPU kernels without a GPU: compiled with NVIDIA's compiler, and run on the CPU against the operations that they
//! implement.

#[path = "kernels/agreement.rs"]
mod agreement;
#[path = "kernels/compare.rs"]
mod compare;
#[path = "kernels/densities.rs"]
mod densities;
#[path = "kernels/imitation.rs"]
mod imitation;
#[path = "kernels/nvrtc.rs"]
mod nvrtc;
mod toy;
#[path = "kernels/training.rs"]
mod training;
mod trials;
#[path = "kernels/whole.rs"]
mod whole;

fn main() -> std::process::ExitCode {
    trials::run(&[agreement::TRIALS, densities::TRIALS, nvrtc::TRIALS, training::TRIALS, whole::TRIALS])
}
