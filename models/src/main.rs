//! `srvae-run`: trains, evaluates and samples the built-in models and any other model file.

use std::process::ExitCode;

fn main() -> ExitCode {
    ::srvae::cli::main_with_weights(srvae_models::MODELS, srvae_models::PRETRAINED)
}
