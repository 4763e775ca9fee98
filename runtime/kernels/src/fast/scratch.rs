//! Buffers that threads keep: large allocations would cost a page fault for every 4 KiB, each time anew.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static KEPT: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Values for a vector register to start at a cache line.
const LINE: usize = 16;

/// A buffer of `len` values with unspecified contents, returned to its thread when dropped.
pub struct Scratch {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Scratch {
    pub fn new(len: usize) -> Self {
        let mut values = KEPT.with_borrow_mut(|kept| best(kept, len + LINE).unwrap_or_default());
        if values.len() < len + LINE {
            // A new allocation rather than a longer one: the old contents are not worth a copy.
            values = vec![0.0; len + LINE];
        }
        let start = values.as_ptr().align_offset(4 * LINE).min(LINE);
        Self { values, start, len }
    }
}

/// The smallest that is large enough, or the largest.
fn best(kept: &mut Vec<Vec<f32>>, len: usize) -> Option<Vec<f32>> {
    let rank = |buffer: &Vec<f32>| (buffer.len() < len, buffer.len().abs_diff(len));
    let at = (0..kept.len()).min_by_key(|at| rank(&kept[*at]))?;
    Some(kept.swap_remove(at))
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
        // The thread may be on its way out, its store gone already.
        let _ = KEPT.try_with(|kept| kept.borrow_mut().push(values));
    }
}
