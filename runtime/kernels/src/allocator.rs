//! The allocator's settings for tensors.

/// Keeps freed memory in this process instead of returning it to the system, which would clear every page before the next
/// use. Tensors of a few megabytes are allocated and freed in every step; with this, a step of a small model takes up to
/// half the time. Once, at the start of a program; `srvae-run` does. It has an effect with glibc only.
pub fn keep_memory() {
    // SAFETY: the calls only change settings of the allocator; an unknown setting is ignored.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
    }
}
