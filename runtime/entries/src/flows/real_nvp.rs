//! RealNVP (Dinh et al. 2017) over several scales.

use crate::prelude::*;

flow! {
    /// RealNVP. Every scale but the last has three checkerboard couplings, a squeeze and three channel-wise couplings,
    /// and passes half of the channels to the next scale. The last scale has four checkerboard couplings. As the whole
    /// right-hand side of a root, it transforms `standard_normal`.
    both real_nvp: RealNvp(RealNvpConfig {
        /// number of scales, each with half the height and width of the one before
        scales: usize in 1..=8 = 2,
        /// channels that each step of a coupling's dense layer adds
        growth: usize in 1..=4096 = 64,
        /// bottlenecks in a coupling's dense layer
        steps: usize in 1..=256 = 5,
    }),
    examples: [
        { scales: 1, growth: 2, steps: 2 } over [1, 3, 2],
        { scales: 2, growth: 2, steps: 2 } over [2, 4, 2],
        { scales: 3, growth: 2, steps: 2 } over [1, 4, 4],
    ],
}

fn fits(config: &RealNvpConfig, shape: &[usize]) -> Result<(), String> {
    let (_, height, width) = planes(&[shape])?;
    let halvings = config.scales.max(1) - 1;
    let factor = 1 << halvings.min(31);
    if height % factor != 0 || width % factor != 0 {
        return Err(format!("halves height and width {halvings} times, and needs them divisible by {factor}"));
    }
    Ok(())
}

fn cost(config: &RealNvpConfig, inputs: &[&[usize]]) -> Cost {
    let Ok((channels, height, width)) = planes(inputs) else { return Cost::default() };
    let (mut channels, mut positions) = (channels as u64, (height as u64).saturating_mul(width as u64));
    let (growth, steps) = (config.growth as u64, config.steps as u64);
    // A coupling reads `seen` channels and outputs a scale and a shift for each; the scale has a weight-normalised
    // gain. Input and output are kept for the backward pass.
    let couplings = |count: u64, seen: u64, positions: u64| -> Cost {
        let gain = Cost::held(seen.saturating_mul(2));
        let stack = dense_channels(seen, growth, steps);
        let one = dense_layer(seen, growth, steps, positions)
            + conv(stack, seen.saturating_mul(2), 3, positions)
            + gain
            + Cost::of_values(seen.saturating_mul(2).saturating_mul(positions));
        (0..count).map(|_| one.clone()).sum()
    };
    let mut total = Cost::default();
    for _ in 1..config.scales {
        total = total + couplings(3, channels, positions);
        positions /= 4;
        total = total + couplings(3, channels.saturating_mul(2), positions);
        channels = channels.saturating_mul(2);
    }
    total + couplings(4, channels, positions)
}

#[cfg(feature = "tensors")]
mod tensors {
    use super::RealNvpConfig;
    use crate::tensors::{Bijector, Coupling, Mask, Order, Params, Result, Tensor, squeeze, unsqueeze};

    /// Every scale but the last has three checkerboard couplings, a squeeze and three channel-wise couplings, and
    /// passes half of the channels to the next scale. The last has four checkerboard couplings.
    #[derive(Debug, Clone)]
    pub struct RealNvp {
        inner: Vec<Coupling>,
        outer: Vec<Coupling>,
        next: Option<Box<RealNvp>>,
    }

    impl RealNvp {
        /// Over `[channels, height, width]`. Parameters: `scale.S.inner.I`, `scale.S.outer.I`.
        ///
        /// # Errors
        /// A shape that is not `[channels, height, width]`, or whose sizes cannot be halved often enough.
        pub fn new(params: &Params, shape: &[usize], config: RealNvpConfig) -> Result<Self> {
            config.check(shape)?;
            Self::scale(params, shape[0], &config, 0)
        }

        fn scale(params: &Params, channels: usize, config: &RealNvpConfig, scale: usize) -> Result<Self> {
            let last = scale + 1 == config.scales;
            let at = params.at(&format!("scale.{scale}"));
            let coupling = |kind: &str, index: usize, channels: usize, mask: Mask| {
                Coupling::new(&at.at(&format!("{kind}.{index}")), channels, config.growth, config.steps, mask)
            };
            let inner = (0..if last { 4 } else { 3 })
                .map(|i| coupling("inner", i, channels, Mask::Checkerboard { reversed: i % 2 == 1 }))
                .collect::<Result<_>>()?;
            if last {
                return Ok(Self { inner, outer: Vec::new(), next: None });
            }
            let outer = (0..3)
                .map(|i| coupling("outer", i, 4 * channels, Mask::Channel { reversed: i % 2 == 1 }))
                .collect::<Result<_>>()?;
            let next = Self::scale(params, 2 * channels, config, scale + 1)?;
            Ok(Self { inner, outer, next: Some(Box::new(next)) })
        }
    }

    impl Bijector for RealNvp {
        fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
            let mut h = z.clone();
            let mut total = Tensor::zeros(z.dim(0)?, z.dtype(), z.device())?;
            let mut through = |h: &mut Tensor, couplings: &[Coupling]| -> Result<()> {
                for coupling in couplings {
                    let (out, log_det) = coupling.forward(h)?;
                    (*h, total) = (out, (&total + log_det)?);
                }
                Ok(())
            };
            through(&mut h, &self.inner)?;
            let Some(next) = &self.next else { return Ok((h, total)) };
            h = squeeze(&h, Order::Plain)?;
            through(&mut h, &self.outer)?;
            let h = squeeze(&unsqueeze(&h, Order::Plain)?, Order::Alternate)?;
            let half = h.dim(1)? / 2;
            let (on, out) = (h.narrow(1, 0, half)?.contiguous()?, h.narrow(1, half, half)?);
            let (on, log_det) = next.forward(&on)?;
            Ok((unsqueeze(&Tensor::cat(&[&on, &out], 1)?, Order::Alternate)?, (total + log_det)?))
        }

        fn inverse(&self, v: &Tensor) -> Result<Tensor> {
            let mut h = v.clone();
            if let Some(next) = &self.next {
                let squeezed = squeeze(&h, Order::Alternate)?;
                let half = squeezed.dim(1)? / 2;
                let on = next.inverse(&squeezed.narrow(1, 0, half)?.contiguous()?)?;
                h = unsqueeze(&Tensor::cat(&[&on, &squeezed.narrow(1, half, half)?], 1)?, Order::Alternate)?;
                h = squeeze(&h, Order::Plain)?;
                for coupling in self.outer.iter().rev() {
                    h = coupling.inverse(&h)?;
                }
                h = unsqueeze(&h, Order::Plain)?;
            }
            for coupling in self.inner.iter().rev() {
                h = coupling.inverse(&h)?;
            }
            Ok(h)
        }
    }
}
