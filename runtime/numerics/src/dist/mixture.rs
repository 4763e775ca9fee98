//! Mixtures of distributions of one type: a root whose components are the distributions of q at learned inputs.

use super::through::log_sum_exp_along;
use super::{Distribution, rows_of};
use crate::{Draw, Noise, Result, Tensor};
use std::sync::Arc;

/// The maximum number of elements over all components whose density is computed at once.
const AT_ONCE: usize = 1 << 22;

/// p(z) = (1/K) Σ_k p_k(z), where the components are the K rows of a distribution.
#[derive(Clone)]
pub struct Mixture {
    components: Arc<dyn Distribution>,
    count: usize,
    rows: Option<usize>,
}

impl Mixture {
    /// A mixture of the `count` rows of a distribution, each with the weight 1/K.
    pub fn new(components: impl Distribution, count: usize) -> Self {
        Self { components: Arc::new(components), count, rows: None }
    }

    /// ln p of the values of some rows, `[N]`.
    fn scored(&self, value: &Tensor) -> Result<Tensor> {
        let (rows, shape) = (value.dim(0)?, &value.dims()[1..]);
        let each: Vec<usize> = [&[rows, self.count], shape].concat();
        let all: Vec<usize> = [&[rows * self.count], shape].concat();
        // Row n·K + k has the value n and the component k.
        let values = value.unsqueeze(1)?.broadcast_as(each)?.contiguous()?.reshape(all)?;
        let logs = self.components.repeat(rows)?.log_prob(&values)?.reshape((rows, self.count))?;
        log_sum_exp_along(&logs, 1)? - (self.count as f64).ln()
    }

    /// One row, repeated to the number of rows.
    fn for_rows(&self, row: &Tensor) -> Result<Tensor> {
        let rows = rows_of("a mixture", self.rows)?;
        row.broadcast_as([&[rows], &row.dims()[1..]].concat())?.contiguous()
    }
}

impl Distribution for Mixture {
    /// ln Σ_k p_k(z) − ln K.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        let rows = value.dim(0)?;
        let numbers: usize = value.dims()[1..].iter().product::<usize>() * self.count;
        let step = (AT_ONCE / numbers.max(1)).max(1);
        if step >= rows {
            return self.scored(value);
        }
        let parts = (0..rows).step_by(step).map(|at| self.scored(&value.narrow(0, at, step.min(rows - at))?));
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)
    }

    /// For each row, a draw of every component, of which one is chosen with equal probability.
    fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
        let rows = rows_of("a mixture", self.rows)?;
        let drawn = self.components.repeat(rows)?.sample(name, noise, draw)?;
        let scores = noise.uniform(name, &[rows, self.count], drawn.dtype(), drawn.device())?;
        let picked: Vec<u32> = scores.argmax(1)?.to_vec1()?;
        let places = picked.into_iter().enumerate().map(|(row, k)| (row * self.count) as u32 + k);
        let places = Tensor::from_vec(places.collect::<Vec<u32>>(), rows, drawn.device())?;
        drawn.index_select(&places, 0)
    }

    /// The likeliest of the components' modes.
    fn mode(&self) -> Result<Tensor> {
        let modes = self.components.mode()?;
        let best = self.log_prob(&modes)?.argmax(0)?.to_scalar::<u32>()? as usize;
        self.for_rows(&modes.narrow(0, best, 1)?)
    }

    fn mean(&self) -> Result<Tensor> {
        self.for_rows(&self.components.mean()?.mean_keepdim(0)?)
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Self { rows: self.rows.map(|rows| rows * samples), ..self.clone() }))
    }

    fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
        Ok(Box::new(Self { rows: Some(rows), ..self.clone() }))
    }
}
