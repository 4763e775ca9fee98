//! From records to the tensors of a model's inputs.

use super::cells::{Cells, Column};
use super::records::{LABELS, PICTURES};
use super::{Augment, Records};
use crate::ops::cuda;
use crate::picture::resize;
use crate::spec::{Role, Space, Spec, Variable};
use crate::{Device, Tensor, Values};
use anyhow::{Context, Result, bail, ensure};

/// Makes batches of a model's observed and given variables.
#[derive(Debug, Clone)]
pub struct Batches {
    variables: Vec<Variable>,
    device: Device,
    /// For each variable, its images if they are on a GPU.
    resident: Vec<Option<Resident>>,
}

/// A column's bytes on a GPU, so that a batch needs only indices and a launch.
#[derive(Debug, Clone)]
struct Resident {
    bytes: Tensor,
    shape: [usize; 3],
    records: usize,
}

impl Resident {
    /// None if batches are made on the CPU, or the variable is not an image.
    fn of(variable: &Variable, records: &Records, device: &Device) -> Result<Option<Self>> {
        if !device.is_cuda() || records.is_empty() || !matches!(variable.space, Space::Image | Space::Binary) {
            return Ok(None);
        }
        match &column(records, variable)?.cells {
            Cells::Pictures { shape, bytes } if variable.shape == *shape => {
                let bytes = Tensor::from_slice(bytes, bytes.len(), device)?;
                Ok(Some(Self { bytes, shape: *shape, records: records.len() }))
            }
            _ => Ok(None),
        }
    }

    /// The images at `indices`.
    fn take(&self, space: Space, indices: &[usize], augment: Option<(&Augment, u64)>) -> Result<Tensor> {
        let mut plan = Vec::with_capacity(4 * indices.len());
        for (offset, &index) in indices.iter().enumerate() {
            let change = augment.map(|(augment, first)| augment.change(self.shape, first + offset as u64));
            plan.push(index as i32);
            plan.extend(change.unwrap_or_default());
        }
        let plan = Tensor::from_vec(plan, 4 * indices.len(), self.bytes.device())?;
        Ok(cuda::image::batch(&self.bytes, &plan, self.shape, space == Space::Binary)?)
    }
}

/// The column that fills a variable: the one with its name, otherwise the images or labels of records that were made
/// without a model.
fn column<'r>(records: &'r Records, variable: &Variable) -> Result<&'r Column> {
    let other = if variable.space == Space::Label { LABELS } else { PICTURES };
    let found = records.column(&variable.name).or_else(|| records.column(other));
    found.with_context(|| {
        let names: Vec<&str> = records.columns().iter().map(|column| column.name.as_str()).collect();
        let what = if variable.space == Space::Label { " is a label, and" } else { ":" };
        format!(
            "variable `{}`{what} these records have no values for it (they have {})",
            variable.name,
            names.join(", ")
        )
    })
}

/// The first record, if records are not in memory, to determine their columns.
fn first(records: &Records) -> Result<Option<Records>> {
    let is_stored = records.dataset().is_some() && !records.is_empty();
    is_stored.then(|| records.select(&[0])).transpose()
}

impl Batches {
    /// For these records. If the device is a GPU, their images are copied there.
    ///
    /// # Errors
    /// A variable without values, or with values of another kind.
    pub fn new(spec: &Spec, records: &Records, device: &Device) -> Result<Self> {
        Self::of(spec.data_variables().cloned().collect(), records, device)
    }

    fn of(variables: Vec<Variable>, records: &Records, device: &Device) -> Result<Self> {
        let first = first(records)?;
        let records = first.as_ref().unwrap_or(records);
        for variable in &variables {
            let is_label = match &column(records, variable)?.cells {
                Cells::Classes(_) => variable.shape.len() == 1 || variable.space != Space::Label,
                Cells::Codes { places, .. } => classes_at(variable).is_some_and(|(_, own)| own == *places),
                _ => false,
            };
            ensure!(
                is_label == (variable.space == Space::Label),
                "variable `{}` takes {}, and its column here has the other",
                variable.name,
                if is_label { "numbers and no classes" } else { "classes and no numbers" }
            );
        }
        let resident = match first {
            Some(_) => vec![None; variables.len()],
            None => variables.iter().map(|it| Resident::of(it, records, device)).collect::<Result<_>>()?,
        };
        Ok(Self { variables, device: device.clone(), resident })
    }

    /// For the model's variables that have values in the records, including latents. A mode may be given a subset of
    /// the data, or other variables.
    ///
    /// # Errors
    /// As [`Batches::new`].
    pub fn available(spec: &Spec, records: &Records, device: &Device) -> Result<Self> {
        let first = first(records)?;
        let own = first.as_ref().unwrap_or(records);
        let there = |variable: &&Variable| match variable.role == Role::Latent && !variable.supplied {
            true => own.column(&variable.name).is_some(),
            false => column(own, variable).is_ok(),
        };
        Self::of(spec.variables.iter().filter(there).cloned().collect(), records, device)
    }

