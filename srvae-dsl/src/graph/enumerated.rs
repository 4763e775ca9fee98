//! The variables over whose values q sums in place of a draw, in groups.
//!
//! Two of them are in one group if a factor depends on both: it reads them, or what q draws from them. Given the draws of
//! all other variables, the bound is then a sum of terms that each depend on one group, and q draws the groups
//! independently of each other. An expectation over all of them is a sum over the values of one group at a time, and so is
//! the sum of importance weights.

use super::{Factor, Side, VariableId};
use std::collections::BTreeMap;

/// The groups.
#[derive(Debug, Clone, Default)]
pub struct Enumerated {
    groups: Vec<Vec<VariableId>>,
    /// The group on whose values the factors of a variable depend.
    of: BTreeMap<VariableId, usize>,
    /// The factors that first joined two variables, in the order of the search.
    links: Vec<Link>,
}

/// A factor that depends on two variables of a group.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub side: Side,
    pub variable: VariableId,
    pub between: [VariableId; 2],
}

impl Enumerated {
    /// The groups of these variables. The factors of q are in the order of its draws.
    pub fn of(variables: Vec<VariableId>, p: &[Factor], q: &[Factor]) -> Self {
        if variables.is_empty() {
            return Self::default();
        }
        let mut joined = Joined::new(variables);
        for factor in q {
            let own = joined.place(factor.variable);
            let read = joined.read(factor);
            if let Some(place) = joined.join(factor, own.into_iter().chain(read).collect()) {
                joined.depends.insert(factor.variable, place);
            }
        }
        let mut of = BTreeMap::new();
        for factor in q.iter().chain(p) {
            let drawn = joined.depends.get(&factor.variable).copied();
            let read = joined.read(factor);
            if let Some(place) = joined.join(factor, drawn.into_iter().chain(read).collect()) {
                of.insert(factor.variable, place);
            }
        }
        joined.finish(of)
    }

    pub fn groups(&self) -> &[Vec<VariableId>] {
        &self.groups
    }

    /// The position of the group on whose values the factors of a variable depend. None if they depend on no enumerated
    /// variable.
    pub fn group_of(&self, id: VariableId) -> Option<usize> {
        self.of.get(&id).copied()
    }

    /// The factors that join the variables of a group.
    pub fn links(&self, group: usize) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(move |link| self.groups[group].contains(&link.between[0]))
    }
}

/// Groups that are still being joined, as a forest of positions.
struct Joined {
    variables: Vec<VariableId>,
    above: Vec<usize>,
    /// For each variable whose value depends on an enumerated one, the position of the latter.
    depends: BTreeMap<VariableId, usize>,
    links: Vec<Link>,
}

impl Joined {
    fn new(variables: Vec<VariableId>) -> Self {
        let above = (0..variables.len()).collect();
        Self { variables, above, depends: BTreeMap::new(), links: Vec::new() }
    }

    fn place(&self, id: VariableId) -> Option<usize> {
        self.variables.iter().position(|other| *other == id)
    }

    fn top(&self, mut place: usize) -> usize {
        while self.above[place] != place {
            place = self.above[place];
        }
        place
    }

    /// The enumerated variables on which the parents of a factor depend, one of each group.
    fn read(&self, factor: &Factor) -> Vec<usize> {
        let all = factor.read.iter().filter_map(|id| self.depends.get(&id));
        let mut all: Vec<usize> = all.map(|place| self.top(*place)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Joins the groups of these variables, on which a factor depends. Returns one of them.
    fn join(&mut self, factor: &Factor, places: Vec<usize>) -> Option<usize> {
        let (first, rest) = places.split_first()?;
        for other in rest {
            let (one, other) = (self.top(*first), self.top(*other));
            if one != other {
                let between = [self.variables[one], self.variables[other]];
                self.links.push(Link { side: factor.side, variable: factor.variable, between });
                self.above[one.max(other)] = one.min(other);
            }
        }
        Some(*first)
    }

    fn finish(self, of: BTreeMap<VariableId, usize>) -> Enumerated {
        let mut groups: BTreeMap<usize, Vec<VariableId>> = BTreeMap::new();
        for (place, id) in self.variables.iter().enumerate() {
            groups.entry(self.top(place)).or_default().push(*id);
        }
        let numbers: BTreeMap<usize, usize> = groups.keys().enumerate().map(|(at, top)| (*top, at)).collect();
        let of = of.iter().map(|(id, place)| (*id, numbers[&self.top(*place)])).collect();
        Enumerated { groups: groups.into_values().collect(), of, links: self.links }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Overrides, Source, compile};

    fn groups(text: &str) -> Vec<Vec<String>> {
        let text = format!("model m\nlength T = 3\nindex t in 1..T\n{text}");
        let compilation = compile(&Source::new("m.pgm", &text), &Overrides::default());
        let model = compilation.model().unwrap();
        let name = |id: &super::VariableId| model.variable(*id).name.clone();
        model.enumerated.groups().iter().map(|group| group.iter().map(name).collect()).collect()
    }

    const STEP: &str = "observed x[t]: binary[2]\nlatent y[t]: label[3]\nlatent z[t]: real[2]\np(y[t]) = categorical\n\
        q(y[t] | x[t]) = categorical from x[t] |> linear\nq(z[t] | x[t], y[t]) = normal from concat(x[t], y[t]) |> linear\n\
        p(x[t] | y[t], z[t]) = bernoulli from concat(y[t], z[t]) |> linear\ndraw y[t] = enumerate\n";

    #[test]
    fn steps_of_independent_factors_are_groups_of_their_own() {
        let alone = groups(&format!("{STEP}p(z[t]) = standard_normal\n"));
        assert_eq!(alone, [["y[1]"], ["y[2]"], ["y[3]"]]);
    }

    /// A draw that depends on a class is read by the next step.
    #[test]
    fn what_a_factor_reads_through_a_draw_is_in_its_group() {
        let text = "model m\nindex t in 1..3\nobserved x[t]: binary[2]\nlatent y[t]: label[3]\nlatent z[t]: real[2]\n\
            p(y[t]) = categorical\nq(y[t] | x[t]) = categorical from x[t] |> linear\n\
            q(z[t] | y[t]) = normal from y[t] |> linear\np(x[t] | z[t]) = bernoulli from z[t] |> linear\n\
            p(z[1]) = standard_normal\np(z[2] | z[1]) = normal from z[1] |> linear\np(z[3]) = standard_normal\n\
            draw y[t] = enumerate\n";
        let compilation = compile(&Source::new("m.pgm", text), &Overrides::default());
        let model = compilation.model().unwrap();
        let sizes: Vec<usize> = model.enumerated.groups().iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1]);
        let of = |name: &str| {
            model
                .enumerated
                .group_of(model.variables.iter().position(|v| v.name == name).map(super::VariableId).unwrap())
        };
        assert_eq!(["y[1]", "z[1]", "x[2]", "z[3]", "x[3]"].map(of), [Some(0), Some(0), Some(0), Some(1), Some(1)]);
    }
}
