//! The ranks of this run: their launcher, their communicator, and their end.

use super::args::{Cli, Command};
use super::machine;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use srvae_training::Device;
use srvae_training::data::Records;
use srvae_training::ranks::{self, ALONE, Communicator, Elsewhere, Launch, Launcher, Mark, Mpi, Nccl, nccl};
use srvae_training::terminal::{self, note};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// The launcher and the communicator of this process.
struct Joined {
    launch: Launch,
    ranks: Box<dyn Communicator>,
}

static JOINED: OnceLock<Joined> = OnceLock::new();
/// Between GPUs, on top of the ranks that MPI has joined.
static GPUS: OnceLock<Nccl> = OnceLock::new();

/// The time that other ranks wait for rank 0 to report the same error and end them.
const GRACE: Duration = Duration::from_secs(2);
/// The time for a message to pass through the launcher before the end.
const SAID: Duration = Duration::from_millis(200);

/// All ranks of this run; only this process if there is no launcher.
pub fn all() -> &'static dyn Communicator {
    if let Some(gpus) = GPUS.get() {
        return gpus;
    }
    JOINED.get().map_or(&ALONE, |joined| joined.ranks.as_ref())
}

/// Only rank 0 prints, from the first error on.
pub fn mute_followers() {
    if Launch::read().is_ok_and(|launch| launch.is_some_and(|launch| launch.rank > 0)) {
        terminal::mute();
    }
}

/// Joins the ranks that a launcher has started together with this one, if any.
///
/// # Errors
/// A command for a single process, or no library for the launcher's ranks.
pub fn join(cli: &Cli) -> Result<()> {
    let Some(launch) = Launch::read()? else { return Ok(()) };
    let name = match &cli.command {
        Some(Command::Train(_) | Command::Eval(_) | Command::Encode(_) | Command::Fid(_) | Command::Sample(_)) => None,
        None => Some("everything at once"),
        Some(_) => Some("this command"),
    };
    if let Some(name) = name {
        bail!(
            "{name} runs in one process, and {} has started {}; train, eval, encode, fid and sample run in several",
            launch.launcher.name(),
            launch.size
        );
    }
    if cli.compile {
        bail!("--compile: several ranks cannot compile; compile the model with one process first");
    }
    let ranks: Box<dyn Communicator> = if launch.launcher == Launcher::Torchrun {
        nccl::see_own_gpu(&launch)?;
        Box::new(Nccl::join(&launch).context("torchrun starts ranks with one GPU each; on CPUs use mpirun or srun")?)
    } else {
        // A program without GPU support does not touch GPUs.
        if cfg!(feature = "cuda") {
            nccl::see_own_gpu(&launch)?;
        }
        Box::new(Mpi::join(&launch)?)
    };
    JOINED.set(Joined { launch, ranks }).ok();
    Ok(())
}

/// The default number of threads of this rank: all cores that the launcher has bound it to, otherwise its share of the
/// machine's.
pub fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let shared = JOINED.get().and_then(|joined| joined.launch.local_size).filter(|_| !machine::is_bound());
    (cores / shared.unwrap_or(1)).max(1)
}

/// Uses NCCL if the ranks compute on GPUs and all of them have it.
///
/// # Errors
/// An NCCL communicator that cannot be created.
pub fn meet_on(device: &Device) -> Result<()> {
    let ranks = all();
    if ranks.size() == 1 || !device.is_cuda() || GPUS.get().is_some() || JOINED.get().is_none_or(by_torchrun) {
        return Ok(());
    }
    match ranks::agree(ranks, nccl::is_there()) {
        Ok(()) => drop(GPUS.set(Nccl::over(ranks)?)),
        Err(reason) => note(&format!("GPUs exchange data through MPI: {reason:#}")),
    }
    Ok(())
}

fn by_torchrun(joined: &Joined) -> bool {
    joined.launch.launcher == Launcher::Torchrun
}

/// Prints the setup in one line.
pub fn announce(device: &Device) {
    let (Some(Joined { launch, .. }), ranks) = (JOINED.get(), all()) else { return };
    let local = launch.local_size.map_or_else(String::new, |local| format!(", {local} of them on this machine"));
    let threads = machine::threads();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let bound = match machine::is_bound() {
        true => format!(" (the launcher binds each rank to {cores} {})", plural(cores, "core")),
        false => String::new(),
    };
    note(&format!(
        "ranks: {} by {} over {}{local}; {threads} {} per rank{bound}, on {}",
        ranks.size(),
        launch.launcher.name(),
        ranks.engine(),
        plural(threads, "thread"),
        machine::name_of(device)
    ));
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// Refuses to continue if ranks run another program than rank 0, or have other marks.
///
/// # Errors
/// The ranks and what differs.
pub fn check_same(mut marks: Vec<Mark>) -> Result<()> {
    if all().size() == 1 {
        return Ok(());
    }
    let program = std::env::current_exe().ok().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    marks.insert(0, Mark::new("program", concat!("srvae ", env!("CARGO_PKG_VERSION")), Sha256::digest(program)));
    ranks::same(all(), &marks)
}

/// The marks of an evaluation's records.
pub fn marks(records: &Records) -> Vec<Mark> {
    let line: Vec<String> = std::env::args().skip(1).collect();
    vec![srvae_training::data::mark("data", records), Mark::new("command line", &line.join(" "), line.join("\0"))]
}

/// Checks the records on all ranks. Nothing is hashed in a single process.
///
/// # Errors
/// As [`check_same`].
pub fn check_records(records: &Records) -> Result<()> {
    if all().size() == 1 { Ok(()) } else { check_same(marks(records)) }
}

/// The bytes of a file that rank 0 reads for all ranks. None if there is no file.
///
/// # Errors
/// A file that cannot be read.
pub fn file(path: &Path) -> Result<Option<Vec<u8>>> {
    let ranks = all();
    let read = || if path.is_file() { srvae_training::input::read(path).map(Some) } else { Ok(None) };
    if ranks.size() == 1 {
        return read();
    }
    let found = ranks::agree(ranks, if ranks.leads() { read() } else { Ok(None) })?;
    let there = ranks.broadcast_all(vec![u8::from(found.is_some())])?;
    let bytes = ranks.broadcast_all(found.unwrap_or_default())?;
    Ok((there == [1]).then_some(bytes))
}

/// A decision of rank 0 for all ranks.
///
/// # Errors
/// A rank that has ended.
pub fn decide(what: bool) -> Result<bool> {
    Ok(all().broadcast_all(vec![u8::from(what)])? == [1])
}

/// Leaves the group after successful work.
pub fn finish() {
    all().finish();
}

/// Ends all ranks after an error, which `say` reports. One message is printed: that of rank 0, or of the only rank that
/// has failed.
pub fn fail(elsewhere: bool, say: impl FnOnce()) {
    let (Some(Joined { launch, .. }), ranks) = (JOINED.get(), all()) else {
        // If joining failed, it failed on every rank.
        return say();
    };
    if launch.rank > 0 {
        std::thread::sleep(GRACE);
        if !elsewhere {
            let lines = terminal::held();
            note(&format!("rank {} of {} has failed; it was at:", launch.rank, launch.size));
            lines.iter().for_each(|line| note(&format!("  {line}")));
            say();
        }
    } else {
        say();
        // The message must pass through the launcher before the abort.
        std::thread::sleep(SAID);
    }
    ranks.abort();
}

/// Whether rank 0 reports the error.
pub fn is_elsewhere(error: &anyhow::Error) -> bool {
    error.is::<Elsewhere>()
}
