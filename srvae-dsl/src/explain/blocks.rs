//! Finds rows that repeat for every member of a family.

use super::ends::Ends;
use super::members::{Joined, Row};
use std::collections::BTreeMap;

/// The maximum number of rows that repeat together.
const LONGEST: usize = 16;

/// Consecutive rows, each for every value of an index.
#[derive(Debug, Clone)]
pub struct Block<'p> {
    /// None for a row of a single member, or of none.
    pub over: Option<Over<'p>>,
    /// Each with the values of indices after the first that it is for.
    pub rows: Vec<(Joined<'p>, Option<Over<'p>>)>,
}

impl<'p> Block<'p> {
    /// The rows, each with all indices that it is for.
    pub fn each(self) -> impl Iterator<Item = (Joined<'p>, Option<Over<'p>>)> {
        let over = self.over;
        self.rows.into_iter().map(move |(joined, own)| (joined, Over::both(over.as_ref(), own)))
    }
}

/// Indices with the values that rows have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over<'p> {
    pub ranges: Vec<Values<'p>>,
}

/// An index with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values<'p> {
    pub index: &'p str,
    pub values: Vec<i64>,
    /// The first and the last value, as printed. None if the values are not consecutive.
    pub ends: Option<(String, String)>,
}

impl<'p> Values<'p> {
    fn of(index: &'p str, values: Vec<i64>, ends: &Ends<'p>) -> Self {
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let is_range = sorted.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let ends = is_range.then(|| ends.range(index, sorted[0], sorted[sorted.len() - 1]).into());
        Self { index, values, ends }
    }

    /// `1..12`, or `[16, 8, 4]`.
    pub fn set(&self) -> String {
        match &self.ends {
            Some((first, last)) => format!("{first}..{last}"),
            None => format!("[{}]", self.values.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
        }
    }

    /// `l=1..12`, or `l in [16, 8, 4]`.
    fn range(&self) -> String {
        match self.ends {
            Some(_) => format!("{}={}", self.index, self.set()),
            None => format!("{} in {}", self.index, self.set()),
        }
    }
}

impl<'p> Over<'p> {
    fn both(over: Option<&Self>, own: Option<Self>) -> Option<Self> {
        let ranges: Vec<Values<'p>> = over.cloned().into_iter().chain(own).flat_map(|over| over.ranges).collect();
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    fn listed(&self, one: impl Fn(&Values<'p>) -> String) -> String {
        self.ranges.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// `l=1..12`, or `l in [16, 8, 4]`.
    pub fn range(&self) -> String {
        self.listed(Values::range)
    }

    /// `z[1..12]` of `z[l]`, or `b[16, 8, 4]`.
    pub fn members(&self, name: &str) -> String {
        let Some((family, selectors)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) else {
            return name.to_owned();
        };
        let each = selectors.split(',').map(|selector| {
            let own = self.ranges.iter().find(|values| values.index == selector);
            own.map_or_else(|| selector.to_owned(), |values| values.set().trim_matches(['[', ']']).to_owned())
        });
        format!("{family}[{}]", each.collect::<Vec<_>>().join(","))
    }

    /// `for l in 1..12`, `for t in 1..T, k in 1..3`.
    pub fn clause(&self) -> String {
        format!("for {}", self.listed(|values| format!("{} in {}", values.index, values.set())))
    }
}

/// The rows in their order, with repeated ones joined.
pub fn blocks<'p>(rows: &[Row<'p>], ends: &'p Ends<'p>) -> Vec<Block<'p>> {
    in_order(rows, &(0..rows.len()).collect::<Vec<_>>(), ends)
}

/// The rows with those of equal keys together, in the order of the first, with repeated ones joined.
pub fn gathered<'p>(rows: &[Row<'p>], ends: &'p Ends<'p>) -> Vec<Block<'p>> {
    let mut firsts: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        firsts.entry(&row.key).or_insert(at);
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| firsts[rows[*at].key.as_str()]);
    in_order(rows, &order, ends)
}

fn in_order<'p>(rows: &[Row<'p>], order: &[usize], ends: &'p Ends<'p>) -> Vec<Block<'p>> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < order.len() {
        let rest = &order[at..];
        let found = (1..=LONGEST).find_map(|period| repeated(rows, rest, period, ends));
        // The first member often only looks like the second: `p(z[2] | z[1])` is `p(z[l] | z[<l])` if there is no third.
        let found = found.filter(|(joined, values)| {
            let later = if values.len() < 4 { repeated(rows, &rest[joined.len()..], joined.len(), ends) } else { None };
            later.is_none_or(|(_, later)| later.len() < values.len())
        });
        let (joined, over) = match found {
            Some((joined, values)) => {
                at += joined.len() * values.len();
                let index = joined[0].of.as_ref().map(|of| of.index);
                (joined, index.map(|index| Over { ranges: vec![Values::of(index, values, ends)] }))
            }
            None => {
                at += 1;
                (vec![rows[order[at - 1]].joined(order[at - 1], ends)], None)
            }
        };
        blocks.push(Block { over, rows: across(&joined, ends) });
    }
    of_grids(blocks, ends)
}

