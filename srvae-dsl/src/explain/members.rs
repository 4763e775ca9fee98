//! Rows that differ only in the member of a family, as one row with the index: `p(z[l] | z[<l])` for l in 1..12.

use super::ends::{Ends, MEMBER, Member, OTHERS, lifted};
use super::slots::{End, Item, Slot, items};
use crate::graph::Piece;

/// A printed row before the members are joined: texts, and lists of names.
#[derive(Debug, Clone, Default)]
pub struct Row<'p> {
    /// Rows with equal keys belong together, such as the factors of one family.
    pub key: String,
    /// Its member, for a row of a member of a family.
    pub of: Option<Member<'p>>,
    /// Each with the members that occur in it.
    texts: Vec<(String, Vec<Item<'p>>)>,
    lists: Vec<Vec<Item<'p>>>,
    /// A list that counts only for rows in which the one before it is not empty.
    qualifier: Option<usize>,
}

/// Rows of several members as one.
#[derive(Debug, Clone)]
pub struct Joined<'p> {
    /// The part of their keys that does not depend on the member.
    kind: String,
    /// Positions of the rows.
    pub rows: Vec<usize>,
    /// The member of the first.
    pub of: Option<Member<'p>>,
    /// Whether they are rows of several values of the first index.
    is_many: bool,
    texts: Vec<(String, Vec<Slot<'p>>)>,
    lists: Vec<Vec<Slot<'p>>>,
    ends: &'p Ends<'p>,
}

/// The lists of joined rows.
pub struct Lists<'p> {
    of_texts: Vec<Vec<Slot<'p>>>,
    lists: Vec<Vec<Slot<'p>>>,
}

/// A list of joined rows with that of another row, whose member is `own`. An item that some rows lack is a range that is
/// empty for them.
fn merged<'p>(
    slots: &[Slot<'p>],
    items: &[Item<'p>],
    (own, earlier): (i64, &[i64]),
    ends: &Ends<'p>,
) -> Option<Vec<Slot<'p>>> {
    let mut merged = Vec::with_capacity(slots.len());
    let (mut slots, mut items) = (slots, items);
    loop {
        match (slots.split_first(), items.split_first()) {
            (None, None) => return Some(merged),
            (Some((slot, other_slots)), Some((item, others))) if slot.is_of(item) => {
                merged.push(slot.present(item, own)?);
                (slots, items) = (other_slots, others);
            }
            (Some((slot, others)), _) if !items.iter().any(|item| slot.is_of(item)) => {
                merged.push(absent(slot, own, ends)?);
                slots = others;
            }
            (_, Some((item, others))) => {
                merged.push(added(item, (own, earlier), ends)?);
                items = others;
            }
            (Some(_), None) => return None,
        }
    }
}

/// An item, for a row without it: all members before the row's own or after it, of which there are none.
fn absent<'p>(slot: &Slot<'p>, own: i64, ends: &Ends<'p>) -> Option<Slot<'p>> {
    let kept = slot.ends.as_ref()?.iter().copied().filter(|(first, last)| match (first, last) {
        (End::At(first), End::Near(_)) => ends.is_first(slot.line.name, *first),
        (End::Near(_), End::At(last)) => ends.is_last(slot.line.name, *last),
        _ => false,
    });
    let slot = Slot { line: slot.line.clone(), ends: Some(kept.collect()) };
    slot.retained(|first, last| first == last + 1, own)
}

/// An item that all earlier rows lack.
fn added<'p>(item: &Item<'p>, (own, earlier): (i64, &[i64]), ends: &Ends<'p>) -> Option<Slot<'p>> {
    earlier.iter().try_fold(Slot::of(item, Some(own)), |slot, earlier| absent(&slot, *earlier, ends))
}

impl<'p> Row<'p> {
    pub fn of(key: String, of: Option<Member<'p>>) -> Self {
        Self { key, of, ..Self::default() }
    }

    /// With a text. Members of families in it are compared like those in lists.
    #[must_use]
    pub fn text(mut self, text: &str, ends: &Ends<'p>) -> Self {
        self.texts.push(lifted(text, ends));
        self
    }

    #[must_use]
    pub fn list(mut self, list: Vec<Piece<'p>>) -> Self {
        self.lists.push(items(list));
        self
    }

    /// With a list that counts only if the one before it is not empty.
    #[must_use]
    pub fn qualifier(mut self, list: Vec<Piece<'p>>) -> Self {
        self.qualifier = Some(self.lists.len());
        self.list(list)
    }

