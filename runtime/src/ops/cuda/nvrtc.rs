//! The kernels' machine code: compiled for the GPU at hand, and kept on disk by what it was made from.

use super::kernels;
use crate::Result;
use candle_core::Error;
use candle_core::cuda_backend::cudarc::nvrtc::{Ptx, result, sys};
use sha2::{Digest, Sha256};
use std::ffi::{CStr, CString};
use std::path::PathBuf;

/// For a GPU of this compute capability.
///
/// # Errors
/// A compiler that refuses: the message has its log.
pub fn machine_code(capability: (i32, i32)) -> Result<Ptx> {
    let (source, options) = (kernels::source(), kernels::options(capability));
    let cached = cache(&source, &options);
    if let Some(code) = cached.as_ref().and_then(|path| std::fs::read(path).ok()) {
        return Ok(Ptx::from_binary(code));
    }
    let code = compile(&source, &options)?;
    if let Some(path) = &cached {
        // A cache that cannot be written costs seconds at the next start, no more.
        std::fs::create_dir_all(path.parent().unwrap_or(path)).ok();
        crate::files::write(path, &code).ok();
    }
    Ok(Ptx::from_binary(code))
}

/// `srvae/HASH.cubin` in the user's folder for caches, where there is one.
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
    // SAFETY: the program is alive until it is destroyed below; the buffer is as long as the library says.
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
