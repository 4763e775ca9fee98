//! What the built-in data show in a variable.

use super::{bouncing, shows_digits};
use crate::spec::{Space, Variable};

/// The content of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Scenes,
    Digits,
    Answers,
    ScenesBetweenLevels,
    Measurements,
    Pendulums,
    Films,
    Music,
    Cells,
    Classes,
    Words,
    Lengths,
    /// Measurements mapped to another space.
    Transformed,
}

impl Content {
    pub fn of(variable: &Variable) -> Self {
        match (variable.space, variable.picture()) {
            _ if variable.is_length => Self::Lengths,
            _ if bouncing::frame(variable).is_some() => Self::Films,
            (Space::Binary, _) if variable.steps => Self::Music,
            (Space::Label, _) if variable.shape.len() > 1 => Self::Words,
            _ if variable.steps => Self::Pendulums,
            (Space::Image, _) => Self::Scenes,
            (Space::Binary, _) if shows_digits(variable) => Self::Digits,
            (Space::Binary, _) => Self::Answers,
            (Space::Real, Some(_)) => Self::ScenesBetweenLevels,
            (Space::Real, None) => Self::Measurements,
            (Space::Label, _) => Self::Classes,
            (Space::Count, None) if variable.shape.iter().product::<usize>() > 1 => Self::Cells,
            _ => Self::Transformed,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Scenes | Self::ScenesBetweenLevels => "scenes",
            Self::Digits => "handwritten digits",
            Self::Answers => "answers of yes and no",
            Self::Measurements | Self::Transformed => "a table of measurements",
            Self::Pendulums => "swinging pendulums",
            Self::Films => "films of bouncing balls",
            Self::Music => "pieces of music",
            Self::Cells => "molecules in single cells",
            Self::Classes => "the class of the record",
            Self::Words => "words in an order",
            Self::Lengths => "the length of the record",
        }
    }
}
