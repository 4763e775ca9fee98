//! The kernels' machine code: compiled for the GPU in the machine, and cached on disk by a hash of its source and options.

use super::kernels;
use crate::Result;
use candle_core::Error;
use candle_core::cuda_backend::cudarc::driver::{CudaContext, CudaModule};
use candle_core::cuda_backend::cudarc::nvrtc::{Ptx, result, sys};
use sha2::{Digest, Sha256};
use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Compiles a source for the GPU of this context.
///
/// # Errors
/// A compilation error, with its log, or a driver error.
pub fn module(context: &Arc<CudaContext>, source: &str) -> Result<Arc<CudaModule>> {
    let capability = context.compute_capability().map_err(Error::wrap)?;
    let options = kernels::options(capability);
    let cached = cache(source, &options);
    // A damaged file, or one from a compiler too new for this driver, is compiled again.
    if let Some(code) = cached.as_ref().and_then(|path| kept(path))
        && let Ok(module) = context.load_module(Ptx::from_binary(code))
    {
        return Ok(module);
    }
    let code = compile(source, &options)?;
    if let Some(path) = &cached {
        // Without a writable cache the next start takes a few seconds longer.
        write(path, &[&Sha256::digest(&code)[..], &code].concat()).ok();
    }
    context.load_module(Ptx::from_binary(code)).map_err(Error::wrap)
}

/// Machine code from a file that begins with its digest, if it is complete. The driver would read beyond the end of a
/// truncated one.
fn kept(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok()?;
    let (digest, code) = bytes.split_at_checked(Sha256::output_size())?;
    (Sha256::digest(code)[..] == *digest).then(|| code.to_vec())
}

/// `srvae/HASH.cubin` in the user's cache folder, if there is one.
fn cache(source: &str, options: &[String]) -> Option<PathBuf> {
    let folder = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    let hash = Sha256::digest(format!("{}\n{source}", options.join(" ")));
    let name: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Some(folder.join("srvae").join(format!("{name}.cubin")))
}

fn compile(source: &str, options: &[String]) -> Result<Vec<u8>> {
    let text = CString::new(source).map_err(Error::wrap)?;
    let program = result::create_program(&text, Some(c"kernels.cu")).map_err(Error::wrap)?;
    // SAFETY: the program is alive until it is destroyed below; the buffer has the length stated by the library.
    unsafe {
        let outcome = result::compile_program(program, options);
        let log = result::get_program_log(program).unwrap_or_default();
        let mut size = 0;
        let mut code = Vec::new();
        if outcome.is_ok() && sys::nvrtcGetCUBINSize(program, &raw mut size) == sys::nvrtcResult::NVRTC_SUCCESS {
            code = vec![0u8; size];
            if sys::nvrtcGetCUBIN(program, code.as_mut_ptr().cast()) != sys::nvrtcResult::NVRTC_SUCCESS {
                code.clear();
            }
        }
        result::destroy_program(program).ok();
        if code.is_empty() {
            let log =
                if log.is_empty() { String::new() } else { CStr::from_ptr(log.as_ptr()).to_string_lossy().into() };
            candle_core::bail!("the GPU's kernels do not compile ({}): {log}", options.join(" "));
        }
        Ok(code)
    }
}

/// Writes a file atomically: under another name first, then renamed.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}
