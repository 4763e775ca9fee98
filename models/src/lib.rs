//! The two models of "Super-resolution Variational Auto-Encoders" (Gatopoulos, Stol, Tomczak, 2020), compiled from their
//! files.

use ::srvae::Compiled;

::srvae::model!("vae.pgm");
::srvae::model!("srvae.pgm");

/// Weights of srvae at its preset `quick`, half precision: `weights/README.md` says what they were trained on.
pub const PRETRAINED: &[u8] = include_bytes!("../weights/srvae-quick.safetensors");

/// The models `srvae-run` knows.
pub const MODELS: &[Compiled] = &[srvae::COMPILED, vae::COMPILED];
