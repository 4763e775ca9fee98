//! Chooses the device.

use super::args::{CommonArgs, DeviceChoice};
use super::{machine, ranks};
use anyhow::{Result, bail};
use srvae_training::Device;
use srvae_training::ops::cuda::{self, Precision, probe};
use srvae_training::terminal::note;

/// The requested device. Sets the threads and the precision, and prints the choice if it is not obvious.
///
/// # Errors
/// `--device cuda` without a GPU, or `--precision tf32` on the CPU.
pub fn choose(args: &CommonArgs) -> Result<Device> {
    if !machine::set_threads(args.threads.map(Into::into), ranks::threads) && args.threads.is_some() {
        note("warning: --threads has no effect: the threads were already started");
    }
    let device = match args.device {
        DeviceChoice::Cpu => Device::Cpu,
        DeviceChoice::Auto => match probe::first() {
            Ok(found) => announce(found),
            Err(reason) => {
                // A program without GPU support does not report that it runs on the CPU.
                if cfg!(feature = "cuda") {
                    note(&format!("device: the CPU ({reason})"));
                }
                Device::Cpu
            }
        },
        DeviceChoice::Cuda => match probe::first() {
            Ok(found) => announce(found),
            Err(reason) => bail!("--device cuda: {reason}; use --device cpu or auto"),
        },
    };
    let precision = Precision::from(args.precision);
    if device.is_cpu() && precision == Precision::Tf32 {
        bail!(
            "--precision tf32 is for --device cuda; the CPU has f32, and bf16 for the activations that training keeps"
        );
    }
    cuda::set_precision(precision);
    ranks::meet_on(&device)?;
    ranks::announce(&device);
    Ok(device)
}

fn announce(found: probe::Found) -> Device {
    let convolutions = if found.cudnn { "" } else { ", without cuDNN" };
    note(&format!("device: {}, {:.0} GB{convolutions}", found.name, found.memory as f64 / 1e9));
    found.device
}
