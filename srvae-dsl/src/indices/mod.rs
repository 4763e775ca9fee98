//! Index sets: expands families of variables, values, networks and factors into their members.
//!
//! With `index l in 1..3`, `latent z[l]: real[8]` becomes `z[1]`, `z[2]` and `z[3]`. Right of a bar, `z[<l]` becomes
//! the members before `l`. In a pipe, `step[s, 1..32]` becomes thirty-two stages. A statement without `for` applies to
//! every index value that no other statement defines. Later stages do not distinguish members from other names, except
//! for the paths of their parameters.

mod expand;
mod members;
mod references;
mod sets;

use crate::ast::{Expression, File, Item, ItemKind, Name};
use crate::diagnostics::{Diagnostic, Findings, messages};
use crate::graph::{Checkpoint, Param, Value};
use crate::source::Span;
use members::{Definitions, is_of_indices};
pub use references::Reference;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of members of all families together.
const MOST_MEMBERS: usize = 16_384;

/// The result of the expansion.
pub struct Unrolled<'f> {
    /// The file without indices: each statement once for each member.
    pub file: Cow<'f, File>,
    /// The path of each member's parameters, by its name (`h[3]`), or for a factor by `p(z[3])`.
    pub paths: BTreeMap<String, String>,
    /// Positions of parameters that determine the number of members.
    pub fixed: BTreeSet<usize>,
    /// The name of the length, if the file has one.
    pub length: Option<String>,
    /// The step of each member of a family over the length.
    pub steps: BTreeMap<String, i64>,
    /// The index of each family of variables, values or named networks over one index.
    pub indices: BTreeMap<String, Vec<String>>,
    /// How the members of each family over one index are written, for messages.
    pub references: BTreeMap<String, Reference>,
    /// The `checkpoint` statement.
    pub checkpoint: Option<Checkpoint>,
}

/// Expands every member, at these values of the parameters.
pub fn unroll<'f>(file: &'f File, params: &[Param], findings: &mut Findings) -> Unrolled<'f> {
    let has_indices = file.items.iter().any(|item| {
        item.over.is_some() || is_of_indices(item) || names(item).iter().any(|name| !name.subscript.is_empty())
    });
    let mut unroller = Unroller::new(params, findings);
    if !has_indices {
        return unroller.finish(Cow::Borrowed(file));
    }
    unroller.declare(file);
    if unroller.findings.has_errors() {
        return unroller.finish(Cow::Borrowed(file));
    }
    let file = &*addends_apart(file);
    let definitions = unroller.definitions(file);
    unroller.know(&definitions);
    unroller.references = unroller.references(&definitions);
    let stated = definitions.iter().flat_map(|definition| definition.states(&mut unroller)).collect::<BTreeSet<_>>();
    let mut items: Vec<Item> = Vec::new();
    for definition in &definitions {
        match unroller.of_family(definition.item, &stated) {
            Some(members) => items.extend(members),
            None => items.extend(unroller.member(definition)),
        }
    }
    unroller.warn_of_unused(file, &definitions);
    let file = File { items, comments: file.comments.clone(), stray_docs: file.stray_docs.clone() };
    unroller.finish(Cow::Owned(file))
}

/// The file with one statement for each addend of an objective, because their indices may differ.
fn addends_apart(file: &File) -> Cow<'_, File> {
    let has_several = |item: &Item| matches!(&item.kind, ItemKind::Objective(addends) if addends.len() > 1);
    if !file.items.iter().any(has_several) {
        return Cow::Borrowed(file);
    }
    let mut items = Vec::with_capacity(file.items.len() + 1);
    for item in &file.items {
        match &item.kind {
            ItemKind::Objective(addends) => {
                let each = addends.iter().map(|addend| ItemKind::Objective(vec![addend.clone()]));
                items.extend(each.map(|kind| Item { kind, ..item.clone() }));
            }
            _ => items.push(item.clone()),
        }
    }
    Cow::Owned(File { items, ..file.clone() })
}

