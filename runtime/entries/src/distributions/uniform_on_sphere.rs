//! The uniform distribution of directions.

use crate::prelude::*;

distribution! {
    /// All directions with the same density: the prior of a hyperspherical VAE (Davidson et al. 2018).
    surface uniform_on_sphere: UniformOnSphere(UniformOnSphereConfig {}),
    over: [Sphere],
    natural: [],
    closed_forms: [],
    examples: [{} over [2], {} over [5]],
    fits: |_, shape| fits_sphere(shape),
}

/// The rule for the shape of directions.
pub(super) fn fits_sphere(shape: &[usize]) -> Result<(), String> {
    match shape {
        [size] if *size >= 2 => Ok(()),
        _ => Err(format!("is over vectors of two coordinates or more, not over shape {}", show_shape(shape))),
    }
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::blocks::direction::direction;
    use crate::tensors::{Distribution, Draw, Noise, Params, Result, Tensor, batched, fits, ops, rows_of};

    /// Uniform on the sphere in a number of dimensions.
    #[derive(Debug, Clone)]
    pub struct UniformOnSphere {
        shape: Vec<usize>,
        rows: Option<usize>,
        params: Params,
    }

    impl UniformOnSphere {
        /// Over a shape `[D]`, without the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn new(params: &Params, shape: &[usize]) -> Result<Self> {
            Ok(Self { shape: shape.to_vec(), rows: None, params: params.clone() })
        }

        /// The shape of a value, without the batch.
        pub fn shape(&self) -> &[usize] {
            &self.shape
        }

        /// ln of the area of the sphere, 2 π^(D/2) / Γ(D/2).
        ///
        /// # Errors
        /// A failed tensor operation.
        pub fn log_area(&self) -> Result<f64> {
            let half = 0.5 * self.shape.first().copied().unwrap_or(1) as f64;
            let log_gamma = ops::lgamma(&Tensor::new(half, &candle_core::Device::Cpu)?)?.to_scalar::<f64>()?;
            Ok(std::f64::consts::LN_2 + half * std::f64::consts::PI.ln() - log_gamma)
        }
    }

    impl Distribution for UniformOnSphere {
        /// −ln of the area.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            fits("a uniform distribution on a sphere", value, &self.shape)?;
            Tensor::full(-self.log_area()?, value.dim(0)?, value.device())?.to_dtype(value.dtype())
        }

        /// The direction of a normal vector. No direction is more likely than another, so a temperature changes nothing.
        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let shape = batched(rows_of("a uniform distribution on a sphere", self.rows)?, &self.shape);
            direction(&noise.normal(name, &shape, self.params.dtype(), self.params.device())?)
        }

        /// The first axis; all directions are equally likely.
        fn mode(&self) -> Result<Tensor> {
            let mut shape = batched(rows_of("a uniform distribution on a sphere", self.rows)?, &self.shape);
            let rest = std::mem::replace(&mut shape[1], 1).saturating_sub(1);
            let (dtype, device) = (self.params.dtype(), self.params.device());
            Tensor::ones(shape.as_slice(), dtype, device)?.pad_with_zeros(1, 0, rest)
        }

        /// The centre of the sphere, which is not on it.
        fn mean(&self) -> Result<Tensor> {
            self.mode()?.zeros_like()
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: self.rows.map(|rows| rows * samples), ..self.clone() }))
        }

        fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: Some(rows), ..self.clone() }))
        }
    }
}
