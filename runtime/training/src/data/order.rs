//! The order in which training sees its pictures: a function of the seed and the position alone.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A shuffled pass over the pictures after another, without end.
///
/// The position is one number, so a run that is resumed sees what the uninterrupted one would have seen.
#[derive(Debug, Clone)]
pub struct Order {
    count: usize,
    seed: u64,
    position: u64,
    /// The pass that `permutation` belongs to.
    pass: Option<u64>,
    permutation: Vec<usize>,
}

impl Order {
    /// Over `count` pictures (at least one), from `position` on.
    pub fn new(count: usize, seed: u64, position: u64) -> Self {
        Self { count: count.max(1), seed, position, pass: None, permutation: Vec::new() }
    }

    /// Pictures given out so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Passes over the pictures so far, with fraction.
    pub fn epochs(&self) -> f64 {
        self.position as f64 / self.count as f64
    }

    /// The next `size` pictures.
    pub fn next(&mut self, size: usize) -> Vec<usize> {
        (0..size).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> usize {
        let count = self.count as u64;
        let pass = self.position / count;
        if self.pass != Some(pass) {
            self.permutation = Self::permutation(self.count, self.seed, pass);
            self.pass = Some(pass);
        }
        let index = self.permutation[(self.position % count) as usize];
        self.position += 1;
        index
    }

    /// The numbers below `count`, shuffled.
    pub(super) fn permutation(count: usize, seed: u64, pass: u64) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(pass);
        let mut order: Vec<usize> = (0..count).collect();
        // Fisher and Yates, written out: a library's shuffle may change from one version to the next.
        for last in (1..count).rev() {
            order.swap(last, rng.random_range(0..=last as u64) as usize);
        }
        order
    }
}
