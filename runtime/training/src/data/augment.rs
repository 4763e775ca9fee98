//! The augmentation of the authors of srVAE: images are mirrored with probability one half and shifted by up to 5 %.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Random augmentation of training images, a function of the seed and the image's position in the run.
#[derive(Debug, Clone, Copy)]
pub struct Augment {
    seed: u64,
    /// The maximum shift, as a fraction of height and width.
    shift: f64,
}

impl Augment {
    pub fn new(seed: u64) -> Self {
        Self { seed, shift: 0.05 }
    }

    /// The augmentation of the image at this position: whether it is mirrored, and its shift down and to the right in
    /// pixels.
    pub fn change(&self, shape: [usize; 3], position: u64) -> [i32; 3] {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(position);
        let [_, height, width] = shape;
        let mirror = rng.random::<bool>();
        // As in their code: a border of 5 %, rounded up, then a shift by up to 5 % of the size including it, rounded to
        // whole pixels.
        let mut shift = |length: usize| {
            let whole = length as f64 + 2.0 * (self.shift * length as f64).ceil();
            rng.random_range(-self.shift * whole..=self.shift * whole).round() as i32
        };
        [i32::from(mirror), shift(height), shift(width)]
    }

    /// An image of `shape` = [channels, height, width], mirrored and shifted. At the border the edge pixels are
    /// repeated.
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
