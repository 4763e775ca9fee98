//! The f32 kernels of 3x3 convolutions at stride 2, with Winograd's algorithm for both phases: see
//! [`crate::fast::halving`].
//!
//! The forward pass maps the large image to the small one (*down*). The gradient of the input maps it back (*up*), with
//! the rotated kernel and with channels and filters exchanged. The gradient of the weight multiplies the points of the
//! large image with those of the small one's gradient. All three transform every tile once; a task then processes a
//! panel of columns of a few images.

use super::geometry::Geometry;
use crate::fast::halving::{self, KERNELS, POINTS, TAPS, Tiles};
use crate::fast::planes::{to_pixels, to_planes_at, turn};
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{Shared, padded, scratch::Scratch, written};
use rayon::prelude::*;

/// Channels in a chunk of the depth, which determines the layout of the points.
const CHUNK: usize = 128;
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

    fn other(self) -> Self {
        if self == Self::Large { Self::Small } else { Self::Large }
    }
}

/// Points of the tiles of some images, `[chunks, 81, tiles, chunk]`.
struct Points {
    values: Scratch,
    tiles: usize,
    channels: usize,
    chunk: usize,
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
    fn of(g: &Geometry, side: Side, images: &[f32]) -> Self {
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

    /// The points of the gradient of the small image.
    fn of_gradient(g: &Geometry, gradient: &[f32]) -> Self {
        let outside = [0.0f32; CHUNK];
        Self::new(g, Side::Small, gradient, |tiles, tile, pixels, channels, to, point| {
            let from = tiles.small_own(tile, pixels.as_mut_ptr(), outside.as_ptr().cast_mut());
            // SAFETY: as above; the places are only read.
            unsafe { halving::to_small_gradient(&from, channels, to, point) };
        })
    }

    /// The chunks: number, channels.
    fn chunks(&self) -> impl Iterator<Item = (usize, usize)> {
        let (chunk, channels) = (self.chunk, self.channels);
        (0..channels.div_ceil(chunk)).map(move |part| (part, chunk.min(channels - part * chunk)))
    }

    fn at(&self, part: usize, point: usize, tile: usize) -> *const f32 {
        self.values[(part * POINTS + point) * self.point + tile * self.chunk..].as_ptr()
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

impl Convolution<'_> {
    fn run(&self, x: &[f32]) -> Vec<f32> {
        let (g, from, to) = (self.g, self.from, self.from.other());
        let (columns, pixels) = (to.channels(g), to.pixels(g));
        let count = tiles(g, 0).count();
        let kept = (KEPT / count).max(1);
        // SAFETY: the tasks cover all images and all columns.
        unsafe {
            written(g.batch * columns * pixels, |out| {
                for (group, x) in x.chunks(kept * from.channels(g) * from.pixels(g)).enumerate() {
                    let points = Points::of(g, from, x);
                    let images = points.tiles / count;
                    let panel = even(columns, PANEL);
                    let share = images.div_ceil(TASKS.div_ceil(columns.div_ceil(panel)));
                    let block = (TILES / count).min(share.max(FEW / count)).max(1);
                    (0..columns.div_ceil(panel)).into_par_iter().for_each(|part| {
                        let (first, wide) = (part * panel, panel.min(columns - part * panel));
                        let kernel = self.kernel(first, wide, &points);
                        (0..images.div_ceil(block)).into_par_iter().for_each(|part| {
                            let (image, images) = (part * block, block.min(images - part * block));
                            let sums = self.block([image * count, images * count], [first, wide], &points, &kernel);
                            for (at, sums) in sums.chunks_exact(pixels * padded(wide)).enumerate() {
                                let to = out.at(((group * kept + image + at) * columns + first) * pixels);
                                // Only this task writes these channels of its images.
                                to_planes_at(sums, padded(wide), [wide, pixels], to);
                            }
                        });
                    });
                }
            })
        }
    }

    /// The transformed kernel of some columns, `[chunks, 36, chunk, columns padded]`.
    fn kernel(&self, first: usize, count: usize, points: &Points) -> Scratch {
        let (wide, channels, depth) = (padded(count), self.g.channels, points.chunk);
        let value = depth * wide + 16;
        let mut out = Scratch::new(points.channels.div_ceil(depth) * KERNELS * value);
        let to = Shared::new(&mut out);
        (0..points.channels.div_ceil(ROWS)).into_par_iter().for_each(|task| {
            // `[rows, taps, columns padded]`. A chunk has a multiple of 16 rows.
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
                    let (part, row) = ((row + at) / depth, (row + at) % depth);
                    halving::kernels(from, tap, wide, to.at(part * KERNELS * value + row * wide), value);
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
        let (g, wide, depth) = (self.g, padded(columns), points.chunk);
        let point_size = count * wide + 16;
        let mut products = Scratch::new(POINTS * point_size);
        let chunks: Vec<_> = points.chunks().collect();
        for value in 0..KERNELS {
            for &(part, rows) in &chunks {
                let begin = |part, value| kernel[(part * KERNELS + value) * (depth * wide + 16)..].as_ptr();
                // The rows after these, with the last of the points.
                let next = if part + 1 < chunks.len() { (part + 1, value) } else { (0, value + 1) };
                let last = halving::points(value).last();
                for point in halving::points(value) {
                    let next = (Some(point) == last && next.1 < KERNELS).then(|| begin(next.0, next.1));
                    let right = Right { at: begin(part, value), row: wide, next };
                    let left = Left { at: points.at(part, point, first), row: depth, column: 1 };
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

pub fn weight_gradient(g: &Geometry, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let kept = (KEPT / tiles(g, 0).count()).max(1);
    let (image, channels) = (g.filters * g.pixels(), g.channels);
    // SAFETY: the tasks cover all channels of all filters; the first group of images adds nothing.
    unsafe {
        written(g.filters * channels * TAPS, |out| {
            for (group, (x, gradient)) in x.chunks(kept * g.image()).zip(gradient.chunks(kept * image)).enumerate() {
                let (inputs, outputs) = (Points::of(g, Side::Large, x), Points::of_gradient(g, gradient));
                let tasks: Vec<_> =
                    outputs.chunks().flat_map(|to| inputs.chunks().map(move |from| (from, to))).collect();
                tasks.into_par_iter().for_each(|((from, rows), (to, columns))| {
                    let taps = pairs(&inputs, from, rows, &outputs, to, columns);
                    let place = (to * outputs.chunk * channels + from * inputs.chunk) * TAPS;
                    // Only this task writes these channels of its filters.
                    place_taps(&taps, [rows * TAPS, columns], out.at(place), channels * TAPS, group > 0);
                });
            }
        })
    }
}

/// `to[column · row + i] (+)= taps[i · padded columns + column]`.
///
/// # Safety
/// The places may be written.
unsafe fn place_taps(taps: &[f32], [rows, columns]: [usize; 2], to: *mut f32, row: usize, add: bool) {
    // SAFETY: the caller's contract.
    unsafe {
        if !add {
            return turn(taps.as_ptr(), padded(columns), [rows, columns], to, row);
        }
        let mut turned = Scratch::new(rows * columns);
        turn(taps.as_ptr(), padded(columns), [rows, columns], turned.as_mut_ptr(), rows);
        for (column, values) in turned.chunks_exact(rows).enumerate() {
            let to = std::slice::from_raw_parts_mut(to.add(column * row), rows);
            to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
        }
    }
}

/// The sum over all tiles of a chunk of the inputs times a chunk of the outputs: `[rows, taps, columns padded]`.
fn pairs(inputs: &Points, from: usize, rows: usize, outputs: &Points, to: usize, columns: usize) -> Scratch {
    let wide = padded(columns);
    let plane = rows * wide + 16;
    let mut sums = Scratch::new(KERNELS * plane);
    sums.par_chunks_exact_mut(plane).enumerate().for_each(|(value, sums)| {
        for (at, point) in halving::points(value).enumerate() {
            let left = Left { at: inputs.at(from, point, 0), row: 1, column: inputs.chunk };
            let right = Right { at: outputs.at(to, point, 0), row: outputs.chunk, next: None };
            let out = Out { at: sums.as_mut_ptr(), row: wide };
            // SAFETY: all tiles' `rows` inputs and `wide` outputs.
            unsafe { product([rows, wide, inputs.tiles], left, right, out, at > 0) };
        }
    });
    let mut taps = Scratch::new(rows * TAPS * wide);
    taps.par_chunks_exact_mut(TAPS * wide).with_min_len(ROWS).enumerate().for_each(|(row, taps)| {
        // SAFETY: one row of all values and of all taps.
        unsafe { halving::kernels_gradient(sums[row * wide..].as_ptr(), plane, wide, taps.as_mut_ptr(), wide) };
    });
    taps
}
