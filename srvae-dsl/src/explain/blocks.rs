//! Finds rows that repeat for every member of a family.

use super::ends::Ends;
use super::members::{Joined, Row};
use std::collections::BTreeMap;

/// The maximum number of rows that repeat together.
const LONGEST: usize = 16;

/// Consecutive rows, each for every value of an index.
#[derive(Debug)]
pub struct Block<'p> {
    /// None for a row of a single member, or of none.
    pub over: Option<Over<'p>>,
    pub rows: Vec<Joined<'p>>,
}

/// An index with the values that rows have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over<'p> {
    pub index: &'p str,
    pub values: Vec<i64>,
    /// The first and the last value, as printed. None if the values are not consecutive.
    pub ends: Option<(String, String)>,
}

impl<'p> Over<'p> {
    /// The values that joined rows have in common.
    fn of(joined: &[Joined<'p>], values: Vec<i64>, rows: &[Row<'p>], ends: &Ends<'p>) -> Option<Self> {
        let (index, _) = rows[joined[0].rows[0]].of?;
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let is_range = sorted.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let ends = is_range.then(|| ends.range(index, sorted[0], sorted[sorted.len() - 1]).into());
        Some(Self { index, values, ends })
    }

    /// `1..12`, or `[16, 8, 4]`.
    pub fn set(&self) -> String {
        match &self.ends {
            Some((first, last)) => format!("{first}..{last}"),
            None => format!("[{}]", self.values.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
        }
    }

    /// `l=1..12`, or `l in [16, 8, 4]`.
    pub fn range(&self) -> String {
        match self.ends {
            Some(_) => format!("{}={}", self.index, self.set()),
            None => format!("{} in {}", self.index, self.set()),
        }
    }

    /// `z[1..12]`, or `b[16, 8, 4]`.
    pub fn members(&self, family: &str) -> String {
        format!("{family}[{}]", self.set().trim_matches(['[', ']']))
    }

    /// `for l in 1..12`.
    pub fn clause(&self) -> String {
        format!("for {} in {}", self.index, self.set())
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
        match found {
            Some((joined, values)) => {
                at += joined.len() * values.len();
                blocks.push(Block { over: Over::of(&joined, values, rows, ends), rows: joined });
            }
            None => {
                blocks.push(Block { over: None, rows: vec![rows[order[at]].joined(order[at], ends)] });
                at += 1;
            }
        }
    }
    blocks
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
        let (_, value) = rows[group[0]].of?;
        group.iter().all(|at| rows[*at].of.is_some_and(|(_, other)| other == value)).then_some(value)
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
            let clause = block.over.as_ref().map_or_else(String::new, |over| format!(" {}", over.clause()));
            let row = move |row: &Joined<'_>| format!("{}: {}{clause}", row.text(0), row.list(0).join(", "));
            block.rows.iter().map(row).collect::<Vec<_>>()
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
