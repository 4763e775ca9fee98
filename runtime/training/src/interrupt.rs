//! Ctrl-C: the first one requests a checkpoint and an end, the second one ends the program at once.

use anyhow::{Result, ensure};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// The usual exit code of an interrupted program.
pub const EXIT_CODE: u8 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// The error for a computation that was ended by Ctrl-C.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// From here on Ctrl-C (and a request to terminate) sets a flag instead of ending the program. Long computations call
/// [`check`].
pub fn listen() {
    HANDLER.call_once(|| {
        let handler = || {
            if ASKED.swap(true, Ordering::SeqCst) {
                // Files are renamed atomically, so none is damaged by exiting now.
                std::process::exit(i32::from(EXIT_CODE));
            }
        };
        if let Err(reason) = ctrlc::set_handler(handler) {
            crate::terminal::note(&format!("warning: Ctrl-C will not write a checkpoint: {reason}"));
        }
        listen_to_schedulers();
    });
}

/// SIGUSR1 requests an end too, any number of times. Schedulers send it before a job's time limit, and `mpirun` passes
/// it on to all ranks.
#[cfg(unix)]
fn listen_to_schedulers() {
    extern "C" fn ask(_: libc::c_int) {
        ASKED.store(true, Ordering::SeqCst);
    }
    // SAFETY: the handler only stores into an atomic variable.
    unsafe { libc::signal(libc::SIGUSR1, ask as *const () as libc::sighandler_t) };
}

#[cfg(not(unix))]
fn listen_to_schedulers() {}

/// Whether an end was requested.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Ends a computation if this was requested. It is called after each part of a long computation.
///
/// # Errors
/// [`Interrupted`].
pub fn check() -> Result<()> {
    ensure!(!asked(), Interrupted);
    Ok(())
}
