//! Gzip: all members of a file, each with its checksum and length.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Read};

/// The content of all members of a gzip stream, one after the other.
///
/// Each member's CRC-32 and length are verified when its end is read, so whoever wants to know that the file is whole reads to
/// the end. More than `limit` bytes are an error.
pub fn gunzip(file: impl Read, limit: u64) -> impl Read {
    Bounded { inner: MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)), left: limit, limit }
}

/// A reader that fails where more comes than is allowed.
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
