//! From the syntax tree to the checked model.
//!
//! The phases are declarations (names, parameters at their chosen values, variables with their shapes), factors
//! (networks, shapes, distributions) with their graphs, then estimators and gradients, and last warnings about unused
//! names. Errors accumulate within a phase. A phase needs the results of the one before, so it starts only if that one
//! found no errors.

mod arguments;
mod arithmetic;
mod baselines;
mod causal;
mod cells;
mod codes;
mod declarations;
mod distributions;
mod domains;
mod draws;
mod estimates;
mod experts;
mod factors;
mod families;
mod flows;
mod functions;
mod globals;
mod heads;
mod lets;
mod mentioned;
mod mixtures;
mod names;
mod nets;
mod network;
mod numbers;
mod objective;
mod order;
mod padding;
mod settings;
mod size;
mod steps;
mod sums;
mod support;
mod unused;

use crate::ast::{File, Item, ItemKind};
use crate::diagnostics::{Diagnostic, Findings, Report};
use crate::graph::{Model, Param, ParamId, Parents, Places, Preset, Variable, VariableId};
use crate::indices::{Reference, Unrolled, unroll};
use crate::source::{Source, Span};
pub use declarations::RECORDS;
use families::Members;
use flows::NamedFlows;
use nets::Nets;
use std::collections::{BTreeMap, BTreeSet};

/// Changes of a model's parameter values by the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// A preset of the file, applied first.
    pub preset: Option<String>,
    /// Parameters with their values as text, applied in order.
    pub set: Vec<(String, String)>,
}

/// Checks a file at the parameter values of the overrides. Without overrides it is also checked at each of its presets.
///
/// # Errors
/// A report of all independent errors.
pub fn check(file: &File, source: &Source, overrides: &Overrides) -> Result<(Model, Vec<Diagnostic>), Report> {
    let (model, warnings) = check_at(file, source, overrides)?;
    if *overrides == Overrides::default() {
        let mut findings = Findings::default();
        for preset in &model.presets {
            let at = Overrides { preset: Some(preset.name.clone()), set: Vec::new() };
            if let Err(report) = check_at(file, source, &at) {
                let note = format!("at the parameters of the preset `{}`", preset.name);
                findings.diagnostics.extend(report.diagnostics.into_iter().map(|error| error.note(note.clone())));
            }
        }
        findings.finish(source)?;
    }
    Ok((model, warnings))
}

fn check_at(file: &File, source: &Source, overrides: &Overrides) -> Result<(Model, Vec<Diagnostic>), Report> {
    let mut checker = Checker::default();
    checker.parameters(file, overrides);
    checker.index_names(file);
    let Checker { mut findings, params, mut param_used, presets, .. } = checker;
    let Unrolled { file, paths, fixed, length, steps, indices, references, checkpoint } =
        unroll(file, &params, &mut findings);
    findings.finish(source)?;
    fixed.iter().for_each(|at| param_used[*at] = true);
    let fixed = fixed.into_iter().map(ParamId).collect();
    let file: &File = &file;
    let mut checker = Checker { findings, params, param_used, presets, paths, steps, references, ..Checker::default() };
    checker.length.clone_from(&length);
    checker.declare(file, source);
    let length = length.and_then(|length| checker.declare_length(&length));
    checker.findings.finish(source)?;
    let (p, q) = checker.factors(file);
    checker.cells(&p, &q);
    checker.mixtures(&p, &q);
    checker.codes(&p, &q);
    checker.globals(&p, &q);
    checker.supports(&p, &q);
    let estimates = checker.estimates(file, &p, &q);
    let draws = checker.draws(file, &p, &q);
    checker.means(&q, &draws);
    let weights = checker.weights(file, &p, &q);
    let addends = checker.addends(file, &[&p, &q]);
    let sum = checker.sum(&draws, (&p, &q), (&estimates, &addends));
    let enumerated = draws::enumerated(&draws, &p, &q);
    checker.findings.finish(source)?;
    checker.unused(&p, &q, file);
    let Checker { mut findings, name, docs, params, presets, variables, nets, .. } = checker;
    let (nets, places) = (nets.done, Places::of(variables.len(), &p, &q));
    let model = Model {
        name,
        docs,
        params,
        presets,
        variables,
        nets,
        p,
        q,
        estimates,
        draws,
        sum,
        enumerated,
        weights,
        addends,
        fixed,
        length,
        places,
        indices,
        checkpoint,
    };
    size::bound(&model, &mut findings);
    padding::reads(&model, &mut findings);
    steps::shapes(&model, &mut findings);
    findings.finish(source)?;
    let warnings = Report::new(source, findings.diagnostics).diagnostics;
    Ok((model, warnings))
}

/// The state of the checks.
#[derive(Default)]
struct Checker<'a> {
    findings: Findings,
    name: String,
    docs: Vec<String>,
    params: Vec<Param>,
    param_used: Vec<bool>,
    presets: Vec<Preset>,
    variables: Vec<Variable>,
    variable_ids: BTreeMap<String, VariableId>,
    families: BTreeMap<String, Members>,
    /// Places of the spaces in the declarations of the variables.
    space_spans: Vec<Span>,
    nets: Nets<'a>,
    flows: NamedFlows<'a>,
    /// The variables that each variable's factor of q reads.
    read_by_q: BTreeMap<VariableId, Parents>,
    /// Experts of q that read a partly observed variable only where it is observed: the factor's variable, and the one read.
    only_where_observed: BTreeSet<(VariableId, VariableId)>,
    /// The shape and the place of the first use of each stage of a named flow.
    flow_shapes: BTreeMap<String, (Vec<usize>, Span)>,
    /// Paths of the parameters of members of families, and the step for families over the length.
    paths: BTreeMap<String, String>,
    steps: BTreeMap<String, i64>,
    /// The name of the length.
    length: Option<String>,
    /// How the members of families are written.
    references: BTreeMap<String, Reference>,
}

impl Checker<'_> {
    fn find_variable(&self, name: &str) -> Option<VariableId> {
        self.variable_ids.get(name).copied()
    }

    fn variable(&self, id: VariableId) -> &Variable {
        &self.variables[id.0]
    }

    fn variable_names(&self) -> Vec<&str> {
        self.variables.iter().map(|variable| variable.name.as_str()).collect()
    }

    fn param_names(&self) -> Vec<&str> {
        self.params.iter().map(|param| param.name.as_str()).collect()
    }
}

/// The lines of a statement's documentation.
fn docs(item: &Item) -> Vec<String> {
    item.docs.iter().map(|doc| doc.text.clone()).collect()
}

/// The factors among the statements, with their statements.
fn factor_items(file: &File) -> impl Iterator<Item = (&Item, &crate::ast::Factor)> {
    file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Factor(factor) => Some((item, factor)),
        _ => None,
    })
}
