//! The two models of "Super-resolution Variational Auto-Encoders" (Gatopoulos, Stol, Tomczak, 2020), compiled from their
//! files.

use ::srvae::Compiled;

::srvae::model!("vae.pgm");
::srvae::model!("srvae.pgm");

/// Weights of srvae at its preset `quick`, in half precision. `weights/README.md` describes their training.
pub const PRETRAINED: &[u8] = include_bytes!("../weights/srvae-quick.safetensors");

/// The built-in models of `srvae-run`.
pub const MODELS: &[Compiled] = &[srvae::COMPILED, vae::COMPILED];
