//! Allocates names in generated code, per scope, so that two items of one scope never share a name.

use super::families::Families;
use crate::derive::Derivation;
use crate::graph::{Model, VariableId};
use std::collections::{BTreeMap, BTreeSet};

/// Words that cannot be used as names in Rust, not even as raw identifiers.
const NO_NAMES: [&str; 5] = ["_", "Self", "crate", "self", "super"];

/// The names of one scope: a function, a struct, a module.
#[derive(Debug, Clone, Default)]
pub struct Names {
    taken: BTreeSet<String>,
    /// The last number appended to each requested name.
    last: BTreeMap<String, usize>,
}

impl Names {
    /// A scope in which these names are taken.
    pub fn with(taken: &[&str]) -> Self {
        Self { taken: taken.iter().map(|name| (*name).to_owned()).collect(), last: BTreeMap::new() }
    }

    /// The name, or the name with a number if it is taken.
    pub fn unique(&mut self, wanted: &str) -> String {
        let wanted = plain(wanted);
        let mut number = self.last.get(&wanted).copied().unwrap_or(0);
        let name = loop {
            number += 1;
            let name = if number == 1 { wanted.clone() } else { format!("{wanted}_{number}") };
            if !NO_NAMES.contains(&name.as_str()) && self.taken.insert(name.clone()) {
                break name;
            }
        };
        self.last.insert(wanted, number);
        name
    }

    /// A unique name of a local variable, in lower case, because a pattern in upper case may be a constant.
    pub fn local(&mut self, wanted: &str) -> String {
        self.unique(&wanted.to_lowercase())
    }

    /// A unique name of a type: `two_words` becomes `TwoWords`.
    pub fn camel(&mut self, wanted: &str) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        };
        let name: String = plain(wanted).split('_').map(capital).collect();
        match name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            true => self.unique(&name),
            false => self.unique(&format!("V{name}")),
        }
    }
}

/// Names of generated code that are derived from those of the file, in its order.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The module, and the struct of the model in it.
    pub module: String,
    pub model: String,
    /// Fields and types of variables; members of a family have one type.
    pub variables: Vec<String>,
    pub types: Vec<String>,
    pub families: Families,
    /// Methods of the modes, and the types of their results.
    pub methods: Vec<String>,
    pub results: Vec<String>,
    /// Fields of the configuration, and functions of presets.
    pub settings: Vec<String>,
    pub presets: Vec<String>,
}

/// Methods that every model's struct has.
pub const METHODS: [&str; 11] =
    ["bound", "config", "flows", "in_segments", "initialise", "layers", "modes", "new", "params", "run", "weights"];

impl Chosen {
    /// The scope of the methods of factors and values, in which those of the modes and of all models are taken.
    pub(super) fn methods_of_factors(&self) -> Names {
        let modes = self.methods.iter().map(String::as_str);
        Names::with(&METHODS.into_iter().chain(modes).collect::<Vec<_>>())
    }

    pub(super) fn of(model: &Model, derivation: &Derivation) -> Self {
        let each = |names: &mut dyn Iterator<Item = &String>, how: fn(&mut Names, &str) -> String, taken: &[&str]| {
            let mut place = Names::with(taken);
            names.map(|name| how(&mut place, name)).collect::<Vec<_>>()
        };
        let mut families = Families::of(model);
        let (mut fields, mut types) = (Names::default(), Names::default());
        let variables = model.variables.iter().map(|variable| fields.unique(&variable.name)).collect();
        let alone = |id: &VariableId| families.find(*id).is_none();
        let ids = (0..model.variables.len()).map(VariableId);
        let mut of_variables = vec![String::new(); model.variables.len()];
        ids.filter(alone).for_each(|id| of_variables[id.0] = types.camel(&model.variable(id).name));
        for family in &mut families.all {
            (family.field, family.ty) = (fields.unique(&family.name), types.camel(&family.name));
            family.members.iter().for_each(|id| of_variables[id.0].clone_from(&family.ty));
        }
        Self {
            module: module_name(&model.name),
            model: Names::default().camel(&model.name),
            variables,
            types: of_variables,
            families,
            methods: each(&mut derivation.modes.iter().map(|mode| &mode.name), Names::unique, &[]),
            results: each(&mut derivation.modes.iter().map(|mode| &mode.name), Names::camel, &["BoundTerms"]),
            settings: each(&mut model.params.iter().map(|param| &param.name), Names::unique, &[]),
            presets: each(&mut model.presets.iter().map(|preset| &preset.name), Names::unique, &[]),
        }
    }
}

/// The module name of a model.
pub fn module_name(model: &str) -> String {
    Names::default().unique(model)
}

/// `RE_x` as a field: `re_x`.
pub fn term_field(term: &str) -> String {
    let (kind, variable) = term.split_once('_').unwrap_or((term, ""));
    format!("{}_{}", kind.to_lowercase(), plain(variable))
}

/// A name with only letters, digits and `_`: `z[3]` and `z.3` become `z_3`.
fn plain(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    name.trim_end_matches(']').chars().map(letter).collect()
}
