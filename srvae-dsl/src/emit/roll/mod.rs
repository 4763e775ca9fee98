//! Statements that repeat for each member of a family, written once in a loop.
//!
//! Members of a family are computed by equal statements: these differ in names of locals, in fields of the layers and in literals
//! alone, `h_3` and `h_4`, each reading what the last one yielded. Where a group of statements follows itself often enough, it becomes
//! a loop over the members; what is read outside of its own round stands in a vector, literals that differ in a table. Statements are
//! carried out in the same order, so that nothing changes but the length of the code.

mod find;
mod lists;
mod methods;
mod tokens;

use super::ident;
use super::layers::Layers;
use find::{Line, Run, Use, Way};
pub use methods::{Method, Shared, share};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};
use tokens::{Leaf, Substitute, What, flat, given_name, leaves, substituted, with_given};

/// `let name = code;`.
pub struct Statement {
    pub name: String,
    /// Statements with the same word yield values of the same type; none says nothing.
    pub kind: Option<String>,
    pub code: TokenStream,
}

/// A member of a vector.
#[derive(Clone, PartialEq)]
pub struct Member {
    pub vector: String,
    pub at: usize,
    /// Whether it is a variable, whose tensor is meant.
    pub is_variable: bool,
}

/// What is around a list of statements.
#[derive(Default)]
pub struct Around<'a> {
    /// Variables that are given, whose tensors are locals; those that are members of lists with their places there.
    pub given: Option<&'a BTreeMap<String, Option<Member>>>,
    /// Names that are not free.
    pub taken: Option<&'a BTreeSet<String>>,
    pub layers: Option<&'a Layers>,
    /// Whether the statements stand inside another one of a list, which says where fields of the layers are.
    pub is_inner: bool,
    /// Locals that are read after the statements.
    pub read: Vec<String>,
    /// Code after the statements that reads locals.
    pub rest: TokenStream,
}

/// Statements with their loops.
pub struct Rolled {
    pub statements: TokenStream,
    /// The code after them.
    pub rest: TokenStream,
    /// Locals that are members of vectors.
    pub members: BTreeMap<String, Member>,
    /// The vectors with their members' names, in order.
    pub vectors: Vec<(String, Vec<String>)>,
}

