//! The command line over the good files of the compiler's corpus.

fn main() -> std::process::ExitCode {
    srvae_runtime::cli::main(srvae_tests::CORPUS)
}
