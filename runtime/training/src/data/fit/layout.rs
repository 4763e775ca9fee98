//! The memory layout of images in a record.

use anyhow::{Context, Result, bail};

/// The memory layout of an image in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// [channels, height, width]
    Planes([usize; 3]),
    /// [height, width, channels]
    Pixels([usize; 3]),
}

impl Layout {
    /// The layout of a record's shape, for a variable of shape `wanted`.
    pub fn of(record: &[usize], wanted: [usize; 3]) -> Result<Self> {
        let [channels, height, width] = wanted;
        let few = |count: usize| matches!(count, 1 | 3);
        Ok(match *record {
            [c, h, w] if [c, h, w] == wanted => Self::Planes(wanted),
            [h, w, c] if [c, h, w] == wanted => Self::Pixels(wanted),
            [c, h, w] if few(c) => Self::Planes([c, h, w]),
            [h, w, c] if few(c) => Self::Pixels([c, h, w]),
            [h, w] => Self::Planes([1, h, w]),
            [size] if size == channels * height * width => Self::Planes(wanted),
            [size] => {
                let square = |channels: usize| {
                    let side = ((size / channels) as f64).sqrt().round() as usize;
                    (channels * side * side == size && side > 0).then_some([channels, side, side])
                };
                let shape = square(1).or_else(|| square(3)).with_context(|| {
                    format!("{size} numbers per record are not a square image and not of shape {wanted:?}")
                })?;
                Self::Planes(shape)
            }
            _ => bail!(
                "records of shape {record:?} are not images; expected {wanted:?}, [height, width, channels] or \
                 [height, width]"
            ),
        })
    }

    pub fn shape(self) -> [usize; 3] {
        match self {
            Self::Planes(shape) | Self::Pixels(shape) => shape,
        }
    }

    /// The numbers of a record, channel by channel.
    pub fn planes<T: Copy>(self, record: &[T]) -> Vec<T> {
        match self {
            Self::Planes(_) => record.to_vec(),
            Self::Pixels([channels, height, width]) => (0..channels)
                .flat_map(|channel| (0..height * width).map(move |pixel| record[pixel * channels + channel]))
                .collect(),
        }
    }
}
