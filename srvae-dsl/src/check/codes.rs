//! `q(z | x) = quantise from …` with `p(z) = codebook`: the codes belong to the prior, so each needs the other.

use super::Checker;
use crate::diagnostics::messages;
use crate::graph::{Body, Factor, Role};

impl Checker<'_> {
    pub(super) fn codes(&mut self, p: &[Factor], q: &[Factor]) {
        if self.findings.has_errors() {
            return;
        }
        for factor in p.iter().chain(q) {
            let of = |factors: &[Factor], name: &str| {
                let found = factors.iter().find(|other| other.variable == factor.variable);
                found.is_some_and(|other| is(other, name))
            };
            let is_pair = of(p, "codebook") && of(q, "quantise");
            let is_latent = self.variable(factor.variable).role == Role::Latent;
            if (is(factor, "codebook") || is(factor, "quantise")) && !(is_pair && is_latent) {
                let name = &self.variable(factor.variable).name;
                self.findings.push(messages::codes_apart(name, factor.span));
            }
        }
    }
}

fn is(factor: &Factor, name: &str) -> bool {
    matches!(&factor.body, Body::Stochastic { base, .. } if base.entry.name == name)
}