/// The names that a statement defines or refers to.
fn names(item: &Item) -> Vec<&Name> {
    match &item.kind {
        ItemKind::Variables { names, .. } => names.iter().collect(),
        ItemKind::Net { name, .. } | ItemKind::Let { name, .. } | ItemKind::Flow { name, .. } => vec![name],
        ItemKind::Factor(factor) => std::iter::once(&factor.variable).chain(&factor.parents).collect(),
        ItemKind::Bound { term: name, .. } | ItemKind::Draw { variable: name, .. } => vec![name],
        ItemKind::Weight { term, .. } => vec![term],
        ItemKind::Objective(addends) => {
            let names =
                addends.iter().map(|one| std::iter::once(&one.variable).chain(&one.parents).chain(&one.condition));
            names.flatten().collect()
        }
        ItemKind::Model(_)
        | ItemKind::Param(_)
        | ItemKind::Preset { .. }
        | ItemKind::Table { .. }
        | ItemKind::Index { .. }
        | ItemKind::Length { .. }
        | ItemKind::Checkpoint { .. } => Vec::new(),
    }
}

/// Values of indices, by name.
type At = BTreeMap<String, i64>;

/// An index.
struct Index {
    values: Vec<i64>,
    /// Whether it ranges over the length of the data.
    over_length: bool,
}

struct Unroller<'u> {
    params: &'u [Param],
    findings: &'u mut Findings,
    indices: BTreeMap<String, Index>,
    tables: BTreeMap<String, BTreeMap<i64, Value>>,
    /// Members of each family, in the order of their definition.
    families: BTreeMap<String, Vec<Vec<i64>>>,
    /// The values of each family of variables over one index, in their order.
    ranges: BTreeMap<String, Vec<i64>>,
    /// The families of variables.
    variables: BTreeSet<String>,
    /// Members that are values (`let z[0] = …`) of families of variables.
    values: BTreeSet<String>,
    fixed: BTreeSet<usize>,
    length: Option<String>,
    paths: BTreeMap<String, String>,
    steps: BTreeMap<String, i64>,
    of_families: BTreeMap<String, Vec<String>>,
    /// The indices of each family of values or named networks.
    of_networks: BTreeMap<String, Vec<String>>,
    references: BTreeMap<String, Reference>,
    checkpoint: Option<Checkpoint>,
    /// Indices and tables that a statement uses.
    used: BTreeSet<String>,
    /// Names in the place of an index that the file does not declare, each reported once.
    unknown: BTreeSet<String>,
}

impl<'u> Unroller<'u> {
    fn new(params: &'u [Param], findings: &'u mut Findings) -> Self {
        Self {
            params,
            findings,
            indices: BTreeMap::new(),
            tables: BTreeMap::new(),
            families: BTreeMap::new(),
            ranges: BTreeMap::new(),
            variables: BTreeSet::new(),
            values: BTreeSet::new(),
            fixed: BTreeSet::new(),
            length: None,
            paths: BTreeMap::new(),
            steps: BTreeMap::new(),
            of_families: BTreeMap::new(),
            of_networks: BTreeMap::new(),
            references: BTreeMap::new(),
            checkpoint: None,
            used: BTreeSet::new(),
            unknown: BTreeSet::new(),
        }
    }

