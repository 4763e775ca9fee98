//! The two models of "Super-resolution Variational Auto-Encoders" (Gatopoulos, Stol, Tomczak, 2020), compiled from their
//! files.

use ::srvae::Compiled;

::srvae::model!("vae.pgm");
::srvae::model!("srvae.pgm");

/// The models `srvae-run` knows.
pub const MODELS: &[Compiled] = &[srvae::COMPILED, vae::COMPILED];
