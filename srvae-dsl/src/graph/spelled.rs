//! Texts in which members over several indices are ranges, `x[1..T, 1..3]`, and the last step of a sequence is its length.

use super::{Model, family};
use std::collections::BTreeMap;

/// The spelling of names for one model.
#[derive(Debug, Default)]
pub struct Spelling<'m> {
    /// For each family over the length, the place of the step among its indices.
    steps: BTreeMap<&'m str, usize>,
    /// The families of the model.
    families: BTreeMap<&'m str, usize>,
    /// The name of the length and its largest value.
    length: Option<(&'m str, i64)>,
}

/// A member, or a range of members, in a text.
struct Name<'t> {
    family: &'t str,
    /// The first and the last value of each index.
    ranges: Vec<(i64, i64)>,
}

impl<'m> Spelling<'m> {
    pub fn of(model: &'m Model) -> Self {
        let variables = model.variables.iter().map(|variable| (variable.name.as_str(), variable.step));
        let values = model.nets.iter().map(|net| (net.name.as_str(), net.step));
        let mut spelling = Self { length: model.longest(), ..Self::default() };
        let mut places: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
        for (text, step) in variables.chain(values) {
            let Some(Name { family, ranges }) = name(text) else { continue };
            spelling.families.insert(family, ranges.len());
            if let Some(step) = step {
                let own = places.entry(family).or_insert_with(|| vec![true; ranges.len()]);
                own.iter_mut().zip(&ranges).for_each(|(own, range)| *own &= usize::try_from(range.0) == Ok(step));
            }
        }
        let step = |(family, places): (&'m str, Vec<bool>)| Some((family, places.iter().position(|is_step| *is_step)?));
        spelling.steps = places.into_iter().filter_map(step).collect();
        spelling
    }

    /// Names that follow one another in a list: all members of a grid as one.
    pub fn list(&self, names: Vec<String>) -> Vec<String> {
        let (mut shown, mut at) = (Vec::with_capacity(names.len()), 0);
        while at < names.len() {
            let all = self.run(names[at..].iter().map(String::as_str));
            match Name::grid(&all).filter(|_| all.len() > 1) {
                Some(grid) => shown.push(self.show(&grid)),
                None => shown.extend(names[at..at + all.len().max(1)].iter().map(|name| self.text(name))),
            }
            at += all.len().max(1);
        }
        shown
    }

    /// The members over several indices with which a list begins, all of one family.
    fn run<'t>(&self, names: impl Iterator<Item = &'t str>) -> Vec<Name<'t>> {
        let mut all: Vec<Name<'t>> = Vec::new();
        for text in names {
            let found = name(text).filter(|name| name.ranges.len() > 1 && self.families.contains_key(name.family));
            match found {
                Some(name) if all.first().is_none_or(|first| first.family == name.family) => all.push(name),
                _ => break,
            }
        }
        all
    }

    /// A text with its lists of names.
    pub fn text(&self, text: &str) -> String {
        let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, own, after)) = self.next(rest) {
            shown += before;
            // The list that follows, `x[1,1], x[1,2]`.
            let (mut listed, mut end) = (vec![own], after);
            while let Some(("", name, after)) = end.strip_prefix(", ").and_then(|end| self.next(end)) {
                listed.push(name);
                end = after;
            }
            let all = self.run(listed.iter().copied());
            rest = after;
            match Name::grid(&all).filter(|_| all.len() > 1) {
                Some(grid) => {
                    shown += &self.show(&grid);
                    // What follows the members of the grid.
                    let length = listed[..all.len()].iter().map(|name| name.len() + 2).sum::<usize>() - 2;
                    let start = text.len() - after.len() - own.len();
                    rest = &text[start + length..];
                }
                None => shown += &name(own).map_or_else(|| own.to_owned(), |name| self.show(&name)),
            }
        }
        shown + rest
    }

    /// The next name of a member in a text, with what is before and after it.
    fn next<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str, &'t str)> {
        let mut from = 0;
        while let Some(open) = text[from..].find('[').map(|at| at + from) {
            let before = text[..open].trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
            let close = text[open..].find(']').map(|at| open + at + 1)?;
            // A term is named after its variable, `RE_x[4,1]`.
            let own = text[before.len()..close].trim_start_matches("RE_").trim_start_matches("KL_");
            if name(own).is_some_and(|name| self.families.contains_key(name.family)) {
                return Some((&text[..close - own.len()], own, &text[close..]));
            }
            from = open + 1;
        }
        None
    }

    /// Whether an index of a family, by its place, is the step of a sequence.
    pub fn is_step(&self, family: &str, place: usize) -> bool {
        self.steps.get(family) == Some(&place)
    }

    /// A value of an index of a family, by its place. The last step is the length.
    pub fn value(&self, family: &str, place: usize, value: i64) -> String {
        match self.length {
            Some((length, last)) if last == value && self.is_step(family, place) => length.to_owned(),
            _ => value.to_string(),
        }
    }

    fn show(&self, name: &Name<'_>) -> String {
        let said = |place: usize, value: i64| self.value(name.family, place, value);
        let range = |(place, &(first, last)): (usize, &(i64, i64))| match first == last {
            true => said(place, first),
            false => format!("{}..{}", said(place, first), said(place, last)),
        };
        let ranges: Vec<String> = name.ranges.iter().enumerate().map(range).collect();
        format!("{}[{}]", name.family, ranges.join(","))
    }
}

