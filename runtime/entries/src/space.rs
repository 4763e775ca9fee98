//! The entry of a space.

use serde::de::Error as _;
use std::fmt;

/// The set a variable takes its values in, by the name of its entry.
///
/// Each entry's file gives its space a name as an associated constant, written like a variant: `Space::Image`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Space(pub(crate) &'static str);

/// A space as the language writes it: `image[3, 32, 32]`.
#[derive(Debug, Clone, Copy)]
pub struct SpaceEntry {
    pub space: Space,
    pub name: &'static str,
    pub docs: &'static str,
    /// How many sizes may stand in the brackets, both ends included.
    pub ranks: (usize, usize),
    /// What the sizes are, for messages.
    pub sizes: &'static str,
    /// A deterministic factor must have a discrete range: only there is its entropy 0.
    pub discrete: bool,
    /// The distribution that hints propose over it.
    pub usual: &'static str,
    /// What is wrong with the values of a vector, if anything: "leaves the grid k/255".
    pub misfit: fn(&[f64]) -> Option<&'static str>,
    /// A vector from as many numbers, uniform on [0, 1).
    pub draw: fn(&[f64]) -> Vec<f64>,
    /// Values over which a density adds up.
    pub grid: Grid,
}

/// Rows of values of one small shape over which a density adds up to 1.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// The shape of a value, without the batch.
    pub shape: &'static [usize],
    /// The values, row by row.
    pub rows: fn() -> Vec<f64>,
    /// The measure of a row: 1 for discrete values, for continuous ones that of the values around it.
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

    /// As the language writes it.
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
    // Spaces come from entries alone.
    crate::SPACES.iter().copied().find(|entry| entry.space == space).unwrap_or(crate::SPACES[0])
}
