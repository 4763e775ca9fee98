//! How the program uses threads and memory; said once, before tensors are made.

/// Makes the main thread one of rayon's: a parallel loop then begins at once, where handing it to a pool that sleeps takes
/// as long as a small operation. With one thread alone the pool stays apart, so that other threads may use it. Without a
/// number that was asked for, `RAYON_NUM_THREADS` or the machine's cores count. False where a pool of another size exists.
pub fn set_threads(asked: Option<usize>) -> bool {
    let variable = || std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok().filter(|count| *count > 0);
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = asked.or_else(variable).unwrap_or_else(cores);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = if threads > 1 { pool.use_current_thread() } else { pool };
    pool.build_global().is_ok() || rayon::current_num_threads() == threads
}

/// Lets candle's own threads sleep as soon as they have nothing to do: waiting awake, as they would for a while after each of
/// its operations, they take a core from ours. Only before any thread has started.
pub fn yield_cores() {
    const LIMIT: &str = "CANDLE_BARRIER_POOL_SPIN_LIMIT";
    if std::env::var_os(LIMIT).is_none() {
        // SAFETY: no other thread reads the environment yet, by the contract above.
        unsafe { std::env::set_var(LIMIT, "1") };
    }
}

/// Keeps what tensors leave instead of giving it back to the system, which would clear every page before the next use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_memory() {
    // SAFETY: the calls change settings of the allocator and nothing else; a setting it does not know is ignored.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_memory() {}

/// Lets a write beyond the size that a file may have here (`ulimit -f`) fail as one on a full disk does, instead of ending the
/// program with half a file left.
#[cfg(unix)]
pub fn fail_at_size_limits() {
    // SAFETY: the signal is ignored, no handler runs.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[cfg(not(unix))]
pub fn fail_at_size_limits() {}
