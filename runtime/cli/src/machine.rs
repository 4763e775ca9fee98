//! The program's use of threads, memory and devices, set once before tensors are created.

use anyhow::{Result, bail};
use srvae_training::Device;
use std::fs;
use std::path::Path;

/// Refuses work that needs more memory than available, with both numbers. If the system does not report its memory,
/// nothing is refused. `advice` says how to need less.
///
/// # Errors
/// Too little memory.
pub fn check_memory(what: &str, bytes: f64, advice: &str) -> Result<()> {
    check_fits(what, bytes, memory(), advice)
}

fn check_fits(what: &str, bytes: f64, memory: Option<u64>, advice: &str) -> Result<()> {
    match memory {
        Some(memory) if bytes > memory as f64 => bail!(
            "{what} needs about {}, and this machine has {}; {advice}",
            show_bytes(bytes),
            show_bytes(memory as f64)
        ),
        _ => Ok(()),
    }
}

/// The memory available to this process in bytes: the machine's, or the limit of its control group if smaller.
pub fn memory() -> Option<u64> {
    let number = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let total = fs::read_to_string("/proc/meminfo").ok()?;
    let total = total.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
    let total = total?.parse::<u64>().ok()? << 10;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let unified = Path::new("/sys/fs/cgroup");
    // Limits of enclosing groups count too.
    let limits = unified.join(own).ancestors().map(|group| number(&group.join("memory.max"))).collect::<Vec<_>>();
    let old = number(Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    limits.into_iter().chain([old]).flatten().chain([total]).min()
}

/// 83.4 MB, 1.2 TB.
pub fn show_bytes(bytes: f64) -> String {
    const UNITS: [&str; 7] = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let step = (bytes.max(1.0).log10() / 3.0).floor().clamp(0.0, UNITS.len() as f64 - 1.0);
    format!("{:.1} {}", bytes / 1000f64.powf(step), UNITS[step as usize])
}

/// CPU time of all threads of this process, if the system reports it. Other programs affect it little.
pub fn cpu_seconds() -> Option<f64> {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes one `timespec`, which is local.
        let found = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } == 0;
        found.then_some(time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64)
    }
    #[cfg(not(unix))]
    None
}

/// Makes the main thread a member of rayon's pool, so that parallel loops start at once. Waking a sleeping pool takes
/// as long as a small operation. With a single thread the pool stays separate, so that other threads may use it.
/// Without a requested number, `RAYON_NUM_THREADS` or this process's `share` of the cores is used. Returns false if a
/// pool of another size exists. Must be called before other threads start.
pub fn set_threads(asked: Option<usize>, share: impl FnOnce() -> usize) -> bool {
    let variable =
        std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|count| *count > 0);
    let threads = asked.or(variable).unwrap_or_else(share);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = if threads > 1 { pool.use_current_thread() } else { pool };
    if variable.is_none() {
        // Otherwise candle reads the machine's list of processors for each of its matrix products. SAFETY: no other
        // thread reads the environment yet, by the contract above.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
    }
    pool.build_global().is_ok() || rayon::current_num_threads() == threads
}

/// The name of a device in reports.
pub fn name_of(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}

/// The number of computing threads.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Whether this process is restricted to some of the machine's cores.
#[cfg(target_os = "linux")]
pub fn is_bound() -> bool {
    // SAFETY: a set of cores is plain bytes, for which zero is valid. The first call fills it up to the stated size,
    // the second counts its elements, and the third reads a constant of the system.
    let (code, own, all) = unsafe {
        let mut own: libc::cpu_set_t = std::mem::zeroed();
        let code = libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut own);
        (code, libc::CPU_COUNT(&own), libc::sysconf(libc::_SC_NPROCESSORS_ONLN))
    };
    code == 0 && i64::from(own) < all
}

#[cfg(not(target_os = "linux"))]
pub fn is_bound() -> bool {
    false
}

/// Lets candle's threads sleep as soon as they are idle. By default they spin for a while after each operation and take
/// cores from our threads. Must be called before any thread starts.
pub fn yield_cores() {
    const LIMIT: &str = "CANDLE_BARRIER_POOL_SPIN_LIMIT";
    if std::env::var_os(LIMIT).is_none() {
        // SAFETY: no other thread reads the environment yet, by the contract above.
        unsafe { std::env::set_var(LIMIT, "1") };
    }
}

/// Keeps backtraces out of errors, whose texts are messages to users; those of panics are printed as `RUST_BACKTRACE` asks. Only before
/// any thread has started.
pub fn leave_out_backtraces() {
    const OF_ERRORS: &str = "RUST_LIB_BACKTRACE";
    if std::env::var_os(OF_ERRORS).is_none() {
        // SAFETY: no other thread reads the environment yet, by the contract above.
        unsafe { std::env::set_var(OF_ERRORS, "0") };
    }
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail like a full disk, instead of ending the program with a
/// partial file.
#[cfg(unix)]
pub fn fail_at_size_limits() {
    // SAFETY: the signal is ignored, no handler runs.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[cfg(not(unix))]
pub fn fail_at_size_limits() {}

#[cfg(test)]
mod tests {
    use super::{check_fits, show_bytes};

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let check = |bytes: f64, memory| check_fits("a batch of 9", bytes, memory, "use less");
        check(8e9, Some(8_000_000_000)).unwrap();
        let error = check(9e9, Some(8_000_000_000)).unwrap_err().to_string();
        assert_eq!(error, "a batch of 9 needs about 9.0 GB, and this machine has 8.0 GB; use less");
        // If the system does not report its memory, nothing is refused.
        check(2e18, None).unwrap();
    }

    #[test]
    fn numbers_of_bytes_are_short() {
        let shown: Vec<String> = [0.0, 999.0, 1000.0, 83_400_000.0, 1.2e12, 1e30].map(show_bytes).to_vec();
        assert_eq!(shown, ["0.0 bytes", "999.0 bytes", "1.0 kB", "83.4 MB", "1.2 TB", "1000000000000.0 EB"]);
    }
}
