//! Self time per kind of operation, measured while a [`Profile`] is active.
//!
//! Without one, [`timed`] costs one relaxed load. Measurements may nest: the time of an inner measurement is not counted for the
//! outer one, so on one thread the self times add up to the total.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static ON: AtomicBool = AtomicBool::new(false);
static SHARES: Mutex<BTreeMap<&'static str, (Duration, usize)>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// Time of measurements inside the current one on this thread.
    static INSIDE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The time of one kind of operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    pub kind: &'static str,
    pub seconds: f64,
    pub calls: usize,
}

/// Runs `work`; while a profile is active, adds its self time to `kind`.
pub fn timed<R>(kind: &'static str, work: impl FnOnce() -> R) -> R {
    if !ON.load(Ordering::Relaxed) {
        return work();
    }
    let outer = INSIDE.replace(Duration::ZERO);
    let begun = Instant::now();
    let result = work();
    let whole = begun.elapsed();
    let inner = INSIDE.replace(outer + whole);
    let mut shares = SHARES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let share = shares.entry(kind).or_default();
    *share = (share.0 + whole.saturating_sub(inner), share.1 + 1);
    result
}

/// An active profile of the whole program, from [`Profile::begin`] to [`Profile::end`].
#[must_use]
pub struct Profile(());

impl Profile {
    /// Starts measuring from zero.
    pub fn begin() -> Self {
        SHARES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
        ON.store(true, Ordering::Relaxed);
        Self(())
    }

    /// The self times, longest first; equal times in the order of their names.
    pub fn end(self) -> Vec<Share> {
        ON.store(false, Ordering::Relaxed);
        let shares = std::mem::take(&mut *SHARES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let mut shares: Vec<_> = shares
            .into_iter()
            .map(|(kind, (time, calls))| Share { kind, seconds: time.as_secs_f64(), calls })
            .collect();
        shares.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin(milliseconds: u64) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(milliseconds) {}
    }

    #[test]
    fn time_inside_an_inner_measurement_is_charged_once() {
        timed("profile_test_unseen", || spin(1));
        let profile = Profile::begin();
        let begun = Instant::now();
        timed("profile_test_outer", || {
            spin(1);
            timed("profile_test_inner", || spin(5));
            timed("profile_test_inner", || spin(5));
        });
        let whole = begun.elapsed().as_secs_f64();
        let shares = profile.end();
        let find = |kind: &str| shares.iter().find(|share| share.kind == kind).copied();
        let (outer, inner) = (find("profile_test_outer").unwrap(), find("profile_test_inner").unwrap());
        assert_eq!((outer.calls, inner.calls), (1, 2));
        assert!(outer.seconds >= 0.001 && inner.seconds >= 0.01);
        assert!(outer.seconds + inner.seconds <= whole, "{outer:?} {inner:?} {whole}");
        assert!(find("profile_test_unseen").is_none());
        assert!(shares.iter().is_sorted_by(|a, b| a.seconds >= b.seconds));
    }
}
