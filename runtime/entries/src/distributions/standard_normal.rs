//! The standard normal.

distribution! {
    /// Independent normals of mean 0 and variance 1.
    continuous standard_normal: StandardNormal(StandardNormalConfig {}),
    over: [Real],
    natural: [],
    closed_forms: [],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Distribution, Draw, Noise, Params, Result, Tensor, batched, fits, ops, rows_of};

    /// N(0, 1) in every dimension.
    #[derive(Debug, Clone)]
    pub struct StandardNormal {
        shape: Vec<usize>,
        rows: Option<usize>,
        params: Params,
    }

    impl StandardNormal {
        /// Over a shape, without the batch.
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
    }

    impl Distribution for StandardNormal {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            fits("a standard normal", value, &self.shape)?;
            ops::standard_normal_log_prob(value)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let shape = batched(rows_of("a standard normal", self.rows)?, &self.shape);
            noise.normal(name, &shape, self.params.dtype(), self.params.device())? * draw.temperature
        }

        fn mode(&self) -> Result<Tensor> {
            let shape = batched(rows_of("a standard normal", self.rows)?, &self.shape);
            Tensor::zeros(shape, self.params.dtype(), self.params.device())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: self.rows.map(|rows| rows * samples), ..self.clone() }))
        }

        fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: Some(rows), ..self.clone() }))
        }
    }
}
