//! Messages for the user: passed to a listener, since this crate prints nothing.

use std::sync::OnceLock;

static LISTENER: OnceLock<fn(&str)> = OnceLock::new();

/// Sets the listener of notices; only the first call takes effect.
pub fn listen(listener: fn(&str)) {
    LISTENER.set(listener).ok();
}

/// Sends a notice; dropped without a listener.
#[cfg_attr(not(feature = "cuda"), allow(dead_code))]
pub(crate) fn note(text: &str) {
    if let Some(listener) = LISTENER.get() {
        listener(text);
    }
}
