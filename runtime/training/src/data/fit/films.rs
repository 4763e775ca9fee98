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

/// The frames of the records, channel by channel and frame after frame. Only those of `indices` are copied, with their numbers.
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
    let record = own.iter().product::<usize>() * array.kind.width();
    let content = indices.iter().flat_map(|index| &array.content[index * record..][..record]).copied().collect();
    let shape = std::iter::once(indices.len() * steps).chain(each).collect();
    let field = Field { name: name.clone(), raw: Raw::Numbers(Array { kind: array.kind, shape, content }) };
    let numbers: Vec<usize> = indices.iter().map(|&at| how.numbers.map_or(at, |numbers| numbers[at])).collect();
    let names = how.names.map(|names| indices.iter().map(|&at| names[at].clone()).collect::<Vec<_>>());
    let lines = how.lines.map(|lines| indices.iter().map(|&at| lines[at]).collect::<Vec<_>>());
    let (names, lines, numbers) = (names.as_deref(), lines.as_deref(), Some(numbers.as_slice()));
    let how = Fitting { frames: steps, names, lines, numbers, ..*how };
    match fit(&frame, &[&field], &(0..indices.len() * steps).collect::<Vec<_>>(), &how, notes)? {
        Cells::Pictures { shape: [channels, height, width], bytes } => {
            Ok(Cells::Pictures { shape: [steps * channels, height, width], bytes })
        }
        _ => bail!("frames of `{}` are no images", variable.name),
    }
}
