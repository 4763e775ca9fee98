//! The order in which training sees its pictures: a function of the seed and the position alone.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Of the order of batches, which is another than that of records.
const BUCKET_SEED: u64 = 0x6275_636b;

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
    /// Of records that differ in length.
    buckets: Option<Buckets>,
}

/// What batches of records of similar lengths are made of.
#[derive(Debug, Clone)]
struct Buckets {
    /// Of each record.
    lengths: Vec<usize>,
    batch: usize,
}

/// Batches that are sorted by length among themselves: more would make batches more alike, and the order less random.
const WINDOW: usize = 16;

impl Order {
    /// Over `count` pictures (at least one), from `position` on.
    pub fn new(count: usize, seed: u64, position: u64) -> Self {
        Self { count: count.max(1), seed, position, pass: None, permutation: Vec::new(), buckets: None }
    }

    /// Over records of these lengths, in batches whose records are of similar ones. Every record comes once a pass; which batch
    /// comes when is random.
    pub fn bucketed(lengths: Vec<usize>, batch: usize, seed: u64, position: u64) -> Self {
        let buckets = Some(Buckets { lengths, batch: batch.max(1) });
        Self { buckets: buckets.clone(), ..Self::new(buckets.map_or(0, |it| it.lengths.len()), seed, position) }
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
            let order = Self::permutation(self.count, self.seed, pass);
            self.permutation = match &self.buckets {
                Some(buckets) => buckets.sort(order, self.seed ^ BUCKET_SEED, pass),
                None => order,
            };
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

impl Buckets {
    /// The records of a pass: within windows of several batches sorted by length, then batch by batch in another order.
    fn sort(&self, mut order: Vec<usize>, seed: u64, pass: u64) -> Vec<usize> {
        let mut sorted = Vec::with_capacity(order.len());
        for (number, window) in order.chunks_mut(WINDOW * self.batch).enumerate() {
            // Stable: records of one length stay in their random order.
            window.sort_by_key(|&record| self.lengths[record]);
            let batches: Vec<&[usize]> = window.chunks(self.batch).collect();
            // The last batch of a pass may be short; it stays last, so that all others are whole.
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
    use super::Order;

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
            // A window of 128 records of 50 lengths has two or three of each: eight of them span three or four lengths, where
            // eight at random span about 39.
            let widest = pass.chunks(8).map(spread).max().unwrap();
            assert!(widest <= 10, "{widest}");
            // Short batches do not come first.
            let first: usize = pass[..64].iter().map(|&record| lengths[record]).sum();
            assert!(first > 64 * 10, "{first}");
        }
        assert_ne!(passes[0], passes[1]);
        // From the middle of the second pass on.
        assert_eq!(new(1234).next(500), [&passes[1][234..], &passes[2]].concat()[..500]);
    }
}
