//! The points of an image's tiles, transformed once for all that multiply them.

use super::{CHUNK, Side, even, tiles};
use crate::conv::geometry::Geometry;
use crate::fast::halving::{self, POINTS, Tiles};
use crate::fast::planes::to_pixels;
use crate::fast::{Shared, scratch::Scratch};
use rayon::prelude::*;

/// Points of the tiles of some images, `[chunks, 81, tiles, chunk]`.
pub struct Points {
    values: Scratch,
    pub tiles: usize,
    pub channels: usize,
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
        transform: impl Fn(&Tiles, usize, &mut [f32], usize, *mut f32, usize) + Sync,
    ) -> Self {
        let (channels, pixels, count) = (side.channels(g), side.pixels(g), tiles(g, 0).count());
        let chunk = even(channels, CHUNK);
        let all = images.len() / (channels * pixels) * count;
        // Not a power of two, for which the points would use the same few cache lines.
        let point = all * chunk + 16;
        let mut values = Scratch::new(channels.div_ceil(chunk) * POINTS * point);
        let shared = Shared::new(&mut values);
        images.par_chunks(channels * pixels).enumerate().for_each(|(image, planes)| {
            planes.par_chunks(chunk * pixels).enumerate().for_each(|(part, planes)| {
                let here = planes.len() / pixels;
                let mut turned = Scratch::new(pixels * chunk);
                to_pixels(planes, pixels, &mut turned, chunk, |_| ());
                for tile in 0..count {
                    // SAFETY: only this task writes its chunk of its image's tiles.
                    let to = unsafe { shared.at(part * POINTS * point + (image * count + tile) * chunk) };
                    transform(&tiles(g, chunk), tile, &mut turned, here, to, point);
                }
            });
        });
        Self { values, tiles: all, channels, chunk, point }
    }

    /// The points of the images of one side, for convolutions from it.
    pub fn of(g: &Geometry, side: Side, images: &[f32]) -> Self {
        let outside = [0.0f32; CHUNK];
        Self::new(g, side, images, |tiles, tile, pixels, channels, to, point| {
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
    /// convolution's input.
    pub fn of_small_factor(g: &Geometry, small: &[f32]) -> Self {
        let outside = [0.0f32; CHUNK];
        Self::new(g, Side::Small, small, |tiles, tile, pixels, channels, to, point| {
            let from = tiles.small_own(tile, pixels.as_mut_ptr(), outside.as_ptr().cast_mut());
            // SAFETY: as above; the places are only read.
            unsafe { halving::to_small_gradient(&from, channels, to, point) };
        })
    }

    /// The chunks: number, channels.
    pub fn chunks(&self) -> impl Iterator<Item = (usize, usize)> {
        let (chunk, channels) = (self.chunk, self.channels);
        (0..channels.div_ceil(chunk)).map(move |part| (part, chunk.min(channels - part * chunk)))
    }

    pub fn at(&self, part: usize, point: usize, tile: usize) -> *const f32 {
        self.values[(part * POINTS + point) * self.point + tile * self.chunk..].as_ptr()
    }
}
