//! Statements that repeat for each member of a family, written once in a loop.
//!
//! Members of a family are computed by equal statements: these differ in names of locals, in fields of the layers and in literals
//! alone, `h_3` and `h_4`, each reading what the last one yielded. Where a group of statements follows itself often enough, it becomes
//! a loop over the members; what is read outside of its own round stands in a vector, literals that differ in a table. Statements are
//! carried out in the same order, so that nothing changes but the length of the code.

mod find;
mod lists;
mod methods;
mod printer;
mod tokens;

use super::ident;
use super::layers::Layers;
use find::Line;
pub use methods::{Method, Shared, share};
use printer::Printer;
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};
use tokens::{flat, given_name, leaves, with_given};

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
