//! Activation normalisation (Kingma and Dhariwal 2018).

use crate::prelude::*;

flow! {
    /// A learned scale and shift for each channel. The first batch initialises them so that each channel has mean 0 and
    /// standard deviation 1.
    both actnorm: ActNorm(ActNormConfig {}),
    examples: [{} over [3], {} over [2, 3, 2]],
}

fn fits(_: &ActNormConfig, shape: &[usize]) -> Result<(), String> {
    if shape.is_empty() { Err("needs channels".to_owned()) } else { Ok(()) }
}

fn cost(_: &ActNormConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    Cost::held(2 * shape.first().copied().unwrap_or(0) as u64) + Cost::of_values(count(shape) as u64)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::ActNormConfig;
    use crate::tensors::{Bijector, Params, Phase, Result, Tensor, Var};

    /// A variance below this counts as 0.
    const FLAT: f64 = 1e-8;

    /// v = (z + shift) · exp(log_scale), channel by channel.
    #[derive(Debug, Clone)]
    pub struct ActNorm {
        shift: Var,
        log_scale: Var,
        params: Params,
        positions: usize,
    }

    impl ActNorm {
        /// Parameters: `shift` and `log_scale`, one for each channel.
        ///
        /// # Errors
        /// A shape without channels.
        pub fn new(params: &Params, shape: &[usize], config: ActNormConfig) -> Result<Self> {
            config.check(shape)?;
            Ok(Self {
                shift: params.constant("shift", &shape[..1], 0.0)?,
                log_scale: params.constant("log_scale", &shape[..1], 0.0)?,
                params: params.clone(),
                positions: shape[1..].iter().product(),
            })
        }

        /// Initialises both so that each channel of the draws (or, towards the base, of the result) has mean 0 and
        /// variance 1.
        fn initialise(&self, x: &Tensor, drawn: bool) -> Result<()> {
            let channels = x.detach().transpose(0, 1)?.flatten_from(1)?;
            let mean = channels.mean_keepdim(1)?;
            let variance = channels.broadcast_sub(&mean)?.sqr()?.mean(1)?;
            let flat = variance.lt(FLAT)?;
            let log_deviation = flat.where_cond(&variance.zeros_like()?, &((variance + FLAT)?.log()? * 0.5)?)?;
            let mean = mean.squeeze(1)?;
            match drawn {
                false => {
                    self.shift.set(&mean.neg()?)?;
                    self.log_scale.set(&log_deviation.neg()?)?;
                }
                true => {
                    self.shift.set(&(mean * log_deviation.neg()?.exp()?)?)?;
                    self.log_scale.set(&log_deviation)?;
                }
            }
            self.params.touch();
            Ok(())
        }

        /// Shift and log-scale, broadcastable to `x`, and log |∂v/∂z| of each row.
        fn parts(&self, x: &Tensor) -> Result<[Tensor; 3]> {
            let (shift, log_scale) = (self.params.value(&self.shift), self.params.value(&self.log_scale));
            let mut shape = vec![1; x.rank()];
            shape[1] = shift.elem_count();
            let log_det = (log_scale.sum_all()? * self.positions as f64)?.broadcast_as(x.dim(0)?)?;
            Ok([shift.reshape(shape.as_slice())?, log_scale.reshape(shape.as_slice())?, log_det])
        }
    }

    impl Bijector for ActNorm {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            if self.params.phase() == Phase::Initialisation {
                self.initialise(z, false)?;
            }
            let [shift, log_scale, log_det] = self.parts(z)?;
            Ok((z.broadcast_add(&shift)?.broadcast_mul(&log_scale.exp()?)?, log_det))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            self.drawn(v).map(|(z, _)| z)
        }

        fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
            if self.params.phase() == Phase::Initialisation {
                self.initialise(v, true)?;
            }
            let [shift, log_scale, log_det] = self.parts(v)?;
            Ok((v.broadcast_mul(&log_scale.neg()?.exp()?)?.broadcast_sub(&shift)?, log_det))
        }
    }
}
