//! Code as a flat list of tokens, with the places at which members of a family may differ.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, TokenStream, TokenTree};
use quote::quote;
use std::collections::BTreeMap;

#[derive(Clone)]
pub enum Token {
    Open(Delimiter),
    Close(Delimiter),
    Ident(Ident),
    Punct(Punct),
    Literal(Literal),
    /// The tensor of an input variable: `x.0`.
    Given(Ident),
}

impl Token {
    pub fn is(&self, sign: char) -> bool {
        matches!(self, Self::Punct(punct) if punct.as_char() == sign)
    }

    /// The variable of this tensor.
    pub fn given(&self) -> Option<String> {
        if let Self::Given(ident) = self { Some(ident.to_string()) } else { None }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Ident(ident) if ident == word)
    }

    pub fn text(&self) -> String {
        match self {
            Self::Open(Delimiter::Parenthesis) => "(".to_owned(),
            Self::Open(Delimiter::Bracket) => "[".to_owned(),
            Self::Open(Delimiter::Brace | Delimiter::None) => "{".to_owned(),
            Self::Close(_) => "}".to_owned(),
            Self::Ident(ident) => ident.to_string(),
            Self::Punct(punct) => punct.as_char().to_string(),
            Self::Literal(literal) => literal.to_string(),
            Self::Given(ident) => given_name(&ident.to_string()),
        }
    }
}

/// The name of a variable's tensor among locals.
pub fn given_name(variable: &str) -> String {
    format!("{variable}.0")
}

/// The tokens with the tensors of these variables as one token each.
pub fn with_given<T>(tokens: Vec<Token>, variables: &BTreeMap<String, T>) -> Vec<Token> {
    let (mut out, mut at): (Vec<Token>, usize) = (Vec::with_capacity(tokens.len()), 0);
    while at < tokens.len() {
        let is_tensor = tokens.get(at + 1).is_some_and(|token| token.is('.'))
            && tokens.get(at + 2).is_some_and(|token| token.text() == "0");
        let is_member = at > 0 && tokens[at - 1].is('.');
        match &tokens[at] {
            Token::Ident(ident) if is_tensor && !is_member && variables.contains_key(&ident.to_string()) => {
                out.push(Token::Given(ident.clone()));
                at += 3;
            }
            token => {
                out.push(token.clone());
                at += 1;
            }
        }
    }
    out
}

pub fn flat(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                into.push(Token::Open(group.delimiter()));
                flatten(group.stream(), into);
                into.push(Token::Close(group.delimiter()));
            }
            TokenTree::Ident(ident) => into.push(Token::Ident(ident)),
            TokenTree::Punct(punct) => into.push(Token::Punct(punct)),
            TokenTree::Literal(literal) => into.push(Token::Literal(literal)),
        }
    }
}

