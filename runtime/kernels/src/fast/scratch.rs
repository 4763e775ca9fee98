//! Buffers that are kept: large allocations would cost a page fault for every 4 KiB, each time anew.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sizes from one to its double.
const DOUBLE: usize = 4;
/// Sizes of buffers.
const SIZES: usize = DOUBLE * (usize::BITS as usize - 2);

/// The buffers of each size that nobody uses. One store for all threads: a buffer that one thread fills and another drops is at
/// hand for both.
static KEPT: Mutex<[Vec<Vec<f32>>; SIZES]> = Mutex::new([const { Vec::new() }; SIZES]);

/// Values for a vector register to start at a cache line.
const LINE: usize = 16;

/// A buffer of `len` values with unspecified contents, kept when dropped.
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

/// The smallest buffer that is large enough. Where there is none, the largest goes: the new one takes its place, so there are never
/// more buffers than were in use at once.
fn take(size: usize) -> Option<Vec<f32>> {
    let mut kept = kept();
    let found = kept[size..].iter_mut().find_map(Vec::pop);
    if found.is_none() {
        kept[..size].iter_mut().rev().find_map(Vec::pop);
    }
    found
}

fn kept() -> MutexGuard<'static, [Vec<Vec<f32>>; SIZES]> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of the smallest size that holds so many values.
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
        kept()[size].push(values);
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
        // The other tests need less, and have a few of these buffers at a time.
        let (len, rounds) = (5_000_000, 200);
        for _ in 0..rounds {
            let filled = std::thread::scope(|scope| scope.spawn(|| Scratch::new(len)).join().unwrap());
            assert_eq!(filled.len(), len);
            drop(filled);
        }
        assert!(kept()[size_of(len + LINE)..].iter().map(Vec::len).sum::<usize>() < rounds / 2);
    }
}
