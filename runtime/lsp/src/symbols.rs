//! The outline of a file.

use crate::document::Document;
use lsp_types::{DocumentSymbol, SymbolKind};
use srvae_dsl::Span;
use srvae_dsl::ast::{Item, ItemKind, Name};

/// One symbol for each statement, and one for each of several variables declared together.
pub fn symbols(document: &Document) -> Vec<DocumentSymbol> {
    let items = &document.compilation().tree().items;
    items.iter().flat_map(|item| of_item(document, item)).collect()
}

fn of_item(document: &Document, item: &Item) -> Vec<DocumentSymbol> {
    let source = document.compilation().source();
    let named = |name: &Name, kind| vec![symbol(document, name.text.clone(), item.span, name.span, kind)];
    match &item.kind {
        ItemKind::Model(name) => named(name, SymbolKind::MODULE),
        ItemKind::Param(setting) => named(&setting.name, SymbolKind::CONSTANT),
        ItemKind::Table { name, .. } | ItemKind::Index { name, .. } | ItemKind::Length { name, .. } => {
            named(name, SymbolKind::CONSTANT)
        }
        ItemKind::Checkpoint { index, .. } => {
            let name = format!("checkpoint {}", index.text);
            vec![symbol(document, name, item.span, index.span, SymbolKind::PROPERTY)]
        }
        ItemKind::Preset { name, .. } => named(name, SymbolKind::OBJECT),
        ItemKind::Variables { names, .. } => names.iter().flat_map(|name| named(name, SymbolKind::VARIABLE)).collect(),
        ItemKind::Net { name, .. } => named(name, SymbolKind::FUNCTION),
        ItemKind::Flow { name, .. } => named(name, SymbolKind::FUNCTION),
        ItemKind::Let { name, .. } => named(name, SymbolKind::VARIABLE),
        ItemKind::Factor(factor) => {
            let head = source.slice(factor.head).to_owned();
            vec![symbol(document, head, item.span, factor.head, SymbolKind::OPERATOR)]
        }
        ItemKind::Draw { variable, .. } => {
            let name = format!("draw {}", variable.text);
            vec![symbol(document, name, item.span, variable.span, SymbolKind::PROPERTY)]
        }
        ItemKind::Bound { term, .. } => {
            let name = format!("bound {}", term.text);
            vec![symbol(document, name, item.span, term.span, SymbolKind::PROPERTY)]
        }
        ItemKind::Weight { term, .. } => {
            let name = format!("weight {}", term.text);
            vec![symbol(document, name, item.span, term.span, SymbolKind::PROPERTY)]
        }
        ItemKind::Objective(addends) => addends
            .iter()
            .map(|addend| {
                let name = format!("objective {} ln {}", addend.sign.sign(), source.slice(addend.head));
                symbol(document, name, item.span, addend.head, SymbolKind::PROPERTY)
            })
            .collect(),
    }
}

fn symbol(document: &Document, name: String, whole: Span, selected: Span, kind: SymbolKind) -> DocumentSymbol {
    #[allow(deprecated)] // The type has a deprecated field that must be set, and no default.
    DocumentSymbol {
        name,
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: document.range(whole),
        selection_range: document.range(selected),
        children: None,
    }
}
