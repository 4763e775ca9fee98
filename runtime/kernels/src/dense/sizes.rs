//! Sizes and memory layout of a dense layer.

use crate::fast::winograd::{POINTS, Tiles};
use crate::fast::{narrow, padded, staggered};

/// Channels per task.
pub const CHUNK: usize = 64;
/// Groups of images at least, if each has [`FEWEST`] tiles.
const GROUPS: usize = 4;
const FEWEST: usize = 8;
/// Values of a step's kernels that stay in the L2 cache.
const NEAR: usize = 1 << 17;

/// A step's growth, padded.
pub const fn wide(growth: usize) -> usize {
    narrow(growth)
}

/// The stride of a pixel with this many channels: padded to whole vectors, and not a power of two, for which pixels would use the
/// same cache lines.
pub const fn row(channels: usize) -> usize {
    staggered(padded(channels) + 16)
}

/// A dense layer's sizes.
///
/// Inside the layer the layout is pixel-major. A pixel's channels are a constant 1, the input's channels, then those
/// appended by each step. The constant carries the squeeze's bias through the composed kernel; in the padding it is 0.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub batch: usize,
    pub input: usize,
    pub height: usize,
    pub width: usize,
    pub growth: usize,
    /// Channels between a step's two convolutions.
    pub middle: usize,
    pub steps: usize,
}

impl Sizes {
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Channels of the output.
    pub fn channels(&self) -> usize {
        self.input + self.steps * self.growth
    }

    /// The number of channels that a step reads, including the constant.
    pub fn before(&self, step: usize) -> usize {
        1 + self.input + step * self.growth
    }

    /// The growth, padded.
    pub fn wide(&self) -> usize {
        wide(self.growth)
    }

    /// The stride of a pixel.
    pub fn row(&self) -> usize {
        row(1 + self.channels())
    }

    pub fn tiles(&self) -> Tiles {
        Tiles { height: self.height, width: self.width, row: self.row() }
    }

    /// Values of a step's composed kernel: `[9, before, wide]`.
    pub fn kernel(&self, step: usize) -> usize {
        9 * self.before(step) * self.wide()
    }

    /// The start of a step's kernels in the concatenation of all steps.
    pub fn kernel_start(&self, step: usize) -> usize {
        (0..step).map(|step| self.kernel(step)).sum()
    }

    /// Chunks of the channels that a step reads: step, first channel, channels.
    pub fn chunks(&self, step: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let before = self.before(step);
        (0..before).step_by(CHUNK).map(move |first| (step, first, CHUNK.min(before - first)))
    }

    /// The chunks of all steps.
    pub fn all_chunks(&self) -> Vec<(usize, usize, usize)> {
        (0..self.steps).flat_map(|step| self.chunks(step)).collect()
    }

    /// The number of images processed together, so that there are enough tiles for the GEMM, and several tasks if a step's kernels
    /// stay in the L2 cache: each task reads them all.
    pub fn group(&self, tiles: usize) -> usize {
        let count = self.tiles().count();
        let most = (tiles / count).clamp(1, self.batch.max(1));
        let near = POINTS * self.channels() * self.wide() <= NEAR;
        if near { most.min(self.batch.div_ceil(GROUPS).max(FEWEST / count)) } else { most }
    }
}

/// A step's weights in place.
#[derive(Clone, Copy)]
pub struct StepValues<'a> {
    /// `[middle, channels]`
    pub squeeze: &'a [f32],
    pub squeeze_bias: &'a [f32],
    /// `[growth, middle, 3, 3]`
    pub grow: &'a [f32],
    pub grow_bias: &'a [f32],
}
