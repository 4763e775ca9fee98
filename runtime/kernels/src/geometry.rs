//! The sizes of a convolution, and the range of each tap inside the image.

use crate::Result;

/// The sizes of a convolution from `[batch, channels, height, width]` to `[batch, filters, out_height, out_width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Geometry {
    pub batch: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub filters: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub out_height: usize,
    pub out_width: usize,
    /// Taps, row by row, after which the weight is zero and its gradient is not needed.
    pub seen: usize,
}

impl Geometry {
    pub fn new(
        (batch, channels, height, width): (usize, usize, usize, usize),
        (filters, weight_channels, kernel, kernel_width): (usize, usize, usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let fits = |size: usize| size + 2 * padding >= kernel;
        if channels != weight_channels || kernel != kernel_width || !fits(height) || !fits(width) || stride == 0 {
            candle_core::bail!(
                "a convolution of [{batch}, {channels}, {height}, {width}] with [{filters}, {weight_channels}, {kernel}, {kernel_width}]"
            );
        }
        let out = |size: usize| (size + 2 * padding - kernel) / stride + 1;
        let (out_height, out_width) = (out(height), out(width));
        let seen = kernel * kernel;
        Ok(Self { batch, channels, height, width, filters, kernel, stride, padding, out_height, out_width, seen })
    }

    /// The convolution with a weight whose taps from `seen` on are zero.
    pub fn first(self, seen: usize) -> Self {
        Self { seen: seen.min(self.kernel * self.kernel), ..self }
    }

    /// The convolution whose input has the shape of the transposed convolution's output for `x`, `[batch, filters,
    /// height, width]`, with the same weight.
    pub fn transposed(
        x: (usize, usize, usize, usize),
        weight: (usize, usize, usize, usize),
        stride: usize,
        padding: usize,
        output_padding: usize,
    ) -> Result<Self> {
        let ((batch, filters, height, width), (_, channels, kernel, _)) = (x, weight);
        let grown = |size: usize| {
            let reached = size.checked_sub(1)? * stride + kernel + output_padding;
            reached.checked_sub(2 * padding)
        };
        if let (Some(grown_height), Some(grown_width)) = (grown(height), grown(width)) {
            let geometry = Self::new((batch, channels, grown_height, grown_width), weight, stride, padding)?;
            if geometry.out_dims() == [batch, filters, height, width] {
                return Ok(geometry);
            }
        }
        candle_core::bail!("a transposed convolution of {x:?} with {weight:?}")
    }

    pub fn in_dims(&self) -> [usize; 4] {
        [self.batch, self.channels, self.height, self.width]
    }

    pub fn out_dims(&self) -> [usize; 4] {
        [self.batch, self.filters, self.out_height, self.out_width]
    }

    pub fn patch(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    pub fn pixels(&self) -> usize {
        self.out_height * self.out_width
    }

    pub fn image(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether the kernel is 1x1 with stride 1, so that patches are the image itself.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0
    }

    /// For each tap and each output row: the input row and the range of output columns inside the image.
    pub fn visit(&self, mut each: impl FnMut(usize, usize, usize, usize)) {
        for tap in 0..self.channels * self.kernel * self.kernel {
            let (channel, dy) = (tap / (self.kernel * self.kernel), tap / self.kernel % self.kernel);
            for y in 0..self.out_height {
                let row = y * self.stride + dy;
                if row >= self.padding && row - self.padding < self.height {
                    let input = (channel * self.height + row - self.padding) * self.width;
                    each(tap, y, input, tap % self.kernel);
                }
            }
        }
    }

    /// Output columns for which tap `dx` is inside the image.
    pub fn columns(&self, dx: usize) -> (usize, usize) {
        let first = self.padding.saturating_sub(dx).div_ceil(self.stride);
        let end = (self.width + self.padding).saturating_sub(dx).div_ceil(self.stride).min(self.out_width);
        (first.min(end), end)
    }
}
