//! Gzip: all members of a file, each with its checksum and length.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Read};

/// The concatenated contents of all members of a gzip stream.
///
/// Each member's CRC-32 and length are verified at its end, so the stream must be read to its end to verify the file.
/// More than `limit` bytes are an error.
pub fn gunzip(file: impl Read, limit: u64) -> impl Read {
    Bounded { inner: MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)), left: limit, limit }
}

/// A reader that fails above a limit.
struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                let limit = super::size(self.limit);
                return Err(io::Error::other(format!(
                    "it unpacks to more than the limit of {limit}; --read-limit raises it"
                )));
            }
        }
        Ok(count)
    }
}
