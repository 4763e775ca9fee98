//! Idle threads of the pool that look for work instead of sleeping.
//!
//! A thread of rayon sleeps after a few microseconds without work, and waking it takes tens of microseconds: as long as a step of a
//! recurrence. Between the operations of a pass the idle threads stay awake instead. A thread that finds no work for [`PATIENCE`] sleeps.

use rayon::Yield;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The time after which a thread without work sleeps nevertheless.
const PATIENCE: Duration = Duration::from_millis(1);
/// Looks for work between two looks at the clock.
const LOOKS: usize = 64;

/// The number of [`Awake`] values.
static WANTED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread is looking for work already, further up its stack.
    static LOOKING: Cell<bool> = const { Cell::new(false) };
}

/// While one exists, the pool's idle threads look for work.
#[must_use]
pub struct Awake(());

/// Keeps the pool's threads awake until the result is dropped. The first thread is not asked: in a program it is the one that runs the
/// operations. A pool of one thread has no others.
pub fn awake() -> Awake {
    WANTED.fetch_add(1, Ordering::Relaxed);
    if rayon::current_num_threads() > 1 {
        rayon::spawn_broadcast(|thread| {
            if thread.index() > 0 && !LOOKING.replace(true) {
                look();
                LOOKING.set(false);
            }
        });
    }
    Awake(())
}

impl Drop for Awake {
    fn drop(&mut self) {
        WANTED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs the work that this thread finds.
fn look() {
    let mut idle = Instant::now();
    while WANTED.load(Ordering::Relaxed) > 0 {
        if (0..LOOKS).any(|_| rayon::yield_now() == Some(Yield::Executed)) {
            idle = Instant::now();
        } else if idle.elapsed() > PATIENCE {
            return;
        } else {
            // Another program may have work for this core.
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    fn pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap().install(work)
    }

    /// Loops inside loops, from a thread inside and one outside of the pool, with several values that overlap.
    #[test]
    fn every_task_runs_once() {
        let sum = || {
            let first = awake();
            let sums = (0..200u64).map(|turn| {
                let _second = (turn % 3 == 0).then(awake);
                (0..50u64).into_par_iter().map(|at| (0..at).into_par_iter().sum::<u64>()).sum::<u64>()
            });
            let sum = sums.sum::<u64>();
            drop(first);
            sum
        };
        let expected = 200 * (0..50u64).map(|at| (0..at).sum::<u64>()).sum::<u64>();
        assert_eq!(pool(sum), expected);
        assert_eq!(sum(), expected);
    }

    /// A thread that has looked for work in vain goes back to its pool: it can end although the value still exists.
    #[test]
    fn threads_stop_looking_while_nothing_is_to_do() {
        static ENDED: AtomicUsize = AtomicUsize::new(0);
        let count = |_| {
            ENDED.fetch_add(1, Ordering::Relaxed);
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).exit_handler(count).build().unwrap();
        let kept = pool.install(awake);
        drop(pool);
        let begun = Instant::now();
        while ENDED.load(Ordering::Relaxed) < 4 {
            assert!(begun.elapsed() < Duration::from_secs(60), "threads still look for work");
            std::thread::yield_now();
        }
        drop(kept);
    }
}
