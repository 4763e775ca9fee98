//! The mixture of normals with parameters from a network (mixture density networks, Bishop 1994).

distribution! {
    /// A mixture of diagonal normals whose weights, means and variances come from a network (Bishop, 1994). Over a map,
    /// each position has a separate mixture over its channels. The head contains logits of the components, then the
    /// means of each component, then their log-variances; those from a network are clamped to [−7, 7].
    jumping normal_mixture: NormalMixture(NormalMixtureConfig {
        /// components of the mixture
        components: usize in 1..=1000 = 5,
    }),
    over: [Real],
    natural: [
        logits: Real of |config, _| config.components,
        means: Real of |config, channels| config.components.saturating_mul(channels),
        log_vars: Real of |config, channels| config.components.saturating_mul(channels),
    ],
    closed_forms: [],
    examples: [{ components: 3 } over [1], { components: 1 } over [2], { components: 2 } over [3, 2, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Distribution, Draw, Head, LOG_VAR_BOUND, Noise, Result, Tensor, bail, inside, ops};
    use std::f64::consts::PI;

    /// Σ_k softmax(logits)_k N(mean_k, diag(exp(log_var_k))) at each of P positions.
    #[derive(Debug, Clone)]
    pub struct NormalMixture {
        /// `[N, K, P]`
        logits: Tensor,
        /// `[N, K, C, P]`
        means: Tensor,
        /// `[N, K, C, P]`
        log_vars: Tensor,
        /// The shape of a value, with the batch: `[N, C, …]`.
        shape: Vec<usize>,
    }

    impl NormalMixture {
        /// From a network's output `[N, K (1 + 2C), …]`: logits, then means, then log-variances (clamped to [−7, 7]).
        /// The C channels of a component are consecutive.
        ///
        /// # Errors
        /// A number of channels that is not of this form.
        pub fn from_head(head: impl Into<Head>, components: usize) -> Result<Self> {
            let head = head.into();
            let dims = head.dims();
            let (rows, width) = (dims[0], dims[1]);
            let each = width / components;
            if width % components != 0 || each < 3 || each.is_multiple_of(2) {
                bail!("{components} normal components of C channels need {components} (1 + 2C) channels, not {width}");
            }
            let channels = (each - 1) / 2;
            let positions = dims[2..].iter().product::<usize>();
            let shape = [rows, channels].into_iter().chain(dims[2..].iter().copied()).collect();
            let part = |first: usize| -> Result<Tensor> {
                let part = head.narrow(1, first, components * channels)?.contiguous()?;
                part.reshape((rows, components, channels, positions))
            };
            let logits = head.narrow(1, 0, components)?.contiguous()?.reshape((rows, components, positions))?;
            let bound = head.bound(2, LOG_VAR_BOUND);
            let log_vars = part(components * (1 + channels))?.clamp(-bound, bound)?;
            Ok(Self { logits, means: part(components)?, log_vars, shape })
        }

        /// The values of one component at each position, `[N, C, P]`: `pick` is `[N, 1, P]`.
        fn picked(&self, of: &Tensor, pick: &Tensor) -> Result<Tensor> {
            let (rows, _, channels, positions) = of.dims4()?;
            let pick = pick.unsqueeze(2)?.broadcast_as((rows, 1, channels, positions))?.contiguous()?;
            of.contiguous()?.gather(&pick, 1)?.squeeze(1)
        }
    }

    impl Distribution for NormalMixture {
        /// Σ over positions of ln Σ_k softmax(logits)_k Π_c N(x_c; mean_kc, exp(log_var_kc)).
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            if value.dims() != self.shape {
                bail!(
                    "a mixture of normals over shape {:?} has no density at a value of shape {:?}",
                    self.shape,
                    value.dims()
                );
            }
            let (rows, _, channels, positions) = self.means.dims4()?;
            let value = value.reshape((rows, 1, channels, positions))?;
            let squares = (value.broadcast_sub(&self.means)?.sqr()? * self.log_vars.neg()?.exp()?)?;
            let each = ((squares + &self.log_vars)? + (2.0 * PI).ln())?.sum(2)?;
            let log_sum = |of: &Tensor| -> Result<Tensor> {
                let top = of.max_keepdim(1)?.detach();
                of.broadcast_sub(&top)?.exp()?.sum_keepdim(1)?.log()? + top
            };
            let joint = (&self.logits - (each * 0.5)?)?;
            (log_sum(&joint)? - log_sum(&self.logits)?)?.flatten_from(1)?.sum(1)
        }

        /// A component drawn by its weight, then a draw from it. There is no gradient, because the choice of the
        /// component is discrete.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let (logits, means, log_vars) = (self.logits.detach(), self.means.detach(), self.log_vars.detach());
            let (dtype, device) = (means.dtype(), means.device());
            let uniform = inside(&noise.uniform(name, logits.dims(), dtype, device)?)?;
            let pick = (logits - uniform.log()?.neg()?.log()?)?.argmax_keepdim(1)?;
            let (mean, log_var) = (self.picked(&means, &pick)?, self.picked(&log_vars, &pick)?);
            let epsilon = (noise.normal(name, mean.dims(), dtype, device)? * draw.temperature)?;
            (mean + ((log_var * 0.5)?.exp()? * epsilon)?)?.reshape(self.shape.as_slice())
        }

        /// The mean of the component with the highest peak, position by position.
        fn mode(&self) -> Result<Tensor> {
            let peaks = (&self.logits - (self.log_vars.sum(2)? * 0.5)?)?;
            self.picked(&self.means, &peaks.argmax_keepdim(1)?)?.reshape(self.shape.as_slice())
        }

        fn mean(&self) -> Result<Tensor> {
            let weights = self.logits.broadcast_sub(&self.logits.max_keepdim(1)?)?.exp()?;
            let weights = weights.broadcast_div(&weights.sum_keepdim(1)?)?.unsqueeze(2)?;
            self.means.broadcast_mul(&weights)?.sum(1)?.reshape(self.shape.as_slice())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            let of = |tensor: &Tensor| ops::repeat(tensor, samples);
            let mut shape = self.shape.clone();
            shape[0] *= samples;
            let (logits, means, log_vars) = (of(&self.logits)?, of(&self.means)?, of(&self.log_vars)?);
            Ok(Box::new(Self { logits, means, log_vars, shape }))
        }
    }
}