    /// The records at `indices`. `augment` changes images; the position in the run of the first record is given.
    ///
    /// # Errors
    /// A label that is not a class of the variable.
    pub fn take(&self, records: &Records, indices: &[usize], augment: Option<(&Augment, u64)>) -> Result<Values> {
        if records.dataset().is_some() {
            let read = records.select(indices)?;
            return self.take(&read, &(0..indices.len()).collect::<Vec<_>>(), augment);
        }
        let mut values = Values::new();
        for (variable, resident) in self.variables.iter().zip(&self.resident) {
            let tensor = match resident.as_ref().filter(|resident| resident.records == records.len()) {
                Some(resident) => resident.take(variable.space, indices, augment)?,
                None => {
                    let numbers = match &column(records, variable)?.cells {
                        Cells::Pictures { shape, bytes } => pictures(variable, *shape, bytes, indices, augment),
                        Cells::Reals { shape, numbers } => reals(variable, shape, numbers, indices)?,
                        Cells::Classes(classes) => one_hot(variable, indices, 1, |place| classes[place])?,
                        Cells::Codes { places, codes } => {
                            one_hot(variable, indices, *places, |place| codes[place] as usize)?
                        }
                    };
                    let dims: Vec<usize> =
                        std::iter::once(indices.len()).chain(variable.shape.iter().copied()).collect();
                    Tensor::from_vec(numbers, dims, &self.device)?
                }
            };
            values.insert(&variable.name, tensor);
            if let Some(present) = records.present(&variable.name) {
                let number = |present: bool| f32::from(u8::from(present));
                let present = if variable.steps {
                    let steps = variable.shape[0];
                    let of = |&index: &usize| match records.steps(&variable.name, index) {
                        Some(steps) => steps.iter().copied().map(number).collect(),
                        None => vec![number(present[index]); steps],
                    };
                    let each: Vec<f32> = indices.iter().flat_map(of).collect();
                    Tensor::from_vec(each, (indices.len(), steps), &self.device)?
                } else {
                    let each: Vec<f32> = indices.iter().map(|&index| number(present[index])).collect();
                    Tensor::from_vec(each, indices.len(), &self.device)?
                };
                values.insert(&Values::presence_of(&variable.name), present);
            }
        }
        Ok(values)
    }

    /// The records from `start` on, at most `size` of them.
    ///
    /// # Errors
    /// As [`Batches::take`].
    pub fn range(&self, records: &Records, start: usize, size: usize) -> Result<Values> {
        let indices: Vec<usize> = (start..records.len().min(start + size)).collect();
        self.take(records, &indices, None)
    }
}

/// k/255, or for a binary variable 0 and 1.
fn pictures(
    variable: &Variable,
    shape: [usize; 3],
    bytes: &[u8],
    indices: &[usize],
    augment: Option<(&Augment, u64)>,
) -> Vec<f32> {
    let size: usize = shape.iter().product();
    let wanted: usize = variable.shape.iter().product();
    // For a vector, an image with as many pixels: a square if possible, otherwise one pixel high.
    let target = variable.picture().unwrap_or_else(|| if size == wanted { shape } else { flat_shape(wanted, shape) });
    let number = |byte: u8| match variable.space {
        Space::Binary => f32::from(byte >= 128),
        _ => f32::from(byte) / 255.0,
    };
    // Vectors are not mirrored.
    let augment = augment.filter(|_| variable.picture().is_some());
    let mut numbers = Vec::with_capacity(indices.len() * wanted);
    for (offset, &index) in indices.iter().enumerate() {
        let picture = &bytes[index * size..][..size];
        let changed = augment.map(|(augment, first)| augment.apply(picture, shape, first + offset as u64));
        let picture = changed.as_deref().unwrap_or(picture);
        if target == shape {
            numbers.extend(picture.iter().map(|&byte| number(byte)));
        } else {
            numbers.extend(resize::fit(picture, shape, target).into_iter().map(number));
        }
    }
    numbers
}

fn reals(variable: &Variable, shape: &[usize], numbers: &[f32], indices: &[usize]) -> Result<Vec<f32>> {
    ensure!(
        variable.shape == shape,
        "variable `{}` has shape {:?}, its values here have shape {shape:?}",
        variable.name,
        variable.shape
    );
    let size: usize = shape.iter().product();
    Ok(indices.iter().flat_map(|&index| &numbers[index * size..][..size]).copied().collect())
}

/// For a label, the number of classes and the number of places per record: `[classes]` has one place, `[steps,
/// classes]` one per step, `[classes, height, width]` one per pixel.
pub(super) fn classes_at(variable: &Variable) -> Option<(usize, usize)> {
    match variable.shape.as_slice() {
        &[steps, classes] if variable.steps => Some((classes, steps)),
        [classes, places @ ..] if !variable.steps => Some((*classes, places.iter().product())),
        _ => None,
    }
}

/// A 1 at the class of each place, 0 elsewhere.
fn one_hot(variable: &Variable, indices: &[usize], places: usize, class: impl Fn(usize) -> usize) -> Result<Vec<f32>> {
    let size: usize = variable.shape.iter().product();
    let classes = size / places.max(1);
    let mut numbers = vec![0f32; indices.len() * size];
    for (row, &index) in indices.iter().enumerate() {
        for place in 0..places {
            let class = class(index * places + place);
            if class >= classes {
                bail!("variable `{}` has {classes} classes, and record {index} is of class {class}", variable.name);
            }
            // Steps come before classes, pixels after them.
            let at = if variable.steps { place * classes + class } else { class * places + place };
            numbers[row * size + at] = 1.0;
        }
    }
    Ok(numbers)
}

fn flat_shape(size: usize, from: [usize; 3]) -> [usize; 3] {
    for channels in [from[0].max(1), 1] {
        let side = ((size / channels) as f64).sqrt().round() as usize;
        if channels * side * side == size {
            return [channels, side, side];
        }
    }
    [1, 1, size]
}
