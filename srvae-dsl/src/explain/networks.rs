//! The networks, stage by stage, with shapes and costs.

use super::notation::{call, count, scaled};
use crate::catalog::{Cost, show_shape};
use crate::graph::{Argument, Body, Joint, Model, NetBody, NetId, Network, Op};
use crate::plan::{PartId, Plan, factor_path, net_path};

/// The stages of one factor or of one named network.
pub struct Group {
    /// `p(x | y, z)`, or `net enc`.
    pub owner: String,
    /// The path of its parameters. Empty if it has none.
    pub field: String,
    pub stages: Vec<Stage>,
    pub cost: Cost,
}

/// One stage: a block, a bijector, a named network, or the parameters of a distribution.
pub struct Stage {
    pub name: String,
    pub args: Vec<Argument>,
    /// Below the group's field.
    pub path: String,
    /// Its inputs: names of variables, and `#3` for the output of the group's third stage.
    pub reads: Vec<String>,
    pub inputs: Vec<Vec<usize>>,
    pub output: Vec<usize>,
    pub cost: Cost,
}

/// Every group: factors of p, of q, named networks.
pub fn groups(plan: &Plan) -> Vec<Group> {
    let model = &plan.model;
    let factors = model.p.iter().chain(&model.q).filter_map(|factor| {
        let Body::Stochastic { base, flows, network } = &factor.body else { return None };
        let shape = flows.first().map_or(&model.variable(factor.variable).shape, |stage| &stage.inner);
        let mut stages = network.as_ref().map_or_else(Vec::new, |network| stages(plan, network, &[]));
        let held = (base.entry.count)(&base.values(), shape);
        if held > 0 {
            stages.push(Stage {
                name: base.entry.name.to_owned(),
                args: base.args.clone(),
                path: String::new(),
                reads: Vec::new(),
                inputs: Vec::new(),
                output: shape.clone(),
                cost: Cost::held(held),
            });
        }
        let field = factor_path(model, factor.side, factor.variable);
        let below = |part: &PartId| plan.parts.part(*part).path.replacen(&format!("{field}."), "", 1);
        let parts = plan.factor(factor.side, factor.variable).map_or(&[][..], |plan| &plan.flows);
        stages.extend(flows.iter().zip(parts).map(|(stage, part)| Stage {
            name: stage.flow.entry.name.to_owned(),
            args: stage.flow.args.clone(),
            path: below(part),
            reads: vec![plan.name(factor.variable).to_owned()],
            inputs: stage.inputs().into_iter().map(<[usize]>::to_vec).collect(),
            output: stage.inner.clone(),
            cost: model.stage_cost(stage),
        }));
        let owner = plan.factor_text(factor.side, factor.variable);
        Some(Group { owner, field, stages, cost: model.factor_cost(factor) })
    });
    let nets = model.nets.iter().enumerate().map(|(index, net)| {
        let stages = match &net.body {
            NetBody::Network(network) => stages(plan, network, &net.formals),
            NetBody::Rust { path, .. } => vec![Stage {
                name: format!("rust {path:?}"),
                args: Vec::new(),
                path: String::new(),
                reads: net.formals.clone(),
                inputs: net.inputs.clone(),
                output: net.output.clone(),
                cost: Cost::default(),
            }],
        };
        let cost = model.net_cost(NetId(index));
        let word = if net.is_let { "let" } else { "net" };
        Group { owner: format!("{word} {}", net.name), field: net_path(model, NetId(index)), stages, cost }
    });
    factors.chain(nets).collect()
}

fn stages(plan: &Plan, network: &Network, formals: &[String]) -> Vec<Stage> {
    let model: &Model = &plan.model;
    // The name of each node for those that read it.
    let mut names: Vec<String> = Vec::with_capacity(network.nodes.len());
    let mut stages: Vec<Stage> = Vec::new();
    for node in &network.nodes {
        let (name, args) = match &node.op {
            Op::Variable(id) => {
                names.push(plan.name(*id).to_owned());
                continue;
            }
            Op::Past(id) => {
                names.push(format!("past({})", plan.name(*id)));
                continue;
            }
            Op::Let(id) => {
                names.push(model.nets[id.0].name.clone());
                continue;
            }
            Op::Formal(at) => {
                names.push(formals.get(*at).cloned().unwrap_or_default());
                continue;
            }
            Op::Block { block, .. } => (block.entry.name.to_owned(), block.args.clone()),
            Op::Net(id) => (model.nets[id.0].name.clone(), Vec::new()),
            Op::Experts { joint: Joint::Product, .. } => ("product of experts".to_owned(), Vec::new()),
            Op::Experts { joint: Joint::Mean, .. } => ("mixture".to_owned(), Vec::new()),
        };
        stages.push(Stage {
            name,
            args,
            path: node.path.clone(),
            reads: node.inputs.iter().map(|input| names[input.0].clone()).collect(),
            inputs: network.input_shapes(node).iter().map(|shape| shape.to_vec()).collect(),
            output: node.shape.clone(),
            cost: model.node_cost(network, node),
        });
        names.push(format!("#{}", stages.len()));
    }
    stages
}

/// Headers, then rows, of the table of networks; the last row is the total.
pub fn table(plan: &Plan) -> Vec<Vec<String>> {
    let row = |name: String, reads: String, output: String, cost: Cost| {
        vec![name, reads, output, count(cost.parameters), scaled(cost.multiply_accumulates)]
    };
    let header = ["network", "reads", "yields", "parameters", "MACs per record"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for group in groups(plan) {
        rows.push(row(group.owner, String::new(), String::new(), group.cost));
        for (at, stage) in group.stages.into_iter().enumerate() {
            let name = format!("  #{} {}", at + 1, call(&stage.name, &stage.args));
            rows.push(row(
                name,
                crate::graph::in_ranges(stage.reads.iter().map(String::as_str)).join(", "),
                show_shape(&stage.output),
                stage.cost,
            ));
        }
    }
    let mut rows = super::fold::folded(rows);
    rows.push(row("total".to_owned(), String::new(), String::new(), plan.model.cost()));
    rows
}
