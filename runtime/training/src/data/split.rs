//! The division into training, validation and test records.

use super::Order;
use super::indices::{Indices, Shuffled};
use super::shuffle::MANY;
use anyhow::{Error, Result, bail};
use std::fmt;
use std::str::FromStr;

/// The choice of the validation set among the training records.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Split {
    /// As in Hoogeboom et al. for CIFAR-10 and the downsampled ImageNet; a random fifth otherwise.
    #[default]
    Standard,
    /// The last fifth, as in Hoogeboom et al. (2019): for CIFAR-10 the last 10,000 of 50,000.
    Hoogeboom,
    /// 15 % at random, as in the code of the authors of srVAE.
    Authors,
    /// None: all records are used for training, and the validation set is a part of them.
    None,
    /// This random fraction, stratified by class.
    Random(f64),
}

/// The fraction for testing, if the data set has no test part.
const TEST: f64 = 0.1;
/// The fraction of the remaining records for validation.
const VALIDATION: f64 = 0.2;
/// Salts of the choices, so that they differ for the same seed.
const TEST_SEED: u64 = 0x7e57;
const SPLIT_SEED: u64 = 0x5eed;

/// Positions in the parts of a data set. Those for validation and testing are shuffled, so the first hundred are a
/// random sample.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Division {
    pub train: Indices,
    pub validation: Indices,
    pub test: Indices,
}

/// A data set to be divided.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Training records, and their classes.
    pub pool: usize,
    pub classes: Option<&'a [usize]>,
    /// The group of each record; records of one group stay together.
    pub groups: Option<&'a [usize]>,
    /// The sizes of the data set's own validation and test parts, if it has them.
    pub validation: Option<usize>,
    pub test: Option<usize>,
    /// Whether the order is that of a publication, which is kept.
    pub published: bool,
}

impl Split {
    /// Divides a data set. The result is a function of the arguments and the seed.
    pub fn divide(self, parts: Parts<'_>, seed: u64) -> Division {
        if parts.pool > MANY && parts.groups.is_none() && !parts.published {
            return self.divide_many(parts, seed);
        }
        let all: Vec<usize> = (0..parts.pool).collect();
        let shuffled = |count: usize, salt: u64| match parts.published {
            true => (0..count).collect(),
            false => Order::permutation(count, seed ^ salt, 1),
        };
        let (rest, test) = match parts.test {
            Some(count) => (all, shuffled(count, TEST_SEED)),
            None => {
                let test = part(&all, &parts, TEST, seed ^ TEST_SEED);
                (without(&all, &test), test)
            }
        };
        // A single record is used for everything.
        let rest = if rest.is_empty() { test.clone() } else { rest };
        if let Some(count) = parts.validation {
            return Division::of(rest, shuffled(count, SPLIT_SEED), test);
        }
        let (train, validation) = self.validation(&rest, &parts, seed ^ SPLIT_SEED);
        // If there are too few records, all of them are used for validation too.
        let validation = if validation.is_empty() { rest } else { validation };
        Division::of(train, validation, test)
    }

    /// For millions of records: ranges of one shuffled order, which is not stored. Classes are not stratified.
    fn divide_many(self, parts: Parts<'_>, seed: u64) -> Division {
        let of = parts.pool;
        let range =
            |from: usize, count: usize| Indices::Shuffled(Shuffled { of, seed: seed ^ SPLIT_SEED, from, count });
        let own = |count: usize, salt: u64| match count > MANY {
            true => Indices::Shuffled(Shuffled { of: count, seed: seed ^ salt, from: 0, count }),
            false => Order::permutation(count, seed ^ salt, 1).into(),
        };
        let share = |count: usize, fraction: f64| (count as f64 * fraction) as usize;
        let tested = if parts.test.is_some() { 0 } else { share(of, TEST) };
        let rest = of - tested;
        let fraction = match self {
            Self::Authors => 0.15,
            Self::Random(fraction) => fraction,
            Self::Standard | Self::Hoogeboom | Self::None => VALIDATION,
        };
        let validated = if parts.validation.is_some() { 0 } else { share(rest, fraction) };
        // Without a validation set, the training records include it.
        let trained = if self == Self::None { rest } else { rest - validated };
        Division {
            train: range(tested, trained),
            validation: parts
                .validation
                .map_or_else(|| range(of - validated, validated), |count| own(count, SPLIT_SEED)),
            test: parts.test.map_or_else(|| range(0, tested), |count| own(count, TEST_SEED)),
        }
    }