/// The code of a flat list with matching brackets.
pub fn stream(tokens: Vec<Token>) -> TokenStream {
    let mut open: Vec<Vec<TokenTree>> = vec![Vec::new()];
    for token in tokens {
        let tree: TokenTree = match token {
            Token::Open(_) => {
                open.push(Vec::new());
                continue;
            }
            Token::Close(delimiter) => {
                let inner = open.pop().unwrap_or_default();
                Group::new(delimiter, inner.into_iter().collect()).into()
            }
            Token::Ident(ident) => ident.into(),
            Token::Punct(punct) => punct.into(),
            Token::Literal(literal) => literal.into(),
            Token::Given(ident) => {
                if let Some(last) = open.last_mut() {
                    last.extend(quote!(#ident.0));
                }
                continue;
            }
        };
        if let Some(last) = open.last_mut() {
            last.push(tree);
        }
    }
    open.into_iter().flatten().collect()
}

/// The kinds of differences between members.
#[derive(Clone, PartialEq)]
pub enum What {
    /// A local of the list of statements, by position.
    Local(usize),
    /// A local of a block inside the statement, by position.
    Inner(usize),
    /// A field of the layers.
    Layer(String),
    /// A literal.
    Literal(String),
}

/// A place at which members may differ.
#[derive(Clone)]
pub struct Leaf {
    /// Position among the statement's tokens.
    pub at: usize,
    pub what: What,
    /// Whether a local is moved here, not borrowed.
    pub is_moved: bool,
    /// Whether a literal is a position: an index, or of type `usize`.
    pub is_count: bool,
}

/// The leaves of a statement, and its code without them. `locals` are the statements before it, by name; `arguments`
/// are those of a method; `type_of` returns the type of a field of the layers.
pub fn leaves(
    tokens: &[Token],
    locals: &BTreeMap<String, usize>,
    arguments: &[String],
    type_of: &dyn Fn(&str) -> Option<String>,
) -> (Vec<Leaf>, String) {
    let (mut leaves, mut key) = (Vec::new(), String::new());
    let mut inner: BTreeMap<String, usize> =
        arguments.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
    for (at, token) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map(|at| &tokens[at]);
        let is_before = |back: usize, sign: char| before(back).is_some_and(|token| token.is(sign));
        let is_after = |sign: char| tokens.get(at + 1).is_some_and(|token| token.is(sign));
        let is_member = is_before(1, '.') && !is_before(2, '.');
        let what = match token {
            Token::Literal(literal) if !is_member => {
                let text = literal.to_string();
                key.push_str(&format!("${} ", kind(&text)));
                Some(What::Literal(text))
            }
            Token::Ident(ident) if is_member => {
                let is_layer = is_before(3, '.')
                    && before(2).is_some_and(|token| token.is_word("layers"))
                    && before(4).is_some_and(|token| token.is_word("self"));
                let ty = is_layer.then(|| type_of(&ident.to_string())).flatten();
                ty.map(|ty| {
                    key.push_str(&format!("$layer({ty}) "));
                    What::Layer(ident.to_string())
                })
            }
            Token::Ident(_) if is_before(1, ':') || is_after(':') => None,
            Token::Ident(ident) => {
                let name = ident.to_string();
                if before(1).is_some_and(|token| token.is_word("let")) {
                    let count = inner.len();
                    inner.insert(name.clone(), count);
                }
                let what = inner.get(&name).map(|at| What::Inner(*at));
                what.or_else(|| locals.get(&name).map(|at| What::Local(*at))).inspect(|_| key.push_str("$local "))
            }
            Token::Given(_) => {
                let local = locals.get(&token.text()).map(|at| What::Local(*at));
                local.inspect(|_| key.push_str("$local "))
            }
            Token::Open(_) | Token::Close(_) | Token::Punct(_) | Token::Literal(_) => None,
        };
        match what {
            Some(what) => {
                let is_moved = !(is_before(1, '&') || is_after('.'));
                leaves.push(Leaf { at, what, is_moved, is_count: is_count(tokens, at) });
            }
            None => {
                key.push_str(&token.text());
                key.push(' ');
            }
        }
    }
    (leaves, key)
}

/// The kind of a literal: members may differ in literals of one kind.
fn kind(literal: &str) -> &str {
    let suffix = literal.trim_start_matches(|c: char| c.is_ascii_digit());
    match suffix.as_bytes().first() {
        None => "whole",
        Some(b'"') => "text",
        Some(b'.' | b'e') => "real",
        Some(_) => suffix,
    }
}

/// Whether a token is a position: an index, or of type `usize`.
fn is_count(tokens: &[Token], at: usize) -> bool {
    let Token::Literal(literal) = &tokens[at] else { return false };
    let is_indexed = || {
        let [ident, open] = [at.checked_sub(2)?, at.checked_sub(1)?].map(|at| &tokens[at]);
        let is_open = matches!((ident, open), (Token::Ident(_), Token::Open(Delimiter::Bracket)));
        (is_open && matches!(tokens.get(at + 1), Some(Token::Close(Delimiter::Bracket)))).then_some(())
    };
    literal.to_string().ends_with("usize") || is_indexed().is_some()
}
