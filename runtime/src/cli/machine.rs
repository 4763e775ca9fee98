//! How the program uses threads and memory; said once, before anything else runs.

/// Settings that tensors of many sizes, made and dropped at every step, ask for.
pub fn prepare() {
    share_the_main_thread();
    keep_memory();
}

/// Makes the main thread one of rayon's: a parallel loop then begins at once, where handing it to a pool that sleeps takes
/// as long as a small operation. With one thread alone the pool stays apart, so that other threads may use it.
fn share_the_main_thread() {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
    let threads: usize = asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if threads > 1 {
        // Where a pool exists already, it is as good.
        rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build_global().ok();
    }
}

/// Keeps what tensors leave instead of giving it back to the system, which would clear every page before the next use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_memory() {
    // SAFETY: the calls change settings of the allocator and nothing else; a setting it does not know is ignored.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_memory() {}
