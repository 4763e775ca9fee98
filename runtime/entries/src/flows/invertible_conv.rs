//! An invertible 1x1 convolution (Kingma and Dhariwal 2018).

use crate::prelude::*;

flow! {
    /// An invertible 1x1 convolution (for a vector: an invertible linear map), P L U, where P is a fixed permutation
    /// and L and U are triangular. Its determinant is the product of U's diagonal.
    both invertible_conv: InvertibleConv(InvertibleConvConfig {
        /// seed of the permutation
        seed: usize in 0..=LARGEST_SIZE = 0,
    }),
    examples: [{ seed: 0 } over [3], { seed: 1 } over [4, 2, 3], { seed: 2 } over [1, 2, 2]],
}

fn fits(_: &InvertibleConvConfig, shape: &[usize]) -> Result<(), String> {
    match shape {
        [_] | [_, _, _] => Ok(()),
        _ => Err("needs [features] or [channels, height, width]".to_owned()),
    }
}

fn cost(_: &InvertibleConvConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let (channels, elements) = (shape.first().copied().unwrap_or(0) as u64, count(shape) as u64);
    Cost {
        parameters: channels.saturating_mul(2 * channels + 1),
        multiply_accumulates: channels.saturating_mul(elements),
        ..Cost::of_values(elements)
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::InvertibleConvConfig;
    use crate::flows::permute::order;
    use crate::tensors::{Bijector, Params, Result, Tensor, Var, map, ops, unmap};

    /// v = P (I + L) (exp(s) + U) z at every position, L strictly lower and U strictly upper triangular.
    #[derive(Debug, Clone)]
    pub struct InvertibleConv {
        lower: Var,
        upper: Var,
        log_scale: Var,
        /// Ones below the diagonal.
        below: Tensor,
        unit: Tensor,
        /// The source of each output.
        order: Tensor,
        bias: Tensor,
        params: Params,
        positions: usize,
    }

    impl InvertibleConv {
        /// Parameters: `lower`, `upper` and `log_scale`, all 0 at the start.
        ///
        /// # Errors
        /// A shape that is neither `[features]` nor `[channels, height, width]`.
        pub fn new(params: &Params, shape: &[usize], config: InvertibleConvConfig) -> Result<Self> {
            config.check(shape)?;
            let (channels, device) = (shape[0], params.device());
            let below: Vec<f64> =
                (0..channels * channels).map(|at| f64::from(u8::from(at % channels < at / channels))).collect();
            let (order, _) = order(channels, config.seed);
            Ok(Self {
                lower: params.constant("lower", &[channels, channels], 0.0)?,
                upper: params.constant("upper", &[channels, channels], 0.0)?,
                log_scale: params.constant("log_scale", &[channels], 0.0)?,
                below: Tensor::from_vec(below, (channels, channels), device)?.to_dtype(params.dtype())?,
                unit: Tensor::eye(channels, params.dtype(), device)?,
                order: Tensor::new(order, device)?,
                bias: Tensor::zeros(channels, params.dtype(), device)?,
                params: params.clone(),
                positions: shape[1..].iter().product(),
            })
        }

        /// L, U without its diagonal, and the diagonal's logarithm.
        fn parts(&self) -> Result<(Tensor, Tensor, Tensor)> {
            let lower = (self.params.value(&self.lower) * &self.below)?;
            let upper = (self.params.value(&self.upper) * self.below.t()?)?;
            Ok((lower, upper, self.params.value(&self.log_scale)))
        }

        /// A matrix applied to the channels of `[N, C, …]`.
        fn apply(&self, matrix: &Tensor, x: &Tensor) -> Result<Tensor> {
            let kernel = matrix.unsqueeze(2)?.unsqueeze(3)?;
            unmap(&ops::conv2d(&map(x)?, &kernel, &self.bias, 1, 0)?, x)
        }

        /// (I + N)⁻¹ for N whose C-th power is 0: (I − N) (I + N²) (I + N⁴) ….
        fn inverse_of(&self, nilpotent: &Tensor) -> Result<Tensor> {
            let mut power = nilpotent.neg()?;
            let mut inverse = (&self.unit + &power)?;
            let mut reached = 2;
            while reached < nilpotent.dim(0)? {
                power = power.matmul(&power)?;
                inverse = inverse.matmul(&(&self.unit + &power)?)?;
                reached *= 2;
            }
            Ok(inverse)
        }

        fn log_det(&self, log_scale: &Tensor, rows: usize) -> Result<Tensor> {
            (log_scale.sum_all()? * self.positions as f64)?.broadcast_as(rows)
        }
    }

    impl Bijector for InvertibleConv {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let (lower, upper, log_scale) = self.parts()?;
            let scaled = (upper + self.unit.broadcast_mul(&log_scale.exp()?)?)?;
            let matrix = (&self.unit + lower)?.matmul(&scaled)?.index_select(&self.order, 0)?;
            Ok((self.apply(&matrix, z)?, self.log_det(&log_scale, z.dim(0)?)?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.drawn(v).map(|(z, _)| z)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            let (lower, upper, log_scale) = self.parts()?;
            // exp(s) + U = exp(s) (I + exp(−s) U), row by row.
            let precision = log_scale.neg()?.exp()?;
            let upper = self.inverse_of(&upper.broadcast_mul(&precision.unsqueeze(1)?)?)?;
            let matrix = upper.broadcast_mul(&precision.unsqueeze(0)?)?.matmul(&self.inverse_of(&lower)?)?;
            let matrix = matrix.index_select(&self.order, 1)?;
            Ok((self.apply(&matrix, v)?, self.log_det(&log_scale, v.dim(0)?)?))
        }
    }
}
