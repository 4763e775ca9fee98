//! Rows that differ only in the member of a family, as one row with the index: `p(z[l] | z[<l])` for l in 1..12.

use super::ends::{Ends, MEMBER, lifted};
use super::slots::{End, Slot};
use crate::graph::Piece;

/// A printed row before the members are joined: texts, and lists of names.
#[derive(Debug, Clone, Default)]
pub struct Row<'p> {
    /// Rows with equal keys belong together, such as the factors of one family.
    pub key: String,
    /// The index and its value, for a row of a member of a family.
    pub of: Option<(&'p str, i64)>,
    /// Each with the members that occur in it.
    texts: Vec<(String, Vec<Piece<'p>>)>,
    lists: Vec<Vec<Piece<'p>>>,
    /// A list that counts only for rows in which the one before it is not empty.
    qualifier: Option<usize>,
}

/// Rows of several members as one.
#[derive(Debug)]
pub struct Joined<'p> {
    /// Positions of the rows.
    pub rows: Vec<usize>,
    of: Option<(&'p str, i64)>,
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
    pieces: &[Piece<'p>],
    (own, earlier): (i64, &[i64]),
    ends: &Ends<'p>,
) -> Option<Vec<Slot<'p>>> {
    let mut merged = Vec::with_capacity(slots.len());
    let (mut slots, mut pieces) = (slots, pieces);
    loop {
        match (slots.split_first(), pieces.split_first()) {
            (None, None) => return Some(merged),
            (Some((slot, other_slots)), Some((piece, others))) if slot.is_of(*piece) => {
                merged.push(slot.present(*piece, own)?);
                (slots, pieces) = (other_slots, others);
            }
            (Some((slot, others)), _) if !pieces.iter().any(|piece| slot.is_of(*piece)) => {
                merged.push(absent(slot, own, ends)?);
                slots = others;
            }
            (_, Some((piece, others))) => {
                merged.push(added(*piece, (own, earlier), ends)?);
                pieces = others;
            }
            (Some(_), None) => return None,
        }
    }
}

/// An item, for a row without it: all members before the row's own or after it, of which there are none.
fn absent<'p>(slot: &Slot<'p>, own: i64, ends: &Ends<'p>) -> Option<Slot<'p>> {
    let kept = slot.ends.as_ref()?.iter().copied().filter(|(first, last)| match (first, last) {
        (End::At(first), End::Near(_)) => ends.is_first(slot.name, *first),
        (End::Near(_), End::At(last)) => ends.is_last(slot.name, *last),
        _ => false,
    });
    let slot = Slot { name: slot.name, ends: Some(kept.collect()) };
    slot.retained(|first, last| first == last + 1, own)
}

/// An item that all earlier rows lack.
fn added<'p>(piece: Piece<'p>, (own, earlier): (i64, &[i64]), ends: &Ends<'p>) -> Option<Slot<'p>> {
    earlier.iter().try_fold(Slot::of(piece, Some(own)), |slot, earlier| absent(&slot, *earlier, ends))
}

impl<'p> Row<'p> {
    pub fn of(key: String, of: Option<(&'p str, i64)>) -> Self {
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
        self.lists.push(list);
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
        let own = self.of.map(|(_, value)| value);
        let slots = |pieces: &Vec<Piece<'p>>| pieces.iter().map(|piece| Slot::of(*piece, own)).collect();
        let texts = self.texts.iter().map(|(text, pieces)| (text.clone(), slots(pieces))).collect();
        Joined { rows: vec![at], of: self.of, texts, lists: self.lists.iter().map(slots).collect(), ends }
    }
}

impl<'p> Joined<'p> {
    /// The lists of these rows and of another one, if they differ only in the member.
    pub fn with(&self, row: &Row<'p>, earlier: &[i64]) -> Option<Lists<'p>> {
        let ((index, _), (of, own)) = (self.of?, row.of?);
        let lengths = self.texts.len() == row.texts.len() && self.lists.len() == row.lists.len();
        if index != of || !lengths || self.texts.iter().zip(&row.texts).any(|(own, other)| own.0 != other.0) {
            return None;
        }
        let of_texts = self.texts.iter().zip(&row.texts);
        let of_texts = of_texts
            .map(|(slots, pieces)| merged(&slots.1, &pieces.1, (own, earlier), self.ends))
            .collect::<Option<_>>()?;
        let lists = (0..self.lists.len()).map(|at| {
            let (slots, pieces) = (&self.lists[at], &row.lists[at]);
            let before = row.qualifier.filter(|qualifier| *qualifier == at).map(|at| at - 1);
            match before.map(|at| (self.lists[at].is_empty(), row.lists[at].is_empty())) {
                Some((_, true)) => Some(slots.clone()),
                Some((true, _)) => Some(pieces.iter().map(|piece| Slot::of(*piece, Some(own))).collect()),
                Some(_) | None => merged(slots, pieces, (own, earlier), self.ends),
            }
        });
        let lists = lists.collect::<Option<_>>()?;
        Some(Lists { of_texts, lists })
    }

    pub fn include(&mut self, at: usize, lists: Lists<'p>) {
        self.texts.iter_mut().zip(lists.of_texts).for_each(|(text, slots)| text.1 = slots);
        self.lists = lists.lists;
        self.rows.push(at);
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
        let own = self.of.map(|(index, _)| index).filter(|_| self.rows.len() > 1);
        slots.iter().flat_map(|slot| self.ends.names(slot, own)).collect()
    }
}
