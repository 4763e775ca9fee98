//! `srvae-run`: trains, evaluates and draws from the shipped models, and from any other model file.

use std::process::ExitCode;

fn main() -> ExitCode {
    ::srvae::cli::main(srvae_models::MODELS)
}
