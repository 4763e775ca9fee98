//! The names of generated code that are derived from those of the file.

use super::families::Families;
use super::names::Names;
use crate::derive::Derivation;
use crate::graph::{Model, VariableId};

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
