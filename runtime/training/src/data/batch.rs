//! From pictures and labels to the tensors a model asks for.

use super::{Augment, Images};
use crate::ops::cuda;
use crate::spec::{Space, Spec, Variable};
use crate::{Device, Tensor, Values};
use anyhow::{Result, bail};
use std::borrow::Cow;
use std::cell::LazyCell;

/// Makes batches of a model's observed and given variables.
#[derive(Debug, Clone)]
pub struct Batches {
    variables: Vec<Variable>,
    device: Device,
    resident: Option<Resident>,
}

/// A data set's bytes on a GPU, so that a batch costs a few numbers and a launch.
#[derive(Debug, Clone)]
struct Resident {
    bytes: Tensor,
    shape: [usize; 3],
    pictures: usize,
}

impl Resident {
    /// None where batches are made on the CPU.
    fn of(images: &Images, device: &Device) -> Result<Option<Self>> {
        if !device.is_cuda() || images.is_empty() {
            return Ok(None);
        }
        let bytes = Tensor::from_slice(&images.bytes, images.bytes.len(), device)?;
        Ok(Some(Self { bytes, shape: images.shape(), pictures: images.len() }))
    }

    /// The pictures at `indices` for a variable, if it takes them as they are.
    fn take(
        &self,
        variable: &Variable,
        images: &Images,
        indices: &[usize],
        augment: Option<(&Augment, u64)>,
    ) -> Result<Option<Tensor>> {
        let same = images.shape() == self.shape && images.len() == self.pictures;
        if !same || variable.shape != self.shape || !matches!(variable.space, Space::Image | Space::Binary) {
            return Ok(None);
        }
        let mut plan = Vec::with_capacity(4 * indices.len());
        for (offset, &index) in indices.iter().enumerate() {
            let change = augment.map(|(augment, first)| augment.change(self.shape, first + offset as u64));
            plan.push(index as i32);
            plan.extend(change.unwrap_or_default());
        }
        let plan = Tensor::from_vec(plan, 4 * indices.len(), self.bytes.device())?;
        Ok(Some(cuda::image::batch(&self.bytes, &plan, self.shape, variable.space == Space::Binary)?))
    }
}

impl Batches {
    /// Of these pictures, which go to the device at once if it is a GPU.
    ///
    /// # Errors
    /// A variable that pictures and labels cannot fill.
    pub fn new(spec: &Spec, images: &Images, device: &Device) -> Result<Self> {
        let variables: Vec<Variable> = spec.data_variables().cloned().collect();
        for variable in &variables {
            if variable.space == Space::Label && images.label(0).is_none() {
                bail!(
                    "variable `{}` is a label, and this data set has none; CIFAR-10 and `builtin` have",
                    variable.name
                );
            }
            if variable.space == Space::Label && variable.shape.len() != 1 {
                bail!(
                    "variable `{}` is a label of shape {:?}; data fills labels of shape [classes]",
                    variable.name,
                    variable.shape
                );
            }
        }
        Ok(Self { variables, device: device.clone(), resident: Resident::of(images, device)? })
    }

    /// The pictures at `indices` of the data set the batches were made for; `augment` changes them, the first being at this position of the run.
    ///
    /// # Errors
    /// A label the variable has no class for.
    pub fn take(&self, images: &Images, indices: &[usize], augment: Option<(&Augment, u64)>) -> Result<Values> {
        let shape = images.shape();
        // Only where a variable's pictures are not made on the device.
        let pictures = LazyCell::new(|| -> Vec<Cow<'_, [u8]>> {
            let picture = |(offset, &index): (usize, &usize)| match augment {
                Some((augment, position)) => {
                    augment.apply(images.picture(index), shape, position + offset as u64).into()
                }
                None => images.picture(index).into(),
            };
            indices.iter().enumerate().map(picture).collect()
        });
        let mut values = Values::new();
        for variable in &self.variables {
            let made = match &self.resident {
                Some(resident) => resident.take(variable, images, indices, augment)?,
                None => None,
            };
            let tensor = match (made, variable.space) {
                (Some(made), _) => made,
                (None, Space::Label) => self.labels(variable, images, indices)?,
                (None, _) => self.pictures(variable, &pictures, shape)?,
            };
            values.insert(&variable.name, tensor);
        }
        Ok(values)
    }

    /// The pictures from `start` on, at most `size` of them.
    ///
    /// # Errors
    /// As [`Batches::take`].
    pub fn range(&self, images: &Images, start: usize, size: usize) -> Result<Values> {
        let indices: Vec<usize> = (start..images.len().min(start + size)).collect();
        self.take(images, &indices, None)
    }

    fn pictures(&self, variable: &Variable, pictures: &[Cow<'_, [u8]>], shape: [usize; 3]) -> Result<Tensor> {
        let size: usize = variable.shape.iter().product();
        // A vector takes the picture of as many pixels; where no square has as many, a picture one pixel high.
        let target = variable.picture().unwrap_or_else(|| flat_shape(size, shape));
        let number = |byte: u8| match variable.space {
            Space::Binary => f32::from(byte >= 128),
            _ => f32::from(byte) / 255.0,
        };
        let mut numbers = Vec::with_capacity(pictures.len() * size);
        for picture in pictures {
            if target == shape {
                numbers.extend(picture.iter().map(|&byte| number(byte)));
            } else {
                numbers.extend(super::resize(picture, shape, target).into_iter().map(number));
            }
        }
        let dims: Vec<usize> = std::iter::once(pictures.len()).chain(variable.shape.iter().copied()).collect();
        Ok(Tensor::from_vec(numbers, dims, &self.device)?)
    }

    fn labels(&self, variable: &Variable, images: &Images, indices: &[usize]) -> Result<Tensor> {
        let classes = variable.shape[0];
        let mut numbers = vec![0f32; indices.len() * classes];
        for (row, &index) in indices.iter().enumerate() {
            let label = images.label(index).unwrap_or(0);
            if label >= classes {
                bail!(
                    "variable `{}` has {classes} classes, and a picture of this data set is of class {label}",
                    variable.name
                );
            }
            numbers[row * classes + label] = 1.0;
        }
        Ok(Tensor::from_vec(numbers, (indices.len(), classes), &self.device)?)
    }
}

fn flat_shape(size: usize, from: [usize; 3]) -> [usize; 3] {
    for channels in [from[0], 1] {
        let side = ((size / channels) as f64).sqrt().round() as usize;
        if channels * side * side == size {
            return [channels, side, side];
        }
    }
    [1, 1, size]
}
