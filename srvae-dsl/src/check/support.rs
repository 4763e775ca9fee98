//! Draws of q at which p has no density, so that every bound with them is −∞.

use super::Checker;
use crate::catalog::Distribution;
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Trials, Use};

impl Checker<'_> {
    /// Where p has a density only between two numbers, q draws between them. Flows are not followed. Where p has a number of trials,
    /// q has the same.
    pub(super) fn supports(&mut self, p: &[Factor], q: &[Factor]) {
        for own in q {
            let above = p.iter().find(|factor| factor.variable == own.variable);
            let (Some(base), Some((wide, of_p))) = (plain(own), above.and_then(|p| Some((p, plain(p)?)))) else {
                continue;
            };
            if wide.trials().is_some_and(|most| most == Trials::Computed || own.trials() != Some(most)) {
                let name = &self.variable(own.variable).name;
                self.findings.push(messages::more_than_trials(name, base.span, wide.span));
            }
            let Some([low, high]) = ends(of_p) else { continue };
            if ends(base).is_some_and(|[first, last]| low <= first && last <= high) {
                continue;
            }
            let name = &self.variable(own.variable).name;
            self.findings.push(messages::wider_than_p(name, base.span, base.entry.name, (wide.span, [low, high])));
        }
    }
}

/// The distribution of a factor without flows.
fn plain(factor: &Factor) -> Option<&Use<Distribution>> {
    match &factor.body {
        Body::Stochastic { base, flows, .. } if flows.is_empty() => Some(base),
        _ => None,
    }
}

fn ends(base: &Use<Distribution>) -> Option<[f64; 2]> {
    base.entry.ends.map(|ends| ends(&base.values()))
}
