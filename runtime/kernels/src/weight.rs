//! Weight normalisation (Salimans and Kingma 2016).

use super::cpu::{Values, filled_beside, filled_rows, slice};
use super::cuda::{self, Backend};
use super::normalise::DEPTH;
use super::profile::timed;
use super::vector::{self, Loop, Real, by_real, is_wide, totals_of};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Shape, WithDType};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// g · v / ‖v‖, the norm over all dimensions but `dim`; `g` has size 1 in every other dimension.
///
/// # Errors
/// Shapes that do not fit.
pub fn weight_norm(v: &Tensor, g: &Tensor, dim: usize) -> Result<Tensor> {
    let fits = dim < v.rank() && g.rank() == v.rank() && g.elem_count() == v.dim(dim)? && g.dim(dim)? == v.dim(dim)?;
    if !fits {
        candle_core::bail!("a weight of {:?} with scales of {:?} along dimension {dim}", v.dims(), g.dims());
    }
    match Backend::of(v) {
        Backend::Cuda => cuda::weight_norm(v, g, dim),
        Backend::Host if matches!(v.dtype(), DType::F32 | DType::F64) => {
            let parts = Parts {
                rows: v.dims()[..dim].iter().product(),
                norms: v.dim(dim)?,
                inner: v.dims()[dim + 1..].iter().product(),
            };
            crate::tape::op2(&v.contiguous()?, &g.contiguous()?, Norm(parts))
        }
        Backend::Host | Backend::Candle => super::reference::weight_norm(v, g, dim),
    }
}

/// A tensor as `[rows, norms, inner]`: a norm is that of a run of `inner` values in each row.
#[derive(Debug, Clone, Copy)]
struct Parts {
    rows: usize,
    norms: usize,
    inner: usize,
}

/// The rows whose products are added up in the values' own type.
const BLOCK: usize = 32;

/// Sums of the first's products with each, itself included.
struct Products<'a, T, const N: usize>([&'a [T]; N]);

impl<T: Real, const N: usize> Loop for Products<'_, T, N> {
    type Output = [f64; N];
    const WIDE: bool = is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> [f64; N] {
        totals_of::<T, N, N, DEPTH>(self.0, |values| values.map(|value| values[0] * value))
    }
}

/// `to += a · b`, value by value.
struct AddProducts<'a, T> {
    to: &'a mut [T],
    factors: [&'a [T]; 2],
}

impl<T: Real> Loop for AddProducts<'_, T> {
    type Output = ();
    const WIDE: bool = is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [a, b] = self.factors;
        for ((to, a), b) in self.to.iter_mut().zip(a).zip(b) {
            *to += *a * *b;
        }
    }
}

/// What values are multiplied by: all by the same, or each by its own.
#[derive(Clone, Copy)]
enum Factors<'a, T, const N: usize> {
    Same([T; N]),
    Each([&'a [T]; N]),
}

/// `out = Σ values · factor`, value by value.
struct Combine<'a, T, const N: usize> {
    out: &'a mut [MaybeUninit<T>],
    values: [&'a [T]; N],
    factors: Factors<'a, T, N>,
}

impl<T: Real, const N: usize> Loop for Combine<'_, T, N> {
    type Output = ();
    const WIDE: bool = is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let len = self.out.len();
        let values = self.values.map(|values| &values[..len]);
        let sum = |i: usize, factors: [T; N]| {
            let first = values[0][i] * factors[0];
            (1..N).fold(first, |sum, n| sum + values[n][i] * factors[n])
        };
        match self.factors {
            Factors::Same(factors) => {
                for (i, out) in self.out.iter_mut().enumerate() {
                    out.write(sum(i, factors));
                }
            }
            Factors::Each(factors) => {
                let factors = factors.map(|factors| &factors[..len]);
                for (i, out) in self.out.iter_mut().enumerate() {
                    out.write(sum(i, factors.map(|factors| factors[i])));
                }
            }
        }
    }
}

impl Parts {
    fn row(self) -> usize {
        self.norms * self.inner
    }

    /// For each norm, the sums over its values of the first tensor's products with each, itself included, in order.
    fn sums<T: Real, const N: usize>(self, tensors: [&[T]; N]) -> Vec<[f64; N]> {
        let row = self.row();
        let blocks: Vec<usize> = (0..self.rows).step_by(BLOCK).collect();
        let parts = blocks.into_par_iter().map(|first| {
            let rows = first * row..self.rows.min(first + BLOCK) * row;
            tensors.map(|other| {
                let mut sums = vec![T::default(); row];
                for at in rows.clone().step_by(row) {
                    vector::run(AddProducts {
                        to: &mut sums,
                        factors: [tensors[0], other].map(|values| &values[at..at + row]),
                    });
                }
                sums
            })
        });
        let mut total = vec![[0.0; N]; self.norms];
        for part in parts.collect::<Vec<_>>() {
            for (which, sums) in part.iter().enumerate() {
                for (total, run) in total.iter_mut().zip(sums.chunks_exact(self.inner)) {
                    total[which] += run.iter().map(|value| value.to_f64()).sum::<f64>();
                }
            }
        }
        total
    }

