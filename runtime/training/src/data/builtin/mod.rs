//! The data set that needs no download: small coloured scenes drawn from a seed.
//!
//! Ten kinds, which are its labels: hills, sea, night, house, forest, mountains, city, desert, flowers, pattern.

mod canvas;
mod nature;
mod places;
mod texture;

use super::{Data, Images};
use canvas::Canvas;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// Pictures for training, validation and testing at 32×32; larger pictures are fewer.
const COUNTS: [usize; 3] = [8000, 1000, 1000];
const SEED: u64 = 0xb111;

/// What a kind of scene is drawn with: the canvas and the randomness of this one picture.
type Scene = fn(&mut Canvas, &mut Chance);

const SCENES: [Scene; 10] = [
    nature::hills,
    nature::sea,
    nature::night,
    places::house,
    nature::forest,
    nature::mountains,
    places::city,
    nature::desert,
    places::flowers,
    places::pattern,
];

/// The data set at `shape` = [channels, height, width]; always the same pictures.
pub fn load(shape: [usize; 3]) -> Data {
    let pixels = shape[1] * shape[2];
    let scale = (32.0 * 32.0 / pixels as f64).clamp(0.02, 1.0);
    let mut start = 0;
    let [train, validation, test] = COUNTS.map(|count| {
        let count = ((count as f64 * scale) as usize).max(64);
        let images = draw(shape, start, count);
        start += count;
        images
    });
    Data { name: "builtin".into(), train, validation, test }
}

fn draw(shape: [usize; 3], start: usize, count: usize) -> Images {
    let pictures: Vec<Vec<u8>> = (start..start + count).into_par_iter().map(|index| picture(shape, index)).collect();
    let labels = (start..start + count).map(kind).collect();
    Images { shape, bytes: pictures.concat(), labels: Some(labels) }
}

/// The kind of picture `index`: every kind as often as any other.
fn kind(index: usize) -> usize {
    index % SCENES.len()
}

fn picture(shape: [usize; 3], index: usize) -> Vec<u8> {
    let [channels, height, width] = shape;
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(index as u64);
    let mut chance = Chance(rng);
    let mut canvas = Canvas::new(height, width);
    SCENES[kind(index)](&mut canvas, &mut chance);
    canvas.finish(&mut chance);
    super::resize::fit(&canvas.bytes(), [3, height, width], [channels, height, width])
}

/// The randomness of one picture.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Uniform on [low, high).
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// One of the numbers low, …, high.
    fn count(&mut self, low: u32, high: u32) -> u32 {
        self.0.random_range(low..=high)
    }

    fn yes(&mut self, probability: f32) -> bool {
        self.0.random::<f32>() < probability
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len() as u32) as usize]
    }

    fn seed(&mut self) -> u32 {
        self.0.random()
    }
}
