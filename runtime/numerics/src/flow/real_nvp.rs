//! RealNVP (Dinh et al. 2017) over several scales.

use super::{Bijector, Coupling, Mask, Order, squeeze, unsqueeze};
use crate::{Params, Result, Tensor};

/// Configuration of a [`RealNvp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealNvpConfig {
    /// Scales; at each but the last half of the channels leave.
    pub scales: usize,
    /// Growth of the dense layer in a coupling.
    pub growth: usize,
    /// Steps of the dense layer in a coupling.
    pub steps: usize,
}

/// At each scale but the last: three checkerboard couplings, a squeeze, three channel-wise ones, and half of the channels
/// goes on to the next; at the last, four checkerboard couplings.
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
    /// A shape that is not `[channels, height, width]` or does not halve often enough.
    pub fn new(params: &Params, shape: &[usize], config: RealNvpConfig) -> Result<Self> {
        let &[channels, height, width] = shape else {
            candle_core::bail!("RealNVP is over [channels, height, width], not {shape:?}");
        };
        let halvings = config.scales.saturating_sub(1) as u32;
        let step = 2usize.saturating_pow(halvings);
        if config.scales == 0 || height % step != 0 || width % step != 0 {
            candle_core::bail!("RealNVP of {} scales halves {height}x{width} pixels {halvings} times", config.scales);
        }
        Self::scale(params, channels, config, 0)
    }

    fn scale(params: &Params, channels: usize, config: RealNvpConfig, scale: usize) -> Result<Self> {
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
