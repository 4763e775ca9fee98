//! What is shown, as it is kept for the report.

use serde::{Deserialize, Serialize};

/// What the report shows besides marginals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plots {
    pub pairs: Vec<Scatter>,
    pub sequences: Vec<Lines>,
    pub maps: Vec<Map>,
    pub latents: Vec<Scatter>,
    pub imputed: Vec<Scatter>,
    pub classified: Vec<Map>,
}

impl Plots {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Points in a plane, in groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    pub title: String,
    /// What the axes are.
    pub axes: [String; 2],
    pub groups: Vec<Group>,
    /// Whether the points would lie on the diagonal were both axes equal.
    pub diagonal: bool,
}

/// Points of one colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub points: Vec<[f64; 2]>,
}

/// A number over the steps of some sequences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    pub title: String,
    /// Of each the name in the legend, and its values from step 1 on.
    pub lines: Vec<(String, Vec<f64>)>,
}

/// Numbers from 0 to 1 in rows and columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Map {
    pub title: String,
    /// What runs to the right, and what runs down.
    pub axes: [String; 2],
    /// The numbers of the first column and of the first row.
    pub first: [usize; 2],
    pub rows: Vec<Vec<f64>>,
    /// What rows and columns are called, where both are classes with names.
    #[serde(default)]
    pub names: Vec<String>,
}
