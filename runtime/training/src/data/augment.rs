//! What the authors of srVAE do to training pictures: mirrored half of the time, moved by up to 5 %.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Random changes to training pictures, a function of the seed and the picture's position in the run.
#[derive(Debug, Clone, Copy)]
pub struct Augment {
    seed: u64,
    /// The largest shift, as a part of height and width.
    shift: f64,
}

impl Augment {
    pub fn new(seed: u64) -> Self {
        Self { seed, shift: 0.05 }
    }

    /// What happens to the picture at this position: whether it is mirrored, and by how many pixels it moves down and to
    /// the right.
    pub fn change(&self, shape: [usize; 3], position: u64) -> [i32; 3] {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(position);
        let [_, height, width] = shape;
        let mirror = rng.random::<bool>();
        // As they do: a border of 5 %, rounded up, then a shift by up to 5 % of the size with it, rounded to whole pixels.
        let mut shift = |length: usize| {
            let whole = length as f64 + 2.0 * (self.shift * length as f64).ceil();
            rng.random_range(-self.shift * whole..=self.shift * whole).round() as i32
        };
        [i32::from(mirror), shift(height), shift(width)]
    }

    /// A picture of `shape` = [channels, height, width], mirrored and shifted; what comes in at the border repeats the edge.
    pub fn apply(&self, picture: &[u8], shape: [usize; 3], position: u64) -> Vec<u8> {
        let [_, height, width] = shape;
        let [mirror, down, right] = self.change(shape, position);
        let source = |x: usize, shift: i32, length: usize| (x as i32 - shift).clamp(0, length as i32 - 1) as usize;
        let columns: Vec<usize> =
            (0..width).map(|x| source(x, right, width)).map(|x| if mirror == 1 { width - 1 - x } else { x }).collect();
        let rows: Vec<usize> = (0..height).map(|y| source(y, down, height)).collect();
        picture
            .chunks(height * width)
            .flat_map(|plane| rows.iter().map(move |&y| &plane[y * width..][..width]))
            .flat_map(|row| columns.iter().map(|&x| row[x]))
            .collect()
    }
}
