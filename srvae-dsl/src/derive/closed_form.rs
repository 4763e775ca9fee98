//! The conditions for a closed form of KL(q(v | …) ‖ p(v | …)).

use crate::catalog::Distribution;
use crate::graph::{Body, Factor, Stage, Use, VariableId, VariableSet};

/// The reason why a divergence has no closed form.
#[derive(Debug, Clone, Copy)]
pub enum Obstacle<'m> {
    /// The factor is a point mass.
    Deterministic(&'m Factor),
    /// The factor is a mixture of factors of q.
    Mixture(&'m Factor),
    /// The factor's distribution has a flow.
    Flow(&'m Factor, &'m Stage),
    /// The catalogue has no closed form for this pair of distributions of q and p.
    Pair(&'m Use<Distribution>, &'m Use<Distribution>),
    /// The factor of p draws position after position, and each reads the draws before it.
    Past(&'m Factor),
    /// The factor of q has no parents, so its distribution does not depend on the record.
    Root(&'m Factor),
    /// The factor of p reads a variable that q draws after the factor's own variable.
    ///
    /// Given that variable, the factor's own variable no longer has the distribution of its factor of q. The term in
    /// the bound is then not the divergence of the two factors.
    DrawnAfter(&'m Factor, VariableId),
}

/// The first obstacle, for a latent with these two factors.
pub fn obstacle<'m>(q: &'m Factor, p: &'m Factor, ancestry: &Ancestry) -> Option<Obstacle<'m>> {
    let after = || {
        let parent = p.parents.iter().find(|parent| ancestry.is_drawn_after(q.variable, *parent));
        parent.map(|parent| Obstacle::DrawnAfter(p, parent))
    };
    let common = common_flows(q, p);
    of_factor(q, common)
        .or_else(|| of_factor(p, common))
        .or_else(|| pair(q, p))
        .or_else(|| p.is_autoregressive().then_some(Obstacle::Past(p)))
        .or_else(after)
        .or_else(|| is_root(q).then_some(Obstacle::Root(q)))
}

/// Whether a factor is a root without a head, so that it does not depend on the record.
fn is_root(factor: &Factor) -> bool {
    matches!(factor.body, Body::Stochastic { network: None, .. })
}

/// The number of flows that both factors share, counted from the outermost one: KL(f∘q ‖ f∘p) = KL(q ‖ p) for an
/// invertible f.
pub fn common_flows(q: &Factor, p: &Factor) -> usize {
    let (Body::Stochastic { flows: q, .. }, Body::Stochastic { flows: p, .. }) = (&q.body, &p.body) else { return 0 };
    q.iter().rev().zip(p.iter().rev()).take_while(|(q, p)| q.is_same(p)).count()
}

/// A function, or a flow that is not shared.
fn of_factor(factor: &Factor, common: usize) -> Option<Obstacle<'_>> {
    match &factor.body {
        Body::Deterministic { .. } => Some(Obstacle::Deterministic(factor)),
        Body::Mixture { .. } => Some(Obstacle::Mixture(factor)),
        Body::Stochastic { network: Some(network), .. } if network.components().is_some() => {
            Some(Obstacle::Mixture(factor))
        }
        Body::Stochastic { flows, .. } => {
            flows[..flows.len() - common].last().map(|stage| Obstacle::Flow(factor, stage))
        }
    }
}

fn pair<'m>(q: &'m Factor, p: &'m Factor) -> Option<Obstacle<'m>> {
    let (Body::Stochastic { base: q, .. }, Body::Stochastic { base: p, .. }) = (&q.body, &p.body) else { return None };
    (!q.entry.has_closed_form(p.entry)).then_some(Obstacle::Pair(q, p))
}

/// For each variable, the ancestors from which q draws it.
#[derive(Debug, Clone, Default)]
pub struct Ancestry(Vec<VariableSet>);

impl Ancestry {
    /// From the factors of q, parents before children.
    pub fn of(q: &[Factor]) -> Self {
        let most = q.iter().map(|factor| factor.variable.0 + 1).max().unwrap_or(0);
        let mut all = vec![VariableSet::default(); most];
        let (drawn, mut done): (VariableSet, _) =
            (q.iter().map(|factor| factor.variable).collect(), VariableSet::default());
        for factor in q {
            let mut above = VariableSet::default();
            // Start with the last parents: their ancestors need not be visited again.
            // A parent that is drawn later is read only where it is observed.
            let is_above = |parent: &VariableId| !drawn.contains(*parent) || done.contains(*parent);
            for parent in factor.read.iter().rev().filter(is_above) {
                if above.insert(parent)
                    && let Some(further) = all.get(parent.0)
                {
                    above.include(further);
                }
            }
            all[factor.variable.0] = above;
            done.insert(factor.variable);
        }
        Self(all)
    }

    /// Adds the ancestors of a variable in q to a set.
    pub fn include_above(&self, variable: VariableId, set: &mut VariableSet) {
        self.0.get(variable.0).into_iter().for_each(|above| set.include(above));
    }

    /// Whether `earlier` is an ancestor of `later` in q.
    pub fn is_drawn_after(&self, earlier: VariableId, later: VariableId) -> bool {
        self.0.get(later.0).is_some_and(|above| above.contains(earlier))
    }
}
