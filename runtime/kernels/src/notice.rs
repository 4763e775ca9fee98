//! Messages for the user. They are passed to a listener, because this crate prints nothing.

use std::sync::OnceLock;

static LISTENER: OnceLock<fn(&str)> = OnceLock::new();

/// Sets the listener of notices. Only the first call has an effect.
pub fn listen(listener: fn(&str)) {
    LISTENER.set(listener).ok();
}

/// Sends a notice. It is dropped without a listener.
#[cfg_attr(not(feature = "cuda"), allow(dead_code))]
pub(crate) fn note(text: &str) {
    if let Some(listener) = LISTENER.get() {
        listener(text);
    }
}
