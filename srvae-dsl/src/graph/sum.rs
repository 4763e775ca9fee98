//! Exact sums over discrete latents that q does not draw, by elimination.
//!
//! The factors of p that belong to such latents or read them join a table, one after the other: a number for each
//! combination of the values of the latents that are in it. A latent is summed out as soon as every factor that reads it
//! has joined. Along a chain, a table then has at most two latents. The order is greedy: a factor that brings no new
//! latent comes first, then the one that leaves the smallest table.

use super::{Factor, VariableId};
use std::collections::{BTreeMap, BTreeSet};

/// The order in which factors join.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    pub turns: Vec<Turn>,
    /// The number of values of each latent that is summed out.
    values: BTreeMap<VariableId, usize>,
    /// The place of each in the order in which they join.
    places: BTreeMap<VariableId, usize>,
}

/// A factor joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The variable whose factor of p it is.
    pub variable: VariableId,
    /// The latents of the table with this factor, in the order in which they joined.
    pub over: Vec<VariableId>,
    /// Those of them that are summed out afterwards.
    pub out: Vec<VariableId>,
    /// The number of combinations of their values.
    pub size: usize,
}

impl Sum {
    /// The order for these latents, with their numbers of values, among the factors of p.
    pub fn of(p: &[Factor], values: BTreeMap<VariableId, usize>) -> Self {
        let mut order = Order::new(p, &values);
        let mut turns = Vec::new();
        while let Some(turn) = order.next() {
            turns.push(turn);
        }
        let places = order.joined;
        Self { turns, values, places }
    }

    /// Whether a latent is summed out.
    pub fn contains(&self, id: VariableId) -> bool {
        self.values.contains_key(&id)
    }

    /// The place of a latent in the order in which they join.
    pub fn place(&self, id: VariableId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// Whether nothing is summed out.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The latents that are summed out.
    pub fn variables(&self) -> impl Iterator<Item = VariableId> {
        self.values.keys().copied()
    }

    /// The turn at which a variable's factor joins, if it is part of the sum.
    pub fn turn_of(&self, id: VariableId) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.variable == id)
    }

    /// The variables that are not summed out whose factors are part of the sum.
    pub fn scored(&self) -> impl Iterator<Item = VariableId> {
        self.turns.iter().map(|turn| turn.variable).filter(|id| !self.contains(*id))
    }

    /// The number of combinations of the values of the summed latents that a factor reads.
    pub fn combinations(&self, factor: &Factor) -> usize {
        if self.is_empty() {
            return 1;
        }
        factor.parents.iter().filter_map(|id| self.values.get(&id)).fold(1, |all, own| all.saturating_mul(*own))
    }

    /// The number of entries of the largest table.
    pub fn largest(&self) -> usize {
        self.turns.iter().map(|turn| turn.size).max().unwrap_or(0)
    }

    /// The number of entries of all tables.
    pub fn entries(&self) -> usize {
        self.turns.iter().map(|turn| turn.size).fold(0, usize::saturating_add)
    }
}

/// The state of the greedy search.
struct Order<'p> {
    p: &'p [Factor],
    values: &'p BTreeMap<VariableId, usize>,
    /// For each factor, the summed latents that it reads, and how many of them have not joined.
    reads: Vec<(Vec<VariableId>, usize)>,
    /// For each summed latent, the factors that read it, and how many of them have not joined.
    readers: BTreeMap<VariableId, (Vec<usize>, usize)>,
    /// Factors all of whose summed parents have joined.
    ready: BTreeSet<usize>,
    /// The turn at which each latent joined.
    joined: BTreeMap<VariableId, usize>,
    /// The latents of each table so far. No latent is in two tables.
    tables: Vec<BTreeSet<VariableId>>,
}

impl<'p> Order<'p> {
    fn new(p: &'p [Factor], values: &'p BTreeMap<VariableId, usize>) -> Self {
        let read = |factor: &Factor| factor.parents.iter().filter(|id| values.contains_key(id)).collect::<Vec<_>>();
        let reads: Vec<(Vec<VariableId>, usize)> = p.iter().map(read).map(|all| (all.clone(), all.len())).collect();
        let mut readers: BTreeMap<VariableId, (Vec<usize>, usize)> = BTreeMap::new();
        for (at, (read, _)) in reads.iter().enumerate() {
            for id in read {
                let (all, open) = readers.entry(*id).or_default();
                all.push(at);
                *open += 1;
            }
        }
        let ready =
            (0..p.len()).filter(|at| reads[*at].0.is_empty() && values.contains_key(&p[*at].variable)).collect();
        Self { p, values, reads, readers, ready, joined: BTreeMap::new(), tables: Vec::new() }
    }

    fn is_summed(&self, at: usize) -> bool {
        self.values.contains_key(&self.p[at].variable)
    }

