//! Prints statements, those of a loop once.

use super::find::{Line, MOST_PIECES, Piece, Run, Use, Way};
use super::substitute::{Substitute, substituted};
use super::tokens::{Leaf, What};
use super::{Member, common, place};
use crate::emit::ident;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Printer<'a> {
    pub lines: &'a [Line],
    pub runs: &'a [Run],
    pub fields: &'a BTreeMap<String, Member>,
    pub taken: Option<&'a BTreeSet<String>>,
    /// The names in the statements, and the names assigned so far.
    pub used: BTreeSet<String>,
    /// The statements whose values are in a vector.
    pub members: BTreeMap<usize, Member>,
    pub vectors: Vec<(String, Vec<String>)>,
}

impl Printer<'_> {
    /// Creates vectors for values that are read outside of their round: by other statements, by `rest`, or after all of
    /// them.
    pub(super) fn store(&mut self, read: &[usize], rest: &Line) {
        let round = |at: usize| {
            let run = self.runs.partition_point(|run| run.end() <= at);
            let inside = self.runs.get(run).filter(|it| it.first <= at);
            inside.map(|it| (run, (at - it.first) / it.period, (at - it.first) % it.period))
        };
        let mut stored: BTreeSet<(usize, usize)> = BTreeSet::new();
        let reads =
            self.lines.iter().enumerate().flat_map(|(at, line)| line.locals().map(move |local| (Some(at), local)));
        let reads = reads.chain(rest.locals().chain(read.iter().copied()).map(|local| (None, local)));
        for (reader, local) in reads {
            let Some((run, count, offset)) = round(local) else { continue };
            let is_same = reader.and_then(round).is_some_and(|(other, round, _)| (other, round) == (run, count));
            if !is_same {
                stored.insert((run, offset));
            }
        }
        for (run, offset) in stored {
            let run = &self.runs[run];
            let all: Vec<usize> = (0..run.count).map(|round| run.first + round * run.period + offset).collect();
            let names: Vec<String> = all.iter().map(|at| self.lines[*at].name.clone()).collect();
            let vector = self.free(&common(&names));
            let member = |at| Member { vector: vector.clone(), at, is_variable: false };
            self.members.extend(all.iter().enumerate().map(|(round, at)| (*at, member(round))));
            self.vectors.push((vector, names));
        }
    }

    /// An unused name similar to the given one.
    pub(super) fn free(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}_{number}"));
        let name = std::iter::once(wanted.to_owned())
            .chain(numbered)
            .find(|name| !self.used.contains(name) && !self.taken.is_some_and(|taken| taken.contains(name)));
        let name = name.unwrap_or_else(|| wanted.to_owned());
        self.used.insert(name.clone());
        name
    }

    fn single(&self, line: &Line) -> TokenStream {
        let (name, code) = (ident(&line.name), self.code(line));
        quote!(let #name = #code;)
    }

    /// A statement's code, with members of vectors in place of locals.
    pub(super) fn code(&self, line: &Line) -> TokenStream {
        let mut by = BTreeMap::new();
        for leaf in &line.leaves {
            let member = match &leaf.what {
                What::Local(at) => self.members.get(at),
                What::Layer(field) => self.fields.get(field),
                What::Inner(_) | What::Literal(_) => None,
            };
            if let Some(member) = member {
                by.insert(leaf.at, Substitute::Place(place(member)));
            }
        }
        substituted(&line.tokens, by)
    }

    /// A reference to a local.
    fn reference(&self, at: usize) -> TokenStream {
        let place = self.members.get(&at).map_or_else(|| self.lines[at].place(), place);
        quote!(&#place)
    }

    /// One of several references, chosen by the round.
    fn one_of(&self, all: &[usize], step: &Ident) -> TokenStream {
        let mut pieces: Vec<(usize, TokenStream)> = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let (length, place) = self.in_a_row(&all[at..], at, step);
            match pieces.last_mut().filter(|(_, last)| last.to_string() == place.to_string()) {
                Some((end, _)) => *end = at + length,
                None => pieces.push((at + length, place)),
            }
            at += length;
        }
        if pieces.len() > MOST_PIECES {
            let each = all.iter().map(|at| self.reference(*at));
            return quote!([#(#each),*][#step]);
        }
        by_round(pieces, step)
    }

    /// The number of references at the beginning to consecutive members of one vector, and the reference for a round.
    /// `before` is the number of earlier rounds.
    fn in_a_row(&self, all: &[usize], before: usize, step: &Ident) -> (usize, TokenStream) {
        let alone = || (1, self.reference(all[0]));
        let Some(first) = self.members.get(&all[0]) else { return alone() };
        let member = |at: &usize| self.members.get(at).filter(|other| other.vector == first.vector);
        let Some(next) = all.get(1).and_then(member) else { return alone() };
        let way = Way::of(first.at, next.at);
        let follows = |(round, at): &(usize, &usize)| {
            member(at).is_some_and(|other| Some(other.at) == way.after(first.at, *round))
        };
        let length = all.iter().enumerate().take_while(follows).count();
        if length == 1 {
            return alone();
        }
        let place = first.indexed(&moved_from(first.at, before, way, step));
        (length, quote!(&#place))
    }

    /// The code of all statements from this one on: a loop for each run, and single statements between them.
    pub(super) fn all(&mut self, first: usize) -> TokenStream {
        let mut code = TokenStream::new();
        let (lines, runs) = (self.lines, self.runs);
        let (mut at, mut next) = (first, 0);
        while at < lines.len() {
            let run = runs.get(next).filter(|run| run.first == at);
            code.extend(match run {
                Some(run) => self.looped(run),
                None => self.single(&lines[at]),
            });
            (at, next) = run.map_or((at + 1, next), |run| (run.end(), next + 1));
        }
        code
    }

    fn looped(&mut self, run: &Run) -> TokenStream {
        let used = self.used.clone();
        let mut inside = Loop::new(ident(&self.free("step")));
        let body: Vec<_> = (0..run.period)
            .map(|offset| {
                let (name, code) = (ident(&self.lines[run.first + offset].name), self.round(run, offset, &mut inside));
                quote!(let #name = #code;)
            })
            .collect();
        let Loop { step, tables, references, .. } = inside;
        let count = Literal::usize_unsuffixed(run.count);
        let kept = (0..run.period).filter_map(|offset| {
            let member = self.members.get(&(run.first + offset))?;
            Some((ident(&member.vector), ident(&self.lines[run.first + offset].name)))
        });
        let kept: Vec<_> = kept.collect();
        let vectors = kept.iter().map(|(vector, _)| quote!(let mut #vector = ::std::vec::Vec::with_capacity(#count);));
        let pushed = kept.iter().map(|(vector, name)| quote!(#vector.push(#name);));
        // Names inside the loop are not visible outside.
        self.used = used;
        quote! {
            #(#vectors)*
            for #step in 0..#count {
                #(#tables)*
                #(#references)*
                #(#body)*
                #(#pushed)*
            }
        }
    }

    /// A statement's code inside its loop.
    pub(super) fn round(&mut self, run: &Run, offset: usize, inside: &mut Loop) -> TokenStream {
        let line = &self.lines[run.first + offset];
        let ways = line.leaves.iter().zip(&run.uses[offset]);
        let by = ways.filter_map(|(leaf, way)| Some((leaf.at, self.substitute(run, leaf, way, inside)?)));
        let by = by.collect();
        substituted(&line.tokens, by)
    }

    fn substitute(&mut self, run: &Run, leaf: &Leaf, way: &Use, inside: &mut Loop) -> Option<Substitute> {
        let step = inside.step.clone();
        Some(match way {
            Use::Round => return None,
            Use::Same => {
                let member = match &leaf.what {
                    What::Local(at) => self.members.get(at).filter(|_| *at < run.first),
                    What::Layer(field) => self.fields.get(field),
                    What::Inner(_) | What::Literal(_) => None,
                };
                Substitute::Place(place(member?))
            }
            Use::Literals(texts) => {
                let literals = texts.iter().filter_map(|text| text.parse::<TokenStream>().ok());
                let table = quote!([#(#literals),*]);
                let known = inside.named.get(&table.to_string()).cloned();
                let name = known.unwrap_or_else(|| {
                    let name = ident(&self.free("table"));
                    inside.tables.push(quote!(let #name = #table;));
                    inside.named.insert(table.to_string(), name.clone());
                    name
                });
                Substitute::Place(quote!(#name[#step]))
            }
            Use::Counted(pieces) => Substitute::Place(number(pieces, &step)),
            Use::Named(before, pieces, after) => {
                let (form, number) = (format!("{}{{}}{}", escaped(before), escaped(after)), number(pieces, &step));
                Substitute::Place(quote!(&::std::format!(#form, #number)))
            }
            Use::Fields(vector, from, way) => {
                let (vector, at) = (ident(vector), moved_by(*from, *way, &step));
                Substitute::Place(quote!(#vector[#at]))
            }
            Use::Outside(all) => self.referred(self.one_of(all, &step), &self.lines[all[0]].name, inside),
            Use::Earlier { rounds, of, first } => {
                let vector = self.members.get(&(run.first + of)).map(|member| ident(&member.vector));
                let (value, rounds) = (self.one_of(first, &step), Literal::usize_unsuffixed(*rounds));
                let value = quote!(if #step < #rounds { #value } else { &#vector[#step - #rounds] });
                self.referred(value, &self.lines[run.first + of].name, inside)
            }
        })
    }

    /// A named reference, one for each different value.
    fn referred(&mut self, value: TokenStream, wanted: &str, inside: &mut Loop) -> Substitute {
        let key = value.to_string();
        let name = inside.named.get(&key).cloned().unwrap_or_else(|| {
            let wanted = wanted.trim_end_matches(".0").trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
            let name = ident(&self.free(&format!("of_{wanted}")));
            inside.references.push(quote!(let #name = #value;));
            inside.named.insert(key, name.clone());
            name
        });
        Substitute::Reference(quote!(#name))
    }
}

/// The head of a loop: the values that differ from round to round, each with a name.
pub(super) struct Loop {
    pub step: Ident,
    pub tables: Vec<TokenStream>,
    references: Vec<TokenStream>,
    named: BTreeMap<String, Ident>,
}

impl Loop {
    pub(super) fn new(step: Ident) -> Self {
        Self { step, tables: Vec::new(), references: Vec::new(), named: BTreeMap::new() }
    }
}

/// Text escaped for a pattern of `format!`.
fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// Values by round, each with the exclusive end of its rounds.
fn by_round(mut pieces: Vec<(usize, TokenStream)>, step: &Ident) -> TokenStream {
    let last = pieces.pop().map(|(_, place)| place);
    pieces.into_iter().rev().fold(quote!(#last), |rest, (end, place)| {
        let end = Literal::usize_unsuffixed(end);
        quote!(if #step < #end { #place } else { #rest })
    })
}

/// A number as a function of the round.
fn number(pieces: &[Piece], step: &Ident) -> TokenStream {
    let mut first = 0;
    let each = pieces.iter().map(|piece| {
        let before = std::mem::replace(&mut first, piece.end);
        let alone = Literal::usize_unsuffixed(piece.from);
        (piece.end, piece.way.map_or_else(|| quote!(#alone), |way| moved_from(piece.from, before, way, step)))
    });
    by_round(each.collect(), step)
}

/// A number that starts at `from` at the round after `before` rounds.
fn moved_from(from: usize, before: usize, way: Way, step: &Ident) -> TokenStream {
    match way {
        Way::Up if from < before => {
            let less = Literal::usize_unsuffixed(before - from);
            quote!(#step - #less)
        }
        Way::Up => moved_by(from - before, way, step),
        Way::Down => moved_by(from + before, way, step),
    }
}

/// `step + 3`, or `3 - step`.
fn moved_by(from: usize, way: Way, step: &Ident) -> TokenStream {
    let literal = Literal::usize_unsuffixed(from);
    match (way, from) {
        (Way::Up, 0) => quote!(#step),
        (Way::Up, _) => quote!(#step + #literal),
        (Way::Down, _) => quote!(#literal - #step),
    }
}
