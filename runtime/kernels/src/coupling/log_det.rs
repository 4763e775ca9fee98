//! The log-determinant.

use super::{Sizes, halves, halves_mut, slope, sum_of_images};
use crate::cpu::{Values, each_row, each_row_beside, slice};
use crate::profile::timed;
use crate::vector::{self, Loop, Real, by_real, total};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape, WithDType};

pub struct LogDet(pub Sizes);

impl CustomOp2 for LogDet {
    fn name(&self) -> &'static str {
        "coupling_log_det"
    }

    fn cpu_fwd(
        &self,
        network: &CpuStorage,
        network_layout: &Layout,
        rescale: &CpuStorage,
        rescale_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = &self.0;
        timed("coupling", || {
            by_real!(self.name(), network.dtype(), T => {
                let (network, rescale) = (slice::<T>(network, network_layout)?, slice::<T>(rescale, rescale_layout)?);
                let (change, mut sums) = (sizes.change::<T>(), vec![T::default(); sizes.batch]);
                each_row(&mut sums, 1, network.len(), |image, sum| {
                    let planes = rescale.iter().enumerate().map(|(at, rescale)| {
                        rescale.to_f64() * vector::run(Planes { a: halves(network, image, at, sizes).0, change: &change })
                    });
                    sum[0] = T::from_f64(planes.sum());
                });
                Ok((T::to_cpu_storage_owned(sums), sizes.batch.into()))
            })
        })
    }

    fn bwd(
        &self,
        network: &Tensor,
        rescale: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (sizes, gradient) = (&self.0, gradient.contiguous()?);
        timed("coupling_gradient", || {
            by_real!(self.name(), network.dtype(), T => {
                let (values, scales) = (Values::<T>::of(network)?, Values::<T>::of(rescale)?);
                let (by, change) = (Values::<T>::of(&gradient)?, sizes.change::<T>());
                let mut for_network = vec![T::default(); values.len()];
                let mut for_rescale = vec![0.0; sizes.batch * sizes.changed()];
                let mut beside: Vec<_> = for_rescale.chunks_mut(sizes.changed().max(1)).collect();
                let row = values.len() / sizes.batch.max(1);
                each_row_beside(&mut for_network, row, values.len(), &mut beside, |image, to, for_rescale| {
                    for (at, rescale) in scales.iter().enumerate() {
                        let (a, _) = halves(&values, image, at, sizes);
                        let (out, _) = halves_mut(to, at, sizes);
                        for_rescale[at] = by[image].to_f64() * vector::run(Planes { a, change: &change });
                        vector::run(LogDetSlopes { by: by[image], rescale: *rescale, a, change: &change, out });
                    }
                });
                let for_rescale: Vec<T> = sum_of_images(&for_rescale, sizes).into_iter().map(T::from_f64).collect();
                Ok((
                    Some(Tensor::from_vec(for_network, network.shape(), network.device())?),
                    Some(Tensor::from_vec(for_rescale, rescale.shape(), network.device())?),
                ))
            })
        })
    }
}

/// Σ tanh(a) over the changed part.
struct Planes<'a, T> {
    a: &'a [T],
    change: &'a [T],
}

impl<T: Real> Loop for Planes<'_, T> {
    type Output = f64;
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        total([self.a, self.change], |[a, change]| change * a.tanh::<FUSED>())
    }
}

struct LogDetSlopes<'a, T> {
    by: T,
    rescale: T,
    a: &'a [T],
    change: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Loop for LogDetSlopes<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for ((out, a), change) in self.out.iter_mut().zip(self.a).zip(self.change) {
            *out = self.by * *change * slope::<T, FUSED>(self.rescale, *a);
        }
    }
}
