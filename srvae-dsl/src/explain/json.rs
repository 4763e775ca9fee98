//! The explanation as JSON. The keys are stable and documented in the language reference.

use super::bound::{Form, statements};
use super::ends::Ends;
use super::fold::alike;
use super::networks::{Group, groups, joined};
use super::notation;
use crate::catalog::space_entry;
use crate::derive::is_deterministic;
use crate::graph::{Argument, Body, DrawMethod, Factor, VariableId, in_ranges};
use crate::plan::{Plan, Rate};
use serde_json::{Map, Value, json};

/// One object: model, docs, settings, variables, factors, bound, bounded, sure, draws, objective, plan, modes, impossible_modes, networks, parameters,
/// multiply_accumulates.
pub fn json(plan: &Plan) -> Value {
    let (model, cost) = (&plan.model, plan.model.cost());
    let settings: Map<String, Value> =
        model.params.iter().map(|param| (param.name.clone(), literal(&param.value))).collect();
    let presets: Vec<&str> = model.presets.iter().map(|preset| preset.name.as_str()).collect();
    json!({
        "model": model.name,
        "docs": model.docs,
        "settings": settings,
        "presets": presets,
        "variables": variables(plan),
        "factors": model.p.iter().chain(&model.q).map(|it| factor(plan, it)).collect::<Vec<_>>(),
        "bound": bound(plan),
        "bounded": bounded(plan),
        "sure": notation::sure(plan).iter().map(|it| plan.name(it.variable)).collect::<Vec<_>>(),
        "draws": draws(plan),
        "objective": super::objective::json(plan),
        "plan": {
            "once_an_image": alike(plan.lines(&plan.bound, Rate::Record)),
            "repeated": plan.repeated(&plan.bound),
            "once_a_sample": alike(plan.lines(&plan.bound, Rate::Sample)),
            "once_a_value": alike(plan.lines(&plan.bound, Rate::Value)),
            "segments": plan.segments.all.len(),
        },
        "modes": modes(plan),
        "impossible_modes": impossible_modes(plan),
        "networks": networks(plan),
        "parameters": cost.parameters,
        "multiply_accumulates": cost.multiply_accumulates,
    })
}

/// Names of variables; three or more consecutive members of a family are one range, `z[1..12]`.
fn names(plan: &Plan, ids: &[VariableId]) -> Vec<String> {
    in_ranges(ids.iter().map(|id| plan.name(*id)))
}

fn literal(value: &crate::graph::Value) -> Value {
    match value {
        crate::graph::Value::Int(value) => json!(value),
        crate::graph::Value::Real(value) => json!(value),
        crate::graph::Value::Bool(value) => json!(value),
        crate::graph::Value::Word(value) => json!(value),
    }
}

/// Values by name. Those of a repeated argument are a list.
fn arguments(args: &[Argument]) -> Map<String, Value> {
    let mut map = Map::new();
    for argument in args {
        let value = literal(&argument.value);
        match map.get_mut(argument.name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.clone(), value]),
            None => drop(map.insert(argument.name.to_owned(), value)),
        }
    }
    map
}

fn variables(plan: &Plan) -> Vec<Value> {
    let all = plan.model.variables.iter().enumerate().map(|(index, variable)| {
        json!({
            "name": variable.name,
            "role": variable.role.name(),
            "space": space_entry(variable.space).name,
            "shape": variable.shape,
            "deterministic": plan.model.q_of(VariableId(index)).is_some_and(is_deterministic),
            "docs": variable.docs,
        })
    });
    all.collect()
}

fn factor(plan: &Plan, factor: &Factor) -> Value {
    let cost = plan.model.factor_cost(factor);
    let mut object = json!({
        "side": factor.side.name(),
        "variable": plan.name(factor.variable),
        "parents": plan.model.listed(&factor.parents),
        "text": plan.factor_text(factor.side, factor.variable),
        "density": notation::density(plan, factor),
        "deterministic": is_deterministic(factor),
    });
    let rest = match &factor.body {
        Body::Deterministic { function, input } => json!({
            "function": function.entry.name,
            "arguments": arguments(&function.args),
            "input": plan.name(*input),
        }),
        Body::Mixture { components, .. } => json!({
            "distribution": "mixture",
            "arguments": { "components": components },
            "flows": [],
            "parameters": cost.parameters,
            "multiply_accumulates": cost.multiply_accumulates,
        }),
        Body::Stochastic { base, flows, .. } => json!({
            "distribution": base.entry.name,
            "arguments": arguments(&base.args),
            "flows": flows.iter().map(|stage| json!({
                "name": stage.flow.entry.name,
                "arguments": arguments(&stage.flow.args),
            })).collect::<Vec<_>>(),
            "parameters": cost.parameters,
            "multiply_accumulates": cost.multiply_accumulates,
        }),
    };
    if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
        object.extend(rest);
    }
    object
}