impl Rolled {
    /// The value of a local, to be kept.
    pub fn value(&self, name: &str) -> TokenStream {
        let local = ident(name);
        if self.members.contains_key(name) { self.copy(name) } else { quote!(#local) }
    }

    /// The same, where the local is read again.
    pub fn copy(&self, name: &str) -> TokenStream {
        let local = ident(name);
        let place = self.members.get(name).map_or_else(|| quote!(#local), place);
        quote!(#place.clone())
    }
}

/// `h[3]`, `x[3].0`.
pub fn place(member: &Member) -> TokenStream {
    let at = Literal::usize_unsuffixed(member.at);
    member.indexed(&quote!(#at))
}

impl Member {
    fn indexed(&self, at: &TokenStream) -> TokenStream {
        let vector = ident(&self.vector);
        if self.is_variable { quote!(#vector[#at].0) } else { quote!(#vector[#at]) }
    }
}

pub fn roll(statements: Vec<Statement>, around: Around<'_>) -> Rolled {
    let mut locals = BTreeMap::new();
    let type_of = |field: &str| around.layers.and_then(|layers| layers.types.get(field).cloned());
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let no_given = BTreeMap::new();
    let given = around.given.unwrap_or(&no_given);
    let mut taken_apart = |locals: &BTreeMap<String, usize>,
                           name: &str,
                           kind: Option<String>,
                           tokens: Vec<tokens::Token>| {
        let (leaves, key) = leaves(&tokens, locals, &[], &type_of);
        used.extend(tokens.iter().filter(|token| matches!(token, tokens::Token::Ident(_))).map(tokens::Token::text));
        let count = keys.len();
        let key = *keys.entry(key).or_insert(count);
        Line { name: name.to_owned(), kind, tokens, leaves, key }
    };
    let rest = with_given(flat(around.rest), given);
    let statements = statements.into_iter().map(|it| (it.name, it.kind, with_given(flat(it.code), given)));
    let statements: Vec<_> = statements.collect();
    // What is given stands before all statements that read it, and is no part of a loop.
    let read = statements.iter().flat_map(|(_, _, tokens)| tokens).chain(&rest);
    let read: BTreeSet<String> = read.filter_map(tokens::Token::given).collect();
    let mut lines = Vec::with_capacity(read.len() + statements.len());
    let mut members = BTreeMap::new();
    for (variable, member) in given.iter().filter(|(variable, _)| read.contains(*variable)) {
        let name = given_name(variable);
        members.extend(member.clone().map(|member| (lines.len(), member)));
        lines.push(Line::given(&name, lines.len()));
        locals.insert(name, lines.len() - 1);
    }
    let first = lines.len();
    for (name, kind, tokens) in statements {
        lines.push(taken_apart(&locals, &name, kind, tokens));
        locals.insert(name, lines.len() - 1);
    }
    let rest = taken_apart(&locals, "", None, rest);
    used.extend(locals.keys().cloned());
    let no_members = BTreeMap::new();
    let fields = around.layers.map_or(&no_members, |layers| &layers.members);
    let runs = find::runs(&lines, first, find::FEWEST_ROUNDS, &rest, fields);
    let mut printer = Printer {
        lines: &lines,
        runs: &runs,
        fields: if around.is_inner { &no_members } else { fields },
        taken: around.taken,
        used,
        members,
        vectors: Vec::new(),
    };
    let read: Vec<usize> = around.read.iter().filter_map(|name| locals.get(name).copied()).collect();
    printer.store(&read, &rest);
    let mut code = TokenStream::new();
    let (mut at, mut next) = (first, 0);
    while at < lines.len() {
        let run = runs.get(next).filter(|run| run.first == at);
        code.extend(match run {
            Some(run) => printer.looped(run),
            None => printer.single(&lines[at]),
        });
        (at, next) = run.map_or((at + 1, next), |run| (run.end(), next + 1));
    }
    let rest = printer.code(&rest);
    let members = printer.members.iter().map(|(at, member)| (lines[*at].name.clone(), member.clone())).collect();
    Rolled { statements: code, rest, members, vectors: printer.vectors }
}

/// References of more kinds than these are written out.
const MOST_PIECES: usize = 4;

struct Printer<'a> {
    lines: &'a [Line],
    runs: &'a [Run],
    fields: &'a BTreeMap<String, Member>,
    taken: Option<&'a BTreeSet<String>>,
    /// The words of the statements, and the names that were given.
    used: BTreeSet<String>,
    /// Of each statement whose value stands in a vector.
    members: BTreeMap<usize, Member>,
    vectors: Vec<(String, Vec<String>)>,
}

impl Printer<'_> {
    /// Vectors for what is read outside of its round of a loop: by other statements, `rest`, or after all of them.
    fn store(&mut self, read: &[usize], rest: &Line) {
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

    /// A name like this one that nothing has.
    fn free(&mut self, wanted: &str) -> String {
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

    /// A statement's code, with what is a member of a vector.
    fn code(&self, line: &Line) -> TokenStream {
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

    /// One of several references, by the round.
    fn one_of(&self, all: &[usize], step: &Ident) -> TokenStream {
        let mut pieces: Vec<(usize, TokenStream)> = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let (length, place) = self.in_a_row(&all[at..], at, step);
            pieces.push((at + length, place));
            at += length;
        }
        if pieces.len() > MOST_PIECES {
            let each = all.iter().map(|at| self.reference(*at));
            return quote!([#(#each),*][#step]);
        }
        let last = pieces.pop().map(|(_, place)| place);
        pieces.into_iter().rev().fold(quote!(#last), |rest, (end, place)| {
            let end = Literal::usize_unsuffixed(end);
            quote!(if #step < #end { #place } else { #rest })
        })
    }

    /// How many of these references are to members of one vector, one after the other, and the one of a round; `before` rounds come
    /// before them.
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
        let place = first.indexed(&match way {
            Way::Up if first.at < before => {
                let less = Literal::usize_unsuffixed(before - first.at);
                quote!(#step - #less)
            }
            Way::Up => moved_by(first.at - before, way, step),
            Way::Down => moved_by(first.at + before, way, step),
        });
        (length, quote!(&#place))
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
        // Nothing outside of the loop sees its names.
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

    /// A statement's code in each round of its loop.
    fn round(&mut self, run: &Run, offset: usize, inside: &mut Loop) -> TokenStream {
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
            Use::Counted(from, way) => Substitute::Place(moved_by(*from, *way, &step)),
            Use::Named(before, from, way, after) => {
                let (form, number) =
                    (format!("{}{{}}{}", escaped(before), escaped(after)), moved_by(*from, *way, &step));
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

    /// A reference under a name, one for each that differs.
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

/// The head of a loop: what differs from round to round, each under a name of its own.
struct Loop {
    step: Ident,
    tables: Vec<TokenStream>,
    references: Vec<TokenStream>,
    named: BTreeMap<String, Ident>,
}

impl Loop {
    fn new(step: Ident) -> Self {
        Self { step, tables: Vec::new(), references: Vec::new(), named: BTreeMap::new() }
    }
}

/// Text as it stands in a pattern of `format!`.
fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
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

/// What names have in common: `h_3_conv` and `h_4_conv` are `h_conv`.
fn common(names: &[String]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let head = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let tail = |a: &str, b: &str| a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    let before = names.iter().map(|name| head(first, name)).min().unwrap_or(0);
    let after = names.iter().map(|name| tail(first, name)).min().unwrap_or(0);
    // Numbers that differ are left out whole.
    let before = first[..before].trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let after = first[first.len() - after..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    match (before.is_empty(), after.is_empty() || before.len() + after.len() >= first.len()) {
        (true, true) => "values".to_owned(),
        (true, false) => after.to_owned(),
        (false, true) => before.to_owned(),
        (false, false) => format!("{before}_{after}"),
    }
}
