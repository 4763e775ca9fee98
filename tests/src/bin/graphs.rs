//! The command line over the good files of the compiler's corpus.

fn main() -> std::process::ExitCode {
    srvae::cli::main(srvae_tests::CORPUS)
}
