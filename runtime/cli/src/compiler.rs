//! The command line's uses of the compiler.

mod nodes;

use super::args::ModelArgs;
use anyhow::{Context, Result, anyhow, bail};
use srvae_interpreter::Memory;
use srvae_training::report::Explained;
use srvae_training::spec::{Most, Role, Spec, Variable};
use srvae_training::{Builder, Setting, Settings};
use std::path::Path;

use srvae_dsl::graph::{self, Model, Value};
use srvae_dsl::plan::Plan;
use srvae_dsl::{Compilation, Overrides, Report, Source, derive};

/// Compiles a text at the parameter values of the arguments.
///
/// # Errors
/// The compiler's report, or a `--set` that is not NAME=VALUE.
pub fn compile(path: &str, text: &str, args: &ModelArgs) -> Result<Compilation> {
    Ok(right(&Source::new(path, text), &overrides(args)?)?)
}

/// A compilation without errors.
fn right(source: &Source, settings: &Overrides) -> Result<Compilation, Report> {
    let compilation = srvae_dsl::compile(source, settings);
    compilation.model()?;
    Ok(compilation)
}

/// Compiles the file of a run at the run's settings.
///
/// # Errors
/// The compiler's report.
pub(super) fn of_spec(spec: &Spec) -> Result<Compilation, Report> {
    right(&Source::new(&spec.name, &spec.source), &overrides_of(spec))
}

/// The names of a file's presets.
///
/// # Errors
/// The compiler's report.
pub fn presets(path: &str, text: &str) -> Result<Vec<String>> {
    let compilation = compile(path, text, &ModelArgs::default())?;
    Ok(compilation.model()?.presets.iter().map(|preset| preset.name.clone()).collect())
}

/// The name of a text's model, and its parameter values from the arguments.
///
/// # Errors
/// Those of [`compile`].
pub fn settings(path: &str, text: &str, args: &ModelArgs) -> Result<(String, Settings)> {
    let compilation = compile(path, text, args)?;
    let model = compilation.model()?;
    Ok((model.name.clone(), values(model)))
}

/// The description of a model at the parameter values of the arguments.
///
/// # Errors
/// Those of [`compile`].
pub fn spec((path, text): (&str, &str), builder: &Builder, args: &ModelArgs) -> Result<Spec> {
    let compilation = compile(path, text, args)?;
    let model = compilation.model()?;
    Ok(Spec {
        name: model.name.clone(),
        source: text.to_owned(),
        preset: args.preset.clone(),
        settings: values(model),
        variables: variables(model),
        builder: builder.clone(),
    })
}

/// Compares a checkpoint's header with the compiler's result for its model text, before anything is built or loaded
/// from the header. `elements` is the number of elements of its parameters.
///
/// # Errors
/// The compiler's report on the text, or one message with all differences.
pub fn check_header(spec: &Spec, elements: usize, place: &Path) -> Result<()> {
    let source = Source::new(place.display().to_string(), &spec.source);
    let (model, _) = srvae_dsl::check(&srvae_dsl::parse(&source)?, &source, &overrides_of(spec))?;
    let mut faults = Vec::new();
    if model.name != spec.name {
        faults.push(format!("the model is named {} there, and {} in its text", spec.name, model.name));
    }
    for (name, value) in &values(&model) {
        match spec.settings.iter().find(|(given, _)| given == name) {
            None => faults.push(format!("there is no value for {name}")),
            Some((_, given)) if given.to_string() != value.to_string() => {
                faults.push(format!("{name} is {given} there, and {value} in its text"));
            }
            Some(_) => {}
        }
    }
    let all = variables(&model);
    for (at, given) in spec.variables.iter().enumerate() {
        let known = all.get(at);
        let same = known.is_some_and(|known| {
            (&known.name, known.role, known.space, &known.shape) == (&given.name, given.role, given.space, &given.shape)
        });
        if !same {
            let text = known.map_or("nothing".into(), |known| format!("{} of shape {:?}", known.name, known.shape));
            faults.push(format!("variable {} of shape {:?} is {text} in its text", given.name, given.shape));
        }
    }
    if spec.variables.len() < all.len() {
        faults.push(format!("it lists {} of the {} variables", spec.variables.len(), all.len()));
    }
    // Building allocates memory for every parameter, so it must not exceed what the file justifies. Missing parameters
    // are reported later, because a model in Rust may have other parameters than its text.
    let parameters = model.cost().parameters;
    if parameters > (elements as u64).saturating_mul(4).saturating_add(1 << 20) {
        faults.push(format!("its text has {parameters} parameters, and there are {elements}"));
    }
    if !faults.is_empty() {
        bail!(
            "{}: the checkpoint's header contradicts its model's text; use another checkpoint:\n  {}",
            place.display(),
            faults.join("\n  ")
        );
    }
    Ok(())
}

