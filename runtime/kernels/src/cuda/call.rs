//! Launches of kernels.

use super::place::Place;
use crate::{DType, Result};

/// The maximum number of tensors in a launch: `TABLE` in `kernels/train.cu`.
pub const TABLE: usize = 64;
/// The tensors of a launch, in the kernels' layout.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct Table {
    pub parameter: [u64; TABLE],
    pub gradient: [u64; TABLE],
    pub mean: [u64; TABLE],
    pub peak: [u64; TABLE],
    pub size: [u32; TABLE],
}

/// A kernel's launch.
#[derive(Debug, Clone)]
pub struct Call {
    pub kernel: String,
    /// Blocks along x and y.
    pub grid: (u32, u32),
    /// Threads per block: a power of two.
    pub block: u32,
    pub arguments: Vec<Argument>,
}

/// An argument as the kernel declares it.
#[derive(Debug, Clone)]
pub enum Argument {
    Pointer(u64),
    Int(u32),
    Long(u64),
    Real(f32),
    Table(Box<Table>),
}

impl Argument {
    /// The address and the size in bytes of its value.
    pub fn bytes(&self) -> (*const u8, usize) {
        match self {
            Self::Pointer(value) | Self::Long(value) => (std::ptr::from_ref(value).cast(), 8),
            Self::Int(value) => (std::ptr::from_ref(value).cast(), 4),
            Self::Real(value) => (std::ptr::from_ref(value).cast(), 4),
            Self::Table(table) => (std::ptr::from_ref(&**table).cast(), size_of::<Table>()),
        }
    }
}

/// The maximum number of threads per block: `BLOCK` in `kernels/common.cuh`.
const BLOCK: u32 = 256;
/// The maximum number of blocks of a grid, enough to fill any GPU. Blocks loop over the remaining elements.
const MOST_BLOCKS: usize = 8192;

impl Call {
    /// A kernel over `count` elements.
    ///
    /// # Errors
    /// A count beyond 32 bits.
    pub fn each(kernel: impl Into<String>, count: usize) -> Result<Self> {
        let blocks = count.div_ceil(BLOCK as usize).clamp(1, MOST_BLOCKS) as u32;
        size(count)?;
        Ok(Self { kernel: kernel.into(), grid: (blocks, 1), block: BLOCK, arguments: Vec::new() })
    }

    /// A kernel with a block for each of `rows` rows of `length` elements.
    ///
    /// # Errors
    /// A count beyond 32 bits.
    pub fn rows(kernel: impl Into<String>, rows: usize, length: usize) -> Result<Self> {
        let block = (length.next_power_of_two() as u32).clamp(32, BLOCK);
        Ok(Self { kernel: kernel.into(), grid: (size(rows)?, 1), block, arguments: Vec::new() })
    }

    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.arguments.push(Argument::Pointer(place.address));
        self
    }

    /// # Errors
    /// A number beyond 32 bits.
    pub fn sizes<const N: usize>(mut self, numbers: [usize; N]) -> Result<Self> {
        for number in numbers {
            self.arguments.push(Argument::Int(size(number)?));
        }
        Ok(self)
    }

    #[must_use]
    pub fn with(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self
    }
}

fn size(number: usize) -> Result<u32> {
    match u32::try_from(number) {
        Ok(number) if number < 1 << 31 => Ok(number),
        _ => candle_core::bail!(
            "a tensor of {number} values is more than a kernel takes; a smaller --batch or --chunk avoids it"
        ),
    }
}

/// The kernel's name for an element type.
pub fn of_type(kernel: &str, dtype: DType) -> String {
    format!("{kernel}_{}", if dtype == DType::BF16 { "bf16" } else { "f32" })
}
