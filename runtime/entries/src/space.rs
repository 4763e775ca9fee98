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
    /// The error of the values of a vector, if any: "leaves the grid k/255".
    pub misfit: fn(&[f64]) -> Option<&'static str>,
    /// A vector from the same number of uniform numbers in [0, 1).
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

impl SpaceEntry {
    /// What is wrong with a value of this shape, if anything. Of a map, its channels at each position are a value.
    pub fn wrong(&self, value: &[f64], shape: &[usize]) -> Option<&'static str> {
        let positions = positions(shape);
        (0..positions).find_map(|at| {
            let one: Vec<f64> = value.iter().skip(at).step_by(positions).copied().collect();
            (self.misfit)(&one)
        })
    }

    /// A value of this shape from as many numbers, uniform on [0, 1).
    pub fn made(&self, uniform: &[f64], shape: &[usize]) -> Vec<f64> {
        let positions = positions(shape);
        let mut made = vec![0.0; uniform.len()];
        for at in 0..positions {
            let one: Vec<f64> = uniform.iter().skip(at).step_by(positions).copied().collect();
            made.iter_mut().skip(at).step_by(positions).zip((self.draw)(&one)).for_each(|(made, value)| *made = value);
        }
        made
    }
}

/// Positions of a map; one of a vector.
fn positions(shape: &[usize]) -> usize {
    shape.iter().skip(1).product::<usize>().max(1)
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