impl<'t> Name<'t> {
    /// The range that contains just these members, in the order of its indices. None if there is none.
    fn grid(all: &[Self]) -> Option<Self> {
        let (first, last) = (all.first()?, all.last()?);
        let is_single = |name: &Self| name.ranges.iter().all(|(from, to)| from == to);
        let ranges: Vec<(i64, i64)> = first.ranges.iter().zip(&last.ranges).map(|(one, two)| (one.0, two.0)).collect();
        let sizes: Option<Vec<usize>> = ranges.iter().map(|(from, to)| usize::try_from(to - from + 1).ok()).collect();
        let sizes = sizes?;
        let count = sizes.iter().try_fold(1usize, |count, size| count.checked_mul(*size))?;
        let is_at = |(at, name): (usize, &Self)| {
            let mut rest = at;
            let mut places = ranges.iter().zip(&sizes).zip(&name.ranges).rev();
            places.all(|(((from, _), size), own)| {
                let value = from + (rest % size) as i64;
                rest /= size;
                own.0 == value
            })
        };
        let is_grid = count == all.len() && all.iter().all(is_single) && all.iter().enumerate().all(is_at);
        is_grid.then_some(Self { family: first.family, ranges })
    }
}

/// `x[4,1]`, `z[2..4]`; none for other texts.
fn name(text: &str) -> Option<Name<'_>> {
    let inside = text.strip_suffix(']')?.split_once('[')?.1;
    let range = |selector: &str| {
        let (first, last) = selector.split_once("..").unwrap_or((selector, selector));
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    };
    Some(Name { family: family(text), ranges: inside.split(',').map(range).collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::Spelling;

    /// x over a length N = 4 and an index of 3, z over the length, and w over other indices.
    fn spelling() -> Spelling<'static> {
        Spelling {
            steps: [("x", 0), ("z", 0)].into(),
            families: [("x", 2), ("z", 1), ("w", 2)].into(),
            length: Some(("N", 4)),
        }
    }

    #[test]
    fn the_members_of_a_grid_are_a_range() {
        let all: Vec<String> = (1..=4).flat_map(|n| (1..=3).map(move |f| format!("x[{n},{f}]"))).collect();
        assert_eq!(spelling().list(all.clone()), ["x[1..N,1..3]"]);
        let text = format!("q(z[4] | {}, s)", all.join(", "));
        assert_eq!(spelling().text(&text), "q(z[N] | x[1..N,1..3], s)");
        assert_eq!(spelling().text("q(u | x[4,1], x[4,2], x[4,3])"), "q(u | x[N,1..3])");
        assert_eq!(spelling().list(all[..2].to_vec()), ["x[1,1..2]"]);
        // No grid: a member is left out.
        assert_eq!(spelling().text("x[1,1], x[1,3], w[4,4]"), "x[1,1], x[1,3], w[4,4]");
        assert_eq!(spelling().text("w[1,1], w[2,1], x[4,1]"), "w[1..2,1], x[N,1]");
    }

    #[test]
    fn the_last_step_is_the_length() {
        assert_eq!(spelling().text("RE_x[4,1] + KL_z[4] − y[4] z[2..4]"), "RE_x[N,1] + KL_z[N] − y[4] z[2..N]");
        assert_eq!(spelling().text("[4] z[4"), "[4] z[4");
    }
}
