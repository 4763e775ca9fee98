//! The plan in words, for people and for snapshots.

use super::{Plan, Ready};
use crate::graph::{Body, Side};
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bound({})", self.names(&self.bound.data))?;
        writeln!(f, "  once an image")?;
        for ready in &self.bound.once {
            writeln!(f, "    {}", self.show(*ready))?;
        }
        writeln!(f, "  once a sample")?;
        if !self.bound.repeated.is_empty() {
            writeln!(f, "    repeat {}", self.names(&self.bound.repeated))?;
        }
        for ready in &self.bound.each {
            writeln!(f, "    {}", self.show(*ready))?;
        }
        for mode in &self.derivation.modes {
            writeln!(f, "{}({})", mode.name, self.names(&mode.given))?;
            for (index, step) in mode.steps.iter().enumerate() {
                let way = if mode.is_intermediate(index) { " (on the way)" } else { "" };
                writeln!(f, "    {}{way}", self.step(step.side, step.variable))?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// Names, separated by commas.
    pub fn names(&self, ids: &[crate::graph::VariableId]) -> String {
        ids.iter().map(|id| self.name(*id)).collect::<Vec<_>>().join(", ")
    }

    /// `q(u | y)`.
    pub fn factor_text(&self, side: Side, variable: crate::graph::VariableId) -> String {
        let (letter, factor) = match side {
            Side::P => ("p", self.model.p_of(variable)),
            Side::Q => ("q", self.model.q_of(variable)),
        };
        let parents = factor.map_or_else(String::new, |factor| self.names(&factor.parents));
        let bar = if parents.is_empty() { "" } else { " | " };
        format!("{letter}({}{bar}{parents})", self.name(variable))
    }

    /// `u ~ q(u | y)`, or `y = downscale(x, 2)`.
    pub fn step(&self, side: Side, variable: crate::graph::VariableId) -> String {
        match self.factor(side, variable) {
            Some(_) => format!("{} ~ {}", self.name(variable), self.factor_text(side, variable)),
            None => format!("{} = {}", self.name(variable), self.function_text(variable)),
        }
    }

    /// `downscale(x, 2)`: the function that determines a latent.
    pub fn function_text(&self, variable: crate::graph::VariableId) -> String {
        let Some(Body::Deterministic { function, input }) = self.model.q_of(variable).map(|factor| &factor.body) else {
            return String::new();
        };
        let args = function.args.iter().map(|argument| argument.value.to_string());
        let inputs: Vec<_> = [self.name(*input).to_owned()].into_iter().chain(args).collect();
        format!("{}({})", function.entry.name, inputs.join(", "))
    }

    /// `q(u | y)`, `y = downscale(x, 2)`, `u ~ q(u | y)`: a line of the plan.
    pub fn show(&self, ready: Ready) -> String {
        match ready {
            Ready::Determined(id) => self.step(Side::Q, id),
            Ready::Distribution(side, id) => self.factor_text(side, id),
            Ready::Prepared(side, id) => {
                let network = self.factor(side, id).and_then(|factor| factor.network.as_ref());
                let reads = network.map_or_else(String::new, |network| self.names(&network.once_reads));
                format!("what {} computes from {reads} alone", self.factor_text(side, id))
            }
            Ready::Drawn(id) => self.step(Side::Q, id),
        }
    }
}
