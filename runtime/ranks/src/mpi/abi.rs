//! The differences between MPI libraries in their binary interface: the handles.

use std::ffi::{c_int, c_void};

/// Libraries with the same handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Handles are addresses of objects in the library.
    OpenMpi,
    /// MPICH and its descendants: handles are numbers.
    Mpich,
    /// The application binary interface of MPI 5.
    Standard,
}

/// A handle, wide enough for an address. A library whose handles are `int` uses its lower half.
pub type Handle = usize;

impl Family {
    /// The communicator of all ranks and the datatype of bytes, if handles are numbers.
    pub fn numbers(self) -> Option<(Handle, Handle)> {
        match self {
            Self::OpenMpi => None,
            Self::Mpich => Some((0x4400_0000, 0x4c00_010d)),
            Self::Standard => Some((0x101, 0x247)),
        }
    }
}

/// Space for an `MPI_Status`, which has 20 to 32 bytes.
#[derive(Debug, Default)]
pub struct Status([u64; 8]);

impl Status {
    pub fn place(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }
}

type Text = *mut std::ffi::c_char;

/// The functions of MPI that are used.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    pub init_thread: unsafe extern "C" fn(*mut c_int, *mut *mut Text, c_int, *mut c_int) -> c_int,
    pub finalize: unsafe extern "C" fn() -> c_int,
    pub abort: unsafe extern "C" fn(Handle, c_int) -> c_int,
    pub comm_rank: unsafe extern "C" fn(Handle, *mut c_int) -> c_int,
    pub comm_size: unsafe extern "C" fn(Handle, *mut c_int) -> c_int,
    pub version: unsafe extern "C" fn(Text, *mut c_int) -> c_int,
    pub send: unsafe extern "C" fn(*const c_void, c_int, Handle, c_int, c_int, Handle) -> c_int,
    pub isend: unsafe extern "C" fn(*const c_void, c_int, Handle, c_int, c_int, Handle, *mut c_void) -> c_int,
    pub recv: unsafe extern "C" fn(*mut c_void, c_int, Handle, c_int, c_int, Handle, *mut c_void) -> c_int,
    pub wait: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
    pub allgather: unsafe extern "C" fn(*const c_void, c_int, Handle, *mut c_void, c_int, Handle, Handle) -> c_int,
    pub bcast: unsafe extern "C" fn(*mut c_void, c_int, Handle, c_int, Handle) -> c_int,
}
