//! Which records are trained on, validated on and tested on.

use super::Order;
use anyhow::{Error, Result, bail};
use std::fmt;
use std::str::FromStr;

/// How a validation set is taken from what may be trained on.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Split {
    /// As Hoogeboom for CIFAR-10 and the downsampled ImageNet; a fifth at random of anything else.
    #[default]
    Standard,
    /// The last fifth, as Hoogeboom et al. (2019) do: of CIFAR-10's 50,000, the last 10,000.
    Hoogeboom,
    /// 15 % at random, as the authors of srVAE do.
    Authors,
    /// None: every training record is trained on, and the validation set is a part of them.
    None,
    /// This part at random, each class by its share.
    Random(f64),
}

/// The part of the records that is tested on, where the data set has no test part.
const TEST: f64 = 0.1;
/// The part of the rest that is validated on.
const VALIDATION: f64 = 0.2;
/// Of the choices, which differ for the same seed.
const TEST_SEED: u64 = 0x7e57;
const SPLIT_SEED: u64 = 0x5eed;

/// Positions in the parts of a data set. Those for validation and testing are in random order: the first hundred are a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Division {
    pub train: Vec<usize>,
    pub validation: Vec<usize>,
    pub test: Vec<usize>,
}

/// A data set to be divided.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Records that may be trained on, and their classes.
    pub pool: usize,
    pub classes: Option<&'a [usize]>,
    /// Records of its own parts for validation and testing, where it has them.
    pub validation: Option<usize>,
    pub test: Option<usize>,
    /// In the order of a publication, which is kept.
    pub published: bool,
}

impl Split {
    /// Divides a data set: a function of what it is and the seed.
    pub fn divide(self, parts: Parts<'_>, seed: u64) -> Division {
        let all: Vec<usize> = (0..parts.pool).collect();
        let shuffled = |count: usize, salt: u64| match parts.published {
            true => (0..count).collect(),
            false => Order::permutation(count, seed ^ salt, 1),
        };
        let (rest, test) = match parts.test {
            Some(count) => (all, shuffled(count, TEST_SEED)),
            None => {
                let test = part(&all, parts.classes, TEST, seed ^ TEST_SEED);
                (without(&all, &test), test)
            }
        };
        // One record has to do for everything.
        let rest = if rest.is_empty() { test.clone() } else { rest };
        if let Some(count) = parts.validation {
            return Division { train: rest, validation: shuffled(count, SPLIT_SEED), test };
        }
        let (train, validation) = self.validation(&rest, &parts, seed ^ SPLIT_SEED);
        // A handful of records is too few to keep some away.
        let validation = if validation.is_empty() { rest } else { validation };
        Division { train, validation, test }
    }

    fn validation(self, rest: &[usize], parts: &Parts<'_>, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let count = rest.len();
        let random = |fraction: f64| {
            if (fraction * count as f64) < 1.0 {
                return Vec::new();
            }
            part(rest, parts.classes, fraction, seed)
        };
        match self {
            Self::Hoogeboom => (rest[..count - count / 5].to_vec(), rest[count - count / 5..].to_vec()),
            Self::Standard if parts.published => Self::Hoogeboom.validation(rest, parts, seed),
            Self::Authors => {
                let fraction = count * 15 / 100;
                let at = |order: &[usize]| order.iter().map(|&index| rest[index]).collect();
                let order = Order::permutation(count, seed, 0);
                (at(&order[fraction..]), at(&order[..fraction]))
            }
            Self::None => (rest.to_vec(), random(VALIDATION)),
            Self::Standard => Self::Random(VALIDATION).validation(rest, parts, seed),
            Self::Random(fraction) => {
                let chosen = random(fraction);
                (without(rest, &chosen), chosen)
            }
        }
    }
}

/// A part of the records in random order, at least one, of each class its share up to a record.
fn part(all: &[usize], classes: Option<&[usize]>, fraction: f64, seed: u64) -> Vec<usize> {
    let count = all.len();
    let wanted = ((fraction * count as f64).round() as usize).clamp(1, count.max(1)).min(count);
    let order: Vec<usize> = Order::permutation(count, seed, 0).into_iter().map(|index| all[index]).collect();
    let Some(classes) = classes else { return order[..wanted].to_vec() };
    // Class by class, every (count / wanted)-th.
    let mut by_class: Vec<usize> = (0..count).collect();
    by_class.sort_by_key(|&at| classes[order[at]]);
    let mut chosen: Vec<usize> = (0..wanted).map(|number| by_class[(2 * number + 1) * count / (2 * wanted)]).collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|at| order[at]).collect()
}

