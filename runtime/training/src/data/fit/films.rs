//! Sequences of images: an array with the frames of each record.

use super::{Fitting, fit};
use crate::data::cells::Cells;
use crate::data::table::{Field, Raw, of_records};
use crate::input::Array;
use crate::spec::{Space, Variable};
use anyhow::{Result, bail, ensure};
use std::collections::BTreeSet;

/// Whether every step of a variable is an image.
pub fn is_film(variable: &Variable) -> bool {
    variable.steps && variable.one().len() == 3 && matches!(variable.space, Space::Image | Space::Binary)
}

/// The frames of the records, channel by channel and frame after frame.
pub fn film(
    variable: &Variable,
    fields: &[&Field],
    indices: &[usize],
    how: &Fitting<'_>,
    notes: &mut BTreeSet<String>,
) -> Result<Cells> {
    let (steps, frame) =
        (variable.shape[0], Variable { shape: variable.one().to_vec(), steps: false, ..variable.clone() });
    let [Field { raw: Raw::Numbers(array), name }] = fields else {
        bail!("a sequence of images is one array, {}", of_records(&variable.shape));
    };
    let own = &array.shape[1..];
    let each = match own {
        [first, frame @ ..] if *first == steps && !frame.is_empty() => frame.to_vec(),
        [size] if *size == variable.shape.iter().product::<usize>() => frame.shape.clone(),
        _ => bail!("records have shape {own:?}; expected {:?}, {steps} images each", variable.shape),
    };
    ensure!(steps > 0, "records have no steps");
    let shape = std::iter::once(array.shape[0] * steps).chain(each).collect();
    let frames = Array { kind: array.kind, shape, content: array.content.clone() };
    let field = Field { name: name.clone(), raw: Raw::Numbers(frames) };
    let all: Vec<usize> = indices.iter().flat_map(|index| index * steps..(index + 1) * steps).collect();
    match fit(&frame, &[&field], &all, &Fitting { frames: steps, ..*how }, notes)? {
        Cells::Pictures { shape: [channels, height, width], bytes } => {
            Ok(Cells::Pictures { shape: [steps * channels, height, width], bytes })
        }
        _ => bail!("frames of `{}` are no images", variable.name),
    }
}
