//! A stochastic factor: its field, its type, and the distribution it yields.

use super::network::{self, NetworkPlan};
use crate::graph::{Body, Factor, Model, Side, VariableId};

/// A stochastic factor as it is built and run.
#[derive(Debug, Clone)]
pub struct FactorPlan {
    pub side: Side,
    pub variable: VariableId,
    pub parents: Vec<VariableId>,
    /// `p_z`: the field, and the name its parameters stand below.
    pub field: String,
    /// `PZ`: the struct that holds its network, where it has one.
    pub type_name: String,
    pub density: Density,
    /// None at a root.
    pub network: Option<NetworkPlan>,
    /// Whether its distribution does not depend on the sample.
    pub is_once: bool,
    pub factor: Factor,
}

/// How a factor's distribution is put together.
#[derive(Debug, Clone)]
pub struct Density {
    /// The distribution's type in the runtime.
    pub base: &'static str,
    /// Field and type of each bijector, the one next to the base first.
    pub flows: Vec<(String, &'static str)>,
    /// Whether a value is decoded (a draw, or the mode where asked) rather than drawn.
    pub decodes: bool,
}

impl FactorPlan {
    /// Its flows by name, each with the fields that lead to it from the factor's own.
    pub fn bijectors(&self) -> Vec<(&'static str, Vec<&str>)> {
        let Body::Stochastic { flows, .. } = &self.factor.body else { return Vec::new() };
        let count = flows.len();
        let path = |at: usize| match &self.network {
            Some(_) => vec![self.density.flows[at].0.as_str()],
            // A root's distribution wraps one flow after the other around its base.
            None => std::iter::repeat_n("base", count - 1 - at).chain(["flow"]).collect(),
        };
        flows.iter().enumerate().map(|(at, flow)| (flow.entry.name, path(at))).collect()
    }
}

/// Plans a factor; none for a deterministic one, which holds nothing.
pub fn factor(model: &Model, factor: &Factor, invariant: &[VariableId]) -> Option<FactorPlan> {
    let Body::Stochastic { base, flows, network } = &factor.body else { return None };
    let name = &model.variable(factor.variable).name;
    let side = match factor.side {
        Side::P => "p",
        Side::Q => "q",
    };
    let flow_fields = flows.iter().enumerate().map(|(at, flow)| {
        let name = flow.entry.name;
        (if at == 0 { name.to_owned() } else { format!("{name}_{}", at + 1) }, flow.entry.runtime)
    });
    let network = network.as_ref().map(|network| network::network(model, network, invariant, false));
    Some(FactorPlan {
        side: factor.side,
        variable: factor.variable,
        parents: factor.parents.clone(),
        field: format!("{side}_{name}"),
        type_name: format!("{}{}", side.to_uppercase(), super::type_name(name)),
        density: Density {
            base: base.entry.runtime,
            flows: flow_fields.collect(),
            decodes: !base.entry.continuous || model.variable(factor.variable).role == crate::graph::Role::Observed,
        },
        is_once: network.is_some() && factor.parents.iter().all(|parent| invariant.contains(parent)),
        network,
        factor: factor.clone(),
    })
}
