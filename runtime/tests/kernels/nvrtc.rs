//! Every kernel compiles for the supported GPUs, with NVIDIA's compiler, which needs no GPU.

use super::imitation::symbol;
use crate::trials::{Missing, measured};
use srvae::ops::cuda::kernels;
use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;

crate::trials!(every_kernel_compiles_for_ampere_and_hopper);

type Program = *mut c_void;

/// The compiler's functions, from the library that `SRVAE_NVRTC` names.
struct Nvrtc<'a>(&'a Path);

impl Nvrtc<'_> {
    /// The machine code for an architecture, or the compiler's messages.
    fn compile(&self, source: &str, options: &[String]) -> Result<Vec<u8>, String> {
        type Create = unsafe extern "C" fn(
            *mut Program,
            *const c_char,
            *const c_char,
            c_int,
            *const *const c_char,
            *const *const c_char,
        ) -> c_int;
        type Compile = unsafe extern "C" fn(Program, c_int, *const *const c_char) -> c_int;
        let (source, name) = (CString::new(source).unwrap(), CString::new("kernels.cu").unwrap());
        let options: Vec<CString> = options.iter().map(|option| CString::new(option.as_str()).unwrap()).collect();
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program: Program = std::ptr::null_mut();
        // SAFETY: the signatures are those of nvrtc.h; every pointer is to something that lives through the call.
        unsafe {
            let create = std::mem::transmute::<*mut c_void, Create>(symbol(self.0, "nvrtcCreateProgram")?);
            let compile = std::mem::transmute::<*mut c_void, Compile>(symbol(self.0, "nvrtcCompileProgram")?);
            let none = std::ptr::null();
            if create(&mut program, source.as_ptr(), name.as_ptr(), 0, none, none) != 0 {
                return Err("the program was not created".into());
            }
            if compile(program, pointers.len() as c_int, pointers.as_ptr()) != 0 {
                return Err(String::from_utf8_lossy(&self.text(program, "ProgramLog")?).into_owned());
            }
        }
        self.text(program, "CUBIN")
    }

    /// The results of `nvrtcGet…Size` and `nvrtcGet…`.
    fn text(&self, program: Program, what: &str) -> Result<Vec<u8>, String> {
        type Size = unsafe extern "C" fn(Program, *mut usize) -> c_int;
        type Get = unsafe extern "C" fn(Program, *mut u8) -> c_int;
        // SAFETY: as above; the buffer has the length that the library states.
        unsafe {
            let size = std::mem::transmute::<*mut c_void, Size>(symbol(self.0, &format!("nvrtcGet{what}Size"))?);
            let get = std::mem::transmute::<*mut c_void, Get>(symbol(self.0, &format!("nvrtcGet{what}"))?);
            let mut count = 0;
            let found = size(program, &mut count);
            let mut bytes = vec![0; count];
            if found != 0 || get(program, bytes.as_mut_ptr()) != 0 {
                return Err(format!("nvrtcGet{what} failed"));
            }
            Ok(bytes)
        }
    }
}

fn every_kernel_compiles_for_ampere_and_hopper() -> anyhow::Result<()> {
    let named = std::env::var_os("SRVAE_NVRTC");
    let path = named.ok_or_else(|| Missing("NVIDIA's compiler; name libnvrtc.so with SRVAE_NVRTC".into()))?;
    let names = kernels::names();
    assert!(names.len() > 40, "{names:?}");
    for capability in [(8, 0), (9, 0)] {
        let code = Nvrtc(Path::new(&path))
            .compile(&kernels::source(), &kernels::options(capability))
            .unwrap_or_else(|log| panic!("{capability:?}: {log}"));
        let text = String::from_utf8_lossy(&code);
        for name in &names {
            assert!(text.contains(&format!(".text.{name}")), "{capability:?}: {name} is not in the machine code");
        }
        measured(&format!("{capability:?}: {} kernels, {} bytes", names.len(), code.len()));
    }
    Ok(())
}
