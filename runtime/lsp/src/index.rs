//! The meaning of every word of a file, for navigation and renaming.

use crate::catalogue;
use crate::walk::{Place, Scope, walk};
use srvae_dsl::ast::{Declares, File, Item};
use srvae_dsl::{Source, Span};
use std::collections::BTreeMap;

/// The meaning of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A definition of the file.
    Defined {
        kind: Kind,
        name: String,
    },
    /// An entry of the catalogue.
    Entry(String),
    Space(String),
    /// An argument of a called entry or network.
    Argument {
        callee: String,
        name: String,
    },
    /// An estimator in a `bound` statement, a method in a `draw` statement, or a function in a `weight` statement.
    Estimator(String),
    /// Unknown.
    Unknown,
}

/// The kinds of definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Model,
    Variable,
    Param,
    Preset,
    Net,
    /// An argument of the named network whose statement begins at this byte offset.
    Formal(usize),
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    pub span: Span,
    pub target: Target,
    /// Whether this is its definition.
    pub definition: bool,
}

/// Every word of a file, in order.
#[derive(Debug, Clone, Default)]
pub struct Index {
    pub words: Vec<Occurrence>,
}

impl Index {
    pub fn of(file: &File) -> Self {
        let names = names(file);
        let mut words = Vec::new();
        walk(file, &mut |name, place, scope| {
            let (text, skipped) = match place {
                // `KL_z` refers to z.
                Place::BoundTerm => name.text.split_once('_').map_or(("", 0), |(kind, rest)| (rest, kind.len() + 1)),
                _ => (name.text.as_str(), 0),
            };
            let span = Span::new(name.span.start + skipped, name.span.end);
            let (target, definition) = resolve(text, place, &scope, &names);
            words.push(Occurrence { span, target, definition });
        });
        Self { words }
    }

    /// The word at a byte offset. The end of a word is included.
    pub fn at(&self, offset: usize) -> Option<&Occurrence> {
        let inside = |word: &&Occurrence| word.span.start <= offset && offset <= word.span.end;
        // Between two adjacent words, the later one.
        self.words.iter().rfind(inside)
    }

    /// Every word with the same meaning.
    pub fn references<'i>(&'i self, target: &'i Target) -> impl Iterator<Item = &'i Occurrence> {
        self.words.iter().filter(move |word| word.target == *target)
    }

    /// For each word, the number of the word that defines it. A valid renaming does not change these numbers.
    pub fn links(&self) -> Vec<Option<usize>> {
        let definition = |target: &Target| self.words.iter().position(|word| word.definition && word.target == *target);
        self.words.iter().map(|word| definition(&word.target)).collect()
    }
}

impl Target {
    /// The file's name and kind for it.
    pub fn defined(&self) -> Option<(&Kind, &str)> {
        match self {
            Self::Defined { kind, name } => Some((kind, name)),
            Self::Entry(_) | Self::Space(_) | Self::Argument { .. } | Self::Estimator(_) | Self::Unknown => None,
        }
    }
}

/// Names of variables, parameters and networks, with their kinds.
fn names(file: &File) -> BTreeMap<&str, Kind> {
    let mut names = BTreeMap::new();
    for (declares, name) in file.items.iter().flat_map(Item::declared) {
        let kind = match declares {
            Declares::Number => Kind::Param,
            Declares::Variable => Kind::Variable,
            Declares::Network => Kind::Net,
        };
        names.entry(name.text.as_str()).or_insert(kind);
    }
    names
}

/// The meaning of a word, and whether this place is its definition.
fn resolve(text: &str, place: Place<'_>, scope: &Scope<'_>, names: &BTreeMap<&str, Kind>) -> (Target, bool) {
    let defined = |kind: Kind| Target::Defined { kind, name: text.to_owned() };
    let definition = |kind: Kind| (defined(kind), true);
    let by_name = || names.get(text).map_or(Target::Unknown, |kind| defined(kind.clone()));
    let formal = scope.formals.iter().any(|formal| formal.name.text == text);
    let formal = formal.then(|| defined(Kind::Formal(scope.item.span.start)));
    let entry = || catalogue::operation(text).map(|entry| Target::Entry(entry.name.to_owned()));
    match place {
        Place::ModelName => definition(Kind::Model),
        Place::ParamName => definition(Kind::Param),
        Place::PresetName => definition(Kind::Preset),
        Place::VariableName => definition(Kind::Variable),
        Place::NetName => definition(Kind::Net),
        Place::FormalName => definition(Kind::Formal(scope.item.span.start)),
        Place::SpaceName => (Target::Space(text.to_owned()), false),
        Place::BoundEstimator | Place::DrawMethod | Place::Weighting => (Target::Estimator(text.to_owned()), false),
        Place::ArgumentName { callee } => {
            (Target::Argument { callee: callee.text.clone(), name: text.to_owned() }, false)
        }
        Place::PresetParam | Place::Size | Place::FactorVariable | Place::FactorParent | Place::BoundTerm => {
            (by_name(), false)
        }
        // A named argument is always an argument of the entry, even if the network has an argument of the same name.
        Place::Argument { name: Some(_), .. } => (by_name(), false),
        Place::Base | Place::Flow => (entry().unwrap_or_else(by_name), false),
        Place::Value | Place::Stage | Place::Argument { .. } => (formal.or_else(entry).unwrap_or_else(by_name), false),
    }
}

/// The text of a span, up to a number of lines.
pub fn slice<'s>(source: &'s Source, span: Span, lines: usize) -> String {
    let text: Vec<&'s str> = source.slice(span).lines().map(str::trim_end).take(lines).collect();
    text.join("\n")
}
