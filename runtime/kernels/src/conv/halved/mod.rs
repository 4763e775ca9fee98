//! The f32 kernels of 3x3 convolutions at stride 2, with Winograd's algorithm for both phases: see
//! [`crate::fast::halving`].
//!
//! The forward pass maps the large image to the small one (*down*). The gradient of the input maps it back (*up*), with
//! the rotated kernel and with channels and filters exchanged. The gradient of the weight multiplies the points of the
//! large image with those of the small one's gradient. All three transform every tile once; a task then processes a
//! panel of columns of a few images.

mod points;
mod weight;

use super::geometry::Geometry;
use crate::fast::halving::{self, KERNELS, POINTS, TAPS, Tiles};
use crate::fast::planes::{to_planes_at, turn};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{Shared, padded, scratch::Scratch, written};
use points::Points;
use rayon::prelude::*;
pub use weight::weight_gradient;

/// Channels of a task that transforms an image or adds to the gradient of the weight.
const CHUNK: usize = 128;
/// Channels of a GEMM: more would not stay in the L2 cache, fewer load and store the products more often.
const DEPTH: usize = 512;
/// Columns per task.
const PANEL: usize = 128;
/// Tiles in a block of GEMMs.
const TILES: usize = 128;
/// Tasks at least, if each has [`FEW`] tiles.
const TASKS: usize = 8;
/// Tiles of a task at least: each reads the whole kernel.
const FEW: usize = 32;
/// Rows of a kernel that a task transforms.
const ROWS: usize = 8;
/// Tiles whose points are stored at once.
const KEPT: usize = 256;

/// The number of channels and filters from which the GEMMs take most of the time.
const FEWEST: usize = 48;

/// Whether this is faster than direct sums. It is not if much of a tile is outside of the image, or if there are so few
/// tiles or channels that the transforms take longer than the GEMMs.
pub fn pays(g: &Geometry) -> bool {
    let fits = g.kernel == 3 && g.stride == 2 && g.padding == 1;
    let count = tiles(g, 0).count();
    fits && POINTS * count <= 7 * g.pixels() && g.batch * count >= 16 && g.channels.min(g.filters) >= FEWEST
}

/// The size of even parts of at most `most`, a multiple of 16.
fn even(size: usize, most: usize) -> usize {
    padded(size.div_ceil(size.div_ceil(most)))
}

fn tiles(g: &Geometry, row: usize) -> Tiles {
    Tiles { small: [g.out_height, g.out_width], large: [g.height, g.width], row }
}

/// The images in a group, whose points are stored at once.
fn kept(g: &Geometry) -> usize {
    (KEPT / tiles(g, 0).count()).max(1)
}

/// One of the two images.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Large,
    Small,
}

impl Side {
    fn pixels(self, g: &Geometry) -> usize {
        if self == Self::Large { g.height * g.width } else { g.pixels() }
    }

    fn channels(self, g: &Geometry) -> usize {
        if self == Self::Large { g.channels } else { g.filters }
    }

    /// Values of an image.
    fn image(self, g: &Geometry) -> usize {
        self.channels(g) * self.pixels(g)
    }

    fn other(self) -> Self {
        if self == Self::Large { Self::Small } else { Self::Large }
    }
}

/// A convolution from one side to the other.
struct Convolution<'a> {
    g: &'a Geometry,
    from: Side,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
}

pub fn forward(g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    Convolution { g, from: Side::Large, weight, bias }.run(x)
}

pub fn input_gradient(g: &Geometry, gradient: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    Convolution { g, from: Side::Small, weight, bias }.run(gradient)
}

/// The gradients of a transposed convolution's input, which is the small image, and of its weight. Both need the points of the large
/// one's gradient, which are computed once.
pub fn transposed_gradients(g: &Geometry, x: &[f32], weight: &[f32], gradient: &[f32]) -> [Vec<f32>; 2] {
    let down = Convolution { g, from: Side::Large, weight, bias: None };
    let mut for_weight = Vec::new();
    let groups = x.chunks(kept(g) * Side::Small.image(g)).zip(gradient.chunks(kept(g) * Side::Large.image(g)));
    // SAFETY: the groups are all images; each adds to the gradient of the weight.
    let for_input = unsafe {
        written(x.len(), |input| {
            for_weight = written(weight.len(), |sum| {
                for (group, (x, gradient)) in groups.enumerate() {
                    let points = Points::of(g, Side::Large, gradient);
                    down.group(group, &points, input);
                    weight::add(g, group, &points, &Points::of_small_factor(g, x), sum);
                }
            });
        })
    };
    [for_input, for_weight]
}

