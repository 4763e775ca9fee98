//! Facts about the model that the laws need from the compiler.

use crate::compiler::of_spec;
use anyhow::Result;
use srvae_dsl::catalog::Arguments;
use srvae_dsl::graph;
use srvae_dsl::plan::PartKind;
use srvae_training::spec::Spec;

/// A flow in the file. Equal flows differ only in the values of their parameters.
#[derive(PartialEq)]
pub struct FlowKind {
    name: &'static str,
    arguments: Arguments,
    /// The shapes of its value, and of its context if it has one, without the batch.
    inputs: Vec<Vec<usize>>,
    /// Multiply-accumulates for one value.
    pub cost: u64,
}

/// The kind of each flow, in the order of the model's flows.
///
/// # Errors
/// The compiler's report.
pub fn flow_kinds(spec: &Spec) -> Result<Vec<FlowKind>> {
    let compilation = of_spec(spec)?;
    let plan = compilation.plan()?;
    let kind = |(_, at)| {
        let part = plan.parts.part(at);
        let PartKind::Flow(flow) = &part.kind else { return None };
        let shapes: Vec<&[usize]> = part.inputs.iter().map(Vec::as_slice).collect();
        let (arguments, inputs) = (flow.values(), part.inputs.clone());
        let cost = (flow.entry.cost)(&arguments, &shapes).multiply_accumulates;
        Some(FlowKind { name: flow.entry.name, arguments, inputs, cost })
    };
    Ok(plan.flows().filter_map(kind).collect())
}

/// Multiply-accumulates of the bound of one record.
///
/// # Errors
/// The compiler's report.
pub fn cost(spec: &Spec) -> Result<u64> {
    Ok(of_spec(spec)?.model()?.cost().multiply_accumulates)
}

/// The paths of parameters for which the bound with fixed noise is not differentiable: those of factors of q on which a
/// discrete draw depends.
///
/// # Errors
/// The compiler's report.
pub fn jumping(spec: &Spec) -> Result<Vec<String>> {
    let compilation = of_spec(spec)?;
    let model = compilation.model()?;
    let (mut jumping, mut parts) = (Vec::new(), Vec::new());
    // Children first: the inputs of a discrete draw are affected too.
    for factor in model.q.iter().rev() {
        let graph::Body::Stochastic { network, .. } = &factor.body else { continue };
        let is_smooth = model.draw_of(factor.variable).is_none_or(|draw| {
            matches!(draw.method, graph::DrawMethod::Enumerate { .. } | graph::DrawMethod::Relaxed { .. })
        });
        if is_smooth && !jumping.contains(&factor.variable) {
            continue;
        }
        jumping.extend(factor.parents.iter());
        parts.push(factor.path.clone());
        // The gradient of codes is that of the codebook loss.
        if let graph::Body::Stochastic { base, .. } = &factor.body
            && base.entry.atoms
        {
            parts.extend(model.p_of(factor.variable).map(|p| p.path.clone()));
        }
        parts.extend(network.iter().flat_map(|network| below(model, network)));
    }
    Ok(parts)
}

/// The paths of the parameters of learned baselines, which are not in the bound.
///
/// # Errors
/// The compiler's report.
pub fn baselines(spec: &Spec) -> Result<Vec<String>> {
    let compilation = of_spec(spec)?;
    let model = compilation.model()?;
    Ok(model.of_baselines().into_iter().map(|id| srvae_dsl::plan::net_path(model, id)).collect())
}

/// The paths of the parameters of named networks and values that a network reads, directly or through values.
fn below(model: &graph::Model, network: &graph::Network) -> Vec<String> {
    let (mut open, mut seen): (Vec<&graph::Network>, Vec<graph::NetId>) = (vec![network], Vec::new());
    while let Some(network) = open.pop() {
        for node in &network.nodes {
            let (graph::Op::Net(id) | graph::Op::Let(id)) = node.op else { continue };
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            if let (graph::Op::Let(_), graph::NetBody::Network(inner)) = (&node.op, &model.nets[id.0].body) {
                open.push(inner);
            }
        }
    }
    seen.into_iter().map(|id| srvae_dsl::plan::net_path(model, id)).collect()
}
