//! The differences between two texts of a model, statement by statement. Comments and spacing are ignored.

use std::fmt;

/// A statement that is missing or different in the other text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `p(z)`, `param width`, `observed x`, …
    pub what: String,
    pub there: Option<String>,
    pub here: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, there, here } = self;
        match (there, here) {
            (Some(there), Some(here)) => write!(out, "{what}: `{there}` there, `{here}` here"),
            (Some(there), None) => write!(out, "{what}: `{there}` there, nothing here"),
            (None, Some(here)) => write!(out, "{what}: nothing there, `{here}` here"),
            (None, None) => write!(out, "{what}"),
        }
    }
}

/// The differences in the order of the first text, then statements that only the second one has.
pub fn differences(there: &str, here: &str) -> Vec<Difference> {
    let (old, new) = (statements(there), statements(here));
    let find = |list: &[Statement], what: &str| {
        list.iter().find(|statement| statement.what == what).map(|statement| statement.text.clone())
    };
    let mut found = Vec::new();
    for Statement { what, text } in &old {
        let here = find(&new, what);
        // A statement that occurs several times is compared as a whole.
        if here.as_ref() != Some(text) && !new.iter().any(|other| other.text == *text) {
            found.push(Difference { what: what.clone(), there: Some(text.clone()), here });
        }
    }
    for Statement { what, text } in new.iter().filter(|statement| find(&old, &statement.what).is_none()) {
        found.push(Difference { what: what.clone(), there: None, here: Some(text.clone()) });
    }
    found
}

/// Whether two texts state the same model: they differ only in comments and spacing.
pub fn same(one: &str, other: &str) -> bool {
    let texts = |text: &str| statements(text).into_iter().map(|statement| statement.text).collect::<Vec<_>>();
    texts(one) == texts(other)
}

struct Statement {
    what: String,
    /// On one line, with single spaces.
    text: String,
}

fn statements(text: &str) -> Vec<Statement> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            continue;
        }
        match found.last_mut() {
            Some(last) if !begins(&line) => {
                last.push(' ');
                last.push_str(&line);
            }
            _ => found.push(line),
        }
    }
    found.into_iter().map(|text| Statement { what: name(&text), text }).collect()
}

/// Whether a line begins a statement: factors begin with `p(` and `q(`.
fn begins(line: &str) -> bool {
    let word = line.split(|next: char| !next.is_alphanumeric() && next != '_').next().unwrap_or_default();
    let is_factor = ["p", "q"].contains(&word);
    srvae_dsl::parse::statements().any(|(starter, _)| starter == word)
        && (!is_factor || line[word.len()..].trim_start().starts_with('('))
}

/// The subject of a statement: a factor's variable, or everything up to its value.
fn name(text: &str) -> String {
    let side = text.chars().next().filter(|side| ['p', 'q'].contains(side));
    let factor = side.and_then(|side| Some((side, text[1..].trim_start().strip_prefix('(')?)));
    match factor {
        Some((side, rest)) => {
            // Members of a family are distinguished by their index.
            let variable = rest.split(['|', ')']).next().unwrap_or_default();
            format!("{side}({})", variable.trim())
        }
        None => text.split(['=', ':', '{', '(']).next().unwrap_or_default().trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{differences, same};

    const MODEL: &str = "model m\nparam width = 8\nobserved x: image[3, 8, 8]\nlatent z: real[4]\n\
                         p(z) = standard_normal\np(x | z) = normal\n    from z |> linear(out: 3)\nq(z | x) = normal from x |> flatten |> linear\n";

    fn shown(here: &str) -> Vec<String> {
        differences(MODEL, here).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn comments_and_spacing_are_no_difference() {
        let spaced = MODEL.replace("p(z) ", "// why\np ( z )    ").replace("p ( z )", "p(z)").replace('\n', "\r\n");
        let spaced = spaced.replace("linear(out: 3)", "linear(out: 3) // on");
        assert_eq!(shown(&spaced), Vec::<String>::new());
        assert!(same(MODEL, &spaced) && !same(MODEL, &format!("{MODEL}p(z) = standard_normal\n")));
    }

    #[test]
    fn each_factor_that_differs_is_named_with_both_texts() {
        let other = MODEL.replace("linear(out: 3)", "linear(out: 6)").replace("latent z: real[4]", "latent z: real[5]");
        let found = shown(&other.replace("param width = 8\n", ""));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "param width: `param width = 8` there, nothing here");
        assert!(found[1].starts_with("latent z: `latent z: real[4]` there"), "{found:?}");
        assert!(found[2].starts_with("p(x): `p(x | z) = normal from z |> linear(out: 3)` there, `p(x"), "{found:?}");
    }

    #[test]
    fn members_of_a_family_are_statements_of_their_own() {
        let family = "model m\nlength T\nindex t in 1..T\nobserved x[t]: real[2]\np(z[1]) = standard_normal\n\
                      p(z[t] | z[t - 1]) = normal from z[t - 1] |> linear\n";
        let differ = |here: &str| differences(family, here).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(differ(family), Vec::<String>::new());
        let found = differ(&family.replace("|> linear", "|> tanh |> linear"));
        assert!(found.len() == 1 && found[0].starts_with("p(z[t]): "), "{found:?}");
    }

    #[test]
    fn other_parents_are_a_difference_of_the_same_factor() {
        let found = shown(&MODEL.replace("q(z | x)", "q(z | x, c)").replace("latent z", "given c: label[3]\nlatent z"));
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("q(z): ") && found[1].starts_with("given c: nothing there"), "{found:?}");
    }
}
