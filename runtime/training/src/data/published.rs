//! Published sizes of data sets: the numbers of batches and records.

use anyhow::{Result, bail, ensure};

/// The part of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Train,
    Test,
}

/// A batch after reading.
#[derive(Debug, Clone)]
pub struct Batch {
    pub part: Part,
    /// The number of a training batch, from 1.
    pub number: usize,
    pub records: usize,
    /// The file, for messages.
    pub place: String,
}

/// The published sizes for a name.
struct Published {
    name: &'static str,
    /// Training batches.
    batches: usize,
    /// The number of records of every training batch but the last, and of the last one.
    records: (usize, usize),
    test: usize,
}

const ALL: [Published; 3] = [
    Published { name: "CIFAR-10", batches: 5, records: (10_000, 10_000), test: 10_000 },
    Published { name: "ImageNet32", batches: 10, records: (128_116, 128_123), test: 50_000 },
    Published { name: "ImageNet64", batches: 10, records: (128_116, 128_123), test: 50_000 },
];

/// Refuses an incomplete data set. Training batches must be numbered from 1 without a gap. If one of the batches has
/// the published number of records, all must have it, and all must exist. Smaller sets in the same format are accepted.
///
/// # Errors
/// A missing batch, or another number of records than published.
pub fn complete(name: &str, batches: &[Batch]) -> Result<()> {
    let mut numbers: Vec<usize> =
        batches.iter().filter(|batch| batch.part == Part::Train).map(|batch| batch.number).collect();
    numbers.sort_unstable();
    let published = ALL.iter().find(|published| published.name == name);
    let published = published.filter(|published| {
        batches.iter().any(|batch| {
            batch.records == published.records(batch) || batch.number > 0 && batch.records == published.records.0
        })
    });
    // If only the test part is needed, no training batch is read.
    let count = match published {
        Some(published) if !numbers.is_empty() => published.batches,
        _ => numbers.last().copied().unwrap_or(0),
    };
    for number in 1..=count.min(numbers.len() + 1) {
        match numbers.iter().filter(|&&there| there == number).count() {
            0 => bail!("training batch {number} is missing; there are {}", listed(&numbers)),
            1 => {}
            _ => bail!("training batch {number} is there more than once"),
        }
    }
    ensure!(
        numbers.last().is_none_or(|&last| last <= count && last == numbers.len()),
        "there are training batches {}; expected 1 to {count}",
        listed(&numbers)
    );
    let Some(published) = published else { return Ok(()) };
    for batch in batches {
        let wanted = published.records(batch);
        ensure!(
            batch.records == wanted,
            "{}: {} records, and this batch of {name} has {wanted}; copy or download it again",
            batch.place,
            batch.records
        );
    }
    Ok(())
}

fn listed(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

impl Published {
    fn records(&self, batch: &Batch) -> usize {
        match batch.part {
            Part::Test => self.test,
            Part::Train if batch.number == self.batches => self.records.1,
            Part::Train => self.records.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, Part, complete};

    fn said(name: &str, train: &[(usize, usize)], test: usize) -> String {
        let batch = |part, number, records| Batch { part, number, records, place: format!("batch {number}") };
        let mut batches: Vec<Batch> =
            train.iter().map(|&(number, records)| batch(Part::Train, number, records)).collect();
        batches.push(batch(Part::Test, 0, test));
        complete(name, &batches).map_or_else(|error| error.to_string(), |()| "complete".into())
    }

    #[test]
    fn what_was_published_is_wanted_whole() {
        let full = |numbers: &[usize]| numbers.iter().map(|&number| (number, 10_000)).collect::<Vec<_>>();
        for (train, test, words) in [
            (full(&[1, 2, 3, 4, 5]), 10_000, "complete"),
            (full(&[]), 10_000, "complete"),
            (full(&[1, 2, 4, 5]), 10_000, "training batch 3 is missing; there are 1, 2, 4, 5"),
            (full(&[1, 2, 3, 4]), 10_000, "training batch 5 is missing"),
            (full(&[1, 2, 3, 4, 5, 6]), 10_000, "expected 1 to 5"),
            (full(&[1, 1, 2, 3, 4, 5]), 10_000, "training batch 1 is there more than once"),
            (full(&[1, 2, 3, 4, 5]), 9_999, "batch 0: 9999 records, and this batch of CIFAR-10 has 10000"),
            (vec![(1, 10_000), (2, 10_000), (3, 9_000), (4, 10_000), (5, 10_000)], 10_000, "batch 3: 9000 records"),
            // Smaller sets in the same format.
            (vec![(1, 20), (2, 20)], 20, "complete"),
            (vec![(1, 20), (3, 20)], 20, "training batch 2 is missing"),
        ] {
            let said = said("CIFAR-10", &train, test);
            assert!(said.contains(words), "{train:?}: {said}");
        }
        let imagenet: Vec<_> = (1..=10).map(|number| (number, if number == 10 { 128_123 } else { 128_116 })).collect();
        assert_eq!(said("ImageNet32", &imagenet, 50_000), "complete");
        assert!(said("ImageNet32", &imagenet[..9], 50_000).contains("training batch 10 is missing"));
    }
}
