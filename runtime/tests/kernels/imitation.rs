//! A machine that runs the GPU kernels on the CPU: a C++ compiler compiles their source, and `shim.h` replaces the GPU.

use crate::trials::Missing;
use half::bf16;
use srvae::candle_core::{CpuStorage, DType, Device};
use srvae::entries::BLOCKS;
use srvae::ops::cuda::machine::{Buffer, Call, Convolution, Machine, Place, Product, imitate};
use srvae::ops::cuda::{kernels, probe};
use srvae::{Result, candle_core};
use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// Opens a library and finds a function in it.
pub fn symbol(library: &Path, name: &str) -> std::result::Result<*mut c_void, String> {
    let path = CString::new(library.display().to_string()).unwrap();
    let name_of = CString::new(name).unwrap();
    // SAFETY: both strings end in a zero; RTLD_NOW.
    let found = unsafe {
        let library = dlopen(path.as_ptr(), 2);
        if library.is_null() { library } else { dlsym(library, name_of.as_ptr()) }
    };
    if found.is_null() { Err(format!("{name} is not in {}", library.display())) } else { Ok(found) }
}

type Launch = unsafe extern "C" fn(*const c_char, u32, u32, u32, *const *const u8, *const usize, usize, c_int) -> c_int;

struct Imitation {
    launch: Launch,
    /// The shim has its state in global variables.
    turn: Mutex<()>,
}

/// Whether the threads of a block run in reverse order.
pub static BACKWARDS: AtomicBool = AtomicBool::new(false);

/// The largest number of threads per block: a kernel supports any number, and fewer are faster to imitate.
pub static MOST_THREADS: AtomicU32 = AtomicU32::new(u32::MAX);

/// One test at a time, because [`BACKWARDS`] and the precision are settings of the process.
static ONE: Mutex<()> = Mutex::new(());

/// Where the kernels run: on the CPU, imitated, or with `SRVAE_TEST_DEVICE=cuda` on the first GPU.
pub fn device() -> std::result::Result<Device, String> {
    static DEVICE: OnceLock<std::result::Result<Device, String>> = OnceLock::new();
    let first = || match std::env::var("SRVAE_TEST_DEVICE") {
        Ok(asked) if asked == "cuda" => probe::first().map(|found| found.device),
        _ => Ok(Device::Cpu),
    };
    DEVICE.get_or_init(first).clone()
}

/// Runs `test` on a GPU if one is requested. Otherwise compiles the kernels once for the CPU and runs the test with
/// threads in both orders.
///
/// # Errors [`Missing`] if there is no GPU, or no C++ compiler.
pub fn with_kernels(test: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if device().map_err(Missing)?.is_cuda() {
        return test();
    }
    ready()?;
    for (backwards, threads) in [(false, 128), (true, 32)] {
        BACKWARDS.store(backwards, Ordering::Relaxed);
        MOST_THREADS.store(threads, Ordering::Relaxed);
        test()?;
    }
    Ok(())
}

/// Makes the kernels run on the CPU from now on.
fn ready() -> std::result::Result<(), Missing> {
    static READY: OnceLock<bool> = OnceLock::new();
    match READY.get_or_init(start) {
        true => Ok(()),
        false => Err(Missing("no C++ compiler; name one with CXX".into())),
    }
}

fn start() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("kernels.cpp"), folder.path().join("kernels.so"));
    let mut text = format!("{}\n{}", include_str!("shim.h"), kernels::source());
    for entry in BLOCKS {
        // Kernels that are part of others are in the source already.
        if let Some(own) = entry.kernels.filter(|_| !text.contains(&format!("KERNEL({}_f32", entry.name))) {
            text += &own();
        }
    }
    std::fs::write(&source, text).unwrap();
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "g++".into());
    let options = ["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-Wall", "-Wno-unused", "-o"];
    let Ok(outcome) = Command::new(&compiler).args(options).arg(&library).arg(&source).output() else { return false };
    assert!(outcome.status.success(), "{compiler}: {}", String::from_utf8_lossy(&outcome.stderr));
    let launch = symbol(&library, "launch").unwrap();
    // SAFETY: the function in shim.h has this signature.
    let launch = unsafe { std::mem::transmute::<*mut c_void, Launch>(launch) };
    imitate(Box::new(Imitation { launch, turn: Mutex::new(()) }));
    true
}

impl Machine for Imitation {
    /// Filled with values that no kernel writes, so that a missing element is detected.
    fn alloc(&self, dtype: DType, count: usize) -> Result<Buffer> {
        Ok(Buffer::Host(match dtype {
            DType::F32 => CpuStorage::F32(vec![f32::NAN; count]),
            DType::BF16 => CpuStorage::BF16(vec![bf16::NAN; count]),
            other => candle_core::bail!("no kernel makes {other:?}"),
        }))
    }

    fn launch(&self, call: &Call) -> Result<()> {
        let name = CString::new(call.kernel.as_str()).unwrap();
        let (pointers, sizes): (Vec<_>, Vec<_>) = call.arguments.iter().map(|argument| argument.bytes()).unzip();
        let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let backwards = c_int::from(BACKWARDS.load(Ordering::Relaxed));
        let (across, down) = call.grid;
        // SAFETY: the shim checks number and sizes of the arguments; the pointers among them point to tensors' memory.
        let code = unsafe {
            (self.launch)(
                name.as_ptr(),
                across,
                down,
                call.block.min(MOST_THREADS.load(Ordering::Relaxed)),
                pointers.as_ptr(),
                sizes.as_ptr(),
                sizes.len(),
                backwards,
            )
        };
        match code {
            0 => Ok(()),
            1 => candle_core::bail!("there is no kernel {}", call.kernel),
            2 => candle_core::bail!("{} has other parameters than {sizes:?}", call.kernel),
            _ => candle_core::bail!("{}: a barrier that not all threads of a block reach", call.kernel),
        }
    }

    /// As defined by cuBLAS, in column-major order.
    fn product(&self, product: &Product) -> Result<()> {
        let gemm = product.gemm();
        let [rows, columns, terms] = gemm.sizes;
        for batch in 0..product.batch {
            let [left, right] = gemm.factors.map(|(place, transposed, leading, stride)| {
                move |i: usize, j: usize| {
                    let at = if transposed { j + i * leading } else { i + j * leading };
                    read(place, batch * stride + at)
                }
            });
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let at = batch * product.out_stride + i + j * rows;
                let before = if product.add { read(product.out, at) } else { 0.0 };
                write(product.out, at, before + (0..terms).map(|l| left(i, l) * right(l, j)).sum::<f64>());
            }
        }
        Ok(())
    }

    fn convolution(&self, _: &Convolution) -> Result<bool> {
        Ok(false)
    }

    /// So little that batches are processed in parts.
    fn patch_room(&self) -> usize {
        1 << 14
    }
}

fn read(place: Place, index: usize) -> f64 {
    let address = place.at(index).address;
    // SAFETY: products use tensors of the CPU, and stay inside them.
    unsafe {
        match place.dtype {
            DType::BF16 => (address as *const bf16).read().to_f64(),
            _ => f64::from((address as *const f32).read()),
        }
    }
}

fn write(place: Place, index: usize, value: f64) {
    let address = place.at(index).address;
    // SAFETY: as for `read`.
    unsafe {
        match place.dtype {
            DType::BF16 => (address as *mut bf16).write(bf16::from_f64(value)),
            _ => (address as *mut f32).write(value as f32),
        }
    }
}
