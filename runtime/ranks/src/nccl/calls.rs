//! The functions of NCCL and of CUDA's driver that are used.

use anyhow::{Context, Result, anyhow, bail};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

/// A communicator of NCCL.
pub type Comm = *mut c_void;
/// An address in GPU memory.
pub type Address = u64;
/// All work is queued on CUDA's default stream.
pub const STREAM: *mut c_void = std::ptr::null_mut();
/// `ncclUint8`.
pub const BYTES: c_int = 1;
/// `CUDA_ERROR_NOT_READY`, and `ncclInProgress`.
pub const NOT_READY: c_int = 600;
const IN_PROGRESS: c_int = 7;

/// The identifier of a communicator before ranks have joined it.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Id(pub [u8; 128]);

/// NCCL's functions. All return 0 on success.
#[derive(Debug, Clone, Copy)]
pub struct Nccl {
    pub version: unsafe extern "C" fn(*mut c_int) -> c_int,
    pub unique_id: unsafe extern "C" fn(*mut Id) -> c_int,
    pub init: unsafe extern "C" fn(*mut Comm, c_int, Id, c_int) -> c_int,
    pub destroy: unsafe extern "C" fn(Comm) -> c_int,
    pub abort: unsafe extern "C" fn(Comm) -> c_int,
    pub state: unsafe extern "C" fn(Comm, *mut c_int) -> c_int,
    pub error: unsafe extern "C" fn(c_int) -> *const c_char,
    pub send: unsafe extern "C" fn(Address, usize, c_int, c_int, Comm, *mut c_void) -> c_int,
    pub recv: unsafe extern "C" fn(Address, usize, c_int, c_int, Comm, *mut c_void) -> c_int,
    pub group_start: unsafe extern "C" fn() -> c_int,
    pub group_end: unsafe extern "C" fn() -> c_int,
    pub all_gather: unsafe extern "C" fn(Address, Address, usize, c_int, Comm, *mut c_void) -> c_int,
    pub broadcast: unsafe extern "C" fn(Address, Address, usize, c_int, c_int, Comm, *mut c_void) -> c_int,
}

/// Functions of the driver. All return 0 on success.
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    pub init: unsafe extern "C" fn(c_uint) -> c_int,
    pub retain: unsafe extern "C" fn(*mut *mut c_void, c_int) -> c_int,
    pub set_current: unsafe extern "C" fn(*mut c_void) -> c_int,
    pub alloc: unsafe extern "C" fn(*mut Address, usize) -> c_int,
    pub free: unsafe extern "C" fn(Address) -> c_int,
    pub upload: unsafe extern "C" fn(Address, *const c_void, usize) -> c_int,
    pub download: unsafe extern "C" fn(*mut c_void, Address, usize) -> c_int,
    pub query: unsafe extern "C" fn(*mut c_void) -> c_int,
}

impl Nccl {
    /// # Errors
    /// No NCCL on this machine.
    pub fn open() -> Result<Self> {
        let code = open("NCCL", &["libnccl.so.2", "libnccl.so"])?;
        // SAFETY: the names are NCCL's, and each type is that of its function in nccl.h.
        unsafe {
            Ok(Self {
                version: function(code, "ncclGetVersion")?,
                unique_id: function(code, "ncclGetUniqueId")?,
                init: function(code, "ncclCommInitRank")?,
                destroy: function(code, "ncclCommDestroy")?,
                abort: function(code, "ncclCommAbort")?,
                state: function(code, "ncclCommGetAsyncError")?,
                error: function(code, "ncclGetErrorString")?,
                send: function(code, "ncclSend")?,
                recv: function(code, "ncclRecv")?,
                group_start: function(code, "ncclGroupStart")?,
                group_end: function(code, "ncclGroupEnd")?,
                all_gather: function(code, "ncclAllGather")?,
                broadcast: function(code, "ncclBroadcast")?,
            })
        }
    }

    /// Checks that a call succeeded or is in progress.
    ///
    /// # Errors
    /// Any other code, with NCCL's text.
    pub fn check(&self, code: c_int, call: &str) -> Result<()> {
        if code == 0 || code == IN_PROGRESS {
            return Ok(());
        }
        // SAFETY: NCCL has a static text for every code.
        let text = unsafe { CStr::from_ptr((self.error)(code)) };
        bail!("{call}: {}", text.to_string_lossy())
    }
}

impl Driver {
    /// # Errors
    /// No NVIDIA driver on this machine.
    pub fn open() -> Result<Self> {
        let code = open("CUDA's driver", &["libcuda.so.1", "libcuda.so"])?;
        // SAFETY: the names are the driver's, and each type is that of its function in cuda.h.
        unsafe {
            Ok(Self {
                init: function(code, "cuInit")?,
                retain: function(code, "cuDevicePrimaryCtxRetain")?,
                set_current: function(code, "cuCtxSetCurrent")?,
                alloc: function(code, "cuMemAlloc_v2")?,
                free: function(code, "cuMemFree_v2")?,
                upload: function(code, "cuMemcpyHtoD_v2")?,
                download: function(code, "cuMemcpyDtoH_v2")?,
                query: function(code, "cuStreamQuery")?,
            })
        }
    }

    /// Checks that a call succeeded.
    ///
    /// # Errors
    /// Any code but 0.
    pub fn check(&self, code: c_int, call: &str) -> Result<()> {
        if code == 0 { Ok(()) } else { Err(anyhow!("{call}: the driver of the GPU says {code}")) }
    }
}

/// Loads a library, which stays loaded as long as the process runs.
fn open(what: &str, names: &[&str]) -> Result<&'static libloading::Library> {
    let mut reasons = Vec::new();
    for name in names {
        // SAFETY: the initialisers of NVIDIA's libraries do not touch this program's data.
        match unsafe { libloading::Library::new(*name) } {
            Ok(library) => return Ok(Box::leak(Box::new(library))),
            Err(reason) => reasons.push(reason.to_string()),
        }
    }
    bail!("{what} cannot be opened ({}): {}", names.join(", "), reasons.first().map_or("", String::as_str))
}

/// # Safety
/// `F` is the type of the function of this name.
unsafe fn function<F: Copy>(code: &libloading::Library, name: &str) -> Result<F> {
    // SAFETY: by the contract above.
    let symbol = unsafe { code.get::<F>(name.as_bytes()) };
    symbol.map(|symbol| *symbol).with_context(|| format!("{name} is not in the library"))
}
