//! The plots as stored for the report.

use serde::{Deserialize, Serialize};

/// The plots of the report besides marginals.
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

/// Points in a plane, in groups of one colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    pub title: String,
    /// The titles of the axes.
    pub axes: [String; 2],
    pub groups: Vec<Group>,
    /// Whether the diagonal means that both axes agree.
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
    /// For each, the name in the legend and its values from step 1.
    pub lines: Vec<(String, Vec<f64>)>,
}

/// Numbers from 0 to 1 in rows and columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Map {
    pub title: String,
    /// The titles of the horizontal and of the vertical axis.
    pub axes: [String; 2],
    /// The numbers of the first column and of the first row.
    pub first: [usize; 2],
    pub rows: Vec<Vec<f64>>,
    /// The names of rows and columns, if both are classes with names.
    #[serde(default)]
    pub names: Vec<String>,
}
