//! Ctrl-C: the first asks for a checkpoint and an end, the second ends at once.

use anyhow::{Result, ensure};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a shell expects of a program that was interrupted.
pub const EXIT_CODE: u8 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// The end of a computation by Ctrl-C.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// From here on Ctrl-C (and a request to terminate) is noted instead of ending the program; long work calls [`check`].
pub fn listen() {
    HANDLER.call_once(|| {
        let handler = || {
            if ASKED.swap(true, Ordering::SeqCst) {
                // Files are put in place whole, so none can be hurt by leaving now.
                std::process::exit(i32::from(EXIT_CODE));
            }
        };
        if let Err(reason) = ctrlc::set_handler(handler) {
            crate::terminal::note(&format!("warning: Ctrl-C will not write a checkpoint: {reason}"));
        }
        listen_to_schedulers();
    });
}

/// SIGUSR1 asks for an end too, as often as it comes: schedulers send it before the time of a job is up, and `mpirun` passes it on
/// to all ranks.
#[cfg(unix)]
fn listen_to_schedulers() {
    extern "C" fn ask(_: libc::c_int) {
        ASKED.store(true, Ordering::SeqCst);
    }
    // SAFETY: the handler does nothing but store into an atomic variable.
    unsafe { libc::signal(libc::SIGUSR1, ask as *const () as libc::sighandler_t) };
}

#[cfg(not(unix))]
fn listen_to_schedulers() {}

/// Whether an end was asked for.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Ends work that was asked to end; to be called wherever a part of long work is done.
///
/// # Errors
/// [`Interrupted`].
pub fn check() -> Result<()> {
    ensure!(!asked(), Interrupted);
    Ok(())
}
