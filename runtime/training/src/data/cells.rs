//! Columns of records: the values of a variable over all of them.

/// The values of a variable over the records.
#[derive(Debug, Clone)]
pub struct Column {
    /// The variable's name, or [`PICTURES`](super::PICTURES) and [`LABELS`](super::LABELS).
    pub name: String,
    pub cells: Cells,
}

/// Values of one kind, record by record.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Grey levels 0, …, 255, channel by channel, for an image (k/255) or a binary variable (1 from 128 on).
    Pictures { shape: [usize; 3], bytes: Vec<u8> },
    /// Real numbers of any shape.
    Reals { shape: Vec<usize>, numbers: Vec<f32> },
    /// Numbers of classes from 0.
    Classes(Vec<usize>),
    /// Classes at several places of each record: its steps, or the pixels of a map row by row.
    Codes { places: usize, codes: Vec<u32> },
}

impl Cells {
    /// The number of records.
    pub fn len(&self) -> usize {
        match self {
            Self::Pictures { shape, bytes } => bytes.len() / shape.iter().product::<usize>().max(1),
            Self::Reals { shape, numbers } => numbers.len() / shape.iter().product::<usize>().max(1),
            Self::Classes(classes) => classes.len(),
            Self::Codes { places, codes } => codes.len() / (*places).max(1),
        }
    }

    /// Bytes of the values.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Pictures { bytes, .. } => bytes.len(),
            Self::Reals { numbers, .. } => size_of_val(numbers.as_slice()),
            Self::Classes(classes) => size_of_val(classes.as_slice()),
            Self::Codes { codes, .. } => size_of_val(codes.as_slice()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn select(&self, indices: &[usize]) -> Self {
        fn rows<T: Copy>(all: &[T], size: usize, indices: &[usize]) -> Vec<T> {
            indices.iter().flat_map(|&index| &all[index * size..][..size]).copied().collect()
        }
        match self {
            Self::Pictures { shape, bytes } => {
                Self::Pictures { shape: *shape, bytes: rows(bytes, shape.iter().product(), indices) }
            }
            Self::Reals { shape, numbers } => {
                Self::Reals { shape: shape.clone(), numbers: rows(numbers, shape.iter().product(), indices) }
            }
            Self::Classes(classes) => Self::Classes(rows(classes, 1, indices)),
            Self::Codes { places, codes } => Self::Codes { places: *places, codes: rows(codes, *places, indices) },
        }
    }
}
