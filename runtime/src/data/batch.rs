//! From pictures and labels to the tensors a model asks for.

use super::{Augment, Images};
use crate::spec::{Space, Spec, Variable};
use crate::{Device, Tensor, Values};
use anyhow::{Result, bail};

/// Makes batches of a model's observed and given variables.
#[derive(Debug, Clone)]
pub struct Batches {
    variables: Vec<Variable>,
    device: Device,
}

impl Batches {
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
        Ok(Self { variables, device: device.clone() })
    }

    /// The pictures at `indices`; `augment` changes them, the first being at this position of the run.
    ///
    /// # Errors
    /// A label the variable has no class for.
    pub fn take(&self, images: &Images, indices: &[usize], augment: Option<(&Augment, u64)>) -> Result<Values> {
        let shape = images.shape();
        let changed: Option<Vec<Vec<u8>>> = augment.map(|(augment, position)| {
            let picture = |(offset, &index): (usize, &usize)| {
                augment.apply(images.picture(index), shape, position + offset as u64)
            };
            indices.iter().enumerate().map(picture).collect()
        });
        let pictures: Vec<&[u8]> = match &changed {
            Some(changed) => changed.iter().map(Vec::as_slice).collect(),
            None => indices.iter().map(|&index| images.picture(index)).collect(),
        };
        let mut values = Values::new();
        for variable in &self.variables {
            let tensor = match variable.space {
                Space::Label => self.labels(variable, images, indices)?,
                _ => self.pictures(variable, &pictures, shape)?,
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

    fn pictures(&self, variable: &Variable, pictures: &[&[u8]], shape: [usize; 3]) -> Result<Tensor> {
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
