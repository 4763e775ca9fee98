//! Channels in two parts.

use crate::{Result, Tensor};

/// The channels that a coupling changes and those it keeps: the last ones change, or with `swap` the first. Of an odd number
/// one more changes.
#[derive(Debug, Clone, Copy)]
pub struct Halves {
    pub kept: usize,
    pub changed: usize,
    pub swap: bool,
}

impl Halves {
    /// Of so many channels.
    pub fn of(channels: usize, swap: bool) -> Self {
        Self { kept: channels / 2, changed: channels - channels / 2, swap }
    }

    /// The part that is kept and the part that changes.
    ///
    /// # Errors
    /// Another number of channels.
    pub fn apart(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let (kept, changed) = if self.swap { (self.changed, 0) } else { (0, self.kept) };
        let part = |from: usize, count: usize| x.narrow(1, from, count)?.contiguous();
        Ok((part(kept, self.kept)?, part(changed, self.changed)?))
    }

    /// Both side by side again.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn together(&self, kept: &Tensor, changed: &Tensor) -> Result<Tensor> {
        if self.swap { Tensor::cat(&[changed, kept], 1) } else { Tensor::cat(&[kept, changed], 1) }
    }
}
