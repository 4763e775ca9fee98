//! The source text of the kernels: CUDA C, compiled at run time.

use crate::scalar::{Elu, Softplus, cuda_functions, cuda_kernels};

/// Common definitions for all kernels.
const COMMON: &str = include_str!("kernels/common.cuh");

const FILES: [&str; 9] = [
    include_str!("kernels/elementwise.cu"),
    include_str!("kernels/conv.cu"),
    include_str!("kernels/layers.cu"),
    include_str!("kernels/coupling.cu"),
    include_str!("kernels/mixture.cu"),
    include_str!("kernels/normal.cu"),
    include_str!("kernels/train.cu"),
    include_str!("kernels/noise.cu"),
    include_str!("kernels/image.cu"),
];

/// All of them, as one file.
pub fn source() -> String {
    let scalars = cuda_functions::<Elu>() + &cuda_functions::<Softplus>();
    let kernels = cuda_kernels::<Elu>() + &cuda_kernels::<Softplus>();
    with_common(&(scalars + &FILES.concat() + &kernels))
}

/// Kernels as a separate file with the common definitions.
pub fn with_common(kernels: &str) -> String {
    format!("{COMMON}\n{kernels}")
}

/// Compiler options for a GPU of this compute capability. Fast math is off, so that a kernel computes the same as the
/// CPU up to rounding.
pub fn options((major, minor): (i32, i32)) -> Vec<String> {
    vec![format!("--gpu-architecture=sm_{major}{minor}"), "--std=c++17".into()]
}

/// The names of all kernels.
pub fn names() -> Vec<String> {
    source()
        .lines()
        .filter_map(|line| line.strip_prefix("KERNEL("))
        .filter_map(|rest| rest.split(',').next())
        .map(str::to_owned)
        .collect()
}
