//! The points of an image's tiles, transformed once for all that multiply them.

use super::{CHUNK, Side, even, tiles};
use crate::conv::geometry::Geometry;
use crate::fast::halving::{self, POINTS, Tiles};
use crate::fast::planes::to_pixels;
use crate::fast::{Shared, padded, scratch::Scratch, staggered};
use rayon::prelude::*;

/// Points of the tiles of some images, `[chunks, 81, tiles, chunk]`.
pub struct Points {
    values: Scratch,
    pub tiles: usize,
    pub channels: usize,
    /// The distance between two tiles.
    pub chunk: usize,
    /// The distance between two points.
    point: usize,
}

impl Points {
    /// Transforms `images` of a side with `transform(tiles, tile, pixels, channels, to, point)`.
    fn new(
        g: &Geometry,
        side: Side,
        images: &[f32],
        chunk: usize,
        transform: impl Fn(&Tiles, usize, &mut [f32], usize, *mut f32, usize) + Sync,
    ) -> Self {
        let (channels, pixels, count) = (side.channels(g), side.pixels(g), tiles(g, 0).count());
        let all = images.len() / (channels * pixels) * count;
        // Not a power of two, for which the points would use the same few cache lines.
        let point = all * chunk + 16;
        let values = Scratch::new(channels.div_ceil(chunk) * POINTS * point);
        let mut points = Self { values, tiles: all, channels, chunk, point };
        let (shared, part) = (Shared::new(&mut points.values), chunk.min(CHUNK));
        images.par_chunks(channels * pixels).enumerate().for_each(|(image, planes)| {
            planes.par_chunks(part * pixels).enumerate().for_each(|(at, planes)| {
                let here = planes.len() / pixels;
                let mut turned = Scratch::new(pixels * part);
                to_pixels(planes, pixels, &mut turned, part, |_| ());
                for tile in 0..count {
                    // SAFETY: only this task writes its channels of its image's tiles.
                    let to = unsafe { shared.at(points.place(0, image * count + tile, at * part)) };
                    transform(&tiles(g, part), tile, &mut turned, here, to, point);
                }
            });
        });
        points
    }

    /// Where a tile's values begin.
    fn place(&self, point: usize, tile: usize, channel: usize) -> usize {
        let (part, channel) = (channel / self.chunk, channel % self.chunk);
        (part * POINTS + point) * self.point + tile * self.chunk + channel
    }

    /// The points of the images of one side, for convolutions from it: one chunk, of whose rows a GEMM reads many channels.
    pub fn of(g: &Geometry, side: Side, images: &[f32]) -> Self {
        let outside = [0.0f32; CHUNK];
        Self::new(g, side, images, staggered(padded(side.channels(g))), |tiles, tile, pixels, channels, to, point| {
            // SAFETY: a pixel has room for the chunk, as have `outside` and the tile's place.
            unsafe {
                if side == Side::Large {
                    halving::from_large(&tiles.large(tile, pixels.as_ptr(), outside.as_ptr()), channels, to, point);
                } else {
                    halving::from_small(&tiles.small(tile, pixels.as_ptr(), outside.as_ptr()), channels, to, point);
                }
            }
        })
    }

    /// The points of the small image as the other factor of the weight's gradient: those of its gradient, or of a transposed
    /// convolution's input. A GEMM reads some channels of all tiles, so they lie in chunks, in few pages of memory.
    pub fn of_small_factor(g: &Geometry, small: &[f32]) -> Self {
        let outside = [0.0f32; CHUNK];
        Self::new(g, Side::Small, small, even(g.filters, CHUNK), |tiles, tile, pixels, channels, to, point| {
            let from = tiles.small_own(tile, pixels.as_mut_ptr(), outside.as_ptr().cast_mut());
            // SAFETY: as above; the places are only read.
            unsafe { halving::to_small_gradient(&from, channels, to, point) };
        })
    }

    /// Even parts of the channels of at most `most`: first channel, channels.
    pub fn parts(&self, most: usize) -> impl Iterator<Item = (usize, usize)> {
        let (part, channels) = (even(self.channels, most), self.channels);
        (0..channels).step_by(part).map(move |first| (first, part.min(channels - first)))
    }

    pub fn at(&self, point: usize, tile: usize, channel: usize) -> *const f32 {
        self.values[self.place(point, tile, channel)..].as_ptr()
    }
}
