//! A permutation of millions of records that is computed position by position.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The number of records from which an order is computed position by position and not stored.
pub const MANY: usize = 1 << 22;

/// A permutation that needs no memory: four rounds of a Feistel network with an even number of bits, repeated until the
/// result is below the count (Black and Rogaway, 2002).
#[derive(Debug, Clone)]
pub struct Shuffle {
    count: u64,
    /// The number of bits of each half.
    half: u32,
    keys: [u64; 4],
}

impl Shuffle {
    /// A permutation of the numbers below `count`, a function of the seed and the pass.
    pub fn new(count: usize, seed: u64, pass: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(pass);
        let count = (count as u64).max(1);
        let bits = (u64::BITS - (count - 1).leading_zeros()).max(2);
        Self { count, half: bits.div_ceil(2), keys: rng.random() }
    }

    /// The number at a place, both below the count.
    pub fn at(&self, place: usize) -> usize {
        let mut number = place as u64 % self.count;
        loop {
            number = self.round(number);
            if number < self.count {
                return number as usize;
            }
        }
    }

    fn round(&self, number: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (scramble(right ^ key) & mask));
        }
        left << self.half | right
    }
}

/// The last step of SplitMix64: every bit of the result depends on every bit of the number.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::Shuffle;

    #[test]
    fn a_shuffle_is_a_permutation_that_moves_everything_about() {
        for count in [1, 2, 3, 7, 64, 65, 1000, 4097] {
            let shuffle = Shuffle::new(count, 5, 1);
            let mut all: Vec<usize> = (0..count).map(|place| shuffle.at(place)).collect();
            if count >= 1000 {
                // Distances of neighbours are those of independent numbers: count/3 on average, with a standard error
                // of about count/(4·√count).
                let steps: f64 = all.windows(2).map(|pair| pair[0].abs_diff(pair[1]) as f64).sum();
                let (mean, count) = (steps / (count - 1) as f64, count as f64);
                assert!((mean - count / 3.0).abs() < 5.0 * count.sqrt() / 4.0, "{mean} of {count}");
            }
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
        assert_ne!(Shuffle::new(1000, 5, 1).at(0), Shuffle::new(1000, 5, 2).at(0));
    }
}
