//! The compiler's catalogue as one list of entries.

use srvae_dsl::catalog::{self, Kind, Natural, Parameter, show_shape};

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Space,
    Distribution,
    Flow,
    Function,
    Block,
}

/// An entry of one of the catalogue's tables.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub name: &'static str,
    pub used_as: Use,
    pub docs: &'static str,
    pub parameters: &'static [Parameter],
    /// A description of the sizes in a space's brackets.
    pub sizes: &'static str,
    /// For blocks: whether they have two or more inputs.
    pub many_inputs: bool,
    /// For distributions: the natural parameters.
    natural: &'static [Natural],
    /// For flows: whether they take an additional input, `context`.
    context: bool,
}

/// All entries, table by table.
pub fn entries() -> impl Iterator<Item = Entry> {
    let entry = |name, used_as, docs, parameters| {
        let (sizes, many_inputs, natural, context) = ("", false, &[][..], false);
        Entry { name, used_as, docs, parameters, sizes, many_inputs, natural, context }
    };
    let spaces = catalog::SPACES.iter();
    let spaces =
        spaces.map(move |space| Entry { sizes: space.sizes, ..entry(space.name, Use::Space, space.docs, &[]) });
    let distributions = catalog::DISTRIBUTIONS.iter();
    let distributions = distributions
        .map(move |it| Entry { natural: it.natural, ..entry(it.name, Use::Distribution, it.docs, it.parameters) });
    let functions = catalog::FUNCTIONS.iter().map(move |it| entry(it.name, Use::Function, it.docs, it.parameters));
    let blocks = catalog::BLOCKS.iter().chain(&catalog::FLOWS).map(move |it| {
        let used_as = if it.flow().is_some() { Use::Flow } else { Use::Block };
        let (many_inputs, context) = (it.arity != catalog::Arity::One, it.flow().is_some_and(|ways| ways.context));
        Entry { many_inputs, context, ..entry(it.name, used_as, it.docs, it.parameters) }
    });
    spaces.chain(distributions).chain(functions).chain(blocks)
}

/// The space of this name.
pub fn space(name: &str) -> Option<Entry> {
    entries().find(|entry| entry.used_as == Use::Space && entry.name == name)
}

/// The entry of this name that is not a space.
pub fn operation(name: &str) -> Option<Entry> {
    entries().find(|entry| entry.used_as != Use::Space && entry.name == name)
}

impl Entry {
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The names of arguments that are values: the natural parameters of a distribution, or the context of a flow.
    pub fn inputs_by_name(&self) -> Vec<&'static str> {
        let natural = self
            .natural
            .iter()
            .flat_map(|one| std::iter::once(one.name).chain(one.others.iter().map(|(other, ..)| *other)));
        natural.chain(self.context.then_some("context")).collect()
    }

    /// The kind of the entry, in a word.
    pub fn noun(&self) -> &'static str {
        match self.used_as {
            Use::Space => "space",
            Use::Distribution => "distribution",
            Use::Flow => "flow",
            Use::Function => "function",
            Use::Block => "block",
        }
    }

    /// `conv(kernel = 3, stride = 1, out)`.
    pub fn signature(&self) -> String {
        if self.used_as == Use::Space {
            return format!("{}[{}]", self.name, self.sizes);
        }
        let arguments: Vec<String> = self.parameters.iter().map(argument).collect();
        let inputs = if self.many_inputs { vec!["…".to_owned()] } else { Vec::new() };
        let all = [inputs, arguments].concat();
        if all.is_empty() { self.name.to_owned() } else { format!("{}({})", self.name, all.join(", ")) }
    }

    /// Signature, documentation and arguments as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("```pgm\n{}\n```\n*{}.* {}", self.signature(), self.noun(), self.docs);
        for parameter in self.parameters {
            text += &format!("\n- `{}`: {}", argument(parameter), describe(parameter));
        }
        text
    }
}

/// `kernel = 3`, or `out` without a default.
fn argument(parameter: &Parameter) -> String {
    let dots = if parameter.repeats { ", …" } else { "" };
    match parameter.default {
        Some(default) => format!("{} = {}{dots}", parameter.name, srvae_dsl::graph::Value::from(default)),
        None => format!("{}{dots}", parameter.name),
    }
}

/// The documentation of an argument and its valid values.
pub fn describe(parameter: &Parameter) -> String {
    format!("{}; {}", parameter.docs, parameter.kind.describe())
}

/// The words that an argument accepts, if it accepts one of several.
pub fn words(parameter: &Parameter) -> &'static [&'static str] {
    match parameter.kind {
        Kind::Word(words) => words,
        Kind::Bool => &["false", "true"],
        Kind::Int { .. } | Kind::Real { .. } => &[],
    }
}

/// `[16, 8, 8]`.
pub fn shape(sizes: &[usize]) -> String {
    show_shape(sizes)
}
