//! Figures of a trained model: a sheet for each mode, interpolations between two images, images of any size in tiles.

mod large;
mod marginals;
mod modes;
mod plots;
mod walk;

pub use large::{Large, given, large, reduce};
pub use marginals::{Marginal, Marginals, marginals};
pub use modes::{CONTINUATION, arrays, arrays_on, complete, strips, strips_on};
pub use plots::{Group, Lines, Map, Plots, Scatter, plots};
pub use walk::{Walk, interpolation};

use crate::picture::{Row, Sheet, enlarge};
use crate::spec::{Role, Space, Spec, Variable};
use crate::{Draw, Mode, Model};
use anyhow::Result;
use image::RgbImage;

/// Options of a sheet.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Number of examples, or of samples for a mode without evidence.
    pub count: usize,
    /// Examples side by side.
    pub columns: usize,
    /// Samples per example, for a mode with evidence.
    pub draws: usize,
    pub draw: Draw,
    pub seed: u64,
    /// The minimum width of an image on the sheet, in pixels; smaller ones are enlarged.
    pub width: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { count: 32, columns: 8, draws: 1, draw: Draw::default(), seed: 1, width: 64 }
    }
}

/// A labelled row with one image per example.
pub type Strip = Row;

/// Strips as one sheet: groups of `columns` examples, in each group one row per strip.
pub fn sheet(title: &str, strips: &[Strip], options: &Options) -> Sheet {
    let count = strips.iter().map(|strip| strip.pictures.len()).max().unwrap_or(0);
    let width = strips.iter().flat_map(|strip| &strip.pictures).map(RgbImage::width).max().unwrap_or(1);
    let target = width * options.width.div_ceil(width).max(1);
    let show = |picture: &RgbImage| enlarge(picture, (target / picture.width()).max(1));
    let columns = options.columns.max(1);
    let group = |start: usize| -> Vec<Row> {
        let part = |strip: &Strip| strip.pictures.iter().skip(start).take(columns).map(show).collect();
        strips.iter().map(|strip| Row { label: strip.label.clone(), pictures: part(strip) }).collect()
    };
    let mut groups: Vec<Vec<Row>> = (0..count).step_by(columns).map(group).collect();
    // A single strip is one group of rows, labelled once.
    if strips.len() == 1 {
        let label_once = |(at, mut row): (usize, Row)| {
            if at > 0 {
                row.label.clear();
            }
            row
        };
        groups = vec![groups.into_iter().flatten().enumerate().map(label_once).collect()];
    }
    Sheet { title: title.to_owned(), groups }
}

/// Runs `work` in the inference phase of the parameters.
///
/// # Errors
/// Those of `work`.
fn at_rest<T>(model: &dyn Model, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = model.params().phase();
    model.params().set_phase(crate::params::Phase::Inference);
    let result = work();
    model.params().set_phase(before);
    result
}

/// Whether a mode yields a displayable image.
pub fn displays(spec: &Spec, mode: &Mode) -> bool {
    mode.yields.iter().filter_map(|name| spec.variable(name)).any(shows)
}

/// Whether a variable can be displayed: images, and data in the shape of an image, but not real-valued latents, counts
/// or other numbers.
fn shows(variable: &Variable) -> bool {
    let is_number = variable.is_numeric() || (variable.role == Role::Latent && variable.space == Space::Real);
    variable.picture().is_some() && !is_number
}