    fn finish(self, file: Cow<'_, File>) -> Unrolled<'_> {
        let Self { paths, fixed, length, steps, of_families, of_networks, references, checkpoint, .. } = self;
        let indices = of_networks.into_iter().chain(of_families).collect();
        Unrolled { file, paths, fixed, length, steps, indices, references, checkpoint }
    }

    /// Indices and tables.
    fn declare(&mut self, file: &File) {
        for item in &file.items {
            match &item.kind {
                ItemKind::Length { name, .. } if self.length.replace(name.text.clone()).is_some() => {
                    self.findings.push(messages::second_length(name.span));
                }
                ItemKind::Index { name, set } => {
                    let over_length = self.mentions_length(set);
                    self.counts_every_step(set);
                    let Some(values) = self.set(set, &At::new()) else { continue };
                    if self.indices.insert(name.text.clone(), Index { values, over_length }).is_some() {
                        self.findings.push(messages::index_twice(&name.text, name.span));
                    }
                }
                _ => {}
            }
        }
        for item in &file.items {
            if let ItemKind::Table { name, index, values } = &item.kind
                && let Some(table) = self.table(name, index, values)
            {
                self.tables.insert(name.text.clone(), table);
            }
        }
        for item in &file.items {
            if let ItemKind::Checkpoint { index, every } = &item.kind {
                self.checkpoint(index, every);
            }
        }
    }

    /// `checkpoint t = 32`: one segment for every 32 values of the index.
    fn checkpoint(&mut self, index: &Name, every: &Expression) {
        let Some(values) = self.indices.get(&index.text).map(|index| index.values.len()) else {
            self.findings.push(messages::unknown_index(&index.text, index.span));
            return;
        };
        let Some(steps) = self.whole(every, &At::new()) else { return };
        match usize::try_from(steps) {
            Err(_) | Ok(0) => self.findings.push(messages::checkpoint_every(steps, every.span)),
            Ok(every) => {
                if self.checkpoint.replace(Checkpoint { values, every }).is_some() {
                    self.findings.push(messages::second_checkpoint(index.span));
                }
            }
        }
    }

    /// Records every member of every family, for references to them.
    fn know(&mut self, definitions: &[Definitions<'_>]) {
        let mut of_variables: BTreeSet<String> = BTreeSet::new();
        let mut values: Vec<(String, Vec<i64>)> = Vec::new();
        for definition in definitions {
            match definition.item.kind {
                ItemKind::Variables { ref names, .. } => {
                    let families = names.iter().filter_map(|name| Some((name.text.clone(), definition.indices(name)?)));
                    self.of_families.extend(families);
                    of_variables.extend(definition.defines(self).into_iter().map(|(family, _)| family));
                }
                ItemKind::Let { ref name, .. } | ItemKind::Net { ref name, .. } => {
                    if let Some(indices) = definition.indices(name) {
                        self.of_networks.insert(name.text.clone(), indices);
                    }
                    if matches!(definition.item.kind, ItemKind::Let { .. }) {
                        values.extend(definition.defines(self));
                    }
                }
                _ => {}
            }
        }
        let is_plain = |name: &&Name| name.subscript.is_empty();
        let plain = definitions.iter().flat_map(|definition| match &definition.item.kind {
            ItemKind::Variables { names, .. } => names.iter().filter(is_plain).collect(),
            _ => Vec::new(),
        });
        self.variables.clone_from(&of_variables);
        plain.for_each(|name| {
            self.variables.remove(&name.text);
        });
        values.retain(|(family, _)| of_variables.contains(family));
        self.values = values.iter().map(|(family, member)| member_name(family, member)).collect();
        let mut members: BTreeMap<String, BTreeSet<Vec<i64>>> = BTreeMap::new();
        for definition in definitions {
            for (family, member) in definition.defines(self) {
                if members.entry(family.clone()).or_default().insert(member.clone()) {
                    self.families.entry(family).or_default().push(member);
                }
            }
        }
        members
            .retain(|family, all| self.of_families.contains_key(family) && all.iter().all(|member| member.len() == 1));
        self.ranges = members.into_iter().map(|(family, all)| (family, all.into_iter().flatten().collect())).collect();
    }

    /// Warns of indices and tables without a use. The index of a table and that of `checkpoint` have one.
    fn warn_of_unused(&mut self, file: &File, definitions: &[Definitions<'_>]) {
        for definition in definitions {
            self.used.extend(definition.at.first().into_iter().flat_map(|at| at.keys().cloned()));
            self.used.extend(definition.item.over.iter().map(|over| over.index.text.clone()));
        }
        for item in &file.items {
            match &item.kind {
                ItemKind::Table { index, .. } | ItemKind::Checkpoint { index, .. } => {
                    self.used.insert(index.text.clone());
                }
                _ => {}
            }
        }
        for item in &file.items {
            let (name, unused): (_, fn(&str, Span) -> Diagnostic) = match &item.kind {
                ItemKind::Index { name, .. } => (name, messages::unused_index),
                ItemKind::Table { name, .. } => (name, messages::unused_table),
                _ => continue,
            };
            if !self.used.contains(&name.text) {
                self.findings.push(unused(&name.text, name.span));
            }
        }
    }

    /// The value of a parameter that determines the number of members.
    fn fixing(&mut self, name: &str) -> Option<i64> {
        let at = self.params.iter().position(|param| param.name == name)?;
        self.fixed.insert(at);
        match self.params[at].value {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }
}

/// `z[3]`: the name of a member.
fn member_name(family: &str, member: &[i64]) -> String {
    let values: Vec<String> = member.iter().map(i64::to_string).collect();
    if values.is_empty() { family.to_owned() } else { format!("{family}[{}]", values.join(",")) }
}