/// The compiler's explanation of a model, for its report.
///
/// # Errors
/// Those of [`compile`].
pub fn explained(spec: &Spec) -> Result<Explained> {
    let compilation = of_spec(spec)?;
    let plan = compilation.plan()?;
    Ok(Explained {
        graph: Some(srvae_dsl::explain::svg(plan)),
        latex: srvae_dsl::explain::latex(plan),
        mathematics: srvae_dsl::explain::mathematics(plan),
        networks: srvae_dsl::explain::network_table(plan),
        nodes: nodes::nodes(&plan.model),
    })
}

/// The quantity that an evaluation estimates: `ln p(x, y)`.
///
/// # Errors
/// Those of [`compile`].
pub fn bounded(spec: &Spec) -> Result<String> {
    let compilation = of_spec(spec)?;
    let plan = compilation.plan()?;
    Ok(plan.derivation.bounded.text(&plan.model))
}

/// The estimated memory of a model.
///
/// # Errors
/// Those of [`compile`].
pub fn memory(spec: &Spec) -> Result<Memory> {
    Ok(Memory::of(of_spec(spec)?.plan()?))
}

/// The plan of a model with the mode that draws all other variables given these, and the mode's name.
///
/// # Errors
/// Those of [`compile`], an unknown variable, or the reason why the mode does not exist.
pub fn conditioned(spec: &Spec, names: &[&str]) -> Result<(Plan, String)> {
    let compilation = of_spec(spec)?;
    let plan = compilation.plan()?;
    let model = &plan.model;
    let id = |name: &&str| {
        let at = model.variables.iter().position(|variable| variable.name == *name);
        at.map(graph::VariableId).with_context(|| format!("model {} has no variable `{name}`", model.name))
    };
    let evidence = names.iter().map(id).collect::<Result<Vec<_>>>()?;
    let mode = derive::given(model, &evidence).map_err(|reason| {
        anyhow!("model {} has no mode given {}: {}", model.name, names.join(" and "), reason.text(model))
    })?;
    Ok(plan.clone().with_mode(mode))
}

/// The model for records with this number of steps, and its plan.
///
/// # Errors
/// A model without sequences, and those of [`compile`].
pub fn at_length(spec: &Spec, steps: usize) -> Result<(Spec, Plan)> {
    let length = spec.variables.iter().find(|variable| variable.is_length);
    let length = length.with_context(|| format!("model {} has no sequences, and so no length", spec.name))?;
    let mut spec = spec.clone();
    let own = spec.settings.iter_mut().find(|(name, _)| *name == length.name);
    let (_, own) = own.with_context(|| format!("no value for {}", length.name))?;
    *own = Setting::Int(i64::try_from(steps)?);
    let plan = of_spec(&spec)?.plan()?.clone();
    spec.variables = variables(&plan.model);
    Ok((spec, plan))
}

/// The parameter for the number of records, if the model has a global variable.
///
/// # Errors
/// Those of [`compile`].
pub fn records(spec: &Spec) -> Result<Option<&'static str>> {
    let compilation = of_spec(spec)?;
    let is_global = |variable: &graph::Variable| variable.role == graph::Role::Global;
    Ok(compilation.model()?.variables.iter().any(is_global).then_some(srvae_dsl::RECORDS))
}

