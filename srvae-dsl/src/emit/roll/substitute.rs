//! Statements with other members in their places.

use super::lists;
use super::tokens::{Token, flat, stream};
use proc_macro2::TokenStream;
use std::collections::BTreeMap;

/// The replacement of a leaf.
pub enum Substitute {
    /// A reference, which replaces the whole of `& leaf`.
    Reference(TokenStream),
    /// A place or a literal.
    Place(TokenStream),
}

/// The tokens with some of them replaced. Lists of references to consecutive members of a vector become slices.
pub fn substituted(tokens: &[Token], mut by: BTreeMap<usize, Substitute>) -> TokenStream {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        match by.remove(&at) {
            None => out.push(token.clone()),
            Some(Substitute::Place(place)) => out.extend(flat(place)),
            Some(Substitute::Reference(reference)) => {
                let is_member = tokens.get(at + 1).is_some_and(|token| token.is('.'));
                if !is_member && out.last().is_some_and(|token| token.is('&')) {
                    out.pop();
                }
                out.extend(flat(reference));
            }
        }
    }
    stream(lists::sliced(out))
}
