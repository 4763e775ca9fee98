//! NVIDIA's shared libraries, which are loaded when the program runs.

use libloading::Library;

/// A library with its possible file names.
pub struct Needed {
    pub what: &'static str,
    pub names: &'static [&'static str],
}

/// Without it, convolutions are GEMMs over patches.
pub const CUDNN: Needed = Needed { what: "cuDNN", names: &["libcudnn.so", "libcudnn.so.9"] };

/// What every GPU needs.
pub const NEEDED: [Needed; 4] = [
    Needed { what: "the NVIDIA driver", names: &["libcuda.so", "libcuda.so.1"] },
    Needed { what: "cuBLAS", names: &["libcublas.so", "libcublas.so.13", "libcublas.so.12"] },
    Needed { what: "cuRAND", names: &["libcurand.so", "libcurand.so.10"] },
    Needed { what: "NVRTC", names: &["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"] },
];

impl Needed {
    /// Whether it can be loaded.
    pub fn is_there(&self) -> bool {
        // SAFETY: the initialisers of NVIDIA's libraries do not touch this program's data.
        self.names.iter().any(|name| unsafe { Library::new(*name) }.is_ok())
    }
}
