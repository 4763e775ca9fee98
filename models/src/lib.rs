//! The two models of "Super-resolution Variational Auto-Encoders" (Gatopoulos, Stol, Tomczak, 2020), compiled from their
//! files.

use srvae_runtime::Compiled;

srvae_macros::model!("vae.pgm");
srvae_macros::model!("srvae.pgm");

/// The models `srvae-run` knows.
pub const MODELS: &[Compiled] = &[srvae::COMPILED, vae::COMPILED];
