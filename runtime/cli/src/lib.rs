//! The command line: everything `srvae-run` does, for whatever models are compiled in.

mod all;
mod args;
mod bench;
mod compile;
mod compiler;
mod deep;
mod device;
mod eval;
mod explain;
mod export;
mod fetch;
#[cfg(feature = "fid")]
mod fid;
#[cfg(not(feature = "fid"))]
#[path = "without_fid.rs"]
mod fid;
mod figure;
mod import;
mod interpolate;
mod machine;
mod models;
mod modes;
#[cfg(feature = "png")]
mod pdf;
#[cfg(not(feature = "png"))]
use png as pdf;
#[cfg(feature = "png")]
mod png;
#[cfg(not(feature = "png"))]
#[path = "without_png.rs"]
mod png;
mod report;
mod session;
mod sheet;
mod table;
mod tensorboard;
mod train;
mod upscale;

use anyhow::Result;
use args::{Cli, Command};
use clap::Parser;
use srvae_training::Compiled;
use srvae_training::eval::Interrupted;
use srvae_training::terminal::note;
use srvae_training::train::interrupt;
use std::process::ExitCode;

/// The command line of a program with these models; `main` returns what this returns.
///
/// ```no_run
/// # const MODELS: &[srvae::Compiled] = &[];
/// fn main() -> std::process::ExitCode {
///     srvae::cli::main(MODELS)
/// }
/// ```
pub fn main(models: &'static [Compiled]) -> ExitCode {
    // An error of the program itself is one message too.
    std::panic::set_hook(Box::new(|panic| {
        note(&format!(
            "internal error: {panic}; this is a mistake in srvae, please report it with the command that led to it"
        ));
    }));
    srvae_training::ops::notice::listen(note);
    machine::keep_memory();
    machine::yield_cores();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version are no errors; a reader that is gone is none either.
            message.print().ok();
            return ExitCode::from(u8::from(message.use_stderr()) * 2);
        }
    };
    match run(models, cli) {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(interrupt::EXIT_CODE),
        Err(error) => {
            match error.downcast_ref::<srvae_dsl::Report>() {
                // The compiler's messages say themselves that they are errors.
                Some(report) => note(&report.render(explain::style())),
                None => note(&format!("error: {}", message(&error))),
            }
            ExitCode::FAILURE
        }
    }
}

fn run(models: &'static [Compiled], cli: Cli) -> Result<ExitCode> {
    compile::ask_for(cli.compile);
    let Some(command) = cli.command else {
        return all::run(models, &cli.all);
    };
    match command {
        Command::Train(args) => train::run(models, &args),
        Command::Eval(args) => eval::run(models, &args),
        Command::Fid(args) => fid::run(models, &args),
        Command::Table(args) => table::run(models, &args),
        Command::Fetch(args) => fetch::run(&args),
        Command::Import(args) => import::run(models, &args),
        Command::Export(args) => export::run(models, &args),
        Command::Sample(args) => modes::sample(models, &args),
        Command::Reconstruct(args) => modes::with_input(models, modes::RECONSTRUCTION, &args),
        Command::Regenerate(args) => modes::with_input(models, modes::REGENERATION, &args),
        Command::Upscale(args) => upscale::run(models, &args),
        Command::Interpolate(args) => interpolate::run(models, &args),
        Command::Figure(args) => figure::run(models, &args),
        Command::Report(args) => report::run(models, &args),
        Command::Bench(args) => bench::run(models, &args),
        Command::Explain(args) => explain::explain(models, &args),
        Command::Check(args) if args.deep => explain::check_deep(models, &args),
        Command::Check(args) => explain::check(models, &args),
        Command::Fmt(args) => explain::format(&args),
        Command::Lsp => Ok(srvae_lsp::stdio()),
    }
}

/// An error and its causes in one message; causes that repeat what was said are left out.
fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        // Tensor errors carry a backtrace after their first line when one is asked for.
        let said = cause.to_string();
        if text.is_empty() {
            text = said;
        } else if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
    }
    text
}
