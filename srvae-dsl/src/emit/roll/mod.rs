//! Prints repeated statements for members of a family as a loop.
//!
//! Members of a family are computed by equal statements. They differ only in names of locals, in fields of the layers
//! and in literals (`h_3` and `h_4`), and each may read the results of earlier ones. A group of statements that repeats
//! often enough becomes a loop over the members. Values that are read outside of their round are in a vector, and
//! literals that differ are in a table. The order of execution does not change, so only the length of the code does.

mod find;
mod lists;
mod methods;
mod printer;
mod substitute;
mod tokens;

use super::ident;
use find::Line;
pub use methods::{Method, Methods, Shared, share};
use printer::Printer;
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};
use tokens::{flat, given_name, leaves, with_given};

/// `let name = code;`.
pub struct Statement {
    pub name: String,
    /// Statements with the same word have values of the same type. None if the type is unknown.
    pub kind: Option<String>,
    pub code: TokenStream,
}

/// A member of a vector.
#[derive(Clone, PartialEq)]
pub struct Member {
    pub vector: String,
    pub at: usize,
    /// Whether it is a variable, so that its tensor is meant.
    pub is_variable: bool,
}

/// The fields of the model's layers.
pub struct Layers {
    /// The type of each part's field, or of a vector's members.
    pub types: BTreeMap<String, String>,
    /// Parts of families that are members of vectors.
    pub members: BTreeMap<String, Member>,
}

impl Layers {
    /// A part's place below the model's layers.
    pub fn place(&self, field: &str) -> TokenStream {
        let member = self.members.get(field).map(place);
        member.unwrap_or_else(|| {
            let field = ident(field);
            quote!(#field)
        })
    }
}

/// The context of a list of statements.
#[derive(Default)]
pub struct Around<'a> {
    /// Inputs, whose tensors are locals; members of lists with their positions.
    pub given: Option<&'a BTreeMap<String, Option<Member>>>,
    /// Names that are in use.
    pub taken: Option<&'a BTreeSet<String>>,
    pub layers: Option<&'a Layers>,
    /// Whether the statements are nested in another list, which determines the places of the layers' fields.
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
    /// The value of a local, moved.
    pub fn value(&self, name: &str) -> TokenStream {
        let local = ident(name);
        if self.members.contains_key(name) { self.copy(name) } else { quote!(#local) }
    }

    /// The value of a local that is read again later.
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
    // Inputs come before all statements that read them, and are not part of a loop.
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
    let code = printer.all(first);
    let rest = printer.code(&rest);
    let members = printer.members.iter().map(|(at, member)| (lines[*at].name.clone(), member.clone())).collect();
    Rolled { statements: code, rest, members, vectors: printer.vectors }
}

/// The common part of names: `h_3_conv` and `h_4_conv` give `h_conv`.
fn common(names: &[String]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let head = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let tail = |a: &str, b: &str| a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    let before = names.iter().map(|name| head(first, name)).min().unwrap_or(0);
    let after = names.iter().map(|name| tail(first, name)).min().unwrap_or(0);
    // Numbers that differ are removed as a whole.
    let before = first[..before].trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let after = first[first.len() - after..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    match (before.is_empty(), after.is_empty() || before.len() + after.len() >= first.len()) {
        (true, true) => "values".to_owned(),
        (true, false) => after.to_owned(),
        (false, true) => before.to_owned(),
        (false, false) => format!("{before}_{after}"),
    }
}
