//! The MPI library of the machine.

use super::abi::{Calls, Family, Handle};
use crate::launcher::Launcher;
use anyhow::{Context, Result, anyhow, bail};
use std::ffi::{OsStr, c_int};
use std::path::Path;

/// A loaded library: its functions, and its handles for all ranks and for bytes.
#[derive(Debug)]
pub struct Library {
    pub calls: Calls,
    pub world: Handle,
    pub byte: Handle,
    pub family: Family,
    /// The name and version that it reports: `Open MPI 4.1.4`.
    pub version: String,
    /// The file that was loaded.
    pub name: String,
    /// The library must stay loaded as long as its functions are used.
    _code: libloading::Library,
}

/// File names of libraries. Versioned names come first, so that no development package is needed.
const OPEN_MPI: [&str; 3] = ["libmpi.so.40", "libmpi.so.80", "libmpi.dylib"];
const MPICH: [&str; 4] = ["libmpich.so.12", "libmpi.so.12", "libmpi_cray.so.12", "libmpi.12.dylib"];
const STANDARD: [&str; 2] = ["libmpi_abi.so.0", "libmpi_abi.so.1"];

impl Library {
    /// The library of a launcher.
    ///
    /// # Errors
    /// None of the names can be loaded.
    pub fn find(launcher: Launcher) -> Result<Self> {
        let names: Vec<&str> = match launcher {
            Launcher::OpenMpi => [&OPEN_MPI[..], &STANDARD].concat(),
            Launcher::Mpich => [&MPICH[..], &STANDARD].concat(),
            Launcher::Slurm => [&OPEN_MPI[..], &MPICH, &STANDARD].concat(),
            Launcher::Torchrun => bail!("torchrun starts ranks for GPUs; on CPUs use mpirun or srun"),
        };
        let mut reasons = Vec::new();
        for name in &names {
            match Self::open(Path::new(name)) {
                Ok(library) => return Ok(library),
                Err(reason) => reasons.push(format!("{reason:#}")),
            }
        }
        bail!(
            "this process was started by {}, but no MPI library of that kind can be opened ({}); install one, put its folder \
             into LD_LIBRARY_PATH, or name it with SRVAE_MPI=/path/libmpi.so. {}",
            launcher.name(),
            names.join(", "),
            reasons.first().map_or("", String::as_str)
        )
    }

    /// # Errors
    /// A file that is not a library, or not MPI.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let code = open_global(path.as_os_str()).with_context(|| name.clone())?;
        // SAFETY: the names are MPI's, and each type is that of its function in the MPI standard.
        let calls = unsafe {
            Calls {
                init_thread: function(&code, "MPI_Init_thread")?,
                finalize: function(&code, "MPI_Finalize")?,
                abort: function(&code, "MPI_Abort")?,
                comm_rank: function(&code, "MPI_Comm_rank")?,
                comm_size: function(&code, "MPI_Comm_size")?,
                version: function(&code, "MPI_Get_library_version")?,
                send: function(&code, "MPI_Send")?,
                isend: function(&code, "MPI_Isend")?,
                recv: function(&code, "MPI_Recv")?,
                wait: function(&code, "MPI_Wait")?,
                allgather: function(&code, "MPI_Allgather")?,
                bcast: function(&code, "MPI_Bcast")?,
            }
        };
        let object = |name: &str| address(&code, name);
        let open_mpi = object("ompi_mpi_comm_world").zip(object("ompi_mpi_byte"));
        let standard = path.file_name().is_some_and(|name| name.to_string_lossy().contains("mpi_abi"));
        let family = match open_mpi {
            _ if standard => Family::Standard,
            Some(_) => Family::OpenMpi,
            None => Family::Mpich,
        };
        let handles = family.numbers().or(open_mpi);
        let (world, byte) = handles.with_context(|| format!("{name}: an unknown implementation of MPI"))?;
        let version = version(&calls);
        Ok(Self { calls, world, byte, family, version, name, _code: code })
    }

    /// Checks the return code of a call.
    ///
    /// # Errors
    /// Any code but MPI_SUCCESS.
    pub fn check(&self, code: c_int, call: &str) -> Result<()> {
        if code == 0 { Ok(()) } else { Err(anyhow!("{call} failed with code {code} ({})", self.version)) }
    }
}

/// Loads a library globally, so that its plug-ins find its symbols.
#[cfg(unix)]
fn open_global(name: &OsStr) -> Result<libloading::Library> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the initialisers of an MPI library do not touch this program's data.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_GLOBAL) };
    Ok(library.map_err(|reason| anyhow!("{reason}"))?.into())
}

#[cfg(not(unix))]
fn open_global(_: &OsStr) -> Result<libloading::Library> {
    bail!("runs of several processes need a system with MPI")
}

/// # Safety
/// `F` is the type of the function of this name.
unsafe fn function<F: Copy>(code: &libloading::Library, name: &str) -> Result<F> {
    // SAFETY: by the contract above.
    let symbol = unsafe { code.get::<F>(name.as_bytes()) };
    symbol.map(|symbol| *symbol).map_err(|reason| anyhow!("{name} is not in it: {reason}"))
}

/// The address of an object of the library.
fn address(code: &libloading::Library, name: &str) -> Option<usize> {
    // SAFETY: nothing is read; a symbol of any type has an address.
    let symbol = unsafe { code.get::<*const ()>(name.as_bytes()) };
    symbol.ok().map(|symbol| symbol.addr()).filter(|&address| address != 0)
}

/// The library's name and version, shortened.
fn version(calls: &Calls) -> String {
    // MPI_MAX_LIBRARY_VERSION_STRING is 256 in Open MPI and 8192 in MPICH and in MPI 5.
    let mut text = vec![0u8; 8192 + 1];
    let mut length: c_int = 0;
    // SAFETY: the buffer is as long as the longest version text of any MPI; the call is allowed before MPI_Init.
    let code = unsafe { (calls.version)(text.as_mut_ptr().cast(), &mut length) };
    if code != 0 {
        return "an MPI".to_owned();
    }
    text.truncate(usize::try_from(length).unwrap_or(0));
    short(&String::from_utf8_lossy(&text))
}

/// Shortens `Open MPI v4.1.4, package: …` and `MPICH Version:\t4.0.2
/// …`.
fn short(text: &str) -> String {
    let first = text.split(['\n', ',', '\0']).next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().filter(|word| !word.starts_with("Version")).collect();
    words.join(" ").replace(" v", " ")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn versions_are_short() {
        for (text, expected) in [
            ("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4", "Open MPI 4.1.4"),
            ("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7", "MPICH 4.0.2"),
            ("Intel(R) MPI Library 2021.11 for Linux* OS\n", "Intel(R) MPI Library 2021.11 for Linux* OS"),
        ] {
            assert_eq!(short(text), expected);
        }
    }
}
