//! Space to depth and back.

use crate::ops::{self, cuda::Backend};
use crate::{Result, Tensor};

/// The order of the four pixels of a square among the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Channel by channel, row by row: channel 4c + 2i + j is pixel (i, j) of channel c.
    Plain,
    /// Pixel by pixel, diagonal first: channels of (0, 0), then of (1, 1), (0, 1) and (1, 0).
    Alternate,
}

/// Positions in the alternate order: (0,0), (1,1), (0,1), (1,0) as 2i + j.
const DIAGONAL_FIRST: [u32; 4] = [0, 3, 1, 2];
/// The position of each pixel in that order.
const BACK: [u32; 4] = [0, 2, 3, 1];

/// `[N, C, H, W]` to `[N, 4C, H/2, W/2]`.
///
/// # Errors
/// An odd height or width.
pub fn squeeze(h: &Tensor, order: Order) -> Result<Tensor> {
    let (n, c, height, width) = h.dims4()?;
    if height % 2 != 0 || width % 2 != 0 {
        candle_core::bail!("a squeeze halves height and width; {height}x{width} pixels do not halve");
    }
    if Backend::of(h) == Backend::Cuda {
        return ops::cuda::image::squeeze(h, order == Order::Alternate, false);
    }
    let split = h.reshape(&[n, c, height / 2, 2, width / 2, 2][..])?;
    let out = match order {
        Order::Plain => split.permute([0, 1, 3, 5, 2, 4])?.contiguous()?,
        Order::Alternate => {
            let pixels = split.permute([0, 3, 5, 1, 2, 4])?.contiguous()?;
            let pixels = pixels.reshape((n, 4, c * (height / 2) * (width / 2)))?;
            pixels.index_select(&Tensor::new(&DIAGONAL_FIRST, h.device())?, 1)?
        }
    };
    out.reshape((n, 4 * c, height / 2, width / 2))
}

/// `[N, 4C, H, W]` to `[N, C, 2H, 2W]`: the inverse of [`squeeze`].
///
/// # Errors
/// A number of channels that 4 does not divide.
pub fn unsqueeze(h: &Tensor, order: Order) -> Result<Tensor> {
    let (n, c, height, width) = h.dims4()?;
    if c % 4 != 0 {
        candle_core::bail!("an unsqueeze takes a multiple of 4 channels, not {c}");
    }
    if Backend::of(h) == Backend::Cuda {
        return ops::cuda::image::squeeze(h, order == Order::Alternate, true);
    }
    let merged = match order {
        Order::Plain => h.reshape(&[n, c / 4, 2, 2, height, width][..])?.permute([0, 1, 4, 2, 5, 3])?,
        Order::Alternate => {
            let pixels = h.reshape((n, 4, c / 4 * height * width))?;
            let pixels = pixels.index_select(&Tensor::new(&BACK, h.device())?, 1)?;
            pixels.reshape(&[n, 2, 2, c / 4, height, width][..])?.permute([0, 3, 4, 1, 5, 2])?
        }
    };
    merged.contiguous()?.reshape((n, c / 4, 2 * height, 2 * width))
}
