//! The description of a model for running it: its variables and settings.

use crate::{Builder, Model, Params, Result, Setting, Settings};
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

/// A variable of the model, as seen by data and figures.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Variable {
    pub name: String,
    pub role: Role,
    pub space: Space,
    /// Without the batch.
    pub shape: Vec<usize>,
    /// Whether it is a latent that comes with the data, because its factor in q is `label`.
    #[serde(default)]
    pub supplied: bool,
    /// Whether it is the number of steps of each record. If the data do not state it, every record has all steps.
    #[serde(default)]
    pub is_length: bool,
    /// A latent with one value for all records.
    #[serde(default)]
    pub is_global: bool,
    /// Whether it is a family over the length: its first axis is the step.
    #[serde(default)]
    pub steps: bool,
    /// What its values are at most: those of another variable, or a number.
    #[serde(default)]
    pub most: Option<Most>,
}

/// The trials of a variable that counts successes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Most {
    Number(u64),
    Of(String),
}

/// The role of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Observed,
    /// Observed in some records.
    Partly,
    Latent,
    Given,
}

impl Spec {
    /// The model with new parameters in `params`.
    ///
    /// # Errors
    /// Settings that the generated code does not know, or shapes that do not fit at these settings.
    pub fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        self.builder.build(&self.settings, params)
    }

    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The maximum number of steps of a record, if the variable is the length.
    pub fn steps(&self, variable: &Variable) -> Option<usize> {
        let own = self.settings.iter().find(|(name, _)| variable.is_length && *name == variable.name)?;
        match own.1 {
            Setting::Int(steps) => usize::try_from(steps).ok(),
            _ => None,
        }
    }

    /// The variables that come with data: observed, partly observed and given ones, and latents that are labels of the
    /// data set.
    pub fn data_variables(&self) -> impl Iterator<Item = &Variable> {
        self.variables.iter().filter(|variable| variable.role != Role::Latent || variable.supplied)
    }

    /// The number of pixels times channels of the observed images of a record: the divisor of bits/dim. Other variables
    /// do not count. 0 if an image is partly observed, because the number would differ between records.
    pub fn dimensions(&self) -> usize {
        if self.variables.iter().any(|variable| variable.role == Role::Partly && variable.space == Space::Image) {
            return 0;
        }
        let is_image = |variable: &&Variable| variable.role == Role::Observed && variable.space == Space::Image;
        self.variables.iter().filter(is_image).map(|variable| variable.shape.iter().product::<usize>()).sum()
    }

    /// The reported score for a log-likelihood in nats per record, where lower is better: bits/dim if images are
    /// observed, else nats.
    pub fn score(&self, log_likelihood: f64) -> f64 {
        match self.dimensions() {
            0 => -log_likelihood,
            dimensions => -log_likelihood / (dimensions as f64 * std::f64::consts::LN_2),
        }
    }

    /// The word for records: images if images are observed.
    pub fn records(&self) -> &'static str {
        let is_image = |variable: &Variable| variable.is_observed() && variable.space == Space::Image;
        if self.variables.iter().any(is_image) { "images" } else { "records" }
    }

    /// The unit of [`Spec::score`].
    pub fn unit(&self) -> &'static str {
        if self.dimensions() == 0 { "nats" } else { "bits/dim" }
    }

    /// The shape [channels, height, width] for loading images: the largest one of the data variables, or 3×32×32
    /// without images.
    pub fn picture_shape(&self) -> [usize; 3] {
        self.data_variables().filter_map(Variable::picture).max_by_key(|[_, h, w]| h * w).unwrap_or([3, 32, 32])
    }
}

impl Variable {
    /// A variable with a value for each record: no label of the data set, no length, and no family over one.
    pub fn new(name: impl Into<String>, role: Role, space: Space, shape: &[usize]) -> Self {
        let shape = shape.to_vec();
        Self {
            name: name.into(),
            role,
            space,
            shape,
            supplied: false,
            is_length: false,
            is_global: false,
            steps: false,
            most: None,
        }
    }

