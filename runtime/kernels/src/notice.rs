//! What a kernel has to tell a person: passed on to whoever listens, for this crate prints nothing.

use std::sync::OnceLock;

static LISTENER: OnceLock<fn(&str)> = OnceLock::new();

/// Passes notices on to `listener` from now on; the first one that is set stays.
pub fn listen(listener: fn(&str)) {
    LISTENER.set(listener).ok();
}

/// A notice; lost where nobody listens.
#[cfg_attr(not(feature = "cuda"), allow(dead_code))]
pub(crate) fn note(text: &str) {
    if let Some(listener) = LISTENER.get() {
        listener(text);
    }
}
