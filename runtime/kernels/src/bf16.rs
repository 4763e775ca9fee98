//! Values in bf16: f32 rounded to 8 significant bits, in half of the memory.
//!
//! The rounding is in integers, so it is the same on every processor.

use crate::Result;
use crate::Tensor;
use crate::cpu::{Values, filled};
use crate::vector::{self, Loop};
use candle_core::op::BackpropOp;
use candle_core::{DType, Storage, WithDType};
use half::bf16;
use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

/// The values in bf16.
pub fn narrowed(from: &[f32]) -> Vec<bf16> {
    // SAFETY: a part is as long as its values.
    unsafe { filled(from.len(), |at, to| vector::run(Narrow { from: &from[at..][..to.len()], to })) }
}

/// The values in f32.
fn widened(from: &[bf16]) -> Vec<f32> {
    // SAFETY: a part is as long as its values.
    unsafe { filled(from.len(), |at, to| vector::run(Widen { from: &from[at..][..to.len()], to })) }
}

/// The tensor in f32, if it is in bf16.
///
/// # Errors
/// A tensor in bf16 that is not contiguous or not on the CPU.
pub fn opened(tensor: &Tensor) -> Result<Tensor> {
    match tensor.dtype() {
        DType::BF16 => Ok(leaf(widened(&Values::of(tensor)?), tensor)),
        _ => Ok(tensor.clone()),
    }
}

/// A tensor of its own that needs a gradient, as the output of an operation does.
pub fn leaf<T: WithDType>(values: Vec<T>, like: &Tensor) -> Tensor {
    Tensor::from_storage(Storage::Cpu(T::to_cpu_storage_owned(values)), like.shape(), BackpropOp::none(), true)
}

/// An activation that a backward pass reads.
pub enum Stored<'a> {
    Whole(Values<'a, f32>),
    Half(Values<'a, bf16>),
}

impl<'a> Stored<'a> {
    /// # Errors
    /// A tensor that is not contiguous, not on the CPU, or neither in f32 nor in bf16.
    pub fn of(tensor: &'a Tensor) -> Result<Self> {
        Ok(match tensor.dtype() {
            DType::BF16 => Self::Half(Values::of(tensor)?),
            _ => Self::Whole(Values::of(tensor)?),
        })
    }

    pub fn values(&self) -> Activation<'_> {
        match self {
            Self::Whole(values) => Activation::Whole(values),
            Self::Half(values) => Activation::Half(values),
        }
    }
}

/// The values of an activation.
#[derive(Clone, Copy)]
pub enum Activation<'a> {
    Whole(&'a [f32]),
    Half(&'a [bf16]),
}

impl<'a> Activation<'a> {
    /// Some of the values in f32.
    pub fn read(self, range: Range<usize>) -> Cow<'a, [f32]> {
        match self {
            Self::Whole(values) => Cow::Borrowed(&values[range]),
            Self::Half(values) => Cow::Owned(widened(&values[range])),
        }
    }
}

/// Rounds to the nearest value, of two equally near ones to the even one. NaN remains NaN.
struct Narrow<'a> {
    from: &'a [f32],
    to: &'a mut [MaybeUninit<bf16>],
}

impl Loop for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            let bits = from.to_bits();
            let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
            // The first bit of the fraction, so that no NaN becomes an infinity.
            let bits = if from.is_nan() { bits | 1 << 22 } else { rounded };
            to.write(bf16::from_bits((bits >> 16) as u16));
        }
    }
}

struct Widen<'a> {
    from: &'a [bf16],
    to: &'a mut [MaybeUninit<f32>],
}

impl Loop for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            to.write(f32::from_bits(u32::from(from.to_bits()) << 16));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rounding is that of the format, with ties, infinities, NaN and subnormal values.
    #[test]
    fn values_are_rounded_to_the_nearest() {
        let special =
            [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, f32::from_bits(0x7f80_0001)];
        let values: Vec<f32> = special
            .into_iter()
            .chain((0..1 << 16).map(|high: u32| f32::from_bits(high << 16 | 0x8000)))
            .chain((0..1 << 16).map(|i: u32| f32::from_bits(i.wrapping_mul(2_654_435_761))))
            .collect();
        let ours = narrowed(&values);
        for (value, ours) in values.iter().zip(&ours) {
            let theirs = bf16::from_f32(*value);
            assert!(
                ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(),
                "{value}: {ours}, {theirs}"
            );
        }
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let widened = widened(&ours);
        let same: Vec<f32> = ours.iter().map(|value| f32::from_bits(u32::from(value.to_bits()) << 16)).collect();
        assert_eq!(bits(&widened), bits(&same));
        assert_eq!(bits(&Activation::Half(&ours).read(5..700)), bits(&same[5..700]));
    }
}
