//! Fingerprints of values, to detect changes of a tensor.

use super::vector::{self, Loop};
use crate::{DType, Result, Tensor};
use candle_core::{CpuStorage, Storage};
use rayon::prelude::*;

/// Words mixed in parallel, enough to fill a few vector registers.
const LANES: usize = 32;
/// Words per task, for any number of threads.
const PART: usize = 1 << 15;
/// An odd multiplier (Steele and Vigna 2021), which makes every step a bijection.
const MIX: u32 = 0xadb4_a92d;

/// A number that depends on every bit of the values of a contiguous f32 or f64 tensor on the CPU, computed at the speed
/// of reading them. Tensors that differ in a single value have different fingerprints; for other pairs, collisions have
/// a probability of about 2^−64. None for tensors on other devices, where reading would wait for the device.
///
/// # Errors
/// A tensor that is not contiguous.
pub fn fingerprint(values: &Tensor) -> Result<Option<u64>> {
    if !values.device().is_cpu() || !matches!(values.dtype(), DType::F32 | DType::F64) {
        return Ok(None);
    }
    let (storage, layout) = values.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a fingerprint is of a contiguous tensor");
    };
    Ok(match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => Some(parts(&values[start..end], |value| [value.to_bits(), 0])),
        Storage::Cpu(CpuStorage::F64(values)) => Some(parts(&values[start..end], |value| {
            let bits = value.to_bits();
            [bits as u32, (bits >> 32) as u32]
        })),
        _ => None,
    })
}

/// Combines two fingerprints. The order matters.
pub fn combine(first: u64, second: u64) -> u64 {
    (first.rotate_left(29) ^ second).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn parts<T: Copy + Sync>(values: &[T], bits: impl Fn(T) -> [u32; 2] + Copy + Sync) -> u64 {
    let part = |values: &[T]| vector::run(Part { values, bits });
    let length = values.len() as u64;
    if values.len() <= PART {
        return combine(length, part(values));
    }
    values.par_chunks(PART).map(part).collect::<Vec<_>>().into_iter().fold(length, combine)
}

struct Part<'a, T, F> {
    values: &'a [T],
    bits: F,
}

impl<T: Copy, F: Fn(T) -> [u32; 2]> Loop for Part<'_, T, F> {
    type Output = u64;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> u64 {
        let mut lanes = [0x9e37_79b9_u32; LANES];
        let (whole, rest) = self.values.as_chunks::<LANES>();
        for values in whole {
            for (lane, value) in lanes.iter_mut().zip(values) {
                let [low, high] = (self.bits)(*value);
                *lane = (*lane ^ low).wrapping_mul(MIX).wrapping_add(high).rotate_left(13);
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            let [low, high] = (self.bits)(*value);
            *lane = (*lane ^ low).wrapping_mul(MIX).wrapping_add(high).rotate_left(13);
        }
        let (pairs, _) = lanes.as_chunks::<2>();
        pairs.iter().fold(0, |mixed, [low, high]| combine(mixed, u64::from(*low) | u64::from(*high) << 32))
    }
}

#[cfg(test)]
mod tests {
    use super::fingerprint;
    use crate::{Device, Result, Tensor};

    #[test]
    fn every_value_and_its_place_count() -> Result<()> {
        for length in [1, 31, 33, 100, 70_000] {
            let values: Vec<f32> = (0..length).map(|at| (at as f32).sin()).collect();
            let of = |values: &[f32]| fingerprint(&Tensor::from_slice(values, values.len(), &Device::Cpu)?);
            let wide = |values: &[f32]| {
                let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
                fingerprint(&Tensor::from_slice(&values, values.len(), &Device::Cpu)?)
            };
            assert_eq!(of(&values)?, of(&values)?);
            for at in [0, length / 2, length - 1] {
                let mut other = values.clone();
                other[at] = f32::from_bits(other[at].to_bits() ^ 1);
                assert_ne!(of(&values)?, of(&other)?, "{length} at {at}");
                assert_ne!(wide(&values)?, wide(&other)?, "{length} at {at}");
            }
            let turned: Vec<f32> = values.iter().rev().copied().collect();
            assert_eq!(of(&values)? == of(&turned)?, length == 1, "{length}");
            assert_ne!(of(&values)?, of(&values[..length - 1])?);
        }
        Ok(())
    }
}
