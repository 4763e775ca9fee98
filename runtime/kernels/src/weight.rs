//! Weight normalisation (Salimans and Kingma 2016).

use super::cpu::{Float, slice, unsupported};
use super::profile::timed;
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Layout, Shape};
use rayon::prelude::*;

/// g · v / ‖v‖, the norm over all dimensions but `dim`; `g` has size 1 in every other dimension.
///
/// # Errors
/// Shapes that do not fit.
pub fn weight_norm(v: &Tensor, g: &Tensor, dim: usize) -> Result<Tensor> {
    let fits = dim < v.rank() && g.rank() == v.rank() && g.elem_count() == v.dim(dim)? && g.dim(dim)? == v.dim(dim)?;
    if !fits {
        candle_core::bail!("a weight of {:?} with scales of {:?} along dimension {dim}", v.dims(), g.dims());
    }
    if super::cuda::takes(v) {
        return super::cuda::weight_norm(v, g, dim);
    }
    if !v.device().is_cpu() || !matches!(v.dtype(), DType::F32 | DType::F64) {
        return super::reference::weight_norm(v, g, dim);
    }
    let parts = Parts {
        outer: v.dims()[..dim].iter().product(),
        count: v.dim(dim)?,
        inner: v.dims()[dim + 1..].iter().product(),
    };
    v.contiguous()?.apply_op2(&g.contiguous()?, Norm(parts))
}

/// A tensor as `[outer, count, inner]`: each of `count` has a norm of its own.
#[derive(Debug, Clone, Copy)]
struct Parts {
    outer: usize,
    count: usize,
    inner: usize,
}

/// Values below which one thread is faster than several.
const SMALL: usize = 1 << 15;

impl Parts {
    /// Runs of contiguous values that belong to one norm, in its order.
    fn runs<T>(self, values: &[T], at: usize) -> impl Iterator<Item = &[T]> {
        (0..self.outer).map(move |outer| &values[(outer * self.count + at) * self.inner..][..self.inner])
    }

    /// For each norm, what `each` makes of it.
    fn per_norm<R: Send>(self, each: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
        let least = (SMALL / (self.outer * self.inner).max(1)).max(1);
        (0..self.count).into_par_iter().with_min_len(least).map(&each).collect()
    }

    /// A tensor of the same shape: `each` writes the run that belongs to a norm and starts at a place.
    fn fill<T: Float>(self, each: impl Fn(usize, usize, &mut [T]) + Sync) -> Vec<T> {
        let mut out = vec![T::default(); self.outer * self.count * self.inner];
        let least = (SMALL / self.inner.max(1)).max(1);
        out.par_chunks_mut(self.inner.max(1)).with_min_len(least).enumerate().for_each(|(run, out)| {
            each(run % self.count, run * self.inner, out);
        });
        out
    }
}

/// Σ a·b in a fixed number of partial sums, which the compiler vectorises.
fn dot<T: Float>(a: &[T], b: &[T]) -> f64 {
    const WIDTH: usize = 16;
    let mut sums = [T::default(); WIDTH];
    let (a_chunks, b_chunks) = (a.chunks_exact(WIDTH), b.chunks_exact(WIDTH));
    let mut rest = T::default();
    for (a, b) in a_chunks.remainder().iter().zip(b_chunks.remainder()) {
        rest += *a * *b;
    }
    for (a, b) in a_chunks.zip(b_chunks) {
        for i in 0..WIDTH {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().fold(rest.to_f64(), |total, sum| total + sum.to_f64())
}

struct Norm(Parts);

impl Norm {
    fn forward<T: Float>(&self, v: &[T], g: &[T]) -> Vec<T> {
        let parts = self.0;
        let scales = parts.per_norm(|at| {
            let square: f64 = parts.runs(v, at).map(|run| dot(run, run)).sum();
            T::from_f64(g[at].to_f64() / square.sqrt())
        });
        parts.fill(|at, start, out| {
            out.iter_mut().zip(&v[start..]).for_each(|(out, v)| *out = *v * scales[at]);
        })
    }

    /// Gradients of v: (g/‖v‖) (dw − v (v·dw)/‖v‖²), with those of g, (v·dw)/‖v‖, behind them.
    fn backward<T: Float>(&self, v: &[T], g: &[T], gradient: &[T]) -> Vec<T> {
        let parts = self.0;
        let sums = parts.per_norm(|at| {
            let runs = || parts.runs(v, at).zip(parts.runs(gradient, at));
            let (square, product) = runs()
                .fold((0.0, 0.0), |(square, product), (v, gradient)| (square + dot(v, v), product + dot(v, gradient)));
            let norm = f64::sqrt(square);
            let scale = g[at].to_f64() / norm;
            (T::from_f64(scale), T::from_f64(-scale * product / square), T::from_f64(product / norm))
        });
        let mut out = parts.fill(|at, start, out| {
            let (scale, along, _) = sums[at];
            for ((out, v), gradient) in out.iter_mut().zip(&v[start..]).zip(&gradient[start..]) {
                *out = *gradient * scale + *v * along;
            }
        });
        out.extend(sums.iter().map(|(_, _, scale)| *scale));
        out
    }
}

/// Both gradients in one vector: those of v, then those of g.
struct NormGradient(Norm);

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
        timed("weight norm", || match v {
            CpuStorage::F32(_) => {
                let out = self.forward::<f32>(slice(v, v_layout)?, slice(g, g_layout)?);
                Ok((CpuStorage::F32(out), v_layout.shape().clone()))
            }
            CpuStorage::F64(_) => {
                let out = self.forward::<f64>(slice(v, v_layout)?, slice(g, g_layout)?);
                Ok((CpuStorage::F64(out), v_layout.shape().clone()))
            }
            _ => unsupported(self.name(), candle_core::backend::BackendStorage::dtype(v)),
        })
    }

    fn bwd(&self, v: &Tensor, g: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let both = v.apply_op3_no_bwd(g, &gradient.contiguous()?, &NormGradient(Norm(self.0)))?;
        let for_v = both.narrow(0, 0, v.elem_count())?.reshape(v.shape())?;
        let for_g = both.narrow(0, v.elem_count(), g.elem_count())?.reshape(g.shape())?;
        Ok((Some(for_v), Some(for_g)))
    }
}

impl CustomOp3 for NormGradient {
    fn name(&self) -> &'static str {
        "weight_norm_gradient"
    }

    fn cpu_fwd(
        &self,
        v: &CpuStorage,
        v_layout: &Layout,
        g: &CpuStorage,
        g_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let len = v_layout.shape().elem_count() + g_layout.shape().elem_count();
        timed("weight norm", || match v {
            CpuStorage::F32(_) => {
                let (v, g) = (slice::<f32>(v, v_layout)?, slice(g, g_layout)?);
                Ok((CpuStorage::F32(self.0.backward(v, g, slice(gradient, gradient_layout)?)), Shape::from(len)))
            }
            CpuStorage::F64(_) => {
                let (v, g) = (slice::<f64>(v, v_layout)?, slice(g, g_layout)?);
                Ok((CpuStorage::F64(self.0.backward(v, g, slice(gradient, gradient_layout)?)), Shape::from(len)))
            }
            _ => unsupported(self.name(), candle_core::backend::BackendStorage::dtype(v)),
        })
    }
}
