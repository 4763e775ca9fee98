//! The networks, stage by stage, with shapes and costs.

use super::blocks::{Block, Over, gathered};
use super::ends::{Ends, key};
use super::known::marked;
use super::members::Row;
use super::notation::{call, count, scaled};
use crate::catalog::{Cost, show_shape};
use crate::graph::{Argument, Body, Joint, Model, NetBody, NetId, Network, Op, Side, VariableId, in_pieces};
use crate::plan::{Plan, factor_path, flow_path, net_path};
use std::collections::BTreeSet;

/// The stages of one factor or of one named network.
pub struct Group {
    /// `p`, `q`, `net` or `let`.
    pub kind: &'static str,
    /// Of the variable, or of the named network.
    pub name: String,
    /// The variable of a factor.
    pub variable: Option<VariableId>,
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
        stages.extend(flows.iter().enumerate().map(|(at, stage)| Stage {
            name: stage.flow.entry.name.to_owned(),
            args: stage.flow.args.clone(),
            path: flow_path(model, &factor.path, stage, at).replacen(&format!("{field}."), "", 1),
            reads: vec![plan.name(factor.variable).to_owned()],
            inputs: stage.inputs().into_iter().map(<[usize]>::to_vec).collect(),
            output: stage.inner.clone(),
            cost: model.stage_cost(stage),
        }));
        let (name, variable) = (plan.name(factor.variable).to_owned(), Some(factor.variable));
        Some(Group { kind: factor.side.name(), name, variable, field, stages, cost: model.factor_cost(factor) })
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
        let (kind, field) = (if net.is_let { "let" } else { "net" }, net_path(model, NetId(index)));
        Group { kind, name: net.name.clone(), variable: None, field, stages, cost }
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
            Op::Known(id) => {
                names.push(format!("known({})", plan.name(*id)));
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

/// Networks that differ only in the member of a family.
pub struct Networks<'g> {
    pub over: Option<String>,
    /// The indices of the members.
    indices: Vec<String>,
    /// With the index in the place of the members.
    pub owner: String,
    /// In the order of the members.
    pub groups: Vec<&'g Group>,
    /// The call of each stage and what it reads, with the index.
    pub stages: Vec<(String, Vec<String>)>,
    /// Parameters and multiply-accumulates of all members. Parameters that they share count once.
    pub costs: [u64; 2],
}

impl Networks<'_> {
    /// The costs of a stage of all members.
    pub fn stage_costs(&self, at: usize) -> [u64; 2] {
        total(self.groups.iter().map(|group| (group.field.as_str(), &group.stages[at].cost)))
    }

    /// The name of a stage, with the index.
    pub fn name(&self, at: usize) -> &str {
        let (call, _) = &self.stages[at];
        call.split('(').next().unwrap_or(call)
    }

    /// A path of parameters with `[l]` in the place of the member, if the members have parameters of their own.
    pub fn path(&self, of: impl Fn(&Group) -> String) -> String {
        let (first, last) = (of(self.groups[0]), of(self.groups[self.groups.len() - 1]));
        let parts = || first.split('.').zip(last.split('.'));
        // Members of a sequence share their parameters, so the index of its steps is in no path.
        let apart = parts().filter(|(first, last)| first != last).count();
        let mut indices = self.indices.iter().skip(self.indices.len().saturating_sub(apart));
        let part = |(first, last): (&str, &str)| match first == last {
            true => first.to_owned(),
            false => indices.next().map_or_else(|| first.to_owned(), |index| format!("[{index}]")),
        };
        parts().map(part).collect::<Vec<_>>().join(".")
    }
}

/// The sum of costs, where those of parameters at one path count once.
fn total<'g>(costs: impl Iterator<Item = (&'g str, &'g Cost)>) -> [u64; 2] {
    let mut seen = BTreeSet::new();
    let [mut parameters, mut operations] = [0, 0];
    for (field, cost) in costs {
        parameters += if seen.insert(field) { cost.parameters } else { 0 };
        operations += cost.multiply_accumulates;
    }
    [parameters, operations]
}

/// The groups with those of a family as one.
pub fn joined<'g>(plan: &Plan, groups: &'g [Group]) -> Vec<Networks<'g>> {
    let ends = Ends::of(plan);
    let rows: Vec<Row<'_>> = groups.iter().map(|group| row(plan, group, &ends)).collect();
    let mut all = Vec::new();
    for (joined, over) in gathered(&rows, &ends).into_iter().flat_map(Block::each) {
        let groups: Vec<&Group> = joined.rows.iter().map(|at| &groups[*at]).collect();
        let costs = total(groups.iter().map(|group| (group.field.as_str(), &group.cost)));
        let stages = (0..groups[0].stages.len()).map(|at| (joined.text(2 * at + 1), joined.list(at + 1))).collect();
        let (kind, name) = (groups[0].kind, joined.text(0));
        let owner = match groups[0].variable {
            Some(id) => {
                let side = if kind == Side::P.name() { Side::P } else { Side::Q };
                let factor: Vec<_> = plan.model.factor(side, id).into_iter().collect();
                super::factors::head(kind, &name, &marked(&plan.model, &factor, joined.list(0)))
            }
            None => format!("{kind} {name}"),
        };
        let indices = over.iter().flat_map(|over| &over.ranges).map(|values| values.index.to_owned()).collect();
        all.push(Networks { over: over.as_ref().map(Over::clause), indices, owner, groups, stages, costs });
    }
    all
}

fn row<'p>(plan: &'p Plan, group: &'p Group, ends: &Ends<'p>) -> Row<'p> {
    let side = if group.kind == Side::P.name() { Side::P } else { Side::Q };
    let factor = group.variable.and_then(|id| plan.model.factor(side, id));
    let parents = factor.map_or_else(Vec::new, |factor| plan.model.listed_pieces(&factor.parents));
    let mut row = Row::of(key(group.kind, &group.name), ends.member(&group.name));
    row = row.text(&group.name, ends).list(parents);
    for stage in &group.stages {
        let costs = format!("{} {}", stage.cost.parameters, stage.cost.multiply_accumulates);
        row = row.text(&call(&stage.name, &stage.args), ends);
        row = row
            .text(&format!("{:?} {:?} {costs}", stage.inputs, stage.output), ends)
            .list(in_pieces(stage.reads.iter().map(String::as_str)));
    }
    row
}

/// Headers, then rows, of the table of networks; the last row is the total.
pub fn table(plan: &Plan) -> Vec<Vec<String>> {
    let row = |name: String, reads: String, output: String, [parameters, operations]: [u64; 2]| {
        vec![name, reads, output, count(parameters), scaled(operations)]
    };
    let header = ["network", "reads", "yields", "parameters", "MACs per record"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let groups = groups(plan);
    for networks in joined(plan, &groups) {
        let clause = networks.over.as_ref().map_or_else(String::new, |clause| format!(" {clause}"));
        rows.push(row(format!("{}{clause}", networks.owner), String::new(), String::new(), networks.costs));
        for (at, stage) in networks.groups[0].stages.iter().enumerate() {
            let (call, reads) = &networks.stages[at];
            let name = format!("  #{} {call}", at + 1);
            rows.push(row(name, reads.join(", "), show_shape(&stage.output), networks.stage_costs(at)));
        }
    }
    let mut rows = super::fold::folded(rows);
    let Cost { parameters, multiply_accumulates, .. } = plan.model.cost();
    rows.push(row("total".to_owned(), String::new(), String::new(), [parameters, multiply_accumulates]));
    rows
}