    /// A value of each norm at all places of its run.
    fn spread<T: Real>(self, values: impl Iterator<Item = f64>) -> Vec<T> {
        values.flat_map(|value| std::iter::repeat_n(T::from_f64(value), self.inner)).collect()
    }
}

struct Norm(Parts);

impl Norm {
    fn forward<T: Real>(&self, v: &[T], g: &[T]) -> Vec<T> {
        let Parts { rows, norms, inner } = self.0;
        let scale = |at: usize, square: f64| g[at].to_f64() / square.sqrt();
        if rows == 1 {
            let write = |at: usize, out: &mut [MaybeUninit<T>]| {
                let v = &v[at * inner..][..inner];
                let [square] = vector::run(Products([v]));
                let factors = Factors::Same([T::from_f64(scale(at, square))]);
                vector::run(Combine { out, values: [v], factors });
            };
            // SAFETY: every run is written.
            return unsafe { filled_rows(norms * inner, inner, norms * inner, write) };
        }
        let squares = self.0.sums([v]);
        let scales = self.0.spread(squares.iter().enumerate().map(|(at, [square])| scale(at, *square)));
        let write = |at: usize, out: &mut [MaybeUninit<T>]| {
            vector::run(Combine { out, values: [&v[at * norms * inner..]], factors: Factors::Each([&scales]) });
        };
        // SAFETY: every row is written.
        unsafe { filled_rows(v.len(), norms * inner, v.len(), write) }
    }

    /// Gradients of v: (g/‖v‖) (dw − v (v·dw)/‖v‖²), and those of g, (v·dw)/‖v‖.
    fn backward<T: Real>(&self, v: &[T], g: &[T], gradient: &[T]) -> [Vec<T>; 2] {
        let Parts { rows, norms, inner } = self.0;
        let factors = |at: usize, [square, product]: [f64; 2]| {
            let norm = square.sqrt();
            let scale = g[at].to_f64() / norm;
            ([scale, -scale * product / square], T::from_f64(product / norm))
        };
        if rows == 1 {
            let mut for_g = vec![T::default(); norms];
            let write = |at: usize, out: &mut [MaybeUninit<T>], for_g: &mut [T]| {
                let (v, gradient) = (&v[at * inner..][..inner], &gradient[at * inner..][..inner]);
                let (factors, of_g) = factors(at, vector::run(Products([v, gradient])));
                for_g.fill(of_g);
                let factors = Factors::Same(factors.map(T::from_f64));
                vector::run(Combine { out, values: [gradient, v], factors });
            };
            // SAFETY: every run is written.
            let for_v = unsafe { filled_beside(norms * inner, inner, norms * inner, &mut for_g, write) };
            return [for_v, for_g];
        }
        let found: Vec<_> =
            self.0.sums([v, gradient]).into_iter().enumerate().map(|(at, sums)| factors(at, sums)).collect();
        let [scales, along] = [0, 1].map(|which| self.0.spread(found.iter().map(|(factors, _)| factors[which])));
        let write = |at: usize, out: &mut [MaybeUninit<T>]| {
            let values = [gradient, v].map(|values| &values[at * norms * inner..]);
            vector::run(Combine { out, values, factors: Factors::Each([&scales, &along]) });
        };
        // SAFETY: every row is written.
        let for_v = unsafe { filled_rows(v.len(), norms * inner, v.len(), write) };
        [for_v, found.into_iter().map(|(_, of_g)| of_g).collect()]
    }
}

impl CustomOp2 for Norm {
    fn name(&self) -> &'static str {
        "weight_norm"
    }

    fn cpu_fwd(
        &self,
        v: &CpuStorage,
        v_layout: &Layout,
        g: &CpuStorage,
        g_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_real!(self.name(), v.dtype(), T => {
            let (v, g) = (slice::<T>(v, v_layout)?, slice::<T>(g, g_layout)?);
            let out = timed("weight norm", || self.forward(v, g));
            Ok((T::to_cpu_storage_owned(out), v_layout.shape().clone()))
        })
    }

    fn bwd(&self, v: &Tensor, g: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        by_real!(self.name(), v.dtype(), T => {
            let values = [Values::<T>::of(v)?, Values::of(g)?, Values::of(&gradient)?];
            let [for_v, for_g] = timed("weight norm", || self.backward(&values[0], &values[1], &values[2]));
            let tensor = |values, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
            Ok((Some(tensor(for_v, v)?), Some(tensor(for_g, g)?)))
        })
    }
}
