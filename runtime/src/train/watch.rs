//! Numbers that are no numbers: which term, and where it stands in the model file.

use super::TermMeans;
use crate::spec::Spec;

/// What to tell of a step whose loss or gradient is not finite.
pub fn blame(spec: &Spec, step: usize, terms: &TermMeans, norm: Option<f64>, pictures: &[usize]) -> String {
    let Some((term, value)) = terms.broken() else {
        let size =
            norm.map_or_else(|| "the loss is not finite".to_owned(), |norm| format!("the gradient's norm is {norm}"));
        return format!("step {step}: every term is finite, but {size}; {}", advice(pictures));
    };
    let place =
        factor_of(&spec.source, term).map_or_else(String::new, |(number, line)| format!(" (line {number}: `{line}`)"));
    format!("step {step}: {term} is {value}{place}; {}", advice(pictures))
}

fn advice(pictures: &[usize]) -> String {
    let first: Vec<String> = pictures.iter().take(4).map(usize::to_string).collect();
    format!(
        "the last checkpoint is untouched; go on from it with a lower --lr or with --clip (the batch began with the training pictures {})",
        first.join(", ")
    )
}

/// The line of the factor that a term speaks of: `RE_x` of `p(x …`, `KL_z` of `q(z …`.
fn factor_of<'a>(source: &'a str, term: &str) -> Option<(usize, &'a str)> {
    let (kind, variable) = term.split_once('_')?;
    let side = if kind == "KL" { "q" } else { "p" };
    let begins = |line: &str| {
        let rest = line.strip_prefix(side)?.trim_start().strip_prefix('(')?.trim_start().strip_prefix(variable)?;
        (!rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')).then_some(())
    };
    source
        .lines()
        .enumerate()
        .find(|(_, line)| begins(line.trim_start()).is_some())
        .map(|(at, line)| (at + 1, line.trim()))
}
