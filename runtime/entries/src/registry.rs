//! Entries by their names in the language, for interpreted models.

use crate::distributions::types::{Codebook, Quantise};
use crate::tensors::{Bijector, Distribution, Expert, Head, Layer, Params, Result, Tensor, bail};
use crate::{Block, Build, DISTRIBUTIONS, Make, Parameter, Value, block};
use candle_core::Error;
use srvae_numerics::dist::downcast;
use srvae_numerics::{BoundOptions, KlEstimator, Setting};
use std::sync::Arc;

/// The arguments of one entry by name. A repeated argument occurs several times.
#[derive(Debug, Clone, Default)]
pub struct Arguments(pub Vec<(String, Setting)>);

impl Arguments {
    /// Checks the arguments against an entry's parameters, in their order, and fills in defaults.
    fn of(&self, entry: &str, parameters: &[Parameter]) -> Result<crate::Arguments> {
        if let Some((name, _)) = self.0.iter().find(|(name, _)| parameters.iter().all(|one| one.name != name)) {
            bail!("`{entry}` has no argument `{name}`");
        }
        let mut all = Vec::new();
        for parameter in parameters {
            let given = self.0.iter().filter(|(name, _)| name == parameter.name).map(|(_, value)| value_of(value));
            let mut given: Vec<Value> = given.collect();
            if given.is_empty() {
                given.extend(parameter.default.map(Value::from));
            }
            if given.is_empty() || (given.len() > 1 && !parameter.repeats) {
                bail!("`{entry}` takes `{}` once, not {} times", parameter.name, given.len());
            }
            for value in given {
                let Some(value) = parameter.kind.accept(&value) else {
                    bail!("`{}` of `{entry}` is {}, not {value}", parameter.name, parameter.kind.describe());
                };
                all.push((parameter.name, value));
            }
        }
        Ok(crate::Arguments(all))
    }
}

fn value_of(setting: &Setting) -> Value {
    match setting {
        Setting::Int(value) => Value::Int(*value),
        Setting::Real(value) => Value::Real(*value),
        Setting::Bool(value) => Value::Bool(*value),
        Setting::Word(value) => Value::Word(value.clone()),
    }
}

fn entry(kind: &str, name: &str) -> Result<&'static Block> {
    block(name).ok_or_else(|| unknown(kind, name))
}

fn unknown(kind: &str, name: &str) -> Error {
    Error::Msg(format!("no {kind} is named `{name}`"))
}

/// A layer by name, for inputs of these shapes, with its parameters below `params`.
///
/// # Errors
/// An unknown name, invalid arguments, or a shape that does not fit.
pub fn layer(name: &str, params: &Params, inputs: &[&[usize]], arguments: &Arguments) -> Result<Box<dyn Layer>> {
    let entry = entry("layer", name)?;
    match entry.build {
        Build::Layer(build) => build(params, inputs, &arguments.of(name, entry.parameters)?),
        Build::Function(_) | Build::Bijector(_) => Err(unknown("layer", name)),
    }
}

/// Applies a function without parameters, of a network or of a factor of q.
///
/// # Errors
/// An unknown name, invalid arguments, or a shape that does not fit.
pub fn function(name: &str, inputs: &[&Tensor], arguments: &Arguments) -> Result<Tensor> {
    if let Some(entry) = crate::function(name)
        && let Some(apply) = entry.apply
    {
        return apply(crate::tensors::only(inputs)?, &arguments.of(name, entry.parameters)?);
    }
    let entry = entry("function", name)?;
    match entry.build {
        Build::Function(apply) => apply(inputs, &arguments.of(name, entry.parameters)?),
        Build::Layer(_) | Build::Bijector(_) => Err(unknown("function", name)),
    }
}

/// The distribution whose parameters are a network's output (its head).
///
/// # Errors
/// An unknown name, invalid arguments, or a head that does not fit.
pub fn distribution(name: &str, head: &Head, arguments: &Arguments) -> Result<Box<dyn Distribution>> {
    match crate::distribution(name).map(|entry| (entry, entry.make)) {
        Some((entry, Make::Head(make))) => make(head, &arguments.of(name, entry.parameters)?),
        _ => Err(unknown("distribution over a network", name)),
    }
}

/// The normalised product of experts of one distribution and of a number of roots.
///
/// # Errors
/// An unknown name, or heads that do not fit.
pub fn product(name: &str, experts: &[Expert<'_>], roots: usize) -> Result<Box<dyn Distribution>> {
    let entry = crate::distribution(name).and_then(|entry| entry.experts);
    (entry.ok_or_else(|| unknown("product of distributions", name))?.product)(experts, roots)
}

/// The distribution of a root over values of this shape, without the batch. Its parameters, if any, are below `params`.
///
/// # Errors
/// An unknown name, invalid arguments, or a shape that does not fit.
pub fn root(name: &str, params: &Params, shape: &[usize], arguments: &Arguments) -> Result<Box<dyn Distribution>> {
    match crate::distribution(name).map(|entry| (entry, entry.make)) {
        Some((entry, Make::Root(make))) => make(params, shape, &arguments.of(name, entry.parameters)?),
        _ => Err(unknown("distribution at a root", name)),
    }
}

/// A flow over values of the first shape, without the batch, with a context of the second shape if there is one. Its
/// parameters are below `params`.
///
/// # Errors
/// An unknown name, invalid arguments, or a shape that does not fit.
pub fn flow(name: &str, params: &Params, inputs: &[&[usize]], arguments: &Arguments) -> Result<Arc<dyn Bijector>> {
    let entry = crate::flow(name).ok_or_else(|| unknown("flow", name))?;
    match entry.build {
        Build::Bijector(build) => build(params, inputs, &arguments.of(name, entry.parameters)?),
        Build::Layer(_) | Build::Function(_) => Err(unknown("flow", name)),
    }
}

/// The distribution of the nearest codes of a codebook.
///
/// # Errors
/// Distributions of other types.
pub fn quantised(points: &dyn Distribution, codebook: &dyn Distribution) -> Result<Arc<dyn Distribution>> {
    match (downcast::<Quantise>(points), downcast::<Codebook>(codebook)) {
        (Some(points), Some(codebook)) => Ok(Arc::new(points.clone().of(codebook))),
        _ => bail!("codes are of `quantise` and `codebook`"),
    }
}

/// KL(q ‖ p) in closed form, `[N]` nats.
///
/// # Errors
/// A pair without a closed form, or shapes that differ.
pub fn divergence(q: &dyn Distribution, p: &dyn Distribution) -> Result<Tensor> {
    let rows = DISTRIBUTIONS.iter().flat_map(|entry| entry.divergences);
    let found = rows.into_iter().find_map(|closed| closed(q, p));
    found.unwrap_or_else(|| bail!("these two distributions have no divergence in closed form"))
}

/// KL(q ‖ p), `[N]` nats, in closed form; or log q − log p at the value if the options ask for it.
///
/// # Errors
/// Those of [`divergence`] and of the log-probabilities.
pub fn divergence_term(
    q: &dyn Distribution,
    p: &dyn Distribution,
    value: &Tensor,
    options: &BoundOptions,
) -> Result<Tensor> {
    match options.kl {
        KlEstimator::Derived => divergence(q, p),
        KlEstimator::MonteCarlo => q.log_prob(value)? - p.log_prob(value)?,
    }
}
