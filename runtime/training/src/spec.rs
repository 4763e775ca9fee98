//! What running needs to know of a model besides its code: its variables, and the settings it is built at.

use crate::{Builder, Model, Params, Result, Settings};
pub use srvae_dsl::catalog::{Space, space_entry};

/// A model file at chosen settings.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The name in the file.
    pub name: String,
    /// The text of the model file.
    pub source: String,
    /// The preset the settings came from, if any.
    pub preset: Option<String>,
    /// The value of every parameter of the file.
    pub settings: Settings,
    /// In the file's order.
    pub variables: Vec<Variable>,
    /// Builds the model.
    pub builder: Builder,
}

/// A variable of the model, as the data and the pictures see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Variable {
    pub name: String,
    pub role: Role,
    pub space: Space,
    /// Without the batch.
    pub shape: Vec<usize>,
    /// A latent that comes with the data all the same: q says it is the data set's label.
    #[serde(default)]
    pub supplied: bool,
}

/// What is known of a variable when the model is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Observed,
    Latent,
    Given,
}

impl Spec {
    /// The model with new parameters in `params`.
    ///
    /// # Errors
    /// Settings the generated code does not know, or shapes that do not fit at these settings.
    pub fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        self.builder.build(&self.settings, params)
    }

    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The variables that data must supply: the observed and the given ones, and latents that are the data set's labels.
    pub fn data_variables(&self) -> impl Iterator<Item = &Variable> {
        self.variables.iter().filter(|variable| variable.role != Role::Latent || variable.supplied)
    }

    /// Numbers an example has, over all observed variables: what bits/dim divides by.
    pub fn dimensions(&self) -> usize {
        let observed = self.variables.iter().filter(|variable| variable.role == Role::Observed);
        observed.map(|variable| variable.shape.iter().product::<usize>()).sum::<usize>().max(1)
    }

    /// Nats an example to bits a dimension, the sign turned: the less, the better the model.
    pub fn bits_per_dim(&self, log_likelihood: f64) -> f64 {
        -log_likelihood / (self.dimensions() as f64 * std::f64::consts::LN_2)
    }

    /// The shape [channels, height, width] that pictures are loaded at: the largest data variable that has one, and a
    /// plain 3×32×32 for a model without pictures.
    pub fn picture_shape(&self) -> [usize; 3] {
        self.data_variables().filter_map(Variable::picture).max_by_key(|[_, h, w]| h * w).unwrap_or([3, 32, 32])
    }
}

impl Variable {
    /// [channels, height, width], where a value can be seen as a picture.
    pub fn picture(&self) -> Option<[usize; 3]> {
        <[usize; 3]>::try_from(self.shape.as_slice()).ok()
    }
}
