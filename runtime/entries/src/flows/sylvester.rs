//! Sylvester normalising flow (van den Berg et al. 2018), with Householder reflections.

use crate::prelude::*;

flow! {
    /// A Sylvester flow of a vector: z = v + Q R tanh(S Qᵀ v + b), where Q has orthonormal columns from a product of
    /// reflections, and R and S are triangular. The parameters are learned, or an affine map of a context. The flow has
    /// no inverse in closed form, so it is allowed only in q.
    drawn sylvester: Sylvester(SylvesterConfig {
        /// columns of Q, at most the number of elements of the vector
        rank: usize in 1..=4096 = 8,
        /// number of reflections in Q
        reflections: usize in 1..=1024 = 8,
    }),
    kind: given,
    examples: [{ rank: 2, reflections: 2 } over [3], { rank: 2, reflections: 1 } over [2] [3]],
}

fn fits(config: &SylvesterConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    vector(shape, context)?;
    if config.rank > shape[0] {
        return Err(format!("needs a rank of at most {}, not {}", shape[0], config.rank));
    }
    Ok(())
}

/// The number of parameters: normals of the reflections, the two matrices, b.
fn total(config: &SylvesterConfig, features: usize) -> usize {
    let squares = config.rank.saturating_mul(config.rank).saturating_mul(2);
    features.saturating_mul(config.reflections).saturating_add(squares).saturating_add(config.rank)
}

fn cost(config: &SylvesterConfig, inputs: &[&[usize]]) -> Cost {
    numbers(total(config, inputs.first().map_or(0, |shape| count(shape))) as u64, inputs)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{SylvesterConfig, total};
    use crate::tensors::{Amortised, Bijector, Params, Result, Tensor, Ways, bail, reflected};
    use std::sync::Arc;

    /// z = v + Q R tanh(S Qᵀ v + b); the products of the diagonals of R and S lie in (−1, 1).
    #[derive(Debug, Clone)]
    pub struct Sylvester {
        numbers: Amortised,
        config: SylvesterConfig,
        /// Ones above the diagonal, and the identity, `[1, rank, rank]`.
        above: Tensor,
        unit: Tensor,
        columns: Tensor,
    }

    impl Sylvester {
        /// Parameters: `numbers`, or with a context those of an affine map.
        ///
        /// # Errors
        /// A shape that is not `[features]`, or a rank above it.
        pub fn new(
            params: &Params,
            shape: &[usize],
            context: Option<&[usize]>,
            config: SylvesterConfig,
        ) -> Result<Self> {
            config.check(shape, context)?;
            let (rank, dtype, device) = (config.rank, params.dtype(), params.device());
            let above: Vec<f64> = (0..rank * rank).map(|at| f64::from(u8::from(at % rank > at / rank))).collect();
            Ok(Self {
                numbers: Amortised::new(params, total(&config, shape[0]), context)?,
                config,
                above: Tensor::from_vec(above, (1, rank, rank), device)?.to_dtype(dtype)?,
                unit: Tensor::eye(rank, dtype, device)?.unsqueeze(0)?,
                columns: Tensor::eye(shape[0], dtype, device)?.narrow(1, 0, rank)?.contiguous()?,
            })
        }

        /// An upper triangular matrix with a diagonal in (−1, 1), and that diagonal.
        fn triangle(&self, numbers: &Tensor) -> Result<(Tensor, Tensor)> {
            let square = numbers.reshape(((), self.config.rank, self.config.rank))?;
            let diagonal = square.broadcast_mul(&self.unit)?.sum_keepdim(2)?.tanh()?;
            let whole = (square.broadcast_mul(&self.above)? + diagonal.broadcast_mul(&self.unit)?)?;
            Ok((whole, diagonal))
        }
    }

    impl Bijector for Sylvester {
        fn forward(&self, _: &Tensor) -> Result<(Tensor, Tensor)> {
            bail!("`sylvester` has no density of a value that it did not draw")
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.drawn(v).map(|(z, _)| z)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            let (rows, features) = v.dims2()?;
            let (rank, reflections) = (self.config.rank, self.config.reflections);
            let all = self.numbers.rows(rows)?;
            let mut q = self.columns.unsqueeze(0)?.broadcast_as((rows, features, rank))?.contiguous()?;
            for at in 0..reflections {
                q = reflected(&q, &all.narrow(1, at * features, features)?)?;
            }
            let after = reflections * features;
            let (r, r_diagonal) = self.triangle(&all.narrow(1, after, rank * rank)?.contiguous()?)?;
            let (s, s_diagonal) = self.triangle(&all.narrow(1, after + rank * rank, rank * rank)?.contiguous()?)?;
            let b = all.narrow(1, after + 2 * rank * rank, rank)?.unsqueeze(2)?;
            let seen = q.transpose(1, 2)?.contiguous()?.matmul(&v.unsqueeze(2)?.contiguous()?)?;
            let bent = (s.matmul(&seen)? + b)?.tanh()?;
            let slope = (1.0 - bent.sqr()?)?;
            let log_det = (((slope * r_diagonal)? * s_diagonal)? + 1.0)?.log()?.flatten_from(1)?.sum(1)?.neg()?;
            Ok(((v + q.matmul(&r.matmul(&bent)?)?.squeeze(2)?)?, log_det))
        }

        fn context(&self) -> Option<&[usize]> {
            self.numbers.context()
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { numbers: self.numbers.given(context)?, ..self.clone() }))
        }

        fn ways(&self) -> Ways {
            Ways::Drawn
        }
    }
}