    fn validation(self, rest: &[usize], parts: &Parts<'_>, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let count = rest.len();
        let random = |fraction: f64| {
            if (fraction * count as f64) < 1.0 {
                return Vec::new();
            }
            part(rest, parts, fraction, seed)
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

impl Division {
    pub fn of(train: Vec<usize>, validation: Vec<usize>, test: Vec<usize>) -> Self {
        Self { train: train.into(), validation: validation.into(), test: test.into() }
    }
}

/// A random fraction of the records, at least one; stratified by class up to one record; whole groups if there are
/// groups.
fn part(all: &[usize], parts: &Parts<'_>, fraction: f64, seed: u64) -> Vec<usize> {
    let count = all.len();
    if let Some(groups) = parts.groups {
        return whole_groups(all, groups, fraction, seed);
    }
    let classes = parts.classes;
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

/// Random groups, so that their size is as close as possible to the fraction, but at least one and not all.
fn whole_groups(all: &[usize], groups: &[usize], fraction: f64, seed: u64) -> Vec<usize> {
    let mut members: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
    all.iter().for_each(|&index| members.entry(groups[index]).or_default().push(index));
    let members: Vec<Vec<usize>> = members.into_values().collect();
    if members.len() < 2 {
        return Vec::new();
    }
    let wanted = fraction * all.len() as f64;
    let mut chosen: Vec<usize> = Vec::new();
    for group in Order::permutation(members.len(), seed, 0).into_iter().take(members.len() - 1) {
        let (now, then) = (chosen.len() as f64, (chosen.len() + members[group].len()) as f64);
        if chosen.is_empty() || (then - wanted).abs() < (now - wanted).abs() {
            chosen.extend(&members[group]);
        }
    }
    // Shuffled, so that the first records are a random sample.
    Order::permutation(chosen.len(), seed, 1).into_iter().map(|at| chosen[at]).collect()
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
                    "no split is named `{other}`; known are standard, hoogeboom, authors and none, or the fraction \
                     for validation, such as 0.1"
                ),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Division, MANY, Parts, Split};
    use std::collections::{BTreeMap, BTreeSet};

    struct Lists {
        train: Vec<usize>,
        validation: Vec<usize>,
        test: Vec<usize>,
    }

    #[test]
    fn groups_are_in_one_part_each() {
        let groups: Vec<usize> = (0..1000).map(|record| record * 7 % 40).collect();
        let parts =
            Parts { pool: 1000, classes: None, groups: Some(&groups), validation: None, test: None, published: false };
        for seed in 0..20 {
            let division = Split::Standard.divide(parts, seed);
            let of =
                |part: &super::Indices| part.all().into_iter().map(|record| groups[record]).collect::<BTreeSet<_>>();
            let [train, validation, test] = [&division.train, &division.validation, &division.test].map(of);
            assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test));
            // 40 groups of 25 records: a tenth is 4 of them, a fifth of the other 36 is 7.
            assert_eq!([train.len(), validation.len(), test.len()], [29, 7, 4]);
        }
    }

    #[test]
    fn groups_are_at_least_one_and_never_all_and_their_records_are_mixed() {
        // Group g has 10 (g + 1) records, 150 together.
        let groups: Vec<usize> = (0..5).flat_map(|group| vec![group; 10 * (group + 1)]).collect();
        let all: Vec<usize> = (0..groups.len()).collect();
        for seed in 0..20 {
            let chosen = |fraction: f64| super::whole_groups(&all, &groups, fraction, seed);
            let names = |chosen: &[usize]| chosen.iter().map(|&record| groups[record]).collect::<BTreeSet<_>>().len();
            assert_eq!((names(&chosen(1e-3)), names(&chosen(1.0))), (1, 4));
            // If each group stood together, the group would change three times.
            let most = chosen(1.0);
            let changes = most.windows(2).filter(|pair| groups[pair[0]] != groups[pair[1]]).count();
            assert!(changes > 10, "{changes}");
        }
    }

    #[test]
    fn millions_of_records_are_divided_without_a_list() {
        let pool = MANY + 1000;
        let parts = Parts { pool, classes: None, groups: None, validation: None, test: None, published: false };
        let division = Split::Standard.divide(parts, 3);
        assert_eq!(division.train.len() + division.validation.len() + division.test.len(), pool);
        assert!(division.test.len().abs_diff(pool / 10) < 2 && division.validation.len().abs_diff(pool * 18 / 100) < 3);
        let mut seen = vec![false; pool];
        for part in [&division.train, &division.validation, &division.test] {
            for index in part.all() {
                assert!(!seen[index], "{index} is in two parts");
                seen[index] = true;
            }
        }
        let text = serde_json::to_string(&division).unwrap();
        assert!(text.len() < 500 && serde_json::from_str::<Division>(&text).unwrap() == division, "{text}");
    }

    #[test]
    fn every_class_has_its_share_in_every_part() {
        // Sorted by class, as folders are, with classes of very different sizes.
        let classes: Vec<usize> =
            [600, 300, 90, 10].iter().enumerate().flat_map(|(class, &count)| vec![class; count]).collect();
        let parts =
            Parts { pool: 1000, classes: Some(&classes), groups: None, validation: None, test: None, published: false };
        for seed in 0..20 {
            let Division { train, validation, test } = Split::Standard.divide(parts, seed);
            let division = Lists { train: train.all(), validation: validation.all(), test: test.all() };
            assert_eq!([division.train.len(), division.validation.len(), division.test.len()], [720, 180, 100]);
            for (part, share) in [(&division.test, 0.1), (&division.validation, 0.18), (&division.train, 0.72)] {
                let mut counts = BTreeMap::new();
                part.iter().for_each(|&index| *counts.entry(classes[index]).or_insert(0.0) += 1.0);
                for (class, size) in [600.0, 300.0, 90.0, 10.0].into_iter().enumerate() {
                    let found: f64 = counts.get(&class).copied().unwrap_or(0.0);
                    assert!((found - share * size).abs() <= 1.0, "{class}: {found} of {size}");
                }
            }
            // The first records of a part are a random sample.
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
        let whole = Parts { pool: 50, classes: None, groups: None, validation: None, test: Some(10), published: true };
        let division = Split::Standard.divide(whole, 7);
        assert_eq!(division, Division::of((0..40).collect(), (40..50).collect(), (0..10).collect()));
        let one = Parts { pool: 1, test: None, published: false, ..whole };
        let division = Split::Standard.divide(one, 0);
        assert_eq!(division, Division::of(vec![0], vec![0], vec![0]));
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
