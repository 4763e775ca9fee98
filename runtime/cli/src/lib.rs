//! The command line of `srvae-run`, for any compiled-in models.

mod all;
mod args;
mod bench;
mod changes;
mod compile;
mod compiler;
mod deep;
mod device;
mod encode;
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
mod plan;
#[cfg(not(feature = "png"))]
use png as pdf;
#[cfg(feature = "png")]
mod png;
#[cfg(not(feature = "png"))]
#[path = "without_png.rs"]
mod png;
mod pretrained;
mod ranks;
mod recipe;
mod report;
mod session;
mod sheet;
mod suggest;
mod sweep;
mod table;
mod tensorboard;
mod train;
mod upscale;

use anyhow::Result;
use args::{Cli, Command, ModelArgs};
use clap::Parser;
use clap::error::{ContextKind, ErrorKind};
use models::Found;
use srvae_training::Compiled;
use srvae_training::interrupt;
use srvae_training::interrupt::Interrupted;
use srvae_training::spec::Spec;
use srvae_training::terminal::{self, note, note_in_colour};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;

/// The command line of a program with these models. `main` returns its result.
///
/// ```no_run
/// # const MODELS: &[srvae_training::Compiled] = &[];
/// fn main() -> std::process::ExitCode {
///     srvae_cli::main(MODELS)
/// }
/// ```
pub fn main(models: &'static [Compiled]) -> ExitCode {
    // A bug of the program is reported as one message too.
    std::panic::set_hook(Box::new(|panic| {
        note(&format!(
            "internal error: {panic}; this is a bug in srvae, please report it with the command that led to it"
        ));
    }));
    prepare();
    if let Some(advice) = suggest::command(models, std::env::args_os().nth(1)) {
        note(&format!("error: {advice}"));
        return ExitCode::from(USAGE);
    }
    let arguments = match recipe::expand(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(error) => {
            note(&format!("error: {}", message(&error)));
            return ExitCode::from(USAGE);
        }
    };
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Help and version are not errors.
        Err(mut message) => {
            // It would advise to pass the name of an option as a file.
            if message.kind() == ErrorKind::UnknownArgument {
                message.remove(ContextKind::Suggested);
            }
            let code = if message.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
            let printed = if terminal::is_mute() { Ok(()) } else { message.print() };
            return delivered(code, printed);
        }
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| run(models, cli))).unwrap_or_else(|panic| {
        // The panic hook has printed the message; other ranks must not wait for this one.
        ranks::all().abort();
        resume_unwind(panic)
    });
    ended(outcome)
}

/// Settings of the process.
fn prepare() {
    ranks::mute_followers();
    srvae_training::ops::notice::listen(note);
    machine::leave_out_backtraces();
    srvae_training::ops::keep_memory();
    machine::fail_at_size_limits();
    machine::yield_cores();
}

/// Prints the error of a command, if it has one.
fn ended(outcome: Result<ExitCode>) -> ExitCode {
    let code = match outcome {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => {
            note("interrupted");
            ExitCode::from(interrupt::EXIT_CODE)
        }
        Err(error) => {
            ranks::fail(ranks::is_elsewhere(&error), || match error.downcast_ref::<srvae_dsl::Report>() {
                // The compiler's messages already contain the word "error".
                Some(report) => note_in_colour(&report.render(explain::style())),
                None => note(&format!("error: {}", message(&error))),
            });
            return delivered(ExitCode::FAILURE, terminal::delivered());
        }
    };
    ranks::finish();
    delivered(code, terminal::delivered())
}

/// The command line of a program with built-in weights for `--pretrained`: a checkpoint written by `export --half`.
pub fn main_with_weights(models: &'static [Compiled], weights: &'static [u8]) -> ExitCode {
    pretrained::set(weights);
    main(models)
}

/// The exit code for an invalid command line.
const USAGE: u8 = 2;
/// The exit code of shells for a closed pipe (128 + SIGPIPE).
const READER_GONE: u8 = 141;

/// The exit code after writing standard output. A write error is reported as an error. For a closed pipe (`| head`)
/// only the exit code changes; the work is done and all files are written.
fn delivered(code: ExitCode, output: std::io::Result<()>) -> ExitCode {
    match output {
        Ok(()) => code,
        Err(_) if code != ExitCode::SUCCESS => code,
        Err(reason) if terminal::has_gone(&reason) => ExitCode::from(READER_GONE),
        Err(reason) => {
            note(&format!("error: standard output cannot be written to, and the result is lost: {reason}"));
            ExitCode::FAILURE
        }
    }
}

/// The description of a compiled model at a preset and parameter values, as for `--preset` and `--set`. The library's
/// trainer and evaluation need it.
///
/// # Errors
/// An unknown preset or parameter, a value of the wrong kind, or shapes that do not fit.
pub fn spec(compiled: Compiled, preset: Option<&str>, set: &[(&str, &str)]) -> Result<Spec> {
    let set = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let args = ModelArgs { preset: preset.map(str::to_owned), set };
    let found = Found { builder: compiled.into(), path: compiled.path.into(), text: compiled.source.into() };
    found.spec(&args)
}

fn run(models: &'static [Compiled], cli: Cli) -> Result<ExitCode> {
    srvae_training::input::set_limit(cli.read_limit << 30);
    srvae_training::input::set_resident(cli.stream_above.saturating_mul(1 << 20));
    compile::ask_for(cli.compile);
    ranks::join(&cli)?;
    let Some(command) = cli.command else {
        return all::run(models, &cli.all);
    };
    match command {
        Command::Train(args) => train::run(models, &args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Eval(args) => eval::run(models, &args),
        Command::Encode(args) => encode::run(models, encode::Job::Encode, &args),
        Command::Impute(args) => encode::run(models, encode::Job::Impute, &args),
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

/// An error and its causes in one message, without causes that repeat the text.
fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let said = cause.to_string();
        if text.is_empty() {
            text = said;
        } else if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
    }
    text
}
