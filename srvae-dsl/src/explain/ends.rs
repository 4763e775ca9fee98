//! Names of members and ranges as the language writes them: `z[l - 1]`, `z[<l]`, `x[1..T]`.

use super::slots::{End, Slot};
use crate::graph::{Piece, Spelling, VariableId, family, in_pieces, member};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Stands for a member in a text from which it was taken.
pub const MEMBER: char = '\u{1}';

/// The families of a model, with their first and last members.
#[derive(Debug)]
pub struct Ends<'p> {
    pub spelling: Spelling<'p>,
    families: BTreeMap<&'p str, Family<'p>>,
    /// The name of the length and its largest value.
    length: Option<(&'p str, i64)>,
}

#[derive(Debug)]
struct Family<'p> {
    index: &'p str,
    first: i64,
    last: i64,
    /// Whether its members are the steps of a sequence.
    is_steps: bool,
}

impl<'p> Ends<'p> {
    pub fn of(plan: &'p Plan) -> Self {
        let model = &plan.model;
        let variables = model.variables.iter().map(|variable| (variable.name.as_str(), variable.step));
        let values = model.nets.iter().map(|net| (net.name.as_str(), net.step));
        let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
        for (name, step) in variables.chain(values) {
            let Some((name, value)) = member(name) else { continue };
            let Some(index) = model.indices.get(name) else { continue };
            let own = families.entry(name).or_insert(Family { index, first: value, last: value, is_steps: false });
            (own.first, own.last) = (own.first.min(value), own.last.max(value));
            own.is_steps |= step.is_some();
        }
        Self { spelling: Spelling::of(model), families, length: model.longest() }
    }

    /// The index of a member and its value. None for other names.
    pub fn member(&self, name: &str) -> Option<(&'p str, i64)> {
        let (family, value) = member(name)?;
        Some((self.families.get(family)?.index, value))
    }

    /// Whether a member is the first of its family.
    pub fn is_first(&self, family: &str, value: i64) -> bool {
        self.families.get(family).is_some_and(|family| family.first == value)
    }

    /// Whether a member is the last of its family.
    pub fn is_last(&self, family: &str, value: i64) -> bool {
        self.families.get(family).is_some_and(|family| family.last == value)
    }

    /// A value of a family's index, as the language writes it.
    fn value(&self, family: &str, value: i64) -> String {
        self.said(self.families.get(family).is_some_and(|family| family.is_steps), value)
    }

    /// A value of an index; the last step is the length.
    fn said(&self, is_step: bool, value: i64) -> String {
        match self.length {
            Some((name, last)) if is_step && last == value => name.to_owned(),
            _ => value.to_string(),
        }
    }

    /// The names of an item of a list. `own` is the index of the row, if it stands for several members.
    pub fn names(&self, slot: &Slot<'p>, own: Option<&str>) -> Vec<String> {
        let name = slot.name;
        let Some((first, last)) = slot.ends.as_ref().and_then(|ends| ends.first().copied()) else {
            return vec![name.to_owned()];
        };
        let index = own.unwrap_or_default();
        let said = |end: End| match end {
            End::At(value) => self.value(name, value),
            End::Near(0) => index.to_owned(),
            End::Near(distance @ 1..) => format!("{index} + {distance}"),
            End::Near(distance) => format!("{index} - {}", -distance),
        };
        let is_first = matches!(first, End::At(value) if self.is_first(name, value));
        let is_last = matches!(last, End::At(value) if self.is_last(name, value));
        match (first, last) {
            (first, last) if first == last => vec![format!("{name}[{}]", said(first))],
            (End::At(one), End::At(two)) if one + 1 == two => {
                [first, last].map(|end| format!("{name}[{}]", said(end))).to_vec()
            }
            (_, End::Near(-1)) if is_first => vec![format!("{name}[<{index}]")],
            (_, End::Near(0)) if is_first => vec![format!("{name}[<={index}]")],
            (End::Near(1), _) if is_last => vec![format!("{name}[>{index}]")],
            (End::Near(0), _) if is_last => vec![format!("{name}[>={index}]")],
            (first, last) => vec![format!("{name}[{}..{}]", said(first), said(last))],
        }
    }

    /// Names with ranges, the members of a family together.
    pub fn listed(&self, plan: &'p Plan, ids: &[VariableId]) -> Vec<String> {
        let mut names: Vec<&str> = ids.iter().map(|id| plan.name(*id)).collect();
        let mut firsts = BTreeMap::new();
        names.iter().enumerate().for_each(|(at, name)| {
            firsts.entry(family(name)).or_insert(at);
        });
        names.sort_by_key(|name| (firsts[family(name)], self.member(name).map(|(_, value)| value)));
        let pieces = in_pieces(names.into_iter());
        pieces.into_iter().flat_map(|piece| self.names(&Slot::of(piece, None), None)).collect()
    }

    /// The first and the last of an index's values, as the language writes them.
    pub fn range(&self, index: &str, first: i64, last: i64) -> [String; 2] {
        let is_steps = self.families.values().any(|family| family.is_steps && family.index == index);
        [first, last].map(|value| self.said(is_steps, value))
    }
}

/// A text with a mark in the place of each member of a family, and these members.
pub fn lifted<'p>(text: &str, ends: &Ends<'p>) -> (String, Vec<Piece<'p>>) {
    let (mut plain, mut members) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, after) = rest.split_at(open);
        let start = before
            .rfind(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
        let found = ends.families.get_key_value(&before[start..]).and_then(|(name, _)| {
            let (inside, rest) = after[1..].split_once(']')?;
            let (first, last) = inside.split_once("..").unwrap_or((inside, inside));
            Some((Piece::Run(name, first.parse().ok()?, last.parse().ok()?), rest))
        });
        match found {
            Some((piece, after)) => {
                // `z[1], z[2]` are one range.
                match (piece, members.last_mut()) {
                    (Piece::Run(name, first, end), Some(Piece::Run(own, _, last)))
                        if &before[..start] == ", "
                            && plain.ends_with(MEMBER)
                            && *own == name
                            && *last + 1 == first =>
                    {
                        *last = end;
                    }
                    _ => {
                        plain += &before[..start];
                        plain.push(MEMBER);
                        members.push(piece);
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

/// `z` of `z[3]`, as the key of its rows.
pub fn key(kind: &str, name: &str) -> String {
    format!("{kind} {}", family(name))
}
