//! MPI, loaded at run time: a program that was built without any MPI runs under each of them.

mod abi;
mod library;

use super::Communicator;
use super::launcher::Launch;
use abi::Status;
use anyhow::{Result, bail, ensure};
use library::Library;
use std::ffi::{c_int, c_void};
use std::path::Path;

/// The maximum length of one call in bytes, because MPI counts in `int`.
const MOST: usize = 1 << 30;
/// Calls are made by one thread at a time.
const SERIALIZED: [(abi::Family, c_int); 3] =
    [(abi::Family::OpenMpi, 2), (abi::Family::Mpich, 2), (abi::Family::Standard, 2048)];
/// The tag of every message; messages need not be distinguished.
const TAG: c_int = 0;

/// The communicator of all ranks started by an MPI launcher.
#[derive(Debug)]
pub struct Mpi {
    library: Library,
    rank: usize,
    size: usize,
}

impl Mpi {
    /// Loads the MPI library of the launcher, and joins the other ranks. `SRVAE_MPI` names another library.
    ///
    /// # Errors
    /// No library, or one that belongs to another MPI than the launcher. With such a library every rank would be a run
    /// of its own.
    pub fn join(launch: &Launch) -> Result<Self> {
        let own = std::env::var_os("SRVAE_MPI");
        let library = match &own {
            Some(path) => Library::open(Path::new(path))?,
            None => Library::find(launch.launcher)?,
        };
        Self::begin(library, launch)
    }

    fn begin(library: Library, launch: &Launch) -> Result<Self> {
        let level = SERIALIZED.iter().find(|(family, _)| *family == library.family).map_or(2, |(_, level)| *level);
        let mut provided = 0;
        let (mut rank, mut size): (c_int, c_int) = (0, 0);
        // SAFETY: MPI allows null for both arguments of the program; the integers live as long as the calls.
        unsafe {
            let none = std::ptr::null_mut();
            library.check((library.calls.init_thread)(none, none.cast(), level, &mut provided), "MPI_Init_thread")?;
            library.check((library.calls.comm_rank)(library.world, &mut rank), "MPI_Comm_rank")?;
            library.check((library.calls.comm_size)(library.world, &mut size), "MPI_Comm_size")?;
        }
        let mpi = Self { library, rank: usize::try_from(rank)?, size: usize::try_from(size)? };
        ensure!(
            mpi.size == launch.size,
            "{} started {} ranks, and {} ({}) sees {}: the library belongs to another MPI than the launcher. Take the mpirun \
             of that library, or name the launcher's library with SRVAE_MPI=/path/libmpi.so",
            launch.launcher.name(),
            launch.size,
            mpi.library.version,
            mpi.library.name,
            mpi.size
        );
        if provided < level {
            mpi.abort();
            bail!("{} cannot be called from several threads, one at a time", mpi.library.version);
        }
        Ok(mpi)
    }

    fn tell(&self, code: c_int, call: &str) -> Result<()> {
        self.library.check(code, call)
    }
}

/// The number of a rank as MPI's integer.
fn number(rank: usize) -> c_int {
    rank as c_int
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn engine(&self) -> String {
        self.library.version.clone()
    }

    fn send(&self, to: usize, bytes: &[u8]) -> Result<()> {
        let Library { calls, byte, world, .. } = &self.library;
        for part in bytes.chunks(MOST) {
            // SAFETY: the buffer has the stated length and lives as long as the call.
            let code =
                unsafe { (calls.send)(part.as_ptr().cast(), part.len() as c_int, *byte, number(to), TAG, *world) };
            self.tell(code, "MPI_Send")?;
        }
        Ok(())
    }

    fn receive(&self, from: usize, bytes: &mut [u8]) -> Result<()> {
        let Library { calls, byte, world, .. } = &self.library;
        for part in bytes.chunks_mut(MOST) {
            let mut status = Status::default();
            // SAFETY: as above; the status is larger than that of any MPI.
            let code = unsafe {
                let place = part.as_mut_ptr().cast();
                (calls.recv)(place, part.len() as c_int, *byte, number(from), TAG, *world, status.place())
            };
            self.tell(code, "MPI_Recv")?;
        }
        Ok(())
    }

    fn exchange(&self, to: usize, outgoing: &[u8], from: usize, incoming: &mut [u8]) -> Result<()> {
        let Library { calls, byte, world, .. } = &self.library;
        let (mut sent, mut received) = (outgoing.chunks(MOST), incoming.chunks_mut(MOST));
        loop {
            let (out, into) = (sent.next(), received.next());
            if out.is_none() && into.is_none() {
                return Ok(());
            }
            // Large enough for the request of any MPI.
            let mut request = 0usize;
            if let Some(part) = out {
                // SAFETY: the buffer lives until the request is waited for, below.
                let code = unsafe {
                    let (place, request) = (part.as_ptr().cast(), (&raw mut request).cast());
                    (calls.isend)(place, part.len() as c_int, *byte, number(to), TAG, *world, request)
                };
                self.tell(code, "MPI_Isend")?;
            }
            let outcome = into.map_or(Ok(()), |part| self.receive(from, part));
            if out.is_some() {
                let mut status = Status::default();
                // SAFETY: the request is the one from above.
                let code = unsafe { (calls.wait)((&raw mut request).cast(), status.place()) };
                self.tell(code, "MPI_Wait")?;
            }
            outcome?;
        }
    }

    fn gather_equal(&self, mine: &[u8], all: &mut [u8]) -> Result<()> {
        ensure!(all.len() == mine.len() * self.size, "{} bytes for {} of each rank", all.len(), mine.len());
        let Library { calls, byte, world, .. } = &self.library;
        if mine.len() > MOST / self.size {
            // Longer messages are divided into pieces.
            let step = MOST / self.size;
            let mut piece = vec![0; step * self.size];
            for begin in (0..mine.len()).step_by(step) {
                let length = step.min(mine.len() - begin);
                self.gather_equal(&mine[begin..][..length], &mut piece[..length * self.size])?;
                for (rank, part) in piece[..length * self.size].chunks(length).enumerate() {
                    all[rank * mine.len() + begin..][..length].copy_from_slice(part);
                }
            }
            return Ok(());
        }
        // SAFETY: both buffers have the stated length, which was checked.
        let code = unsafe {
            let (from, into): (*const c_void, *mut c_void) = (mine.as_ptr().cast(), all.as_mut_ptr().cast());
            let count = mine.len() as c_int;
            (calls.allgather)(from, count, *byte, into, count, *byte, *world)
        };
        self.tell(code, "MPI_Allgather")
    }

    fn broadcast(&self, bytes: &mut [u8]) -> Result<()> {
        let Library { calls, byte, world, .. } = &self.library;
        for part in bytes.chunks_mut(MOST) {
            // SAFETY: the buffer has the stated length.
            let code = unsafe { (calls.bcast)(part.as_mut_ptr().cast(), part.len() as c_int, *byte, 0, *world) };
            self.tell(code, "MPI_Bcast")?;
        }
        Ok(())
    }

    fn abort(&self) {
        // SAFETY: MPI was initialised; the call ends this process and the others.
        unsafe { (self.library.calls.abort)(self.library.world, 1) };
    }

    fn finish(&self) {
        // SAFETY: every rank calls this after its work is done, and makes no further MPI calls.
        unsafe { (self.library.calls.finalize)() };
    }
}
