//! The backend trait of the operations in this folder: allocates buffers and runs kernels.
//!
//! The GPU is one backend. The tests have another, which runs the same kernels on the CPU, so that everything but the
//! calls into NVIDIA's libraries is tested on machines without a GPU.

pub use super::library::{Convolution, Gemm, Matrix, Pass, Product};

use crate::{DType, Device, Result, Tensor};
use candle_core::{CpuStorage, Layout, Shape, Storage, WithDType};
use std::sync::OnceLock;

/// The number format of GEMMs. Sums and parameters are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// 24 bits of mantissa: what the CPU computes.
    #[default]
    F32,
    /// 11 bits, in the tensor cores.
    Tf32,
    /// 8 bits, in the tensor cores; dense layers also store their activations in bf16.
    Bf16,
}

/// Runs kernels on buffers, one after the other.
pub trait Machine: Send + Sync {
    /// An uninitialised buffer.
    ///
    /// # Errors
    /// No memory, or an unsupported element type.
    fn alloc(&self, dtype: DType, count: usize) -> Result<Buffer>;

    /// Starts a kernel.
    ///
    /// # Errors
    /// An unknown kernel, or a launch that is refused.
    fn launch(&self, call: &Call) -> Result<()>;

    /// Starts a GEMM.
    ///
    /// # Errors
    /// A product that the library refuses.
    fn product(&self, product: &Product) -> Result<()>;

    /// Starts a convolution by a library. Returns false if none supports it.
    ///
    /// # Errors
    /// A convolution that the library refuses.
    fn convolution(&self, convolution: &Convolution) -> Result<bool>;

    /// The limit of the workspace for patches of a part of a batch, in elements. For sums over parts of a batch it is
    /// an eighth of this.
    fn patch_room(&self) -> usize {
        1 << 26
    }
}

/// Memory of a machine, freed with the last of its tensors.
#[derive(Debug)]
pub enum Buffer {
    Host(CpuStorage),
    #[cfg(feature = "cuda")]
    Device(candle_core::CudaStorage),
}

/// An argument of a kernel in memory: contiguous, with the address of its first element.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub address: u64,
    pub dtype: DType,
}

impl Place {
    /// The place `index` elements later.
    pub fn at(self, index: usize) -> Self {
        Self { address: self.address + (index * self.dtype.size_in_bytes()) as u64, ..self }
    }

    /// A missing argument.
    pub const NOWHERE: Self = Self { address: 0, dtype: DType::F32 };
}

impl Buffer {
    /// # Errors
    /// An unsupported element type.
    pub fn place(&self) -> Result<Place> {
        match self {
            Self::Host(storage) => host_place(storage, 0),
            #[cfg(feature = "cuda")]
            Self::Device(storage) => super::gpu::place(storage, 0),
        }
    }

    /// The buffer as a tensor without a gradient graph.
    ///
    /// # Errors
    /// Infallible for a shape of the buffer's size.
    pub fn tensor(self, shape: impl Into<Shape>) -> Result<Tensor> {
        let storage = match self {
            Self::Host(storage) => Storage::Cpu(storage),
            #[cfg(feature = "cuda")]
            Self::Device(storage) => Storage::Cuda(storage),
        };
        Ok(Tensor::from_storage(storage, shape, candle_core::op::BackpropOp::none(), false))
    }
}

/// The address of a tensor, which must outlive every launch that uses the address.
///
/// # Errors
/// A tensor that is not contiguous, or of an unsupported type.
pub fn place(tensor: &Tensor) -> Result<Place> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => host_place(storage, offset(layout)?),
        #[cfg(feature = "cuda")]
        Storage::Cuda(storage) => super::gpu::place(storage, offset(layout)?),
        _ => candle_core::bail!("a kernel was given a tensor on a device it does not run on"),
    }
}

pub(super) fn offset(layout: &Layout) -> Result<usize> {
    match layout.contiguous_offsets() {
        Some((start, _)) => Ok(start),
        None => candle_core::bail!("a kernel was given a tensor that is not contiguous"),
    }
}

