//! Weight normalisation (Salimans and Kingma 2016).

use super::cpu::{Float, slice, unsupported};
use super::cuda::{self, Backend};
use super::profile::timed;
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Layout, Shape};
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
                outer: v.dims()[..dim].iter().product(),
                count: v.dim(dim)?,
                inner: v.dims()[dim + 1..].iter().product(),
            };
            crate::tape::op2(&v.contiguous()?, &g.contiguous()?, Norm(parts))
        }
        Backend::Host | Backend::Candle => super::reference::weight_norm(v, g, dim),
    }
}

/// A tensor as `[outer, count, inner]`, with `count` norms.
#[derive(Debug, Clone, Copy)]
struct Parts {
    outer: usize,
    count: usize,
    inner: usize,
}

/// The number of values below which one thread is faster than several.
const SMALL: usize = 1 << 15;

/// The number of rows of runs per task, if a norm has several runs.
const BLOCK: usize = 32;

impl Parts {
    /// For each norm, the sums of `each` over its runs, given the start of a run, in order.
    fn sums<const N: usize>(self, each: impl Fn(usize) -> [f64; N] + Sync) -> Vec<[f64; N]> {
        let blocks: Vec<usize> = (0..self.outer).step_by(BLOCK).collect();
        let add = |to: &mut [f64; N], from: [f64; N]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        // Row by row, in memory order.
        let parts = blocks.into_par_iter().map(|first| {
            let mut sums = vec![[0.0; N]; self.count];
            for outer in first..self.outer.min(first + BLOCK) {
                let starts = (0..self.count).map(|at| (outer * self.count + at) * self.inner);
                sums.iter_mut().zip(starts).for_each(|(sum, start)| add(sum, each(start)));
            }
            sums
        });
        parts.collect::<Vec<_>>().into_iter().fold(vec![[0.0; N]; self.count], |mut total, part| {
            total.iter_mut().zip(part).for_each(|(total, part)| add(total, part));
            total
        })
    }

    /// A tensor of the same shape, followed by `behind` more values for each norm. `each` writes the run of a norm that
    /// starts at a position, and returns the values that follow.
    ///
    /// # Safety
    /// `each` writes the whole run.
    unsafe fn fill<T: Float>(
        self,
        behind: bool,
        each: impl Fn(usize, usize, &mut [MaybeUninit<T>]) -> T + Sync,
    ) -> Vec<T> {
        let (values, more) = (self.outer * self.count * self.inner, if behind { self.count } else { 0 });
        let mut out = Vec::with_capacity(values + more);
        let (runs, tail) = out.spare_capacity_mut()[..values + more].split_at_mut(values);
        let least = (SMALL / self.inner.max(1)).max(1);
        let found: Vec<T> = runs
            .par_chunks_mut(self.inner.max(1))
            .with_min_len(least)
            .enumerate()
            .map(|(run, out)| each(run % self.count, run * self.inner, out))
            .collect();
        tail.iter_mut().zip(found).for_each(|(to, value)| _ = to.write(value));
        // SAFETY: the runs are written by the caller's contract, and every norm has one.
        unsafe { out.set_len(values + more) };
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
        let square = |start: usize| {
            let run = &v[start..][..parts.inner];
            [dot(run, run)]
        };
        // A norm with one run is computed when the run is written, while it is in the L1 cache.
        let squares = (parts.outer > 1).then(|| parts.sums(square));
        let write = |at: usize, start: usize, out: &mut [MaybeUninit<T>]| {
            let [square] = squares.as_ref().map_or_else(|| square(start), |squares| squares[at]);
            let scale = T::from_f64(g[at].to_f64() / square.sqrt());
            for (out, v) in out.iter_mut().zip(&v[start..]) {
                out.write(*v * scale);
            }
            scale
        };
        // SAFETY: the tensor has as many values as `v`.
        unsafe { parts.fill(false, write) }
    }

    /// Gradients of v: (g/‖v‖) (dw − v (v·dw)/‖v‖²), followed by those of g, (v·dw)/‖v‖.
    fn backward<T: Float>(&self, v: &[T], g: &[T], gradient: &[T]) -> Vec<T> {
        let parts = self.0;
        let products = |start: usize| {
            let (v, gradient) = (&v[start..][..parts.inner], &gradient[start..][..parts.inner]);
            [dot(v, v), dot(v, gradient)]
        };
        let sums = (parts.outer > 1).then(|| parts.sums(products));
        let write = |at: usize, start: usize, out: &mut [MaybeUninit<T>]| {
            let [square, product] = sums.as_ref().map_or_else(|| products(start), |sums| sums[at]);
            let norm = square.sqrt();
            let scale = g[at].to_f64() / norm;
            let (scale, along) = (T::from_f64(scale), T::from_f64(-scale * product / square));
            for ((out, v), gradient) in out.iter_mut().zip(&v[start..]).zip(&gradient[start..]) {
                out.write(*gradient * scale + *v * along);
            }
            T::from_f64(product / norm)
        };
        // SAFETY: the tensor has as many values as `v` and as `gradient`.
        unsafe { parts.fill(true, write) }
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
