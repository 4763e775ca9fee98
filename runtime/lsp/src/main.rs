//! `srvae-lsp`: the language server as a separate program, the same as `srvae-run lsp`.

use std::process::ExitCode;

fn main() -> ExitCode {
    srvae_lsp::stdio()
}
