//! Caches buffers, because each large allocation would cause a page fault for every 4 KiB.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of sizes per power of two.
const DOUBLE: usize = 4;
/// The number of sizes.
const SIZES: usize = DOUBLE * (usize::BITS as usize - 2);

/// The unused buffers of each size. There is one cache for all threads, so that a buffer can be reused whichever thread
/// allocates and frees it.
static KEPT: Mutex<[Vec<Buffer>; SIZES]> = Mutex::new([const { Vec::new() }; SIZES]);

/// Memory and the thread that used it last, in whose cache it is.
struct Buffer {
    values: Vec<f32>,
    user: u64,
}

/// A number of this thread.
fn me() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    thread_local!(static ME: u64 = COUNT.fetch_add(1, Ordering::Relaxed));
    ME.with(|me| *me)
}

/// The alignment of the first value to a cache line, in values.
const LINE: usize = 16;

/// A buffer of `len` values with unspecified contents, returned to the cache when dropped.
pub struct Scratch {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Scratch {
    pub fn new(len: usize) -> Self {
        let size = size_of(len + LINE);
        let found = take(size);
        let values = found.unwrap_or_else(|| vec![0.0; values_of(size)]);
        let start = values.as_ptr().align_offset(4 * LINE).min(LINE);
        Self { values, start, len }
    }
}

/// Takes the smallest buffer that is large enough, of these the one that this thread used last. If there is none, the
/// largest one is freed, because the new buffer will replace it. There are therefore never more buffers than were in use
/// at once.
fn take(size: usize) -> Option<Vec<f32>> {
    let (mut kept, me) = (kept(), me());
    let Some(found) = kept[size..].iter_mut().find(|buffers| !buffers.is_empty()) else {
        kept[..size].iter_mut().rev().find_map(Vec::pop);
        return None;
    };
    let own = found.iter().rposition(|buffer| buffer.user == me).unwrap_or(found.len() - 1);
    Some(found.remove(own).values)
}

fn kept() -> MutexGuard<'static, [Vec<Buffer>; SIZES]> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The index of the smallest size for this many values.
fn size_of(values: usize) -> usize {
    let doublings = values.max(4).ilog2() as usize - 2;
    // Four to eight quarters; eight are the first size of the next power of two.
    DOUBLE * doublings + values.max(4).div_ceil(1 << doublings) - 4
}

/// The values of a buffer of this size.
fn values_of(size: usize) -> usize {
    (4 + size % DOUBLE) << (size / DOUBLE)
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..self.start + self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..self.start + self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        let size = size_of(values.len());
        kept()[size].push(Buffer { values, user: me() });
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE, Scratch, kept, size_of, values_of};

    #[test]
    fn a_size_is_the_smallest_that_holds_the_values() {
        for values in (1..5000).chain([1 << 20, (1 << 20) + 1, 7_000_000_000]) {
            let size = size_of(values);
            assert!(values_of(size) >= values, "{values}");
            assert!(size == 0 || values_of(size - 1) < values, "{values}");
        }
    }

    #[test]
    fn buffers_that_other_threads_drop_do_not_pile_up() {
        // Other tests use less memory, and few buffers of this size at a time.
        let (len, rounds) = (5_000_000, 200);
        for _ in 0..rounds {
            let filled = std::thread::scope(|scope| scope.spawn(|| Scratch::new(len)).join().unwrap());
            assert_eq!(filled.len(), len);
            drop(filled);
        }
        assert!(kept()[size_of(len + LINE)..].iter().map(Vec::len).sum::<usize>() < rounds / 2);
    }
}
