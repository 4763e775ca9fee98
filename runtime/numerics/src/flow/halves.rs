//! Channels in two parts.

use crate::{Result, Tensor};

/// The channels that a coupling changes and those that it keeps. The last ones change, or with `swap` the first. If the
/// number is odd, one more changes.
#[derive(Debug, Clone, Copy)]
pub struct Halves {
    pub kept: usize,
    pub changed: usize,
    pub swap: bool,
}

impl Halves {
    /// For this number of channels.
    pub fn of(channels: usize, swap: bool) -> Self {
        Self { kept: channels / 2, changed: channels - channels / 2, swap }
    }

    /// The kept part and the changed part.
    ///
    /// # Errors
    /// Another number of channels.
    pub fn apart(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let (kept, changed) = if self.swap { (self.changed, 0) } else { (0, self.kept) };
        let part = |from: usize, count: usize| x.narrow(1, from, count)?.contiguous();
        Ok((part(kept, self.kept)?, part(changed, self.changed)?))
    }

    /// Concatenates both parts again.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn together(&self, kept: &Tensor, changed: &Tensor) -> Result<Tensor> {
        if self.swap { Tensor::cat(&[changed, kept], 1) } else { Tensor::cat(&[kept, changed], 1) }
    }
}
