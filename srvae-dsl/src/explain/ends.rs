//! Names of members and ranges as the language writes them: `z[l - 1]`, `z[<l]`, `x[1..T]`.

use super::slots::{End, Item, Line, Other, Slot, items};
use crate::graph::{Spelling, VariableId, family, in_pieces};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Stands for a member in a text from which it was taken.
pub const MEMBER: char = '\u{1}';

/// Before the other indices of a member in the key of its rows.
pub const OTHERS: char = '\u{2}';

/// The families of a model, with their first and last members.
#[derive(Debug)]
pub struct Ends<'p> {
    pub spelling: Spelling<'p>,
    families: BTreeMap<&'p str, Family<'p>>,
}

#[derive(Debug)]
struct Family<'p> {
    indices: &'p [String],
    /// Of the first index.
    first: i64,
    last: i64,
}

/// A member of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'p> {
    /// The first index of its family, and its value.
    pub index: &'p str,
    pub value: i64,
    /// The other indices with their values.
    pub others: Vec<(&'p str, i64)>,
}

impl<'p> Ends<'p> {
    pub fn of(plan: &'p Plan) -> Self {
        let model = &plan.model;
        let variables = model.variables.iter().map(|variable| variable.name.as_str());
        let values = model.nets.iter().map(|net| net.name.as_str());
        let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
        for name in variables.chain(values) {
            let Some((name, mut values)) = values_of(name) else { continue };
            let Some(indices) = model.indices.get(name) else { continue };
            let Some(value) = values.next() else { continue };
            let own = families.entry(name).or_insert(Family { indices, first: value, last: value });
            (own.first, own.last) = (own.first.min(value), own.last.max(value));
        }
        Self { spelling: Spelling::of(model), families }
    }

    /// A member of a family by its name. None for other names.
    pub fn member(&self, name: &str) -> Option<Member<'p>> {
        let (family, mut values) = values_of(name)?;
        let (index, others) = self.families.get(family)?.indices.split_first()?;
        let value = values.next()?;
        Some(Member { index, value, others: others.iter().map(String::as_str).zip(values).collect() })
    }

    /// Whether a member is the first of its family.
    pub fn is_first(&self, family: &str, value: i64) -> bool {
        self.families.get(family).is_some_and(|family| family.first == value)
    }

    /// Whether a member is the last of its family.
    pub fn is_last(&self, family: &str, value: i64) -> bool {
        self.families.get(family).is_some_and(|family| family.last == value)
    }

    /// The names of an item of a list. `own` is the index of the row, if it stands for several members.
    pub fn names(&self, slot: &Slot<'p>, own: Option<&str>) -> Vec<String> {
        let Line { name, others } = &slot.line;
        let Some((first, last)) = slot.ends.as_ref().and_then(|ends| ends.first().copied()) else {
            return vec![(*name).to_owned()];
        };
        let others: String = others.iter().enumerate().map(|(at, other)| self.other(name, at + 1, *other)).collect();
        let selectors = self.selectors(name, (first, last), own.unwrap_or_default(), others.is_empty());
        selectors.into_iter().map(|selector| format!("{name}[{selector}{others}]")).collect()
    }

    /// `,3`, `,1..2`, `,k`: what a name has in the place of an index after the first.
    fn other(&self, family: &str, place: usize, other: Other<'p>) -> String {
        let said = |value: i64| self.spelling.value(family, place, value);
        match other {
            Other::Index(index) => format!(",{index}"),
            Other::Values(first, last) if first == last => format!(",{}", said(first)),
            Other::Values(first, last) => format!(",{}..{}", said(first), said(last)),
        }
    }

    /// What names have in the place of their first index. Two members of a family over one index are two names.
    fn selectors(&self, name: &str, (first, last): (End<'p>, End<'p>), index: &str, is_single: bool) -> Vec<String> {
        let said = |end: End<'p>| match end {
            End::At(value) => self.spelling.value(name, 0, value),
            End::Index(other) => other.to_owned(),
            End::Near(0) => index.to_owned(),
            End::Near(distance @ 1..) => format!("{index} + {distance}"),
            End::Near(distance) => format!("{index} - {}", -distance),
        };
        let is_first = matches!(first, End::At(value) if self.is_first(name, value));
        let is_last = matches!(last, End::At(value) if self.is_last(name, value));
        match (first, last) {
            (first, last) if first == last => vec![said(first)],
            (End::At(one), End::At(two)) if one + 1 == two && is_single => vec![said(first), said(last)],
            (_, End::Near(-1)) if is_first => vec![format!("<{index}")],
            (_, End::Near(0)) if is_first => vec![format!("<={index}")],
            (End::Near(1), _) if is_last => vec![format!(">{index}")],
            (End::Near(0), _) if is_last => vec![format!(">={index}")],
            (first, last) => vec![format!("{}..{}", said(first), said(last))],
        }
    }

    /// Names with ranges, the members of a family together.
    pub fn listed(&self, plan: &'p Plan, ids: &[VariableId]) -> Vec<String> {
        let mut names: Vec<&str> = ids.iter().map(|id| plan.name(*id)).collect();
        let mut firsts = BTreeMap::new();
        names.iter().enumerate().for_each(|(at, name)| {
            firsts.entry(family(name)).or_insert(at);
        });
        names.sort_by_key(|name| {
            let values =
                self.member(name).map(|it| (it.value, it.others.into_iter().map(|(_, value)| value).collect()));
            (firsts[family(name)], values.unwrap_or((0, Vec::new())))
        });
        let items = items(in_pieces(names.into_iter()));
        items.iter().flat_map(|item| self.names(&Slot::of(item, None), None)).collect()
    }

    /// The first and the last of an index's values, as the language writes them.
    pub fn range(&self, index: &str, first: i64, last: i64) -> [String; 2] {
        let of_steps = self.families.iter().find_map(|(name, family)| {
            let place = family.indices.iter().position(|other| other == index)?;
            self.spelling.is_step(name, place).then_some((*name, place))
        });
        [first, last].map(|value| match of_steps {
            Some((name, place)) => self.spelling.value(name, place, value),
            None => value.to_string(),
        })
    }
}

