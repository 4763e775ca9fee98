//! Divides a large image into overlapping tiles, and blends tiles into one image without seams.

use super::Planes;

/// The positions of an image's tiles. They cover the image; the last ones may extend beyond its far borders.
#[derive(Debug, Clone)]
pub struct Tiling {
    /// Height and width of the image.
    pub size: [usize; 2],
    /// Height and width of a tile.
    pub tile: [usize; 2],
    /// The distance from one tile to the next, down and to the right, in pixels.
    pub step: [usize; 2],
    /// The number of tiles, down and to the right.
    pub count: [usize; 2],
}

/// The way in which pixels of several tiles are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blend {
    /// A weighted mean; the weight of a tile decreases towards its border.
    Mean,
    /// The value of the tile whose border is farthest away, because a mean would reduce sampled noise.
    Nearest,
}

impl Tiling {
    /// Tiles that overlap by the fraction `overlap` (from 0 to below 1), or slightly more, so that each begins at a
    /// multiple of `grid`.
    pub fn new(size: [usize; 2], tile: [usize; 2], overlap: f64, grid: [usize; 2]) -> Self {
        let step = [0, 1].map(|axis| {
            let grid = grid[axis].clamp(1, tile[axis]);
            let wanted = (tile[axis] as f64 * (1.0 - overlap)) as usize;
            (wanted / grid * grid).max(grid)
        });
        let count = [0, 1].map(|axis| size[axis].saturating_sub(tile[axis]).div_ceil(step[axis]) + 1);
        Self { size, tile, step, count }
    }

    pub fn len(&self) -> usize {
        self.count[0] * self.count[1]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The top and the left of a tile.
    pub fn corner(&self, index: usize) -> [usize; 2] {
        [index / self.count[1] * self.step[0], index % self.count[1] * self.step[1]]
    }

    /// Height and width of the area covered by all tiles.
    pub fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.count[axis] - 1) * self.step[axis] + self.tile[axis])
    }

    /// A tile of an image. Beyond the image the edge values are repeated.
    pub fn cut(&self, picture: &Planes, index: usize) -> Vec<f32> {
        let ([top, left], [height, width]) = (self.corner(index), self.size);
        let rows = |plane: usize| {
            (top..top + self.tile[0]).flat_map(move |y| (left..left + self.tile[1]).map(move |x| (plane, y, x)))
        };
        (0..picture.channels)
            .flat_map(rows)
            .map(|(plane, y, x)| picture.at(plane, y.min(height - 1), x.min(width - 1)))
            .collect()
    }

    /// The tiling with another tile size. Positions are rounded down.
    #[must_use]
    pub fn scaled(&self, tile: [usize; 2]) -> Self {
        let scale = |of: [usize; 2]| [0, 1].map(|axis| of[axis] * tile[axis] / self.tile[axis]);
        Self { size: scale(self.size), tile, step: scale(self.step), count: self.count }
    }
}

/// An image assembled from tiles.
#[derive(Debug)]
pub struct Canvas {
    tiling: Tiling,
    blend: Blend,
    sum: Planes,
    weight: Vec<f32>,
}

impl Canvas {
    pub fn new(tiling: Tiling, channels: usize, blend: Blend) -> Self {
        let [height, width] = tiling.size;
        Self { tiling, blend, sum: Planes::zeros(channels, height, width), weight: vec![0.0; height * width] }
    }

    /// Adds a tile, channel by channel.
    pub fn add(&mut self, index: usize, tile: &[f32]) {
        let ([top, left], [high, wide], [height, width]) =
            (self.tiling.corner(index), self.tiling.tile, self.tiling.size);
        for y in 0..high.min(height.saturating_sub(top)) {
            for x in 0..wide.min(width.saturating_sub(left)) {
                let weight = ramp(y, high) * ramp(x, wide);
                let at = (top + y) * width + left + x;
                let (keep, add) = match self.blend {
                    Blend::Mean => (1.0, weight),
                    Blend::Nearest if weight > self.weight[at] => (0.0, 1.0),
                    Blend::Nearest => continue,
                };
                for channel in 0..self.sum.channels {
                    let slot = &mut self.sum.values[channel * height * width + at];
                    *slot = *slot * keep + tile[(channel * high + y) * wide + x] * add;
                }
                self.weight[at] = if self.blend == Blend::Mean { self.weight[at] + weight } else { weight };
            }
        }
    }

    pub fn finish(mut self) -> Planes {
        if self.blend == Blend::Mean {
            let plane = self.weight.len();
            for (at, value) in self.sum.values.iter_mut().enumerate() {
                *value /= self.weight[at % plane];
            }
        }
        self.sum
    }
}

/// A squared half sine over a tile. Its sum with itself shifted by half a tile is 1. It is never 0, so that tiles count
/// at the border of the image.
fn ramp(at: usize, length: usize) -> f32 {
    (std::f32::consts::PI * (at as f32 + 0.5) / length as f32).sin().powi(2).max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image in which every pixel has a unique value.
    fn ramp_picture(height: usize, width: usize) -> Planes {
        let mut picture = Planes::zeros(2, height, width);
        picture.values.iter_mut().enumerate().for_each(|(at, value)| *value = at as f32 / 1000.0);
        picture
    }

    #[test]
    fn tiles_put_together_are_the_picture_again() {
        for (height, width) in [(16, 16), (5, 7), (40, 23), (33, 100)] {
            for blend in [Blend::Mean, Blend::Nearest] {
                for overlap in [0.0, 0.25, 0.5, 0.75] {
                    let picture = ramp_picture(height, width);
                    let tiling = Tiling::new([height, width], [16, 16], overlap, [2, 2]);
                    let mut canvas = Canvas::new(tiling.clone(), 2, blend);
                    (0..tiling.len()).for_each(|index| canvas.add(index, &tiling.cut(&picture, index)));
                    let again = canvas.finish();
                    let worst =
                        picture.values.iter().zip(&again.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    // Values up to 6.6 have an error of 5e-7 in f32; at most 16 tiles are averaged.
                    assert!(worst < 1e-5, "{height}x{width} {blend:?} {overlap}: {worst}");
                }
            }
        }
    }

    #[test]
    fn every_tile_begins_on_the_grid_and_the_last_reaches_the_border() {
        let tiling = Tiling::new([37, 90], [16, 16], 0.5, [3, 4]);
        assert_eq!((tiling.step, tiling.count), ([6, 8], [5, 11]));
        let on_grid = |[top, left]: [usize; 2]| top.is_multiple_of(3) && left.is_multiple_of(4);
        assert!((0..tiling.len()).all(|index| on_grid(tiling.corner(index))));
        assert!(tiling.extent()[0] >= 37 && tiling.extent()[1] >= 90);
    }

    #[test]
    fn tiles_that_disagree_meet_without_a_step() {
        let tiling = Tiling::new([16, 64], [16, 16], 0.5, [1, 1]);
        let mut canvas = Canvas::new(tiling.clone(), 1, Blend::Mean);
        // Alternately black and white tiles, the steepest possible transition.
        (0..tiling.len()).for_each(|index| canvas.add(index, &[(index % 2) as f32; 256]));
        let row = canvas.finish();
        let steepest = (1..64).map(|x| (row.at(0, 8, x) - row.at(0, 8, x - 1)).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.21, "{steepest}");
    }
}
