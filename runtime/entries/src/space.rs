//! The entry of a space.

use serde::de::Error as _;
use std::fmt;

/// The space of a variable's values, identified by the name of its entry.
///
/// Each entry's file defines an associated constant in the form of a variant: `Space::Image`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Space(pub(crate) &'static str);

/// A space of the language, as in `image[3, 32, 32]`.
#[derive(Debug, Clone, Copy)]
pub struct SpaceEntry {
    pub space: Space,
    pub name: &'static str,
    pub docs: &'static str,
    /// The number of sizes in the brackets, both ends included.
    pub ranks: (usize, usize),
    /// A description of the sizes, for messages.
    pub sizes: &'static str,
    /// Whether it is discrete. The value of a deterministic factor must be, because only then its entropy is 0.
    pub discrete: bool,
    /// The distribution that hints propose for it.
    pub usual: &'static str,
    /// The error of a row of values, if any: "leaves the grid k/255".
    pub misfit: fn(&[f64]) -> Option<&'static str>,
    /// A value from the same number of uniform numbers in [0, 1).
    pub draw: fn(&[f64]) -> Vec<f64>,
    /// Values over which a density sums to 1.
    pub grid: Grid,
}

/// Rows of values of one small shape, over which a density sums to 1.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// The shape of a value, without the batch.
    pub shape: &'static [usize],
    /// The values, row by row.
    pub rows: fn() -> Vec<f64>,
    /// The measure of a row: 1 for discrete values, and for continuous ones the measure of the values around it.
    pub measure: fn(&[f64]) -> f64,
}

impl Space {
    /// The space of this name.
    pub fn find(name: &str) -> Option<Self> {
        crate::SPACES.iter().find(|entry| entry.name == name).map(|entry| entry.space)
    }

    /// The name in the language.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl serde::Serialize for Space {
    /// The name.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Space {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| D::Error::custom(format!("there is no space `{name}`")))
    }
}

/// The entry of a space.
pub fn space_entry(space: Space) -> &'static SpaceEntry {
    // Spaces are created only by entries.
    crate::SPACES.iter().copied().find(|entry| entry.space == space).unwrap_or(crate::SPACES[0])
}
