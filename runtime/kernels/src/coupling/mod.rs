//! Affine couplings (Dinh et al. 2017): v = (z + t) · exp(s) on the part that a mask selects, with s = rescale ·
//! tanh(a). A network of the other part outputs a and t, concatenated.

mod affine;
mod context;
mod log_det;
#[cfg(test)]
mod tests;

use super::cuda::{self, Backend};
use super::reference;
use super::vector::Real;
use crate::arguments::Mask;
use crate::{Result, Tensor};
use affine::Affine;
use context::Context;
use log_det::LogDet;

/// The input of a coupling's network, from `[N, C, H, W]`: a checkerboard's kept pixels with zeros between them, or the
/// kept half of the channels, `[N, C/2, H, W]`.
///
/// # Errors
/// A tensor that is not `[N, C, H, W]`.
pub fn coupling_context(h: &Tensor, mask: Mask) -> Result<Tensor> {
    match Backend::of(h) {
        Backend::Cuda => cuda::coupling_context(h, mask),
        Backend::Host => crate::tape::op1(&h.contiguous()?, Context(Sizes::of(h, mask)?)),
        Backend::Candle => reference::coupling_context(h, mask),
    }
}

/// The coupling of `h`, `[N, C, H, W]`, or its inverse v · exp(−s) − t. `network` is `[N, 2c, H, W]`, with c = C for a
/// checkerboard and C/2 for channels: a, then t. `rescale` has c values.
///
/// # Errors
/// Shapes that do not fit.
pub fn coupling(h: &Tensor, network: &Tensor, rescale: &Tensor, mask: Mask, inverse: bool) -> Result<Tensor> {
    let sizes = Sizes::of(h, mask)?.fits(network, rescale)?;
    match Backend::of(h) {
        Backend::Cuda => cuda::coupling(h, network, rescale, mask, inverse),
        Backend::Host => {
            let op = Affine { sizes, inverse };
            crate::tape::op3(&h.contiguous()?, &network.contiguous()?, &rescale.contiguous()?, op)
        }
        Backend::Candle => reference::coupling(h, network, rescale, mask, inverse),
    }
}

/// log |∂v/∂z| of the coupling: Σ s over the changed part, `[N]` nats.
///
/// # Errors
/// Shapes that do not fit.
pub fn coupling_log_det(network: &Tensor, rescale: &Tensor, mask: Mask) -> Result<Tensor> {
    match Backend::of(network) {
        Backend::Cuda => cuda::coupling_log_det(network, rescale, mask),
        Backend::Host => {
            let (batch, twice, height, width) = network.dims4()?;
            let sizes = Sizes { batch, channels: twice / 2, height, width, mask }.changed_only();
            let sizes = sizes.fits(network, rescale)?;
            crate::tape::op2(&network.contiguous()?, &rescale.contiguous()?, LogDet(sizes))
        }
        Backend::Candle => reference::coupling_log_det(network, rescale, mask),
    }
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    /// The channels of the coupling's input.
    channels: usize,
    height: usize,
    width: usize,
    mask: Mask,
}

/// A channel of the coupling: its place in the input and, if it changes, the places of the network's outputs for it.
enum Plane {
    Kept,
    Changed(usize),
}

impl Sizes {
    fn of(h: &Tensor, mask: Mask) -> Result<Self> {
        let (batch, channels, height, width) = h.dims4()?;
        if matches!(mask, Mask::Channel { .. }) && channels % 2 != 0 {
            candle_core::bail!("a coupling of {channels} channels: they must be two halves");
        }
        Ok(Self { batch, channels, height, width, mask })
    }

    /// The sizes of the coupling, counted from the channels that change.
    fn changed_only(self) -> Self {
        match self.mask {
            Mask::Checkerboard { .. } => self,
            Mask::Channel { .. } => Self { channels: 2 * self.channels, ..self },
        }
    }

    fn fits(self, network: &Tensor, rescale: &Tensor) -> Result<Self> {
        let expected = [self.batch, 2 * self.changed(), self.height, self.width];
        if network.dims() != expected || rescale.elem_count() != self.changed() {
            candle_core::bail!(
                "a coupling needs its network's output of shape {expected:?} and {} scales, they are {:?} and {:?}",
                self.changed(),
                network.dims(),
                rescale.dims()
            );
        }
        Ok(self)
    }

    /// The number of channels with a scale and a shift.
    fn changed(&self) -> usize {
        match self.mask {
            Mask::Checkerboard { .. } => self.channels,
            Mask::Channel { .. } => self.channels / 2,
        }
    }

    fn pixels(&self) -> usize {
        self.height * self.width
    }

    fn image(&self) -> usize {
        self.channels * self.pixels()
    }

    fn plane(&self, channel: usize) -> Plane {
        let half = self.channels / 2;
        match self.mask {
            Mask::Checkerboard { .. } => Plane::Changed(channel),
            Mask::Channel { reversed: false } if channel < half => Plane::Changed(channel),
            Mask::Channel { reversed: true } if channel >= half => Plane::Changed(channel - half),
            Mask::Channel { .. } => Plane::Kept,
        }
    }

    /// 1 for a plane's pixels that change, 0 for the others.
    fn change<T: Real>(&self) -> Vec<T> {
        let Mask::Checkerboard { reversed } = self.mask else { return vec![T::one(); self.pixels()] };
        let changes = |at: usize| (at / self.width + at % self.width + usize::from(reversed)).is_multiple_of(2);
        (0..self.pixels()).map(|at| if changes(at) { T::one() } else { T::zero() }).collect()
    }

    /// The first channel and the number of channels of the network's input, if it consists of whole channels.
    fn context(&self) -> Option<(usize, usize)> {
        match self.mask {
            Mask::Checkerboard { .. } => None,
            Mask::Channel { reversed } => Some((if reversed { 0 } else { self.channels / 2 }, self.channels / 2)),
        }
    }
}

/// The network's two outputs for a channel that changes.
fn halves<'a, T>(network: &'a [T], image: usize, at: usize, sizes: &Sizes) -> (&'a [T], &'a [T]) {
    let (pixels, changed) = (sizes.pixels(), sizes.changed());
    let image = &network[image * 2 * changed * pixels..][..2 * changed * pixels];
    (&image[at * pixels..][..pixels], &image[(changed + at) * pixels..][..pixels])
}

/// The same of an image's outputs.
fn halves_mut<'a, T>(image: &'a mut [T], at: usize, sizes: &Sizes) -> (&'a mut [T], &'a mut [T]) {
    let (pixels, changed) = (sizes.pixels(), sizes.changed());
    let (first, second) = image.split_at_mut(changed * pixels);
    (&mut first[at * pixels..][..pixels], &mut second[at * pixels..][..pixels])
}

/// The sums over all images of a value for each channel that changes, in order.
fn sum_of_images(values: &[f64], sizes: &Sizes) -> Vec<f64> {
    let mut sums = vec![0.0; sizes.changed()];
    for image in values.chunks_exact(sizes.changed().max(1)) {
        sums.iter_mut().zip(image).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// ∂s/∂a.
#[inline(always)]
fn slope<T: Real, const FUSED: bool>(rescale: T, a: T) -> T {
    let tanh = a.tanh::<FUSED>();
    rescale * (T::one() - tanh * tanh)
}
