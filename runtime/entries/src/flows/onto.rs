//! Numbers within the cells of pixels (variational dequantisation, Ho et al. 2019).

use crate::prelude::*;

flow! {
    /// The outermost flow of q(v | x) for `p(x | v) = floor(v)`. It maps numbers u between 0 and 1 to the cells of the
    /// image x, which is its argument: v = (k + u) / 256 for a pixel k/255. The stage before it is `sigmoid`, or the
    /// distribution is `uniform`, so that its input is in this range.
    both onto: Onto(OntoConfig {}),
    kind: given,
    examples: [{} over [1, 2, 2] [1, 2, 2]],
}

fn fits(_: &OntoConfig, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    match context {
        None => Err("needs the image whose cells it stays in: `onto(x)`".to_owned()),
        Some(context) if context != shape => Err("needs an image of the variable's shape".to_owned()),
        Some(_) => planes(&[shape]).map(|_| ()),
    }
}

fn cost(_: &OntoConfig, inputs: &[&[usize]]) -> Cost {
    Cost::of_values(inputs.first().map_or(0, |shape| count(shape)) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::OntoConfig;
    use crate::tensors::{Bijector, LEVELS, Params, Result, Tensor, bail};
    use std::sync::Arc;

    /// The largest fraction of a cell that single precision distinguishes from the next cell, at 255 of 256.
    const MOST: f64 = 1.0 - 1.0 / 32768.0;

    /// v = (k + u) / 256.
    #[derive(Debug, Clone)]
    pub struct Onto {
        shape: Vec<usize>,
        /// The numbers k of the pixels.
        cells: Option<Tensor>,
    }

    impl Onto {
        /// # Errors
        /// A missing image, or one of another shape.
        pub fn new(_: &Params, shape: &[usize], context: Option<&[usize]>, config: OntoConfig) -> Result<Self> {
            config.check(shape, context)?;
            Ok(Self { shape: shape.to_vec(), cells: None })
        }

        fn cells(&self) -> Result<&Tensor> {
            match &self.cells {
                Some(cells) => Ok(cells),
                None => bail!("`onto` was not given its image"),
            }
        }

        fn log_det(&self, rows: &Tensor) -> Result<Tensor> {
            let volume = LEVELS.ln() * self.shape.iter().product::<usize>() as f64;
            Tensor::full(volume, rows.dim(0)?, rows.device())?.to_dtype(rows.dtype())
        }
    }

    impl Bijector for Onto {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((((z * LEVELS)? - self.cells()?)?, self.log_det(z)?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            (self.cells()? + v.clamp(0.0, MOST)?)? / LEVELS
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            Ok((self.inverse(v)?, self.log_det(v)?))
        }

        fn context(&self) -> Option<&[usize]> {
            Some(&self.shape)
        }

        fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
            Ok(Arc::new(Self { cells: Some((context * (LEVELS - 1.0))?.round()?), ..self.clone() }))
        }
    }
}