fn bound(plan: &Plan) -> Vec<Value> {
    let ends = Ends::of(plan);
    let all = statements(plan).into_iter().map(|statement| {
        let (estimator, reason) = statement.estimate();
        json!({
            "name": statement.term.name,
            "variable": plan.name(statement.term.variable),
            "sign": if statement.adds() { "+" } else { "-" },
            "shared": statement.term.shared,
            "where": statement.term.presence.map(|presence| presence.text(plan.name(statement.term.variable))),
            "kind": match statement.form {
                Form::LogLikelihood => "log_likelihood",
                Form::Divergence => "divergence",
                Form::LogRatio => "log_ratio",
            },
            "over": names(plan, &statement.over),
            "text": super::text::formula(&statement, &super::terms::alone(plan, &statement, &ends)),
            "estimator": estimator.to_lowercase().replace(' ', "_"),
            "reason": reason,
        })
    });
    all.collect()
}

fn draws(plan: &Plan) -> Vec<Value> {
    let all = plan.model.draws.iter().map(|draw| {
        let mut object = json!({ "variable": plan.name(draw.variable), "method": draw.method.name() });
        match &draw.method {
            DrawMethod::Enumerate { values } => object["values"] = json!(values),
            DrawMethod::Relaxed { temperature } => object["temperature"] = literal(&temperature.value),
            DrawMethod::Score => object["baseline"] = json!(draw.baseline.map(|id| &plan.model.nets[id.0].name)),
            DrawMethod::StraightThrough => {}
        }
        object
    });
    all.collect()
}

fn bounded(plan: &Plan) -> Value {
    let bounded = &plan.derivation.bounded;
    json!({
        "of": names(plan, &bounded.of),
        "partly": names(plan, &bounded.partly),
        "given": names(plan, &bounded.given),
        "relation": bounded.relation(),
        "sum": super::bound_sum(plan),
        "text": bounded.text(&plan.model),
    })
}

fn impossible_modes(plan: &Plan) -> Vec<Value> {
    let all = plan.derivation.refused.iter().map(|refusal| {
        json!({
            "name": refusal.name,
            "given": names(plan, &refusal.given),
            "reason": refusal.reason.text(&plan.model),
        })
    });
    all.collect()
}

fn modes(plan: &Plan) -> Vec<Value> {
    let all = plan.derivation.modes.iter().map(|mode| {
        let steps = mode.steps.iter().zip(plan.steps(mode)).zip(mode.intermediate());
        let steps = steps.map(|((step, text), is_intermediate)| {
            json!({
                "variable": plan.name(step.variable),
                "side": step.side.name(),
                "text": text,
                "intermediate": is_intermediate,
            })
        });
        json!({
            "name": mode.name,
            "given": names(plan, &mode.given),
            "partly": names(plan, &mode.partly.iter().collect::<Vec<_>>()),
            "completed": names(plan, &mode.completed().iter().collect::<Vec<_>>()),
            "yields": names(plan, &mode.yields(&plan.model)),
            "steps": steps.collect::<Vec<_>>(),
            "switch": mode.switch.map(crate::derive::Switch::name),
        })
    });
    all.collect()
}

fn networks(plan: &Plan) -> Vec<Value> {
    let groups = groups(plan);
    let all = joined(plan, &groups).into_iter().map(|networks| {
        let first = networks.groups[0];
        let stages = first.stages.iter().enumerate().map(|(at, stage)| {
            let path = |group: &Group| match &group.stages[at].path {
                path if path.is_empty() => String::new(),
                path => format!("{}.{path}", group.field),
            };
            let [parameters, multiply_accumulates] = networks.stage_costs(at);
            json!({
                "name": networks.name(at),
                "arguments": arguments(&stage.args),
                "path": networks.path(path),
                "reads": networks.stages[at].1,
                "inputs": stage.inputs,
                "output": stage.output,
                "parameters": parameters,
                "multiply_accumulates": multiply_accumulates,
            })
        });
        let [parameters, multiply_accumulates] = networks.costs;
        json!({
            "owner": networks.owner,
            "members": networks.over,
            "path": networks.path(|group| group.field.clone()),
            "parameters": parameters,
            "multiply_accumulates": multiply_accumulates,
            "stages": stages.collect::<Vec<_>>(),
        })
    });
    all.collect()
}
