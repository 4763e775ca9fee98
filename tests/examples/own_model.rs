//! One's own model in one's own crate: a file, a network written in Rust, the whole command line.
//!
//! `cargo run --release --example own_model -- train own_model` trains it; `… -- explain own_model` explains it.

use srvae::nn::{Conv, ConvConfig, Network};
use srvae::{BoundOptions, Draw, Noise, Params, Result, Tensor};
use std::process::ExitCode;

srvae_macros::model!("examples/own_model.pgm");

/// Networks that the file names as `rust "crate::nets::…"`.
pub mod nets {
    use super::*;

    /// One vector for each patch of 4x4 pixels.
    pub struct Patches {
        conv: Conv,
    }

    impl Network for Patches {
        fn new(params: &Params, inputs: &[&[usize]]) -> Result<Self> {
            Ok(Self { conv: Conv::new(params, inputs[0], ConvConfig { kernel: 5, stride: 4, out: 8, groups: 1 })? })
        }

        fn output(&self) -> &[usize] {
            self.conv.output()
        }

        fn forward(&self, inputs: &[&Tensor]) -> Result<Tensor> {
            self.conv.forward(inputs[0])
        }
    }
}

/// The model in code: every variable is a type of its own, every mode a method, every term a field.
pub fn surprise(model: &own_model::OwnModel, pictures: Tensor) -> Result<Tensor> {
    let rows = pictures.dim(0)?;
    let x = own_model::X(pictures);
    let mut noise = Noise::seeded(1);
    let bound = model.bound(&x, &mut noise, &BoundOptions::default())?;
    let again = model.reconstruction(&x, rows, &mut noise, &Draw::default())?;
    let error = (&again.x.0 - &x.0)?.abs()?.mean_all()?;
    bound.kl_z.mean_all()? + error
}

fn main() -> ExitCode {
    srvae::cli::main(&[own_model::COMPILED])
}
