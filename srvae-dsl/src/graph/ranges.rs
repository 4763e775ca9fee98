//! Members of families that follow one another, in writing.

use super::member;

/// Names with ranges: `z[1], z[2], z[3]` is `z[1..3]`.
pub fn in_ranges<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    // The family, first and last value of the run in hand.
    let mut run: Option<(&str, i64, i64)> = None;
    let close = |run: Option<(&str, i64, i64)>, all: &mut Vec<String>| match run {
        Some((family, first, last)) if first == last => all.push(format!("{family}[{first}]")),
        Some((family, first, last)) if first + 1 == last => {
            all.extend([format!("{family}[{first}]"), format!("{family}[{last}]")]);
        }
        Some((family, first, last)) => all.push(format!("{family}[{first}..{last}]")),
        None => {}
    };
    for name in names {
        match (member(name), &mut run) {
            (Some((family, value)), Some((own, _, last))) if *own == family && *last + 1 == value => *last = value,
            (found, _) => {
                close(run.take(), &mut all);
                match found {
                    Some((family, value)) => run = Some((family, value, value)),
                    None => all.push(name.to_owned()),
                }
            }
        }
    }
    close(run, &mut all);
    all
}