/// Rows of a block that differ only in an index after the first, as one.
fn across<'p>(rows: &[Joined<'p>], ends: &Ends<'p>) -> Vec<(Joined<'p>, Option<Over<'p>>)> {
    let (mut all, mut at) = (Vec::with_capacity(rows.len()), 0);
    while at < rows.len() {
        let found = (1..=rows.len() - at).find_map(|period| {
            let groups: Vec<&[Joined<'p>]> = rows[at..].chunks_exact(period).collect();
            same(&groups).map(|found| (period, found))
        });
        match found {
            Some((period, (joined, (index, values)))) => {
                at += period * values.len();
                let over = Over { ranges: vec![Values::of(index, values, ends)] };
                all.extend(joined.into_iter().map(|joined| (joined, Some(over.clone()))));
            }
            None => {
                all.push((rows[at].clone(), None));
                at += 1;
            }
        }
    }
    all
}

/// Blocks that differ only in an index after the first, as one. Each is of the same values of its own index.
fn of_grids<'p>(blocks: Vec<Block<'p>>, ends: &Ends<'p>) -> Vec<Block<'p>> {
    let has_others = |joined: &Joined<'p>| joined.of.as_ref().is_some_and(|of| !of.others.is_empty());
    if !blocks.iter().flat_map(|block| &block.rows).any(|(joined, _)| has_others(joined)) {
        return blocks;
    }
    let is_whole = |block: &Block<'p>| block.rows.iter().all(|(_, over)| over.is_none());
    let is_like = |one: &Block<'p>, next: &Block<'p>| one.over == next.over && is_whole(one) && is_whole(next);
    let mut all: Vec<Block<'p>> = Vec::with_capacity(blocks.len());
    for run in blocks.chunk_by(is_like) {
        let groups: Vec<Vec<Joined<'p>>> =
            run.iter().map(|block| block.rows.iter().map(|(joined, _)| joined.clone()).collect()).collect();
        let mut at = 0;
        while at < run.len() {
            let rest: Vec<&[Joined<'p>]> = groups[at..].iter().map(Vec::as_slice).collect();
            match same(&rest) {
                Some((joined, (index, values))) => {
                    at += values.len();
                    let over = Over { ranges: vec![Values::of(index, values, ends)] };
                    let rows = joined.into_iter().map(|joined| (joined, Some(over.clone()))).collect();
                    all.push(Block { over: run[at - 1].over.clone(), rows });
                }
                None => {
                    all.push(run[at].clone());
                    at += 1;
                }
            }
        }
    }
    all
}

/// The first groups of rows, as many as differ only in one index after the first, as one group; the index and its values.
fn same<'p>(groups: &[&[Joined<'p>]]) -> Option<(Vec<Joined<'p>>, (&'p str, Vec<i64>))> {
    let first = groups.first()?;
    let count = first.first()?.of.as_ref()?.others.len();
    (0..count).rev().find_map(|place| {
        let value = |group: &[Joined<'p>]| {
            let own = |joined: &Joined<'p>| joined.of.as_ref()?.others.get(place).copied();
            let value = own(group.first()?)?;
            group.iter().all(|joined| own(joined) == Some(value)).then_some(value)
        };
        let (index, from) = value(first)?;
        let (mut joined, mut values) = (first.to_vec(), vec![from]);
        for group in &groups[1..] {
            let Some((_, to)) = value(group).filter(|(other, to)| *other == index && !values.contains(to)) else {
                break;
            };
            let pairs = joined.iter().zip(*group).map(|(one, other)| one.across(other, (index, from, to)));
            let Some(next) = pairs.collect::<Option<Vec<_>>>().filter(|_| group.len() == first.len()) else { break };
            joined = next;
            values.push(to);
        }
        (values.len() > 1).then_some((joined, (index, values)))
    })
}

