//! A mixture of normals with learned means and variances.

use crate::prelude::*;

distribution! {
    /// Diagonal normals with equal weights, and learned means and variances.
    continuous mixture_of_normals: MixtureOfNormals(MixtureOfNormalsConfig {
        /// components of the mixture
        components: usize in 1..=1000 = 10,
    }),
    over: [Real],
    natural: [],
    closed_forms: [],
    examples: [{ components: 4 } over [1], { components: 3 } over [2, 3, 1]],
    count: |config, shape| (count(shape) as u64).saturating_mul(2).saturating_mul(config.components as u64),
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Distribution, Draw, Noise, Params, Result, Tensor, Var, batched, fits, ops, rows_of};

    /// (1/K) Σ N(mean_k, diag(variance_k)); variances are softplus of a parameter, plus 1e-8.
    #[derive(Debug, Clone)]
    pub struct MixtureOfNormals {
        /// `[1, 2K, D]`: K means, then K variances before softplus.
        natural: Var,
        shape: Vec<usize>,
        components: usize,
        rows: Option<usize>,
        params: Params,
    }

    impl MixtureOfNormals {
        /// Over a shape, without the batch. Parameter: `natural`, `[1, 2K, D]`, D the product of the shape.
        ///
        /// # Errors
        /// A name that is taken.
        pub fn new(params: &Params, shape: &[usize], components: usize) -> Result<Self> {
            let values = shape.iter().product();
            let natural = params.normal("natural", &[1, 2 * components, values], 0.0, 1.0)?;
            Ok(Self { natural, shape: shape.to_vec(), components, rows: None, params: params.clone() })
        }

        /// Means and variances, `[1, K, D]`.
        fn components(&self) -> Result<(Tensor, Tensor)> {
            let natural = self.params.value(&self.natural);
            let raw = natural.narrow(1, self.components, self.components)?;
            let softplus = ops::softplus(&raw)?;
            Ok((natural.narrow(1, 0, self.components)?, (softplus + 1e-8)?))
        }
    }

    impl Distribution for MixtureOfNormals {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            fits("a mixture of normals", value, &self.shape)?;
            let (means, variances) = self.components()?;
            let z = value.flatten_from(1)?.unsqueeze(1)?;
            let squares = z.broadcast_sub(&means)?.sqr()?.broadcast_div(&variances)?;
            let each = (squares.broadcast_add(&variances.log()?)? + (2.0 * std::f64::consts::PI).ln())?;
            let joint = ((each.sum(2)? * -0.5)? - (self.components as f64).ln())?;
            let top = joint.max_keepdim(1)?.detach();
            (joint.broadcast_sub(&top)?.exp()?.sum_keepdim(1)?.log()? + top)?.squeeze(1)
        }

        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let count = rows_of("a mixture of normals", self.rows)?;
            let (means, variances) = self.components()?;
            let values: usize = self.shape.iter().product();
            let (dtype, device) = (self.params.dtype(), self.params.device());
            let scores = noise.uniform(name, &[count, self.components], dtype, device)?;
            let pick = scores.argmax(1)?;
            let epsilon = (noise.normal(name, &[count, values], dtype, device)? * draw.temperature)?;
            let (mean, variance) =
                (means.squeeze(0)?.index_select(&pick, 0)?, variances.squeeze(0)?.index_select(&pick, 0)?);
            (mean + (variance.sqrt()? * epsilon)?)?.reshape(batched(count, &self.shape))
        }

        /// The mean of the component with the highest peak.
        fn mode(&self) -> Result<Tensor> {
            let count = rows_of("a mixture of normals", self.rows)?;
            let (means, variances) = self.components()?;
            let pick = variances.log()?.sum(2)?.argmin(1)?;
            let mean = means.squeeze(0)?.index_select(&pick, 0)?;
            mean.broadcast_as((count, mean.dim(1)?))?.reshape(batched(count, &self.shape))
        }

        fn mean(&self) -> Result<Tensor> {
            let count = rows_of("a mixture of normals", self.rows)?;
            let mean = self.components()?.0.mean(1)?;
            mean.broadcast_as((count, mean.dim(1)?))?.reshape(batched(count, &self.shape))
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: self.rows.map(|rows| rows * samples), ..self.clone() }))
        }

        fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: Some(rows), ..self.clone() }))
        }
    }
}