pub(super) fn host_place(storage: &CpuStorage, offset: usize) -> Result<Place> {
    fn address<T: WithDType>(storage: &CpuStorage) -> Result<Place> {
        Ok(Place { address: storage.as_slice::<T>()?.as_ptr() as u64, dtype: T::DTYPE })
    }
    let start = match storage {
        CpuStorage::F32(_) => address::<f32>(storage)?,
        CpuStorage::BF16(_) => address::<half::bf16>(storage)?,
        CpuStorage::U8(_) => address::<u8>(storage)?,
        CpuStorage::I32(_) => address::<i32>(storage)?,
        CpuStorage::I64(_) => address::<i64>(storage)?,
        _ => candle_core::bail!("a kernel was given a type of number it is not written for"),
    };
    Ok(start.at(offset))
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
    Table(Box<super::optimiser::Table>),
}

impl Argument {
    /// The address and the size in bytes of its value.
    pub fn bytes(&self) -> (*const u8, usize) {
        match self {
            Self::Pointer(value) | Self::Long(value) => (std::ptr::from_ref(value).cast(), 8),
            Self::Int(value) => (std::ptr::from_ref(value).cast(), 4),
            Self::Real(value) => (std::ptr::from_ref(value).cast(), 4),
            Self::Table(table) => (std::ptr::from_ref(&**table).cast(), size_of::<super::optimiser::Table>()),
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

static IMITATION: OnceLock<Box<dyn Machine>> = OnceLock::new();

/// Makes this process run the operations of this folder on CPU tensors too, with `machine`, for tests. Only the first
/// call has an effect.
pub fn imitate(machine: Box<dyn Machine>) {
    IMITATION.set(machine).ok();
}

/// The bodies that an operation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Our kernels on a GPU, or its imitation: see [`takes`].
    Cuda,
    /// Our kernels on the CPU.
    Host,
    /// candle's operations, on any other device and for any other type of number.
    Candle,
}

impl Backend {
    /// Which of them computes an operation on this tensor.
    pub fn of(tensor: &Tensor) -> Self {
        match tensor.device() {
            _ if takes(tensor) => Self::Cuda,
            Device::Cpu => Self::Host,
            _ => Self::Candle,
        }
    }

    /// The same of an operation on activations: see [`takes_activations`].
    pub fn of_activations(tensor: &Tensor) -> Self {
        if takes_activations(tensor) { Self::Cuda } else { Self::of(tensor) }
    }
}

/// Whether the operations of this folder support this tensor: f32 on a GPU.
pub fn takes(tensor: &Tensor) -> bool {
    tensor.dtype() == DType::F32 && has_machine(tensor.device())
}

/// As [`takes`]; for activations at the precision bf16, bf16 tensors too.
pub fn takes_activations(tensor: &Tensor) -> bool {
    takes(tensor)
        || tensor.dtype() == DType::BF16 && super::precision() == Precision::Bf16 && has_machine(tensor.device())
}

fn has_machine(device: &Device) -> bool {
    cfg!(feature = "cuda") && device.is_cuda() || IMITATION.get().is_some() && device.is_cpu()
}

/// The machine that runs operations on CPU tensors.
///
/// # Errors
/// None was set.
pub(super) fn imitation() -> Result<&'static dyn Machine> {
    match IMITATION.get() {
        Some(machine) => Ok(machine.as_ref()),
        None => candle_core::bail!("an operation for GPUs was asked of the CPU"),
    }
}

/// Runs `work` with the machine of a tensor.
///
/// # Errors
/// Those of `work`, or a tensor on a device without a machine.
pub fn with_machine<R>(tensor: &Tensor, work: impl FnOnce(&dyn Machine) -> Result<R>) -> Result<R> {
    on_machine(tensor.device(), work)
}

/// Runs `work` with the machine of a device.
///
/// # Errors
/// Those of `work`, or a device without a machine.
pub fn on_machine<R>(device: &Device, work: impl FnOnce(&dyn Machine) -> Result<R>) -> Result<R> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => work(&*super::gpu::Gpu::of(device)?),
        _ => work(imitation()?),
    }
}
