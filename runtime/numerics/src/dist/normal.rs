//! Diagonal normals.

use super::{Distribution, batched, fits, rows_of};
use crate::ops::{self, sum_batch};
use crate::{Draw, Noise, Params, Result, Tensor};

/// Log-variances from a network are clamped to ± this.
const LOG_VAR_BOUND: f64 = 7.0;

/// N(mean, diag(exp(log_var))).
#[derive(Debug, Clone)]
pub struct Normal {
    /// `[N, …]`
    pub mean: Tensor,
    /// `[N, …]`
    pub log_var: Tensor,
}

impl Normal {
    /// From a network's output: means, then log-variances (clamped to [−7, 7]), side by side in the first dimension after
    /// the batch.
    ///
    /// # Errors
    /// An odd number of channels.
    pub fn from_head(head: &Tensor) -> Result<Self> {
        let (mean, log_var) = ops::normal_halves(head, LOG_VAR_BOUND)?;
        Ok(Self { mean, log_var })
    }

    /// Channels of the head for a variable of this shape.
    pub fn channels(shape: &[usize]) -> usize {
        2 * shape.first().copied().unwrap_or(1)
    }
}

impl Distribution for Normal {
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        ops::normal_log_prob(value, &self.mean, &self.log_var)
    }

    fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
        let epsilon = noise.normal(name, self.mean.dims(), self.mean.dtype(), self.mean.device())?;
        let epsilon = if draw.temperature == 1.0 { epsilon } else { (epsilon * draw.temperature)? };
        ops::normal_draw(&self.mean, &self.log_var, &epsilon)
    }

    fn mode(&self) -> Result<Tensor> {
        Ok(self.mean.clone())
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        let (mean, log_var) = (ops::repeat(&self.mean, samples)?, ops::repeat(&self.log_var, samples)?);
        Ok(Box::new(Self { mean, log_var }))
    }
}

/// KL(q ‖ p), exact, `[N]` nats.
///
/// # Errors
/// Shapes that differ.
pub fn normal_kl(q: &Normal, p: &Normal) -> Result<Tensor> {
    ops::normal_kl(&q.mean, &q.log_var, &p.mean, &p.log_var)
}

/// KL(q ‖ N(0, 1)), exact, `[N]` nats.
///
/// # Errors
/// Shapes that differ.
pub fn standard_normal_kl(q: &Normal, p: &StandardNormal) -> Result<Tensor> {
    fits("a standard normal", &q.mean, &p.shape)?;
    let zero = q.mean.zeros_like()?;
    ops::normal_kl(&q.mean, &q.log_var, &zero, &zero)
}

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
}

impl Distribution for StandardNormal {
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        fits("a standard normal", value, &self.shape)?;
        if ops::cuda::takes(value) {
            return ops::cuda::standard_normal_log_prob(value);
        }
        sum_batch(&((value.sqr()? + (2.0 * std::f64::consts::PI).ln())? * -0.5)?)
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
