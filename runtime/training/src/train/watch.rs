//! Reports of non-finite values: the term, its line in the model file, and the training records.

use super::TermMeans;
use crate::spec::Spec;
use crate::{DType, Params, Terms};
use candle_core::backprop::GradStore;

/// A step whose loss or gradient is not finite.
pub struct Fault<'a> {
    pub spec: &'a Spec,
    pub step: usize,
    pub means: &'a TermMeans,
    /// The training records of the batch.
    pub pictures: &'a [usize],
}

impl Fault<'_> {
    /// The message for a bound with a non-finite term, with the records whose own term is not finite.
    pub fn of_terms(&self, terms: &Terms) -> String {
        let Some((name, value)) = self.means.broken() else {
            return format!("step {}: every term is finite, but the loss is not; {}", self.step, self.batch(&[]));
        };
        let broken = terms.terms.iter().find(|term| term.name == name).and_then(|term| {
            let rows: Vec<Vec<f32>> = term.value.to_dtype(DType::F32).ok()?.to_vec2().ok()?;
            let bad = |column: &usize| rows.iter().any(|row| row.get(*column).is_some_and(|value| !value.is_finite()));
            Some((0..self.pictures.len()).filter(bad).map(|column| self.pictures[column]).collect::<Vec<_>>())
        });
        let (kind, variable) = name.split_once('_').unwrap_or((name, ""));
        let side = if kind == "KL" { "q" } else { "p" };
        let batch = self.batch(&broken.unwrap_or_default());
        format!("step {}: {name} is {value}{}; {batch}", self.step, self.place(side, variable))
    }

    /// The message for a non-finite gradient: the first such parameter, in the model's order.
    pub fn of_gradient(&self, params: &Params, gradients: &GradStore, norm: f64) -> String {
        let is_bad = |gradient: &crate::Tensor| {
            let sum = gradient.to_dtype(DType::F32).and_then(|gradient| gradient.abs()?.sum_all()?.to_scalar::<f32>());
            sum.is_ok_and(|sum| !sum.is_finite())
        };
        let entries = params.entries();
        let first = entries.iter().find(|(_, var)| gradients.get(var).is_some_and(&is_bad)).map(|(name, _)| name);
        self.of_parameter(first.map(String::as_str), norm)
    }

    /// The message for a known parameter.
    pub fn of_parameter(&self, name: Option<&str>, norm: f64) -> String {
        let what = match name {
            Some(name) => {
                let factor = name.split('.').next().unwrap_or_default();
                let (side, variable) = factor.split_once('_').unwrap_or(("", ""));
                format!("the gradient of {name} is not finite{}", self.place(side, variable))
            }
            None => format!("the gradient's norm is {norm}"),
        };
        format!("step {}: every term is finite, but {what}; {}", self.step, self.batch(&[]))
    }

    /// The line of a factor in the model file.
    fn place(&self, side: &str, variable: &str) -> String {
        let place = factor(&self.spec.source, side, variable);
        place.map_or_else(String::new, |(number, line)| format!(" (line {number}: `{line}`)"))
    }

    fn batch(&self, broken: &[usize]) -> String {
        let list = |pictures: &[usize]| {
            let shown: Vec<String> = pictures.iter().take(4).map(usize::to_string).collect();
            let more = pictures.len().saturating_sub(4);
            shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
        };
        match broken.is_empty() || broken.len() == self.pictures.len() {
            true => format!("the batch has the training records {}", list(self.pictures)),
            false => format!("in the batch it occurs for the training records {}", list(broken)),
        }
    }
}

/// The advice in the message.
pub const ADVICE: &str = "the last checkpoint is untouched; resume from it with a lower --lr, with --clip, or with --skip-above to skip such steps";

fn factor<'a>(source: &'a str, side: &str, variable: &str) -> Option<(usize, &'a str)> {
    if side.is_empty() || variable.is_empty() {
        return None;
    }
    let begins = |line: &str| {
        let rest = line.strip_prefix(side)?.trim_start().strip_prefix('(')?.trim_start().strip_prefix(variable)?;
        (!rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')).then_some(())
    };
    let mut lines = source.lines().enumerate();
    lines.find(|(_, line)| begins(line.trim_start()).is_some()).map(|(at, line)| (at + 1, line.trim()))
}