/// A family and the values of a member's indices; none for other names.
pub fn values_of(name: &str) -> Option<(&str, impl Iterator<Item = i64>)> {
    let (family, values) = name.strip_suffix(']')?.split_once('[')?;
    let number = |value: &str| value.parse::<i64>().ok();
    values.split(',').all(|value| number(value).is_some()).then(|| (family, values.split(',').filter_map(number)))
}

/// A text with a mark in the place of each member of a family, and these members.
pub fn lifted<'p>(text: &str, ends: &Ends<'p>) -> (String, Vec<Item<'p>>) {
    let (mut plain, mut members): (_, Vec<Item<'p>>) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, after) = rest.split_at(open);
        let start = before
            .rfind(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
        // A term is named after its variable, `RE_x[4,1]`.
        let own = before[start..].strip_prefix("RE_").or(before[start..].strip_prefix("KL_"));
        let families = [Some(&before[start..]), own].into_iter().flatten();
        let found = families.filter_map(|name| ends.families.get_key_value(name)).next().and_then(|(name, _)| {
            let (inside, rest) = after[1..].split_once(']')?;
            Some((Item::member(name, inside)?, open - name.len(), rest))
        });
        match found {
            Some((item, start, after)) => {
                // `z[1], z[2]` are one range.
                let is_next = &before[..start] == ", " && plain.ends_with(MEMBER);
                let joined = members.last().filter(|_| is_next).and_then(|last| last.with(&item));
                match (joined, members.last_mut()) {
                    (Some(joined), Some(last)) => *last = joined,
                    _ => {
                        plain += &before[..start];
                        plain.push(MEMBER);
                        members.push(item);
                    }
                }
                rest = after;
            }
            None => {
                plain += &rest[..=open];
                rest = &after[1..];
            }
        }
    }
    plain += rest;
    (plain, members)
}

/// `z` of `z[3]`, as the key of its rows; with the other indices of a member over several.
pub fn key(kind: &str, name: &str) -> String {
    let others = name.split_once(',').map_or("", |(_, others)| others);
    format!("{kind} {}{OTHERS}{others}", family(name))
}
