//! Builds the parts with parameters by their names in the language.

use srvae_dsl::graph::{Argument, Value};
use srvae_dsl::plan::{Part, PartKind};
use srvae_entries::registry::{self, Arguments};
use srvae_numerics::dist::Distribution;
use srvae_numerics::flow::Bijector;
use srvae_numerics::nn::Layer;
use srvae_numerics::{Params, Result, Setting};
use std::sync::Arc;

/// A built part of the plan.
pub enum Built {
    Layer(Box<dyn Layer>),
    Root(Arc<dyn Distribution>),
    Flow(Arc<dyn Bijector>),
}

/// Builds a part from its checked shapes.
pub fn part(part: &Part, params: &Params) -> Result<Built> {
    let at = params.at(&part.path);
    let inputs: Vec<&[usize]> = part.inputs.iter().map(Vec::as_slice).collect();
    let own = part.inputs.first().map_or(&[][..], Vec::as_slice);
    Ok(match &part.kind {
        PartKind::Layer { block, .. } => {
            Built::Layer(registry::layer(block.entry.name, &at, &inputs, &arguments(&block.args))?)
        }
        PartKind::Root(base) => {
            Built::Root(Arc::from(registry::root(base.entry.name, &at, own, &arguments(&base.args))?))
        }
        PartKind::Flow(flow) => Built::Flow(registry::flow(flow.entry.name, &at, &inputs, &arguments(&flow.args))?),
        PartKind::Rust(rust) => candle_core::bail!(
            "the network `{}` is written in Rust ({rust}), so this model needs a crate of its own: a `model!` line, that \
             network, and a `main` that calls srvae::cli::main",
            part.path
        ),
    })
}

/// Arguments at their checked values.
pub fn arguments(all: &[Argument]) -> Arguments {
    let each = all.iter().map(|argument| {
        let value = match &argument.value {
            Value::Int(value) => Setting::Int(*value),
            Value::Real(value) => Setting::Real(*value),
            Value::Bool(value) => Setting::Bool(*value),
            Value::Word(word) => Setting::Word(word.clone()),
        };
        (argument.name.to_owned(), value)
    });
    Arguments(each.collect())
}