    /// The latents of the table that a factor would join.
    fn over(&self, at: usize) -> BTreeSet<VariableId> {
        let (read, _) = &self.reads[at];
        let touched = self.tables.iter().filter(|table| read.iter().any(|id| table.contains(id)));
        let own = Some(self.p[at].variable).filter(|id| self.values.contains_key(id));
        touched.flatten().copied().chain(own).collect()
    }

    /// The latents of a table that other factors read after this one.
    fn left(&self, at: usize, over: &BTreeSet<VariableId>) -> BTreeSet<VariableId> {
        let (read, _) = &self.reads[at];
        let is_left = |id: &&VariableId| {
            let own = usize::from(read.contains(id));
            self.readers.get(id).is_some_and(|(_, open)| *open > own)
        };
        over.iter().filter(is_left).copied().collect()
    }

    fn size(&self, over: &BTreeSet<VariableId>) -> usize {
        over.iter().map(|id| self.values[id]).fold(1, usize::saturating_mul)
    }

    fn next(&mut self) -> Option<Turn> {
        let each = self.ready.iter().map(|at| {
            let over = self.over(*at);
            (self.is_summed(*at), self.size(&self.left(*at, &over)), self.size(&over), *at, over)
        });
        let (_, _, size, at, over) =
            each.min_by_key(|(is_summed, left, size, at, _)| (*is_summed, *left, *size, *at))?;
        let (left, variable) = (self.left(at, &over), self.p[at].variable);
        self.ready.remove(&at);
        if self.is_summed(at) {
            self.joined.insert(variable, self.joined.len());
            for reader in self.readers.get(&variable).map(|(all, _)| all.clone()).unwrap_or_default() {
                self.reads[reader].1 -= 1;
                if self.reads[reader].1 == 0 {
                    self.ready.insert(reader);
                }
            }
        }
        for id in self.reads[at].0.clone() {
            if let Some((_, open)) = self.readers.get_mut(&id) {
                *open -= 1;
            }
        }
        let mut all: Vec<VariableId> = over.iter().copied().collect();
        all.sort_by_key(|id| self.joined[id]);
        let out: Vec<VariableId> = all.iter().copied().filter(|id| !left.contains(id)).collect();
        self.tables.retain(|table| table.is_disjoint(&over));
        if !left.is_empty() {
            self.tables.push(left);
        }
        Some(Turn { variable, over: all, out, size })
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::Sum;
    use crate::{Overrides, Source, compile};

    fn sum(text: &str) -> Sum {
        let compilation = compile(&Source::new("m.pgm", text), &Overrides::default());
        compilation.model().unwrap().sum.clone()
    }

    const STEPS: usize = 20;

    fn chains(latents: &str, factors: &str) -> Sum {
        sum(&format!(
            "model m\nlength T = {STEPS}\nindex t in 1..T\nobserved x[t]: binary[8]\n{latents}\np(a[1]) = categorical\n\
             p(a[t] | a[t - 1]) = categorical from a[t - 1] |> linear\n{factors}\ndraw a[t] = enumerate\n"
        ))
    }

    /// K² for each step but the first, and K for each observation and the first state.
    #[test]
    fn a_chain_has_tables_of_two_states() {
        let sum = chains("latent a[t]: label[5]", "p(x[t] | a[t]) = bernoulli from a[t] |> linear");
        assert_eq!((sum.largest(), sum.entries()), (25, 25 * (STEPS - 1) + 5 * (STEPS + 1)));
        assert!(sum.turns.iter().all(|turn| turn.over.len() <= 2));
    }

    /// Two chains have three states at a time, in whichever order the file lists them.
    #[test]
    fn two_chains_have_tables_of_three_states() {
        let b = "p(b[1]) = bernoulli\np(b[t] | b[t - 1]) = bernoulli from b[t - 1] |> linear\n";
        let x = "p(x[t] | a[t], b[t]) = bernoulli from concat(a[t], b[t]) |> linear\n";
        for factors in [format!("{b}{x}"), format!("{x}{b}")] {
            let sum =
                chains("latent a[t]: label[5]\nlatent b[t]: binary[2]", &format!("{factors}draw b[t] = enumerate"));
            assert_eq!(sum.largest(), 5 * 5 * 4);
        }
    }

    /// The root of a tree stays until its last child has joined.
    #[test]
    fn a_tree_is_summed_from_its_leaves() {
        let sum = sum(
            "model m\nindex i in 1..6\nobserved x[i]: binary[2]\nlatent c: label[3]\nlatent z[i]: label[4]\n\
             p(c) = categorical\np(z[i] | c) = categorical from c |> linear\np(x[i] | z[i]) = bernoulli from z[i] |> linear\n\
             draw c = enumerate\ndraw z[i] = enumerate\n",
        );
        assert_eq!(sum.largest(), 12);
        let out: usize = sum.turns.iter().map(|turn| turn.out.len()).sum();
        assert_eq!(out, 7);
    }
}
