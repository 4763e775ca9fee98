//! What operations on whole rows of values share.

use std::mem::MaybeUninit;

/// Runs `$body` with `$t` bound to the storage's type of number, and wraps the values.
macro_rules! by_type {
    ($name:expr, $storage:expr, $t:ident => $body:expr) => {
        match $storage.dtype() {
            DType::F32 => {
                type $t = f32;
                CpuStorage::F32($body)
            }
            DType::F64 => {
                type $t = f64;
                CpuStorage::F64($body)
            }
            other => return unsupported($name, other),
        }
    };
}
pub(super) use by_type;

pub(super) fn copy<T: Copy>(from: &[T], to: &mut [MaybeUninit<T>]) {
    to.iter_mut().zip(from).for_each(|(to, from)| _ = to.write(*from));
}
