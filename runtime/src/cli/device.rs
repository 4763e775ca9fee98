//! Where to compute.

use super::args::{CommonArgs, DeviceChoice};
use crate::Device;
use crate::terminal::note;
use anyhow::{Result, bail};

/// The device that was asked for, and the threads set.
///
/// # Errors
/// `--device cuda` where there is none.
pub fn choose(args: &CommonArgs) -> Result<Device> {
    if let Some(threads) = args.threads
        && rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global().is_err()
    {
        note("warning: --threads came too late and has no effect");
    }
    match args.device {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto => Ok(cuda().unwrap_or(Device::Cpu)),
        DeviceChoice::Cuda => match cuda() {
            Ok(device) => Ok(device),
            Err(reason) => bail!("--device cuda: {reason}; use --device cpu or auto"),
        },
    }
}

/// How reports name a device.
pub fn name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

/// The first GPU, or why there is none.
fn cuda() -> Result<Device, String> {
    if !candle_core::utils::cuda_is_available() {
        return Err("this program was built without CUDA".into());
    }
    // Under run-time loading a missing driver panics instead of returning an error.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = std::panic::catch_unwind(|| Device::new_cuda(0));
    std::panic::set_hook(hook);
    match outcome {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(reason)) => Err(format!("no GPU answers: {reason}")),
        Err(_) => Err("the CUDA driver cannot be loaded".into()),
    }
}
