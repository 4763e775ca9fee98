//! The entry of a distribution.

use crate::{Arguments, Example, LARGEST_SIZE, Parameter, Space};

/// A distribution over the values of one variable.
#[derive(Debug, Clone, Copy)]
pub struct Distribution {
    pub name: &'static str,
    pub docs: &'static str,
    pub parameters: &'static [Parameter],
    /// The type that generated code names.
    pub runtime: &'static str,
    /// The natural parameters a network yields, in the order in which the head holds them; none at a root.
    pub natural: &'static [Natural],
    /// The spaces it can produce.
    pub spaces: &'static [Space],
    /// It has a density, and bijectors may stand over it.
    pub continuous: bool,
    /// Samples are differentiable functions of its parameters.
    pub reparameterised: bool,
    /// Its values are some points of a space of real numbers, so that it has no density over the others.
    pub atoms: bool,
    /// What it asks of a variable's shape.
    pub fits: fn(&Arguments, &[usize]) -> Result<(), String>,
    /// Parameters it holds itself, for a variable of this shape.
    pub count: fn(&Arguments, &[usize]) -> u64,
    /// Distributions that the divergence from has a closed form: this one as q, each of them as p.
    pub closed_forms: &'static [&'static str],
    /// Uses that the laws are tried on.
    pub examples: &'static [Example],
    /// Relative error of the density that its definition allows, where it approximates.
    pub error: f64,
    /// How it is made at run time.
    #[cfg(feature = "tensors")]
    pub make: crate::Make,
    /// The closed forms, in the order of their names.
    #[cfg(feature = "tensors")]
    pub divergences: &'static [crate::ClosedForm],
}

/// A natural parameter: a tensor of the variable's shape but for its channels.
#[derive(Debug, Clone, Copy)]
pub struct Natural {
    pub name: &'static str,
    pub domain: Domain,
    /// Other names, each with its domain and the block that turns it into this parameter.
    pub others: &'static [(&'static str, Domain, &'static str)],
    /// Its channels, for a variable of so many.
    pub channels: fn(&Arguments, usize) -> usize,
}

/// The values a natural parameter may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Real,
    Positive,
    Unit,
    Simplex,
}

impl Distribution {
    /// The shape of the head for a variable of this shape; none at a root.
    ///
    /// # Errors
    /// A shape the distribution does not reach; the message says why.
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

    /// Channels of the head for a variable of so many.
    pub fn channels(&self, arguments: &Arguments, channels: usize) -> usize {
        self.natural.iter().fold(0, |sum, one| sum.saturating_add((one.channels)(arguments, channels)))
    }

    /// Whether a network must stand behind it.
    pub fn needs_network(&self) -> bool {
        !self.natural.is_empty()
    }

    /// Whether KL(self ‖ p) has a closed form.
    pub fn has_closed_form(&self, p: &Self) -> bool {
        self.closed_forms.contains(&p.name)
    }
}