    /// Refuses to fill an observed `real` with images. Pixels are multiples of 1/255, where a density may become
    /// infinite, so it is not a likelihood.
    ///
    /// # Errors
    /// An observed variable of space `real`.
    pub fn takes_pictures(&self) -> Result<()> {
        let Self { name, shape, role, space, .. } = self;
        if !matches!(role, Role::Observed | Role::Partly) || *space != Space::Real {
            return Ok(());
        }
        candle_core::bail!(
            "`{name}` is real{shape:?}, and its values would be the pixels of images, multiples of 1/255: a density over \
             them can be made infinite and is no likelihood. Declare `{name}: image{shape:?}` with a distribution over images \
             (`logistic_mixture`), or end its flow with `|> dequantise`; `binary` and `given` variables take images too"
        )
    }

    /// Whether arrays of other shapes may fill it: images are resized, and classes are numbers.
    pub fn takes_other_shapes(&self) -> bool {
        self.picture().is_some() || matches!(self.space, Space::Image | Space::Binary | Space::Label)
    }

    /// Whether it accepts only numbers, and no images or classes.
    pub fn is_numeric(&self) -> bool {
        ![Space::Image, Space::Binary, Space::Label, Space::Real].contains(&self.space)
    }

    /// The variable with the number of steps of each record, if the model has one.
    pub fn length(variables: &[Self]) -> Option<&Self> {
        variables.iter().find(|variable| variable.is_length)
    }

    /// Whether it is scored in all or some records.
    pub fn is_observed(&self) -> bool {
        matches!(self.role, Role::Observed | Role::Partly)
    }

    /// The shape of one value: without the steps of a family over the length.
    pub fn one(&self) -> &[usize] {
        let steps = usize::from(self.steps);
        self.shape.get(steps..).unwrap_or_default()
    }

    /// The number of elements of one value.
    pub fn row(&self) -> usize {
        self.one().iter().product::<usize>().max(1)
    }

    /// What is wrong with values, one after the other, if anything: "leaves the grid k/255".
    pub fn wrong(&self, numbers: &[f64]) -> Option<&'static str> {
        let entry = space_entry(self.space);
        numbers.chunks(self.row()).find_map(|value| entry.wrong(value, self.one()))
    }

    /// [channels, height, width], if a value can be displayed as an image.
    pub fn picture(&self) -> Option<[usize; 3]> {
        <[usize; 3]>::try_from(self.shape.as_slice()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(observed: &[(Space, &[usize])]) -> Spec {
        let variable = |(at, (space, shape)): (usize, &(Space, &[usize]))| {
            Variable::new(format!("x{at}"), Role::Observed, *space, shape)
        };
        Spec {
            name: "m".into(),
            source: String::new(),
            preset: None,
            settings: Settings::new(),
            variables: observed.iter().enumerate().map(variable).collect(),
            builder: Builder::new(|_, _| candle_core::bail!("not to be built")),
        }
    }

    #[test]
    fn only_pixels_are_dimensions_of_an_image() {
        let image: (Space, &[usize]) = (Space::Image, &[3, 4, 4]);
        let label: (Space, &[usize]) = (Space::Label, &[10]);
        let nats = -48.0 * std::f64::consts::LN_2;
        for observed in [vec![image], vec![image, label]] {
            assert_eq!((spec(&observed).score(nats), spec(&observed).unit()), (1.0, "bits/dim"));
        }
        for observed in [vec![label], vec![(Space::Binary, &[1, 4, 4][..])], vec![(Space::Real, &[3][..])]] {
            assert_eq!((spec(&observed).score(nats), spec(&observed).unit()), (-nats, "nats"));
        }
    }

    #[test]
    fn pixels_have_no_density() {
        let spec = spec(&[(Space::Image, &[3, 4, 4]), (Space::Real, &[3, 4, 4])]);
        assert!(spec.variables[0].takes_pictures().is_ok());
        let said = spec.variables[1].takes_pictures().unwrap_err().to_string();
        assert!(said.contains("`x1` is real[3, 4, 4]") && said.contains("Declare `x1: image[3, 4, 4]`"), "{said}");
    }
}
