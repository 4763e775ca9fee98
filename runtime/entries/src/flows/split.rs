//! Factors channels out of a flow (Dinh et al. 2017, Kingma and Dhariwal 2018).

use crate::prelude::*;

flow! {
    /// Half of the channels continue to the base. The other half is factored out with its own density: a normal, whose
    /// mean and log-variance come from a convolution (for a vector: an affine map) of the first half, or the standard
    /// normal.
    both split: Split(SplitConfig {
        /// the density of the half that is factored out
        prior: word in [normal, standard_normal] = normal,
    }),
    kind: reshapes,
    examples: [
        { prior: "normal" } over [4],
        { prior: "normal" } over [2, 2, 3],
        { prior: "standard_normal" } over [3, 2, 2],
    ],
}

fn inner(_: &SplitConfig, shape: &[usize]) -> Result<Vec<usize>, String> {
    match shape {
        [channels] | [channels, _, _] if *channels > 1 => {
            let mut shape = shape.to_vec();
            shape[0] = channels.div_ceil(2);
            Ok(shape)
        }
        _ => Err("needs [features] or [channels, height, width] with two channels or more".to_owned()),
    }
}

/// Height and width of the convolution's kernel.
fn kernel(shape: &[usize]) -> usize {
    if shape.len() == 1 { 1 } else { 3 }
}

fn cost(config: &SplitConfig, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let (channels, elements) = (shape.first().copied().unwrap_or(0), count(shape) as u64);
    let positions = count(shape.get(1..).unwrap_or_default()) as u64;
    let network = match config.prior {
        "normal" => conv(channels.div_ceil(2) as u64, 2 * (channels / 2) as u64, kernel(shape) as u64, positions),
        _ => Cost::default(),
    };
    network + Cost::of_values(elements)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::{SplitConfig, kernel};
    use crate::distributions::normal::Normal;
    use crate::tensors::{
        Bijector, Distribution, Draw, Noise, NormConv, Params, Result, Shape2d, Tensor, Ways, map, unmap,
    };

    /// The first channels continue; log p(the others | the first) is added to the log-density.
    #[derive(Debug, Clone)]
    pub struct Split {
        network: Option<NormConv>,
        inner: Vec<usize>,
        left: usize,
    }

    impl Split {
        /// Parameters: those of the convolution, if the prior is a normal.
        ///
        /// # Errors
        /// A single channel.
        pub fn new(params: &Params, shape: &[usize], config: SplitConfig) -> Result<Self> {
            let inner = config.inner(shape)?;
            let left = shape[0] - inner[0];
            let network = match config.prior {
                "normal" => Some(NormConv::new(params, inner[0], 2 * left, kernel(shape), Shape2d::Stride(1))?),
                _ => None,
            };
            Ok(Self { network, inner, left })
        }

        /// The density of the channels that are factored out.
        fn prior(&self, on: &Tensor) -> Result<Normal> {
            match &self.network {
                Some(network) => Normal::from_head(&unmap(&network.forward(&map(on)?)?, on)?),
                None => {
                    let mean = on.narrow(1, 0, self.left)?.zeros_like()?;
                    Ok(Normal { log_var: mean.clone(), mean })
                }
            }
        }
    }

    impl Bijector for Split {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let on = z.narrow(1, 0, self.inner[0])?.contiguous()?;
            let log_prob = self.prior(&on)?.log_prob(&z.narrow(1, self.inner[0], self.left)?.contiguous()?)?;
            Ok((on, log_prob))
        }

        /// The channels that are not determined by v have their mean.
        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            Tensor::cat(&[v, &self.prior(v)?.mode()?], 1)
        }

        fn sample(&self, v: &Tensor, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            Tensor::cat(&[v, &self.prior(v)?.sample(name, noise, draw)?], 1)
        }

        fn sample_scored(&self, v: &Tensor, name: &str, noise: &mut Noise, draw: &Draw) -> Result<(Tensor, Tensor)> {
            let (rest, log_prob) = self.prior(v)?.sample_scored(name, noise, draw)?;
            Ok((Tensor::cat(&[v, &rest], 1)?, log_prob))
        }

        fn inner(&self) -> &[usize] {
            &self.inner
        }

        fn ways(&self) -> Ways {
            Ways::Split
        }
    }
}