impl Convolution<'_> {
    fn run(&self, x: &[f32]) -> Vec<f32> {
        let (g, from, to) = (self.g, self.from, self.from.other());
        // SAFETY: the groups are all images.
        unsafe {
            written(g.batch * to.channels(g) * to.pixels(g), |out| {
                for (group, x) in x.chunks(kept(g) * from.image(g)).enumerate() {
                    self.group(group, &Points::of(g, from, x), out);
                }
            })
        }
    }

    /// The result of one group of images.
    ///
    /// # Safety
    /// The group's place in the result belongs to the caller alone.
    unsafe fn group(&self, group: usize, points: &Points, out: Shared) {
        let (g, to) = (self.g, self.from.other());
        let (columns, pixels, count) = (to.channels(g), to.pixels(g), tiles(g, 0).count());
        let images = points.tiles / count;
        let panel = even(columns, PANEL);
        let share = images.div_ceil(TASKS.div_ceil(columns.div_ceil(panel)));
        let block = (TILES / count).min(share.max(FEW / count)).max(1);
        (0..columns.div_ceil(panel)).into_par_iter().for_each(|part| {
            let (first, wide) = (part * panel, panel.min(columns - part * panel));
            let kernel = self.kernel(first, wide, points);
            (0..images.div_ceil(block)).into_par_iter().for_each(|part| {
                let (image, images) = (part * block, block.min(images - part * block));
                let sums = self.block([image * count, images * count], [first, wide], points, &kernel);
                for (at, sums) in sums.chunks_exact(pixels * padded(wide)).enumerate() {
                    let place = ((group * kept(g) + image + at) * columns + first) * pixels;
                    // SAFETY: only this task writes these channels of its images.
                    unsafe { to_planes_at(sums, padded(wide), [wide, pixels], out.at(place)) };
                }
            });
        });
    }

    /// The transformed kernel of some columns, `[36, channels, columns padded]`.
    fn kernel(&self, first: usize, count: usize, points: &Points) -> Scratch {
        let (wide, channels) = (padded(count), self.g.channels);
        let value = points.channels * wide + 16;
        let mut out = Scratch::new(KERNELS * value);
        let to = Shared::new(&mut out);
        (0..points.channels.div_ceil(ROWS)).into_par_iter().for_each(|task| {
            // `[rows, taps, columns padded]`.
            let (row, rows) = (task * ROWS, ROWS.min(points.channels - task * ROWS));
            let mut taps = Scratch::new(rows * TAPS * wide);
            taps.fill(0.0);
            // SAFETY: `count` columns and `rows` rows of the weight; the rows of this task.
            unsafe {
                if self.from == Side::Large {
                    let from = self.weight[(first * channels + row) * TAPS..].as_ptr();
                    turn(from, channels * TAPS, [count, rows * TAPS], taps.as_mut_ptr(), wide);
                } else {
                    for (at, taps) in taps.chunks_exact_mut(TAPS * wide).enumerate() {
                        let from = self.weight[((row + at) * channels + first) * TAPS..].as_ptr();
                        turn(from, TAPS, [count, TAPS], taps.as_mut_ptr(), wide);
                    }
                }
                for (at, taps) in taps.chunks_exact(TAPS * wide).enumerate() {
                    let (from, tap) = if self.from == Side::Large {
                        (taps.as_ptr(), wide as isize)
                    } else {
                        (taps.as_ptr().add((TAPS - 1) * wide), -(wide as isize))
                    };
                    halving::kernels(from, tap, wide, to.at((row + at) * wide), value);
                }
            }
        });
        out
    }

    /// Some columns of the result, at the tiles of a few images: `[images, pixels, columns padded]`.
    fn block(
        &self,
        [first, count]: [usize; 2],
        [column, columns]: [usize; 2],
        points: &Points,
        kernel: &[f32],
    ) -> Scratch {
        let (g, wide) = (self.g, padded(columns));
        let point_size = count * wide + 16;
        let mut products = Scratch::new(POINTS * point_size);
        let parts: Vec<_> = points.parts(DEPTH).collect();
        let begin = |value: usize, row: usize| kernel[value * (points.channels * wide + 16) + row * wide..].as_ptr();
        for value in 0..KERNELS {
            for (part, &(row, rows)) in parts.iter().enumerate() {
                // The rows after these, with the last of the points.
                let next = parts.get(part + 1).map_or((value + 1, 0), |part| (value, part.0));
                let last = halving::points(value).last();
                for point in halving::points(value) {
                    let next = (Some(point) == last && next.0 < KERNELS).then(|| begin(next.0, next.1));
                    let right = Right { at: begin(value, row), row: wide, next };
                    let left = Left { at: points.at(point, first, row), row: points.chunk, column: 1 };
                    let out = Out { at: products[point * point_size..].as_mut_ptr(), row: wide };
                    // SAFETY: `count` tiles of `rows` values, as many rows of the kernel, `count` rows of products.
                    unsafe { product([count, wide, rows], left, right, out, part > 0) };
                }
            }
        }
        let mut bias = [0.0; PANEL];
        if let Some(given) = self.bias {
            bias[..columns].copy_from_slice(&given[column..column + columns]);
        }
        let (tiles, pixels) = (tiles(g, wide), self.from.other().pixels(g));
        let mut sums = Scratch::new(count / tiles.count() * pixels * wide);
        let mut ignored = [0.0f32; PANEL];
        for (image, sums) in sums.chunks_exact_mut(pixels * wide).enumerate() {
            for tile in 0..tiles.count() {
                let products = products[(image * tiles.count() + tile) * wide..].as_ptr();
                let (sums, ignored) = (sums.as_mut_ptr(), ignored.as_mut_ptr());
                // SAFETY: the tile's pixels of this image, `wide` values each.
                unsafe {
                    if self.from == Side::Large {
                        let to = tiles.small_own(tile, sums, ignored);
                        halving::to_small(products, point_size, wide, bias.as_ptr(), &to);
                    } else {
                        let to = tiles.large_own(tile, sums, ignored);
                        halving::to_large(products, point_size, wide, bias.as_ptr(), &to);
                    }
                }
            }
        }
        sums
    }
}
