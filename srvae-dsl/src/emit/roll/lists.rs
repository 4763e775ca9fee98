//! Prints lists of references to consecutive members of a vector as slices: `&[&h[0], &h[1], &h[2], &h[3]]`.

use super::tokens::{Token, flat};
use proc_macro2::{Delimiter, Ident, Literal};
use quote::quote;

/// Shorter lists are kept.
const FEWEST_MEMBERS: usize = 4;

/// The tokens with such lists replaced.
pub fn sliced(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let is_list = out.last().is_some_and(|token| token.is('&'));
        match list(&tokens[at..]).filter(|list| is_list && list.members.1 - list.members.0 >= FEWEST_MEMBERS) {
            Some(list) => {
                let (vector, (from, to)) = (&list.vector, list.members);
                let (from, to) = (Literal::usize_unsuffixed(from), Literal::usize_unsuffixed(to));
                out.extend(flat(match list.is_variable {
                    true => quote!(#vector[#from..#to].iter().map(|one| &one.0).collect::<::std::vec::Vec<_>>()),
                    false => quote!(#vector[#from..#to].iter().collect::<::std::vec::Vec<_>>()),
                }));
                at += list.tokens;
            }
            None => {
                out.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    out
}

/// A list: its vector, the first and last position, and its number of tokens.
struct List {
    vector: Ident,
    members: (usize, usize),
    is_variable: bool,
    tokens: usize,
}

/// The list at the beginning.
fn list(tokens: &[Token]) -> Option<List> {
    let [Token::Open(Delimiter::Bracket), rest @ ..] = tokens else { return None };
    let (first, from, is_variable, length) = member(rest)?;
    let (mut to, mut at) = (from + 1, 1 + length);
    loop {
        at += usize::from(tokens.get(at)?.is(','));
        if let Token::Close(Delimiter::Bracket) = tokens.get(at)? {
            let vector = first.clone();
            return Some(List { vector, members: (from, to), is_variable, tokens: at + 1 });
        }
        let (vector, position, of_variable, length) = member(&tokens[at..])?;
        if vector != first || position != to || of_variable != is_variable {
            return None;
        }
        (to, at) = (to + 1, at + length);
    }
}

/// `&h[3]` or `&x[3].0` at the beginning: vector, position, which of the two forms, and the number of tokens.
fn member(tokens: &[Token]) -> Option<(&Ident, usize, bool, usize)> {
    let [and, Token::Ident(vector), Token::Open(Delimiter::Bracket), Token::Literal(at), close, rest @ ..] = tokens
    else {
        return None;
    };
    let is_index = and.is('&') && matches!(close, Token::Close(Delimiter::Bracket));
    let position = is_index.then(|| at.to_string().parse().ok())??;
    let is_variable = matches!(rest, [point, Token::Literal(zero), ..] if point.is('.') && zero.to_string() == "0");
    Some((vector, position, is_variable, if is_variable { 7 } else { 5 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::roll::tokens::stream;
    use proc_macro2::TokenStream;

    fn text(code: TokenStream) -> String {
        stream(sliced(flat(code))).to_string()
    }

    #[test]
    fn a_list_of_members_is_a_slice() {
        let wanted = quote!(cat(&h[2..6].iter().collect::<::std::vec::Vec<_>>(), 0));
        assert_eq!(text(quote!(cat(&[&h[2], &h[3], &h[4], &h[5]], 0))), wanted.to_string());
        let wanted = quote!(cat(&x[0..4].iter().map(|one| &one.0).collect::<::std::vec::Vec<_>>()));
        assert_eq!(text(quote!(cat(&[&x[0].0, &x[1].0, &x[2].0, &x[3].0]))), wanted.to_string());
    }

    #[test]
    fn other_lists_stay() {
        for code in
            [quote!(&[&h[0], &h[1], &h[2]]), quote!(&[&h[0], &h[1], &h[2], &g]), quote!(&[&h[0], &h[2], &h[3], &h[4]])]
        {
            assert_eq!(text(code.clone()), code.to_string());
        }
    }
}
