//! What the laws ask of the compiler.

use crate::compiler::of_spec;
use anyhow::Result;
use srvae_dsl::catalog::Arguments;
use srvae_dsl::graph;
use srvae_dsl::plan::PartKind;
use srvae_training::spec::Spec;

/// A flow as the file states it. Flows that are equal here differ in the values of their parameters alone.
#[derive(PartialEq)]
pub struct FlowKind {
    name: &'static str,
    arguments: Arguments,
    /// Of its value, and of its context where it has one, without the batch.
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
    let kind = |at: &_| {
        let part = plan.parts.part(*at);
        let PartKind::Flow(flow) = &part.kind else { return None };
        let shapes: Vec<&[usize]> = part.inputs.iter().map(Vec::as_slice).collect();
        let (arguments, inputs) = (flow.values(), part.inputs.clone());
        let cost = (flow.entry.cost)(&arguments, &shapes).multiply_accumulates;
        Some(FlowKind { name: flow.entry.name, arguments, inputs, cost })
    };
    Ok(plan.factors.iter().flat_map(|factor| &factor.flows).filter_map(kind).collect())
}

/// Multiply-accumulates of one record's bound.
///
/// # Errors
/// The compiler's report.
pub fn cost(spec: &Spec) -> Result<u64> {
    Ok(of_spec(spec)?.model()?.cost().multiply_accumulates)
}

/// Where parameters are stored whose bound has no slope at fixed noise: those of factors of q that a discrete draw hangs
/// on, for such a draw jumps.
///
/// # Errors
/// The compiler's report.
pub fn jumping(spec: &Spec) -> Result<Vec<String>> {
    let compilation = of_spec(spec)?;
    let model = compilation.model()?;
    let (mut jumping, mut parts) = (Vec::new(), Vec::new());
    // Children first: what a jumping draw is computed from jumps with it.
    for factor in model.q.iter().rev() {
        let graph::Body::Stochastic { network, .. } = &factor.body else { continue };
        let is_smooth = model.draw_of(factor.variable).is_none_or(|draw| {
            matches!(draw.method, graph::DrawMethod::Enumerate { .. } | graph::DrawMethod::Relaxed { .. })
        });
        if is_smooth && !jumping.contains(&factor.variable) {
            continue;
        }
        jumping.extend(factor.parents.iter());
        parts.push(format!("q_{}", model.variable(factor.variable).name));
        // Codes have the gradient that draws them to the network's output.
        if let graph::Body::Stochastic { base, .. } = &factor.body
            && base.entry.atoms
        {
            parts.push(format!("p_{}", model.variable(factor.variable).name));
        }
        parts.extend(network.iter().flat_map(|network| below(model, network)));
    }
    Ok(parts)
}

/// Where the parameters lie of the named networks and values that a network reads, directly or through values.
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

/// The terms of latents that are summed over: by importance weights they hold what the sum gains, and estimate no divergence.
///
/// # Errors
/// The compiler's report.
pub fn summed(spec: &Spec) -> Result<Vec<String>> {
    let compilation = of_spec(spec)?;
    let model = compilation.model()?;
    let is_summed = |draw: &&graph::Draw| matches!(draw.method, graph::DrawMethod::Enumerate { .. });
    let terms = model.draws.iter().filter(is_summed).map(|draw| format!("KL_{}", model.variable(draw.variable).name));
    Ok(terms.collect())
}