fn without(all: &[usize], some: &[usize]) -> Vec<usize> {
    let some: std::collections::HashSet<usize> = some.iter().copied().collect();
    all.iter().filter(|index| !some.contains(index)).copied().collect()
}

impl fmt::Display for Split {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => out.write_str("standard"),
            Self::Hoogeboom => out.write_str("hoogeboom"),
            Self::Authors => out.write_str("authors"),
            Self::None => out.write_str("none"),
            Self::Random(fraction) => fraction.fmt(out),
        }
    }
}

impl From<Split> for String {
    fn from(split: Split) -> Self {
        split.to_string()
    }
}

impl TryFrom<String> for Split {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "standard" => Self::Standard,
            "hoogeboom" => Self::Hoogeboom,
            "authors" => Self::Authors,
            "none" => Self::None,
            other => match other.parse() {
                Ok(fraction) if fraction > 0.0 && fraction < 1.0 => Self::Random(fraction),
                _ => bail!(
                    "no split is named `{other}`; there are standard, hoogeboom, authors and none, or the part that is \
                     validated on, such as 0.1"
                ),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Parts, Split};
    use std::collections::BTreeMap;

    #[test]
    fn every_class_has_its_share_in_every_part() {
        // Sorted by class, as folders are; classes of very different sizes.
        let classes: Vec<usize> =
            [600, 300, 90, 10].iter().enumerate().flat_map(|(class, &count)| vec![class; count]).collect();
        let parts = Parts { pool: 1000, classes: Some(&classes), validation: None, test: None, published: false };
        for seed in 0..20 {
            let division = Split::Standard.divide(parts, seed);
            assert_eq!([division.train.len(), division.validation.len(), division.test.len()], [720, 180, 100]);
            for (part, share) in [(&division.test, 0.1), (&division.validation, 0.18), (&division.train, 0.72)] {
                let mut counts = BTreeMap::new();
                part.iter().for_each(|&index| *counts.entry(classes[index]).or_insert(0.0) += 1.0);
                for (class, size) in [600.0, 300.0, 90.0, 10.0].into_iter().enumerate() {
                    let found: f64 = counts.get(&class).copied().unwrap_or(0.0);
                    assert!((found - share * size).abs() <= 1.0, "{class}: {found} of {size}");
                }
            }
            // The first records of a part are a sample too.
            let first = division.test[..20].iter().filter(|&&index| classes[index] == 0).count();
            assert!((5..=18).contains(&first), "{first}");
            let mut all = [division.train, division.validation, division.test].concat();
            all.sort_unstable();
            assert_eq!(all, (0..1000).collect::<Vec<_>>());
        }
        assert_ne!(Split::Standard.divide(parts, 1), Split::Standard.divide(parts, 2));
        assert_eq!(Split::Standard.divide(parts, 1), Split::Standard.divide(parts, 1));
    }

    #[test]
    fn parts_of_a_publication_and_few_records_are_kept_as_they_are() {
        let whole = Parts { pool: 50, classes: None, validation: None, test: Some(10), published: true };
        let division = Split::Standard.divide(whole, 7);
        assert_eq!((division.train, division.validation), ((0..40).collect(), (40..50).collect()));
        assert_eq!(division.test, (0..10).collect::<Vec<_>>());
        let one = Parts { pool: 1, test: None, published: false, ..whole };
        let division = Split::Standard.divide(one, 0);
        assert_eq!([division.train, division.validation, division.test], [[0], [0], [0]]);
        let two = Split::Standard.divide(Parts { pool: 2, ..one }, 0);
        assert!(two.train.len() == 1 && two.test.len() == 1 && two.train != two.test);
        let own = Split::Random(0.5).divide(Parts { pool: 8, validation: Some(3), test: Some(4), ..one }, 0);
        assert_eq!([own.train.len(), own.validation.len(), own.test.len()], [8, 3, 4]);
    }

    #[test]
    fn splits_are_written_and_read() {
        for text in ["standard", "hoogeboom", "authors", "none", "0.125"] {
            assert_eq!(text.parse::<Split>().unwrap().to_string(), text);
        }
        for text in ["", "0", "1", "-0.5", "half", "NaN"] {
            assert!(text.parse::<Split>().is_err(), "{text}");
        }
    }
}
