//! Completions at a place.

use crate::catalogue::{self, Entry, Use, describe, entries, words};
use crate::context::{Context, begins_statement, is_word};
use crate::document::Document;
use crate::walk::{Place, Scope};
use lsp_types::{CompletionItem, CompletionItemKind, Documentation, MarkupContent, MarkupKind};
use srvae_dsl::ast::{Argument, File, Item, ItemKind, Name};
use srvae_dsl::graph::{Role, Side};
use srvae_dsl::parse::statements;

/// The completions at a byte offset. The editor filters them by the current word.
pub fn complete(document: &Document, offset: usize) -> Vec<CompletionItem> {
    let text = document.text();
    if begins_statement(text, offset) {
        return statements().map(|(word, example)| item(word, CompletionItemKind::KEYWORD, example, "")).collect();
    }
    let Some(context) = Context::at(text, offset) else { return Vec::new() };
    let Some((place, scope)) = context.place() else { return Vec::new() };
    let file = document.compilation().tree();
    match place {
        Place::SpaceName => of(&[Use::Space]),
        Place::Size => params(file),
        Place::PresetParam => params(file),
        Place::FactorVariable => variables(file, |role| role != Role::Given),
        Place::FactorParent => parents(file, &scope),
        Place::BoundTerm => terms(file),
        Place::BoundEstimator => ["closed_form", "monte_carlo"].map(estimator).to_vec(),
        Place::DrawMethod => ["enumerate", "relaxed", "straight_through", "score"].map(estimator).to_vec(),
        Place::Weighting => ["ramp", "free"].map(estimator).to_vec(),
        Place::Base => bases(file, &scope),
        Place::Flow => [flows(file), of(&[Use::Flow])].concat(),
        Place::Value => networks(file, &scope),
        Place::Stage => [nets(file), of(&[Use::Block])].concat(),
        Place::Argument { callee, name, position, given } => {
            argument(file, &scope, Slot { callee, name, position, given })
        }
        // The file chooses new names freely.
        Place::ModelName
        | Place::ParamName
        | Place::PresetName
        | Place::VariableName
        | Place::NetName
        | Place::FormalName
        | Place::ArgumentName { .. } => Vec::new(),
    }
}

/// The current argument.
struct Slot<'t> {
    callee: &'t Name,
    name: Option<&'t Name>,
    position: usize,
    given: &'t [Argument],
}

/// Inside the parentheses of a call: arguments not given yet, numbers for the current one, or inputs.
fn argument(file: &File, scope: &Scope<'_>, slot: Slot<'_>) -> Vec<CompletionItem> {
    let callee = catalogue::operation(&slot.callee.text);
    let inputs = callee.map(|entry| entry.inputs_by_name()).unwrap_or_default();
    if slot.name.is_some_and(|name| inputs.contains(&name.text.as_str())) {
        return networks(file, scope);
    }
    if let Some(name) = slot.name {
        let parameter = callee.and_then(|entry| entry.parameter(&name.text));
        let values = parameter.map(words).unwrap_or_default();
        let values = values.iter().map(|word| item(word, CompletionItemKind::ENUM_MEMBER, "", ""));
        return values.chain(params(file)).collect();
    }
    let Some(entry) = callee else {
        if slot.callee.text == KNOWN && !known(file, scope).is_empty() {
            return partly(file, scope);
        }
        // A named network reads only values.
        return networks(file, scope);
    };
    let taken = |name: &str| {
        let named = slot.given.iter().filter_map(|argument| argument.name.as_ref());
        named.into_iter().any(|given| given.text == name)
    };
    let by_name = |name: &str, what: &str| {
        let mut item = item(name, CompletionItemKind::PROPERTY, what, "");
        item.insert_text = Some(format!("{name}: "));
        item
    };
    let left = entry.parameters.iter().filter(|parameter| !taken(parameter.name));
    let left = left.map(|parameter| by_name(parameter.name, &describe(parameter)));
    let inputs = inputs.into_iter().filter(|name| !taken(name)).map(|name| by_name(name, "a value"));
    let reads = match entry.used_as {
        Use::Function => slot.position == 0,
        Use::Block => entry.many_inputs || slot.position == 0,
        Use::Space | Use::Distribution | Use::Flow => false,
    };
    let mut items = match (reads, entry.used_as) {
        (true, Use::Block) if entry.many_inputs => networks(file, scope),
        (true, _) => readable(file, scope),
        (false, _) => Vec::new(),
    };
    items.extend(left.chain(inputs));
    if !entry.many_inputs {
        items.extend(params(file));
    }
    items
}

/// The beginning of a factor's right-hand side. Functions are proposed only in q.
fn bases(file: &File, scope: &Scope<'_>) -> Vec<CompletionItem> {
    let in_q = scope.factor.is_some_and(|factor| factor.side == Side::Q);
    let mut items = [flows(file), of(&[Use::Distribution, Use::Flow])].concat();
    if in_q {
        items.extend(of(&[Use::Function]));
    }
    items
}

/// Variables right of a bar: all except the factor's own and those already there.
fn parents(file: &File, scope: &Scope<'_>) -> Vec<CompletionItem> {
    let Some(factor) = scope.factor else { return Vec::new() };
    let stand: Vec<&str> = factor.parents.iter().filter(|name| !is_word(name)).map(|name| name.text.as_str()).collect();
    let mut items = variables(file, |_| true);
    items.retain(|item| item.label != factor.variable.text && !stand.contains(&item.label.as_str()));
    items
}

/// The beginning of a network: what it may read, named networks and blocks.
fn networks(file: &File, scope: &Scope<'_>) -> Vec<CompletionItem> {
    [readable(file, scope), known(file, scope), nets(file), of(&[Use::Block])].concat()
}

