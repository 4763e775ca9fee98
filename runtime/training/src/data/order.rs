//! The order of training records, a function of the seed and the position.

use super::shuffle::{MANY, Shuffle};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The seed of the order of batches, which differs from that of records.
const BUCKET_SEED: u64 = 0x6275_636b;

/// An endless sequence of shuffled passes over the records.
///
/// Its state is one number, the position, so a resumed run sees the same records as an uninterrupted one.
#[derive(Debug, Clone)]
pub struct Order {
    count: usize,
    seed: u64,
    position: u64,
    /// The pass that `permutation` belongs to.
    pass: Option<u64>,
    permutation: Vec<usize>,
    /// The order of so many records that it is not stored.
    shuffle: Option<Shuffle>,
    /// For records of different lengths.
    buckets: Option<Buckets>,
}

/// Data for batches of records of similar lengths.
#[derive(Debug, Clone)]
struct Buckets {
    /// The length of each record.
    lengths: Vec<usize>,
    batch: usize,
}

/// The number of batches that are sorted by length together. More would make batches more uniform and the order less
/// random.
const WINDOW: usize = 16;

impl Order {
    /// Over `count` records (at least one), from `position` on.
    pub fn new(count: usize, seed: u64, position: u64) -> Self {
        Self { count: count.max(1), seed, position, pass: None, permutation: Vec::new(), shuffle: None, buckets: None }
    }

    /// Over records of these lengths, in batches of similar lengths. Every record occurs once per pass, and the order
    /// of the batches is random.
    pub fn bucketed(lengths: Vec<usize>, batch: usize, seed: u64, position: u64) -> Self {
        let buckets = Some(Buckets { lengths, batch: batch.max(1) });
        Self { buckets: buckets.clone(), ..Self::new(buckets.map_or(0, |it| it.lengths.len()), seed, position) }
    }

    /// The number of records returned so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The number of passes so far, with a fraction.
    pub fn epochs(&self) -> f64 {
        self.position as f64 / self.count as f64
    }

    /// The next `size` records.
    pub fn next(&mut self, size: usize) -> Vec<usize> {
        (0..size).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> usize {
        let count = self.count as u64;
        let pass = self.position / count;
        let at = (self.position % count) as usize;
        if self.count > MANY && self.buckets.is_none() {
            if self.pass != Some(pass) {
                self.shuffle = Some(Shuffle::new(self.count, self.seed, pass));
                self.pass = Some(pass);
            }
            self.position += 1;
            return self.shuffle.as_ref().map_or(at, |shuffle| shuffle.at(at));
        }
        if self.pass != Some(pass) {
            let order = Self::permutation(self.count, self.seed, pass);
            self.permutation = match &self.buckets {
                Some(buckets) => buckets.sort(order, self.seed ^ BUCKET_SEED, pass),
                None => order,
            };
            self.pass = Some(pass);
        }
        let index = self.permutation[at];
        self.position += 1;
        index
    }

    /// The numbers below `count`, shuffled.
    pub(super) fn permutation(count: usize, seed: u64, pass: u64) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(pass);
        let mut order: Vec<usize> = (0..count).collect();
        // Fisher-Yates, implemented here because a library's shuffle may change between versions.
        for last in (1..count).rev() {
            order.swap(last, rng.random_range(0..=last as u64) as usize);
        }
        order
    }
}

impl Buckets {
    /// The records of a pass: sorted by length within windows of several batches, then the batches in random order.
    fn sort(&self, mut order: Vec<usize>, seed: u64, pass: u64) -> Vec<usize> {
        let mut sorted = Vec::with_capacity(order.len());
        for (number, window) in order.chunks_mut(WINDOW * self.batch).enumerate() {
            // Stable, so records of one length keep their random order.
            window.sort_by_key(|&record| self.lengths[record]);
            let batches: Vec<&[usize]> = window.chunks(self.batch).collect();
            // The last batch of a pass may be short. It stays last, so that all others are complete.
            let whole = batches.iter().filter(|batch| batch.len() == self.batch).count();
            let stream = pass.wrapping_mul(1 << 32).wrapping_add(number as u64);
            let places = Order::permutation(whole, seed, stream).into_iter().chain(whole..batches.len());
            places.for_each(|place| sorted.extend_from_slice(batches[place]));
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::{MANY, Order};

    #[test]
    fn batches_of_one_length_hold_every_record_once_a_pass_and_go_on_exactly() {
        let lengths: Vec<usize> = (0..1000).map(|record| record * 7919 % 50).collect();
        let new = |position| Order::bucketed(lengths.clone(), 8, 3, position);
        let mut order = new(0);
        let passes: Vec<Vec<usize>> = (0..3).map(|_| order.next(1000)).collect();
        for pass in &passes {
            let mut sorted = pass.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
            let spread = |batch: &[usize]| {
                let own = || batch.iter().map(|&record| lengths[record]);
                own().max().unwrap_or(0) - own().min().unwrap_or(0)
            };
            // A window of 128 records with 50 lengths has two or three records of each. Eight consecutive ones span
            // three or four lengths; eight random ones would span about 39.
            let widest = pass.chunks(8).map(spread).max().unwrap();
            assert!(widest <= 10, "{widest}");
            // Short batches do not come first.
            let first: usize = pass[..64].iter().map(|&record| lengths[record]).sum();
            assert!(first > 64 * 10, "{first}");
        }
        assert_ne!(passes[0], passes[1]);
        // The batches of a window of 16 are not in the order of their lengths: of 15 steps, about half go down.
        let shortest: Vec<usize> = passes[0][..128].chunks(8).map(|batch| lengths[batch[0]]).collect();
        let down = shortest.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!((3..=12).contains(&down), "{shortest:?}");
        // From the middle of the second pass on.
        assert_eq!(new(1234).next(500), [&passes[1][234..], &passes[2]].concat()[..500]);
    }

    #[test]
    fn every_pass_has_an_order_of_its_own_and_every_record_once() {
        let passes: Vec<Vec<usize>> = Order::new(100, 7, 0).next(300).chunks(100).map(<[usize]>::to_vec).collect();
        for pass in &passes {
            let mut sorted = pass.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        }
        assert!(passes[0] != passes[1] && passes[1] != passes[2] && passes[0] != passes[2]);
        assert_ne!(Order::new(100, 8, 0).next(100), passes[0], "another seed");
        // From the middle of the second pass on.
        assert_eq!(Order::new(100, 7, 130).next(120), passes.concat()[130..250]);
    }

    #[test]
    fn millions_of_records_are_shuffled_without_a_list() {
        let count = MANY + 5;
        let mut order = Order::new(count, 1, 0);
        let first = order.next(1000);
        assert!(order.permutation.is_empty());
        assert_eq!(Order::new(count, 1, 400).next(600), first[400..]);
        assert_eq!(Order::new(count, 1, count as u64).epochs(), 1.0);
        // Another pass has another order.
        assert_ne!(Order::new(count, 1, count as u64).next(1000), first);
    }
}
