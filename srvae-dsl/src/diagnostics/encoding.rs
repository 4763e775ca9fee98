//! Files that are not UTF-8.

use super::{Report, messages};
use crate::source::{Source, Span};

impl Source {
    /// The text of a file from its bytes.
    ///
    /// # Errors
    /// Bytes that are not UTF-8, with the place of the first one.
    pub fn from_bytes(path: impl Into<String>, bytes: &[u8]) -> Result<Self, Report> {
        let path = path.into();
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => {
                let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let source = Self::new(path, good);
                let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
                let end = Span::new(source.text.len(), source.text.len());
                Err(Report::new(&source, vec![messages::not_utf8(byte, end)]))
            }
        }
    }
}
