//! The command line over one hand-written model that trains in milliseconds, for tests of everything around models.

#[path = "../../../runtime/tests/toy/mod.rs"]
mod toy;

const MODELS: &[srvae::Compiled] = &[toy::COMPILED];

fn main() -> std::process::ExitCode {
    srvae::cli::main(MODELS)
}