/// The word by which q reads a partly observed variable where it is observed.
const KNOWN: &str = "known";

/// `known`, where a network may read a variable through it.
fn known(file: &File, scope: &Scope<'_>) -> Vec<CompletionItem> {
    let in_p = scope.factor.is_some_and(|factor| factor.side == Side::P);
    let is_net = |statement: &Item| matches!(&statement.kind, ItemKind::Net { name, .. } if name.text == KNOWN);
    if in_p || partly(file, scope).is_empty() || file.items.iter().any(is_net) {
        return Vec::new();
    }
    let docs = "A partly observed variable where a record has it, zeros where it does not, and one more channel that says which.";
    vec![item(KNOWN, CompletionItemKind::FUNCTION, "known(x)", docs)]
}

/// The partly observed variables that a network may read.
fn partly(file: &File, scope: &Scope<'_>) -> Vec<CompletionItem> {
    let all = variables(file, |role| role == Role::Partly);
    readable(file, scope).into_iter().filter(|read| all.iter().any(|it| it.label == read.label)).collect()
}

/// The values that a network may read: the arguments of a named network; elsewhere the factor's parents, or outside of a
/// factor all variables, and the values of the file except the one that is being defined.
fn readable(file: &File, scope: &Scope<'_>) -> Vec<CompletionItem> {
    let named = |name: &Name| item(&name.text, CompletionItemKind::VARIABLE, "", "");
    let (mut items, own) = match (&scope.item.kind, scope.factor) {
        (ItemKind::Net { formals, .. }, _) => return formals.iter().map(|formal| named(&formal.name)).collect(),
        (_, Some(factor)) => (factor.parents.iter().map(named).collect(), None),
        (ItemKind::Let { name, .. }, None) if name.subscript.is_empty() => (variables(file, |_| true), Some(name)),
        (_, None) => (variables(file, |_| true), None),
    };
    for statement in &file.items {
        if let ItemKind::Let { name, .. } = &statement.kind
            && own.is_none_or(|own| own.text != name.text)
            && items.iter().all(|item: &CompletionItem| item.label != name.text)
        {
            items.push(item(&name.text, CompletionItemKind::VARIABLE, "let", ""));
        }
    }
    items
}

/// The named flows.
fn flows(file: &File) -> Vec<CompletionItem> {
    let mut items: Vec<CompletionItem> = Vec::new();
    for statement in &file.items {
        if let ItemKind::Flow { name, .. } = &statement.kind
            && !is_word(name)
            && items.iter().all(|item| item.label != name.text)
        {
            items.push(item(&name.text, CompletionItemKind::FUNCTION, "flow", ""));
        }
    }
    items
}

fn variables(file: &File, wanted: impl Fn(Role) -> bool) -> Vec<CompletionItem> {
    let mut items = Vec::new();
    for statement in &file.items {
        if let ItemKind::Variables { role, names, space } = &statement.kind
            && wanted(*role)
        {
            let detail = format!("{} {}", role.name(), space.name.text);
            let docs: Vec<&str> = statement.docs.iter().map(|doc| doc.text.as_str()).collect();
            let docs = docs.join("\n");
            items.extend(names.iter().map(|name| item(&name.text, CompletionItemKind::VARIABLE, &detail, &docs)));
        }
    }
    items
}

fn params(file: &File) -> Vec<CompletionItem> {
    let params = file.items.iter().filter_map(|statement| match &statement.kind {
        ItemKind::Param(setting) => Some(setting),
        _ => None,
    });
    params.map(|it| item(&it.name.text, CompletionItemKind::CONSTANT, &format!("= {}", it.value), "")).collect()
}

fn nets(file: &File) -> Vec<CompletionItem> {
    let nets = file.items.iter().filter_map(|statement| match &statement.kind {
        ItemKind::Net { name, formals, .. } => Some((name, formals)),
        _ => None,
    });
    let detail = |formals: &[srvae_dsl::ast::Formal]| {
        let names: Vec<&str> = formals.iter().map(|formal| formal.name.text.as_str()).collect();
        format!("net({})", names.join(", "))
    };
    nets.map(|(name, formals)| item(&name.text, CompletionItemKind::FUNCTION, &detail(formals), "")).collect()
}

/// Terms of the bound whose estimator a file may choose: the divergences of latents.
fn terms(file: &File) -> Vec<CompletionItem> {
    let mut items = variables(file, |role| matches!(role, Role::Latent | Role::Global | Role::Partly));
    items.iter_mut().for_each(|item| item.label = format!("KL_{}", item.label));
    items
}

fn estimator(name: &str) -> CompletionItem {
    item(name, CompletionItemKind::ENUM_MEMBER, "", "")
}

/// The catalogue's entries of these kinds.
fn of(uses: &[Use]) -> Vec<CompletionItem> {
    let wanted = |entry: &Entry| uses.contains(&entry.used_as);
    let kind = |entry: &Entry| match entry.used_as {
        Use::Space => CompletionItemKind::STRUCT,
        Use::Distribution | Use::Flow => CompletionItemKind::CLASS,
        Use::Function | Use::Block => CompletionItemKind::FUNCTION,
    };
    entries().filter(wanted).map(|it| item(it.name, kind(&it), &it.signature(), &it.markdown())).collect()
}

fn item(label: &str, kind: CompletionItemKind, detail: &str, docs: &str) -> CompletionItem {
    let markup = |value: &str| MarkupContent { kind: MarkupKind::Markdown, value: value.to_owned() };
    CompletionItem {
        label: label.to_owned(),
        kind: Some(kind),
        detail: (!detail.is_empty()).then(|| detail.to_owned()),
        documentation: (!docs.is_empty()).then(|| Documentation::MarkupContent(markup(docs))),
        ..CompletionItem::default()
    }
}
