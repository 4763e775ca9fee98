//! Shares methods between members of a family.

use super::common;
use super::find::{self, Line};
use super::printer::{Loop, Printer};
use super::tokens::{flat, leaves};
use crate::emit::ident;
use crate::emit::roll::Layers;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};

/// Methods are shared even by two members, so that callers do not depend on the number.
const FEWEST_MEMBERS: usize = 2;

/// A method.
pub struct Method {
    pub name: String,
    /// Names of its arguments.
    pub arguments: Vec<String>,
    /// A description of its signature, equal for all members of a family.
    pub kind: String,
    pub body: TokenStream,
}

/// The body of a method.
pub enum Shared {
    Own(TokenStream),
    /// The shared method of the family.
    Member,
}

/// A method shared by members of a family.
pub struct Family {
    pub name: String,
    /// The positions of its members.
    pub members: Vec<usize>,
    /// The argument with the member. None if the members do not differ.
    pub at: Option<Ident>,
    pub body: TokenStream,
}

/// Methods, and the shared methods of families.
pub struct Methods {
    /// Of each method, in order.
    pub bodies: Vec<Shared>,
    pub families: Vec<Family>,
}

/// Shares the code of repeated methods. `taken` contains the names of methods.
pub fn share(methods: Vec<Method>, layers: &Layers, taken: &BTreeSet<String>) -> Methods {
    let type_of = |field: &str| layers.types.get(field).cloned();
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    let lines = methods.into_iter().map(|Method { name, arguments, kind, body }| {
        let tokens = flat(body);
        let (leaves, key) = leaves(&tokens, &BTreeMap::new(), &arguments, &type_of);
        let count = keys.len();
        let key = *keys.entry(format!("{kind} {key}")).or_insert(count);
        Line { name, kind: None, tokens, leaves, key }
    });
    let lines: Vec<Line> = lines.collect();
    let rest = Line { name: String::new(), kind: None, tokens: Vec::new(), leaves: Vec::new(), key: usize::MAX };
    let runs = find::runs(&lines, 0, FEWEST_MEMBERS, &rest, &layers.members);
    let mut printer = Printer {
        lines: &lines,
        runs: &runs,
        fields: &layers.members,
        taken: Some(taken),
        used: BTreeSet::new(),
        members: BTreeMap::new(),
        vectors: Vec::new(),
    };
    let mut bodies: Vec<Shared> = lines.iter().map(|line| Shared::Own(printer.code(line))).collect();
    let mut families = Vec::new();
    for run in &runs {
        for offset in 0..run.period {
            let all: Vec<usize> = (0..run.count).map(|round| run.first + round * run.period + offset).collect();
            let names: Vec<String> = all.iter().map(|at| lines[*at].name.clone()).collect();
            let name = printer.free(&common(&names));
            all.iter().for_each(|at| bodies[*at] = Shared::Member);
            let words = lines[run.first + offset].tokens.iter().map(super::tokens::Token::text).collect();
            let used = std::mem::replace(&mut printer.used, words);
            let mut inside = Loop::new(ident(&printer.free("at")));
            let body = printer.round(run, offset, &mut inside);
            printer.used = used;
            let Loop { step: at, tables, .. } = inside;
            let body = quote!(#(#tables)* #body);
            let is_told = flat(body.clone()).iter().any(|token| at == token.text());
            families.push(Family { name, members: all, at: is_told.then_some(at), body });
        }
    }
    Methods { bodies, families }
}
