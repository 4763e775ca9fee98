//! Uniform variables.

distribution! {
    /// Independent variables, uniform between two numbers.
    continuous uniform: Uniform(UniformConfig {
        /// the lower end
        low: f64 in (-1e12)..=1e12 = 0.0,
        /// the upper end
        high: f64 in (-1e12)..=1e12 = 1.0,
    }),
    over: [Real],
    natural: [],
    closed_forms: [],
    examples: [{ low: -0.5, high: 2.0 } over [1], { low: -1.0, high: 1.0 } over [4, 3, 1]],
    ends: |config| [config.low, config.high],
    fits: |config, _| match config.low < config.high {
        true => Ok(()),
        false => Err(format!("needs `low` below `high`, not {} and {}", config.low, config.high)),
    },
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::ops::sum_batch;
    use crate::tensors::{Distribution, Draw, Noise, Params, Result, Tensor, batched, fits, inside, rows_of};

    /// Uniform on [low, high] in every dimension.
    #[derive(Debug, Clone)]
    pub struct Uniform {
        shape: Vec<usize>,
        low: f64,
        high: f64,
        rows: Option<usize>,
        params: Params,
    }

    impl Uniform {
        /// Over a shape, without the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn new(params: &Params, shape: &[usize], low: f64, high: f64) -> Result<Self> {
            Ok(Self { shape: shape.to_vec(), low, high, rows: None, params: params.clone() })
        }

        fn at_share(&self, share: &Tensor) -> Result<Tensor> {
            share.affine(self.high - self.low, self.low)
        }
    }

    impl Distribution for Uniform {
        /// −ln(high − low), summed; −∞ outside of the open interval.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            fits("a uniform distribution", value, &self.shape)?;
            let within = (value.ge(self.low)? * value.le(self.high)?)?;
            let full = |number: f64| Tensor::full(number, value.dims(), value.device())?.to_dtype(value.dtype());
            sum_batch(&within.where_cond(&full(-(self.high - self.low).ln())?, &full(f64::NEG_INFINITY)?)?)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let shape = batched(rows_of("a uniform distribution", self.rows)?, &self.shape);
            let uniform = noise.uniform(name, &shape, self.params.dtype(), self.params.device())?;
            let spread = draw.temperature.min(1.0);
            self.at_share(&inside(&uniform)?.affine(spread, 0.5 - 0.5 * spread)?)
        }

        /// The middle; all values are equally likely.
        fn mode(&self) -> Result<Tensor> {
            let shape = batched(rows_of("a uniform distribution", self.rows)?, &self.shape);
            self.at_share(&Tensor::full(0.5, shape, self.params.device())?.to_dtype(self.params.dtype())?)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: self.rows.map(|rows| rows * samples), ..self.clone() }))
        }

        fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: Some(rows), ..self.clone() }))
        }
    }
}
