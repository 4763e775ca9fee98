//! The entry of a distribution.

#[cfg(feature = "tensors")]
use crate::tensors;
use crate::{Arguments, Example, LARGEST_SIZE, Parameter, Space};

/// A distribution over the values of one variable.
#[derive(Debug, Clone, Copy)]
pub struct Distribution {
    pub name: &'static str,
    pub docs: &'static str,
    pub parameters: &'static [Parameter],
    /// The name of its type in generated code.
    pub runtime: &'static str,
    /// The natural parameters, in the order of the head. None at a root.
    pub natural: &'static [Natural],
    /// The spaces of its values.
    pub spaces: &'static [Space],
    /// Whether it has a density over real numbers, so that flows may transform it unless it is on a surface.
    pub continuous: bool,
    /// Whether samples are differentiable functions of its parameters.
    pub reparameterised: bool,
    /// Whether its values are isolated points of a space of real numbers, so that it has no density.
    pub atoms: bool,
    /// Whether its values have fewer dimensions than numbers, such as proportions, so that a flow's Jacobian does not apply.
    pub on_surface: bool,
    /// The numbers between which it has a density, if its space has values outside of them.
    pub ends: Option<fn(&Arguments) -> [f64; 2]>,
    /// Checks a variable's shape.
    pub fits: fn(&Arguments, &[usize]) -> Result<(), String>,
    /// The number of parameters of the distribution itself, for a variable of this shape.
    pub count: fn(&Arguments, &[usize]) -> u64,
    /// The distributions p for which KL(this ‖ p) has a closed form that is declared here.
    pub closed_forms: &'static [&'static str],
    /// The distributions q for which KL(q ‖ this) has a closed form that is declared here.
    pub closed_forms_of: &'static [&'static str],
    /// How a product of such distributions, each given by its head, is one of this type.
    pub experts: Option<Experts>,
    /// Uses for the tests of the laws.
    pub examples: &'static [Example],
    /// The relative error of an approximate density.
    pub error: f64,
    /// 1 if ln p falls at most linearly with the distance from the mean in units of the scale, else 2.
    pub power: u32,
    /// How it is built at run time.
    #[cfg(feature = "tensors")]
    pub make: Make,
    /// The closed forms, in the order of their names: first those of `closed_forms`.
    #[cfg(feature = "tensors")]
    pub divergences: &'static [ClosedForm],
}

/// The normalised product of distributions of one type, which have no arguments.
#[derive(Debug, Clone, Copy)]
pub struct Experts {
    /// The root that may be a factor too: the distribution of a head of zeros. One factor must then remain wherever experts
    /// drop out. Without such a root, the product of no experts is uniform.
    pub root: Option<&'static str>,
    /// How it is computed.
    #[cfg(feature = "tensors")]
    pub product: Product,
}

/// A natural parameter: a tensor with the variable's shape except for the channels.
#[derive(Debug, Clone, Copy)]
pub struct Natural {
    pub name: &'static str,
    pub domain: Domain,
    /// Alternative names, each with its domain and the block that converts it to this parameter.
    pub others: &'static [(&'static str, Domain, &'static str)],
    /// Its number of channels, for a variable's number of channels.
    pub channels: fn(&Arguments, usize) -> usize,
}

/// The domain of a natural parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Real,
    Positive,
    Unit,
    Simplex,
    /// Whole numbers from 0 that are known before the distribution is. No network yields them.
    Whole,
}

/// Logarithms that the model states are clamped to ± this, as `Head::bound` does.
const HELD: f64 = 80.0;

/// The least scale for which the square of 1 in units of the scale is a number of single precision: 1 / √(largest number).
const OF_SQUARES: f64 = 5.421_010_9e-20;

/// The least scale with which a density computes in single precision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Least {
    /// A smaller one is replaced by this one.
    Held(f64),
    /// With a smaller one, ln p at a distance of 1 overflows.
    Squares(f64),
}

impl Least {
    pub fn scale(self) -> f64 {
        match self {
            Self::Held(scale) | Self::Squares(scale) => scale,
        }
    }
}

impl Distribution {
    /// The least scale with which the density computes in single precision. None if it has no mean and scale.
    pub fn least_scale(&self) -> Option<Least> {
        let has = |name: &str| self.natural.iter().any(|one| one.name == name);
        let held = match (has("log_var"), has("log_std") || has("log_scale")) {
            (true, _) => (-HELD / 2.0).exp(),
            (false, true) => (-HELD).exp(),
            (false, false) => return None,
        };
        let least = if self.power > 1 && held < OF_SQUARES { Least::Squares(OF_SQUARES) } else { Least::Held(held) };
        has("mean").then_some(least)
    }

    /// The shape of the head for a variable of this shape. None at a root.
    ///
    /// # Errors
    /// A shape that the distribution does not support, with the reason.
    pub fn head(&self, arguments: &Arguments, shape: &[usize]) -> Result<Option<Vec<usize>>, String> {
        (self.fits)(arguments, shape)?;
        if !self.needs_network() {
            return Ok(None);
        }
        let mut head = shape.to_vec();
        if let Some(first) = head.first_mut() {
            *first = self.channels(arguments, *first);
        }
        match head.iter().find(|&&size| size > LARGEST_SIZE) {
            Some(size) => Err(format!("would need a size of {size}; the largest is {LARGEST_SIZE}")),
            None => Ok(Some(head)),
        }
    }

    /// Channels of the head, for a variable's number of channels.
    pub fn channels(&self, arguments: &Arguments, channels: usize) -> usize {
        self.natural.iter().fold(0, |sum, one| sum.saturating_add((one.channels)(arguments, channels)))
    }

    /// Whether it needs a network.
    pub fn needs_network(&self) -> bool {
        !self.natural.is_empty()
    }

    /// Whether KL(self ‖ p) has a closed form.
    pub fn has_closed_form(&self, p: &Self) -> bool {
        self.closed_forms.contains(&p.name) || p.closed_forms_of.contains(&self.name)
    }
}

/// How a distribution is built.
#[cfg(feature = "tensors")]
#[derive(Debug, Clone, Copy)]
pub enum Make {
    /// From a network's output.
    Head(fn(&tensors::Head, &Arguments) -> tensors::Result<Box<dyn tensors::Distribution>>),
    /// At a root, over values of a shape.
    Root(fn(&tensors::Params, &[usize], &Arguments) -> tensors::Result<Box<dyn tensors::Distribution>>),
}

/// The normalised product of experts and of a number of roots. Each expert is given by its head and by presences `[N]`. It
/// drops out of rows in which one of these is 0.
#[cfg(feature = "tensors")]
pub type Product = fn(&[tensors::Expert<'_>], usize) -> tensors::Result<Box<dyn tensors::Distribution>>;

/// KL(q ‖ p) of one pair of distributions, `[N]` nats; `None` for other pairs.
#[cfg(feature = "tensors")]
pub type ClosedForm =
    fn(&dyn tensors::Distribution, &dyn tensors::Distribution) -> Option<tensors::Result<tensors::Tensor>>;
