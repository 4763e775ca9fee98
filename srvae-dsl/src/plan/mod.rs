//! The plan: everything an emitter needs, decided. Nothing after it chooses.

mod bound;
mod factor;
mod names;
mod network;
mod show;

pub use bound::{BoundPlan, Ready};
pub use factor::{Density, FactorPlan};
pub use names::{local, type_name};
pub use network::{NetPlan, NetworkPlan, NodePlan};

use crate::derive::{Derivation, derive};
use crate::graph::{Model, NetBody, Side, VariableId};

/// A model with everything decided.
#[derive(Debug, Clone)]
pub struct Plan {
    pub model: Model,
    pub derivation: Derivation,
    /// Factors of p, then of q, that hold something: each is a field of the model's struct.
    pub factors: Vec<FactorPlan>,
    /// Named networks that are used, by position in [`Model::nets`].
    pub nets: Vec<NetPlan>,
    pub bound: BoundPlan,
}

impl Plan {
    /// The factor of this variable on this side; none where it is deterministic.
    pub fn factor(&self, side: Side, variable: VariableId) -> Option<&FactorPlan> {
        self.factors.iter().find(|factor| factor.side == side && factor.variable == variable)
    }

    /// A variable's name.
    pub fn name(&self, id: VariableId) -> &str {
        &self.model.variable(id).name
    }
}

/// Decides.
pub fn plan(model: Model) -> Plan {
    let derivation = derive(&model);
    let invariant = bound::invariant(&model);
    let factors: Vec<FactorPlan> =
        model.p.iter().chain(&model.q).filter_map(|factor| factor::factor(&model, factor, &invariant)).collect();
    let nets = model.nets.iter().map(|net| match &net.body {
        NetBody::Network(network) => {
            NetPlan::Built { name: net.name.clone(), network: network::network(&model, network, &[], true) }
        }
        NetBody::Rust { path, .. } => NetPlan::Rust { name: net.name.clone(), path: path.clone() },
    });
    let nets = nets.collect();
    let bound = bound::bound(&model, &derivation, &factors, &invariant);
    Plan { model, derivation, factors, nets, bound }
}