/// The latents at the top of p, whose parents are only given variables.
///
/// # Errors
/// Those of [`compile`].
pub fn roots(spec: &Spec) -> Result<Vec<String>> {
    let compilation = of_spec(spec)?;
    let model = compilation.model()?;
    Ok(root_factors(model).map(|factor| model.variable(factor.variable).name.clone()).collect())
}

/// The latents at the top of p, if q draws all of them as mean + deviation · noise, so that they can be interpolated.
/// Otherwise none.
///
/// # Errors
/// Those of [`compile`].
pub fn walked_roots(spec: &Spec) -> Result<Vec<String>> {
    let compilation = of_spec(spec)?;
    let model = compilation.model()?;
    let is_walked = |factor: &graph::Factor| matches!(&factor.body, graph::Body::Stochastic { base, .. } if base.entry.reparameterised);
    if !root_factors(model).all(is_walked) {
        return Ok(Vec::new());
    }
    Ok(root_factors(model).map(|factor| model.variable(factor.variable).name.clone()).collect())
}

/// The factors of q for the latents at the top of p, in q's order, so that a latent comes before those that read it.
fn root_factors(model: &graph::Model) -> impl Iterator<Item = &graph::Factor> {
    let role = |id: graph::VariableId| model.variable(id).role;
    let is_root = move |factor: &graph::Factor| {
        role(factor.variable) == graph::Role::Latent
            && factor.parents.iter().all(|parent| role(parent) == graph::Role::Given)
    };
    model.q.iter().filter(move |factor| model.p_of(factor.variable).is_some_and(is_root))
}

/// The arguments that reproduce a model's settings.
pub fn overrides_of(spec: &Spec) -> Overrides {
    let set = spec.settings.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    Overrides { preset: None, set }
}

fn overrides(args: &ModelArgs) -> Result<Overrides> {
    let mut set = Vec::new();
    for pair in &args.set {
        match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
                set.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            _ => bail!("--set {pair}: expected a name and a value, as in --set growth=16"),
        }
    }
    Ok(Overrides { preset: args.preset.clone(), set })
}

fn values(model: &Model) -> Settings {
    let setting = |value: &Value| match value {
        Value::Int(number) => Setting::Int(*number),
        Value::Real(number) => Setting::Real(*number),
        Value::Bool(flag) => Setting::Bool(*flag),
        Value::Word(word) => Setting::Word(word.clone()),
    };
    model.params.iter().map(|param| (param.name.clone(), setting(&param.value))).collect()
}

/// The variables as seen by data and figures: a family over the length is one variable, with the step as its first
/// axis.
fn variables(model: &Model) -> Vec<Variable> {
    let mut all: Vec<Variable> = Vec::new();
    for (at, of_model) in model.variables.iter().enumerate() {
        let id = graph::VariableId(at);
        let mut variable = variable(model, id);
        variable.is_length = model.length == Some(id);
        if of_model.step.is_some() {
            variable.name = graph::family(&variable.name).to_owned();
            if let Some(first) = all.iter_mut().find(|other| other.name == variable.name) {
                first.shape[0] += 1;
                continue;
            }
            variable.steps = true;
            variable.shape.insert(0, 1);
        }
        all.push(variable);
    }
    all
}

fn variable(model: &Model, id: graph::VariableId) -> Variable {
    let variable = model.variable(id);
    Variable {
        is_length: false,
        is_global: variable.role == graph::Role::Global,
        steps: false,
        name: variable.name.clone(),
        role: match variable.role {
            graph::Role::Observed => Role::Observed,
            graph::Role::Partly => Role::Partly,
            graph::Role::Latent | graph::Role::Global => Role::Latent,
            graph::Role::Given => Role::Given,
        },
        space: variable.space,
        shape: variable.shape.clone(),
        supplied: variable.role == graph::Role::Latent && derive::is_data(model, id),
        most: model.p_of(id).and_then(graph::Factor::trials).and_then(|trials| match trials {
            graph::Trials::Number(number) => Some(Most::Number(number)),
            graph::Trials::Of(of) => {
                let of = model.variable(of);
                Some(Most::Of(if of.step.is_some() { graph::family(&of.name) } else { &of.name }.to_owned()))
            }
            graph::Trials::Computed => None,
        }),
    }
}