    /// The row by itself.
    pub fn joined(&self, at: usize, ends: &'p Ends<'p>) -> Joined<'p> {
        let own = self.of.as_ref().map(|of| of.value);
        let slots = |items: &Vec<Item<'p>>| items.iter().map(|item| Slot::of(item, own)).collect();
        let texts = self.texts.iter().map(|(text, items)| (text.clone(), slots(items))).collect();
        let lists = self.lists.iter().map(slots).collect();
        let kind = self.key.split(OTHERS).next().unwrap_or_default().to_owned();
        Joined { kind, rows: vec![at], of: self.of.clone(), is_many: false, texts, lists, ends }
    }
}

impl<'p> Joined<'p> {
    /// The lists of these rows and of another one, if they differ only in the member.
    pub fn with(&self, row: &Row<'p>, earlier: &[i64]) -> Option<Lists<'p>> {
        let (of, other) = (self.of.as_ref()?, row.of.as_ref()?);
        let own = other.value;
        let lengths = self.texts.len() == row.texts.len() && self.lists.len() == row.lists.len();
        if of.index != other.index
            || of.others != other.others
            || !lengths
            || self.texts.iter().zip(&row.texts).any(|(own, other)| own.0 != other.0)
        {
            return None;
        }
        let of_texts = self.texts.iter().zip(&row.texts);
        let of_texts = of_texts
            .map(|(slots, items)| merged(&slots.1, &items.1, (own, earlier), self.ends))
            .collect::<Option<_>>()?;
        let lists = (0..self.lists.len()).map(|at| {
            let (slots, items) = (&self.lists[at], &row.lists[at]);
            let before = row.qualifier.filter(|qualifier| *qualifier == at).map(|at| at - 1);
            match before.map(|at| (self.lists[at].is_empty(), row.lists[at].is_empty())) {
                Some((_, true)) => Some(slots.clone()),
                Some((true, _)) => Some(items.iter().map(|item| Slot::of(item, Some(own))).collect()),
                Some(_) | None => merged(slots, items, (own, earlier), self.ends),
            }
        });
        let lists = lists.collect::<Option<_>>()?;
        Some(Lists { of_texts, lists })
    }

    pub fn include(&mut self, at: usize, lists: Lists<'p>) {
        self.texts.iter_mut().zip(lists.of_texts).for_each(|(text, slots)| text.1 = slots);
        self.lists = lists.lists;
        self.rows.push(at);
        self.is_many = true;
    }

    /// These rows and those of another value of an index after the first, as one. `values` are the index and the two values.
    /// None if they differ in more.
    pub fn across(&self, other: &Self, values: (&'p str, i64, i64)) -> Option<Self> {
        let lengths = self.texts.len() == other.texts.len() && self.lists.len() == other.lists.len();
        if !lengths || self.is_many != other.is_many || self.kind != other.kind {
            return None;
        }
        let slots = |own: &[Slot<'p>], other: &[Slot<'p>]| {
            let pairs = own.iter().zip(other).map(|(own, other)| own.across(other, values));
            if own.len() == other.len() { pairs.collect::<Option<Vec<_>>>() } else { None }
        };
        let texts = self.texts.iter().zip(&other.texts).map(|(own, other)| {
            let slots = slots(&own.1, &other.1)?;
            (own.0 == other.0).then(|| (own.0.clone(), slots))
        });
        let lists = self.lists.iter().zip(&other.lists).map(|(own, other)| slots(own, other));
        Some(Self {
            kind: self.kind.clone(),
            rows: [self.rows.as_slice(), &other.rows].concat(),
            of: self.of.clone(),
            is_many: self.is_many,
            texts: texts.collect::<Option<_>>()?,
            lists: lists.collect::<Option<_>>()?,
            ends: self.ends,
        })
    }

    /// A text, with the index in the place of the members.
    pub fn text(&self, at: usize) -> String {
        let (text, slots) = &self.texts[at];
        let mut members = slots.iter();
        let mut shown = String::with_capacity(text.len());
        for letter in text.chars() {
            match if letter == MEMBER { members.next() } else { None } {
                Some(slot) => shown += &self.names(std::slice::from_ref(slot)).join(", "),
                None => shown.push(letter),
            }
        }
        shown
    }

    /// The number of its lists.
    pub fn lists(&self) -> usize {
        self.lists.len()
    }

    /// A list of names, with the index in the place of the members.
    pub fn list(&self, at: usize) -> Vec<String> {
        self.names(&self.lists[at])
    }

    fn names(&self, slots: &[Slot<'p>]) -> Vec<String> {
        let own = self.of.as_ref().map(|of| of.index).filter(|_| self.is_many);
        slots.iter().flat_map(|slot| self.ends.names(slot, own)).collect()
    }
}
