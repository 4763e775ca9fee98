//! Marks what q reads only through `known`.

use crate::graph::{Factor, Model, Parents, family};
use std::collections::BTreeSet;

/// The printed parents of some factors, with `known(x)` in the place of an `x` whose value none of the factors reads.
pub fn marked(model: &Model, factors: &[&Factor], parents: Vec<String>) -> Vec<String> {
    // Most factors read the values of all their parents.
    if factors.iter().all(|factor| factor.read.len() == factor.parents.len()) {
        return parents;
    }
    let names = |of: fn(&Factor) -> &Parents| -> BTreeSet<&str> {
        let pieces = factors.iter().flat_map(|factor| model.pieces(of(factor)));
        pieces.map(|piece| family(&model.variables[piece.start].name)).collect()
    };
    let (all, read) = (names(|factor| &factor.parents), names(|factor| &factor.read));
    let is_known = |name: &str| all.contains(name) && !read.contains(name);
    let mark = |name: String| if is_known(family(&name)) { format!("known({name})") } else { name };
    parents.into_iter().map(mark).collect()
}
