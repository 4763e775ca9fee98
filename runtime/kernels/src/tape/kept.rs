//! What a tape keeps of a tensor for the backward pass.
//!
//! A compact tape keeps large activations on the CPU in bf16. Every operation computes in f32 as before: the forward pass is unchanged, and the
//! backward pass reads inputs and outputs that are rounded to 8 significant bits.

use crate::bf16::{leaf, narrowed, opened};
use crate::cpu::{PART, Values};
use crate::{DType, Result, Tensor};
use candle_core::TensorId;

/// The number of values from which a tensor is kept in bf16. Smaller ones, as latent vectors and sums, take no memory to speak of.
const LEAST: usize = PART;

/// A tensor, or its values in bf16.
#[derive(Clone)]
pub(super) enum Kept {
    Whole(Tensor),
    Half { of: TensorId, values: Tensor },
}

impl Kept {
    /// The values of an operation's output, in bf16 if it is large and on the CPU.
    pub(super) fn of(tensor: &Tensor) -> Self {
        let large = tensor.dtype() == DType::F32 && tensor.elem_count() >= LEAST && tensor.device().is_cpu();
        let values = if large { Values::<f32>::of(tensor).ok() } else { None };
        values.map_or_else(
            || Self::Whole(tensor.clone()),
            |values| Self::Half { of: tensor.id(), values: leaf(narrowed(&values), tensor) },
        )
    }

    /// The tensor's.
    pub(super) fn id(&self) -> TensorId {
        match self {
            Self::Whole(tensor) => tensor.id(),
            Self::Half { of, .. } => *of,
        }
    }

    /// The values as they are kept.
    pub(super) fn stored(&self) -> Tensor {
        match self {
            Self::Whole(tensor) | Self::Half { values: tensor, .. } => tensor.clone(),
        }
    }

    /// The values in the tensor's own type.
    pub(super) fn open(&self) -> Result<Tensor> {
        Ok(match self {
            Self::Whole(tensor) => tensor.clone(),
            Self::Half { values, .. } => opened(values)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;
    use crate::tape::Tape;
    use crate::testing::made;
    use candle_core::Var;

    /// The forward pass is not rounded. Gradients pass through operations that look whether an input needs one, and are those at
    /// activations that are rounded by 2⁻⁹ of themselves at most. Values of parameters alone are not rounded.
    #[test]
    fn gradients_are_those_at_rounded_activations() -> Result<()> {
        let var = |shape: &[usize], phase| Var::from_tensor(&made(shape, phase)?.as_tensor().to_dtype(DType::F32)?);
        let (x, bias) = (var(&[8, 4, 32, 32], 0.1)?.as_tensor().detach(), var(&[4], 0.4)?);
        let weights = [var(&[4, 4, 3, 3], 0.2)?, var(&[4, 4, 3, 3], 0.5)?, var(&[4, 4, 3, 3], 0.8)?];
        let gradients = |tape: Tape| -> Result<(f32, Vec<Vec<f32>>)> {
            let mut value = x.clone();
            for weight in &weights {
                value = crate::elu(&crate::conv2d(&value, weight, &bias, 1, 1)?)?;
            }
            let loss = value.sum_all()?;
            let of = tape.backward(&loss)?;
            let all = weights.iter().chain([&bias]);
            let all = all.map(|var| of.get(var).expect("a gradient").flatten_all()?.to_vec1());
            Ok((loss.to_scalar()?, all.collect::<Result<_>>()?))
        };
        let ((loss, whole), (same, compact)) = (gradients(Tape::begin())?, gradients(Tape::compact())?);
        assert_eq!(loss.to_bits(), same.to_bits());
        for (whole, compact) in whole.iter().zip(compact) {
            let size = whole.iter().map(|value| value * value).sum::<f32>().sqrt();
            let apart = whole.iter().zip(&compact).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
            // Three layers add up.
            assert!(apart > 0.0 && apart <= 3.0 * size / 512.0, "{apart} of {size}");
        }
        let of_parameters = |tape: Tape| -> Result<Vec<f32>> {
            let wide = var(&[LEAST], 0.3)?;
            let of = tape.backward(&crate::softplus(&crate::elu(wide.as_tensor())?)?.sum_all()?)?;
            of.get(&wide).expect("a gradient").to_vec1()
        };
        assert_eq!(of_parameters(Tape::begin())?, of_parameters(Tape::compact())?);
        Ok(())
    }

    /// Small tensors, and those of other types, are kept as they are.
    #[test]
    fn small_tensors_stay() -> Result<()> {
        let kept =
            |len, dtype| -> Result<DType> { Ok(Kept::of(&Tensor::zeros(len, dtype, &Device::Cpu)?).stored().dtype()) };
        assert_eq!(kept(LEAST - 1, DType::F32)?, DType::F32);
        assert_eq!(kept(LEAST, DType::F64)?, DType::F64);
        assert_eq!(kept(LEAST, DType::F32)?, DType::BF16);
        Ok(())
    }
}