/// The first rows as often as they repeat, and the values of their index. None if they do not.
fn repeated<'p>(
    rows: &[Row<'p>],
    order: &[usize],
    period: usize,
    ends: &'p Ends<'p>,
) -> Option<(Vec<Joined<'p>>, Vec<i64>)> {
    let mut groups = order.chunks_exact(period);
    let value = |group: &[usize]| {
        let value = rows[group[0]].of.as_ref()?.value;
        group.iter().all(|at| rows[*at].of.as_ref().is_some_and(|of| of.value == value)).then_some(value)
    };
    let first = groups.next()?;
    let mut values = vec![value(first)?];
    let mut joined: Vec<Joined<'p>> = first.iter().map(|at| rows[*at].joined(*at, ends)).collect();
    for group in groups {
        let Some(own) = value(group).filter(|own| !values.contains(own)) else { break };
        let lists = joined
            .iter()
            .zip(group)
            .map(|(joined, at)| joined.with(&rows[*at], &values).filter(|_| rows[*at].key == rows[joined.rows[0]].key));
        let Some(lists) = lists.collect::<Option<Vec<_>>>() else { break };
        joined.iter_mut().zip(group).zip(lists).for_each(|((joined, at), lists)| joined.include(*at, lists));
        values.push(own);
    }
    (values.len() > 1).then_some((joined, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Overrides, Source, compile};

    const CHAIN: &str = "model m\nindex l in 1..5\nobserved x: real[2]\nlatent z[l]: real[2]\n\
        p(x | z[1]) = normal from z[1] |> linear\n\
        p(z[l] | z[l + 1]) = normal from z[l + 1] |> linear for l in 1..4\np(z[5]) = standard_normal\n\
        q(z[1] | x) = normal from x |> linear\nq(z[l] | z[l - 1]) = normal from z[l - 1] |> linear for l in 2..5\n";

    /// Rows with the index in the place of their members, each of which is one list.
    fn shown(rows: &[(&str, &[&str])]) -> Vec<String> {
        let source = Source::new("m.pgm", CHAIN);
        let compilation = compile(&source, &Overrides::default());
        let plan = compilation.plan().unwrap();
        let ends = Ends::of(plan);
        let names = |list: &[&str]| {
            let own = list.iter().map(|name| plan.model.variables.iter().find(|it| it.name == **name).unwrap());
            crate::graph::in_pieces(own.map(|variable| variable.name.as_str()))
        };
        let row = |(own, list): &(&str, &[&str])| {
            Row::of("z".to_owned(), ends.member(own)).text(own, &ends).list(names(list))
        };
        let rows: Vec<Row<'_>> = rows.iter().map(row).collect();
        let each = blocks(&rows, &ends).into_iter().flat_map(|block| {
            let each = block.each().map(|(row, over)| {
                let clause = over.map_or_else(String::new, |over| format!(" {}", over.clause()));
                format!("{}: {}{clause}", row.text(0), row.list(0).join(", "))
            });
            each.collect::<Vec<_>>()
        });
        each.collect()
    }

    #[test]
    fn a_row_without_earlier_members_is_one_of_the_family() {
        let rows: [(&str, &[&str]); 4] = [
            ("z[1]", &["x"]),
            ("z[2]", &["z[1]", "x"]),
            ("z[3]", &["z[1]", "z[2]", "x"]),
            ("z[4]", &["z[1]", "z[2]", "z[3]", "x"]),
        ];
        assert_eq!(shown(&rows), ["z[l]: z[<l], x for l in 1..4"]);
    }

    #[test]
    fn the_first_of_a_chain_is_a_row_of_its_own() {
        let rows: [(&str, &[&str]); 4] = [("z[1]", &[]), ("z[2]", &["z[1]"]), ("z[3]", &["z[2]"]), ("z[4]", &["z[3]"])];
        assert_eq!(shown(&rows), ["z[1]: ", "z[l]: z[l - 1] for l in 2..4"]);
        // Without a third row both readings hold, and all earlier members are the shorter one.
        assert_eq!(shown(&rows[..2]), ["z[l]: z[<l] for l in 1..2"]);
    }

    #[test]
    fn rows_that_differ_in_more_than_the_member_stay_apart() {
        let rows: [(&str, &[&str]); 3] = [("z[1]", &["x"]), ("z[2]", &[]), ("z[3]", &["z[5]"])];
        assert_eq!(shown(&rows), ["z[1]: x", "z[2]: ", "z[3]: z[5]"]);
        let later: [(&str, &[&str]); 3] = [("z[3]", &["z[4]", "z[5]"]), ("z[4]", &["z[5]"]), ("z[5]", &[])];
        assert_eq!(shown(&later), ["z[l]: z[>l] for l in 3..5"]);
        let same: [(&str, &[&str]); 2] = [("z[4]", &["z[1]"]), ("z[2]", &["z[1]"])];
        assert_eq!(shown(&same), ["z[l]: z[1] for l in [4, 2]"]);
    }

    #[test]
    fn several_rows_of_a_member_repeat_together() {
        let rows: [(&str, &[&str]); 6] = [
            ("z[1]", &["x"]),
            ("z[1]", &[]),
            ("z[2]", &["z[1]", "x"]),
            ("z[2]", &["z[1]"]),
            ("z[3]", &["z[1]", "z[2]", "x"]),
            ("z[3]", &["z[1]", "z[2]"]),
        ];
        assert_eq!(shown(&rows), ["z[l]: z[<l], x for l in 1..3", "z[l]: z[<l] for l in 1..3"]);
    }
}
