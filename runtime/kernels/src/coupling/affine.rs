//! The affine map and its inverse.

use super::{Plane, Sizes, halves, halves_mut, slope, sum_of_images};
use crate::cpu::{Values, each_row, each_row_beside, slice};
use crate::profile::timed;
use crate::vector::{self, Loop, Real, by_real, total};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};

pub struct Affine {
    pub sizes: Sizes,
    pub inverse: bool,
}

impl CustomOp3 for Affine {
    fn name(&self) -> &'static str {
        "coupling"
    }

    fn cpu_fwd(
        &self,
        h: &CpuStorage,
        h_layout: &Layout,
        network: &CpuStorage,
        network_layout: &Layout,
        rescale: &CpuStorage,
        rescale_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = &self.sizes;
        timed(self.name(), || {
            by_real!(self.name(), h.dtype(), T => {
                let (h, network) = (slice::<T>(h, h_layout)?, slice(network, network_layout)?);
                let (rescale, change) = (slice::<T>(rescale, rescale_layout)?, sizes.change::<T>());
                let (pixels, mut out) = (sizes.pixels(), h.to_vec());
                each_row(&mut out, pixels, h.len(), |number, out| {
                    let (image, channel) = (number / sizes.channels, number % sizes.channels);
                    if let Plane::Changed(at) = sizes.plane(channel) {
                        let (a, t) = halves(network, image, at, sizes);
                        vector::run(Forward { rescale: rescale[at], inverse: self.inverse, a, t, change: &change, out });
                    }
                });
                Ok((T::to_cpu_storage_owned(out), h_layout.shape().clone()))
            })
        })
    }

    fn bwd(
        &self,
        h: &Tensor,
        network: &Tensor,
        rescale: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (sizes, gradient) = (&self.sizes, gradient.contiguous()?);
        timed("coupling_gradient", || {
            by_real!(self.name(), h.dtype(), T => {
                let (source, network_values) = (Values::<T>::of(h)?, Values::<T>::of(network)?);
                let (out, rescale_values) = (Values::<T>::of(out)?, Values::<T>::of(rescale)?);
                let (pixels, change, mut for_h) = (sizes.pixels(), sizes.change::<T>(), Values::<T>::of(&gradient)?.to_vec());
                let mut for_network = vec![T::default(); network_values.len()];
                let mut for_rescale = vec![0.0; sizes.batch * sizes.changed()];
                let images = for_h.chunks_mut(sizes.image().max(1)).zip(for_rescale.chunks_mut(sizes.changed().max(1)));
                let row = network_values.len() / sizes.batch.max(1);
                each_row_beside(&mut for_network, row, source.len(), &mut images.collect::<Vec<_>>(), |image, to, beside| {
                    let (for_h, for_rescale) = beside;
                    for (channel, gradient) in for_h.chunks_mut(pixels).enumerate() {
                        let Plane::Changed(at) = sizes.plane(channel) else { continue };
                        let (a, _) = halves(&network_values, image, at, sizes);
                        let (for_a, for_t) = halves_mut(to, at, sizes);
                        let moved = &if self.inverse { &source } else { &out }[(image * sizes.channels + channel) * pixels..];
                        for_rescale[at] = vector::run(Backward {
                            rescale: rescale_values[at],
                            inverse: self.inverse,
                            a,
                            moved: &moved[..pixels],
                            change: &change,
                            gradient,
                            for_a,
                            for_t,
                        });
                    }
                });
                let for_rescale: Vec<T> = sum_of_images(&for_rescale, sizes).into_iter().map(T::from_f64).collect();
                Ok((
                    Some(Tensor::from_vec(for_h, h.shape(), h.device())?),
                    Some(Tensor::from_vec(for_network, network.shape(), h.device())?),
                    Some(Tensor::from_vec(for_rescale, rescale.shape(), h.device())?),
                ))
            })
        })
    }
}

/// A plane in the forward pass. `out` initially contains the input.
struct Forward<'a, T> {
    rescale: T,
    inverse: bool,
    a: &'a [T],
    t: &'a [T],
    change: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Loop for Forward<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let sign = if self.inverse { T::zero() - T::one() } else { T::one() };
        for (((out, a), t), change) in self.out.iter_mut().zip(self.a).zip(self.t).zip(self.change) {
            let factor = (sign * *change * self.rescale * a.tanh::<FUSED>()).exp::<FUSED>();
            let shift = *change * *t;
            *out = if self.inverse { *out * factor - shift } else { (*out + shift) * factor };
        }
    }
}

/// A plane in the backward pass. `gradient` is initially that of the output, and finally that of the input. The sum is
/// the gradient of the channel's scale.
struct Backward<'a, T> {
    rescale: T,
    inverse: bool,
    a: &'a [T],
    /// v, on which the gradient of s depends: the output, or the input of the inverse.
    moved: &'a [T],
    change: &'a [T],
    gradient: &'a mut [T],
    for_a: &'a mut [T],
    for_t: &'a mut [T],
}

impl<T: Real> Loop for Backward<'_, T> {
    type Output = f64;
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let sign = if self.inverse { T::zero() - T::one() } else { T::one() };
        let each = self.gradient.iter_mut().zip(self.moved).zip(self.change);
        for (((gradient, moved), change), ((a, for_a), for_t)) in
            each.zip(self.a.iter().zip(self.for_a.iter_mut()).zip(self.for_t))
        {
            let tanh = a.tanh::<FUSED>();
            let factor = (sign * *change * self.rescale * tanh).exp::<FUSED>();
            let through = *gradient * factor;
            // ∂v/∂s = v; ∂z/∂s = −v exp(−s).
            let for_s = sign * *change * *moved * if self.inverse { through } else { *gradient };
            *for_t = *change * if self.inverse { sign * *gradient } else { through };
            *gradient = through;
            *for_a = for_s;
        }
        let sum = total([&*self.for_a, self.a], |[for_s, a]| for_s * a.tanh::<FUSED>());
        for (for_a, a) in self.for_a.iter_mut().zip(self.a) {
            *for_a *= slope::<T, FUSED>(self.rescale, *a);
        }
        sum
    }
}
