//! `srvae-lsp`: the language server alone, as `srvae-run lsp` starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    srvae_lsp::stdio()
}
