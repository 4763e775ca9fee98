//! Softmax attention, a block of queries at a time. The matrix of all attention weights is never stored.

mod heads;

use super::cpu::{Matrix, Values, each_row, each_row_beside, matmul, slice};
use super::cuda::Backend;
use super::profile::timed;
use super::reference;
use super::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
pub use heads::attend_maps;

const NAME: &str = "attend";
/// Queries processed at once.
const BLOCK: usize = 64;

/// softmax(q kᵀ / √d) v of `[N, S, d]` queries and `[N, T, d]` keys and values: `[N, S, d]`. Memory grows with S + T, not
/// with S · T.
///
/// # Errors
/// Shapes that do not fit.
pub fn attend(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    super::same_shape("keys and values", k, v)?;
    let ((heads, _, features), of_keys) = (q.dims3()?, k.dims3()?);
    if (heads, features) != (of_keys.0, of_keys.2) {
        candle_core::bail!("queries of shape {:?} and keys of shape {:?}", q.dims(), k.dims());
    }
    match Backend::of(q) {
        Backend::Host => crate::tape::op3(&q.contiguous()?, &k.contiguous()?, &v.contiguous()?, Attend),
        // There is no kernel for GPUs.
        Backend::Cuda | Backend::Candle => reference::attend(q, k, v),
    }
}

struct Attend;

/// The sizes of a head.
#[derive(Clone, Copy)]
struct Sizes {
    queries: usize,
    /// Of keys and values.
    positions: usize,
    features: usize,
}

impl Sizes {
    fn of(q: &[usize], k: &[usize]) -> Self {
        Self { queries: q[1].max(1), positions: k[1].max(1), features: q[2].max(1) }
    }

    /// The elements of all queries of a head.
    fn queries(self) -> usize {
        self.queries * self.features
    }

    /// The elements of all keys of a head.
    fn keys(self) -> usize {
        self.positions * self.features
    }

    /// Weights of `rows` queries over all positions.
    fn weights<T: Real>(self, rows: usize, q: &[T], k: &[T], weights: &mut [T]) {
        let size = [rows, self.positions, self.features];
        let keys = Matrix::rows(k, self.features).transposed();
        matmul(weights, size, Matrix::rows(q, self.features), keys, false);
        let scale = T::from_f64((self.features as f64).sqrt().recip());
        vector::run(Softmax { weights, width: self.positions, scale });
    }
}

impl CustomOp3 for Attend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = Sizes::of(q_layout.dims(), k_layout.dims());
        timed(NAME, || {
            by_real!(NAME, q.dtype(), T => {
                let (q, k, v) = (slice::<T>(q, q_layout)?, slice::<T>(k, k_layout)?, slice::<T>(v, v_layout)?);
                // If blocks do not cross heads, they are processed separately.
                let rows = if sizes.queries.is_multiple_of(BLOCK) { BLOCK } else { sizes.queries };
                let mut out = vec![T::default(); q.len()];
                let work = q.len().saturating_mul(sizes.positions);
                each_row(&mut out, rows * sizes.features, work, |number, out| {
                    let from = number * rows * sizes.features;
                    let head = from / sizes.queries() * sizes.keys();
                    let (q, head) = (&q[from..][..out.len()], head..head + sizes.keys());
                    forward(sizes, q, &k[head.clone()], &v[head], out);
                });
                Ok((T::to_cpu_storage_owned(out), q_layout.shape().clone()))
            })
        })
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (sizes, gradient) = (Sizes::of(q.dims(), k.dims()), gradient.contiguous()?);
        timed("attend_gradient", || {
            by_real!(NAME, q.dtype(), T => {
                let (of_queries, of_keys) = (q.shape(), k.shape());
                let (q, k, v) = (Values::<T>::of(q)?, Values::<T>::of(k)?, Values::<T>::of(v)?);
                let (out, gradient) = (Values::<T>::of(out)?, Values::<T>::of(&gradient)?);
                // Beside the gradients of a head's queries, those of its keys and values.
                let (mut dk, mut dv) = (vec![T::default(); k.len()], vec![T::default(); k.len()]);
                let mut beside: Vec<_> = dk.chunks_mut(sizes.keys()).zip(dv.chunks_mut(sizes.keys())).collect();
                let mut dq = vec![T::default(); q.len()];
                let work = q.len().saturating_mul(sizes.positions);
                each_row_beside(&mut dq, sizes.queries(), work, &mut beside, |head, dq, (dk, dv)| {
                    let part = |size: usize| head * size..(head + 1) * size;
                    let [k, v] = [&*k, &*v].map(|values| &values[part(sizes.keys())]);
                    let [q, out, gradient] = [&*q, &*out, &*gradient].map(|values| &values[part(sizes.queries())]);
                    backward(sizes, [q, k, v, out, gradient], [dq, dk, dv]);
                });
                drop(beside);
                let of = |values: Vec<T>, shape| Tensor::from_vec(values, shape, &candle_core::Device::Cpu).map(Some);
                Ok((of(dq, of_queries)?, of(dk, of_keys)?, of(dv, of_keys)?))
            })
        })
    }
}

/// Some queries with all keys.
fn forward<T: Real>(sizes: Sizes, q: &[T], k: &[T], v: &[T], out: &mut [T]) {
    let (positions, features) = (sizes.positions, sizes.features);
    let mut weights = vec![T::default(); BLOCK.min(q.len() / features) * positions];
    for (q, out) in q.chunks(BLOCK * features).zip(out.chunks_mut(BLOCK * features)) {
        let rows = q.len() / features;
        let weights = &mut weights[..rows * positions];
        sizes.weights(rows, q, k, weights);
        let weights = Matrix::rows(&*weights, positions);
        matmul(out, [rows, features, positions], weights, Matrix::rows(v, features), false);
    }
}

/// For one head, with recomputed weights. With w the weights, o the output and g its gradient, the gradient of the
/// scores is w · (g vᵀ − g · o) / √d.
fn backward<T: Real>(sizes: Sizes, [q, k, v, out, gradient]: [&[T]; 5], [dq, dk, dv]: [&mut [T]; 3]) {
    let (positions, features) = (sizes.positions, sizes.features);
    let scale = T::from_f64((features as f64).sqrt().recip());
    let mut weights = vec![T::default(); BLOCK.min(sizes.queries) * positions];
    let mut scores = weights.clone();
    for at in (0..sizes.queries).step_by(BLOCK) {
        let rows = BLOCK.min(sizes.queries - at);
        let part = at * features..(at + rows) * features;
        let (weights, scores) = (&mut weights[..rows * positions], &mut scores[..rows * positions]);
        sizes.weights(rows, &q[part.clone()], k, weights);
        let g = Matrix::rows(&gradient[part.clone()], features);
        matmul(scores, [rows, positions, features], g, Matrix::rows(v, features).transposed(), false);
        let mut totals = [T::default(); BLOCK];
        let pairs = gradient[part.clone()].chunks(features).zip(out[part.clone()].chunks(features));
        for (total, (g, o)) in totals.iter_mut().zip(pairs) {
            g.iter().zip(o).for_each(|(g, o)| *total += *g * *o);
        }
        matmul(dv, [positions, features, rows], Matrix::rows(&*weights, positions).transposed(), g, true);
        vector::run(Scores { weights, scores, totals: &totals, width: positions, scale });
        let scores = Matrix::rows(&*scores, positions);
        matmul(&mut dq[part.clone()], [rows, features, positions], scores, Matrix::rows(k, features), false);
        let queries = Matrix::rows(&q[part], features);
        matmul(dk, [positions, features, rows], scores.transposed(), queries, true);
    }
}

/// softmax(scale · t) of each row.
struct Softmax<'a, T> {
    weights: &'a mut [T],
    width: usize,
    scale: T,
}

impl<T: Real> Loop for Softmax<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for row in self.weights.chunks_exact_mut(self.width) {
            let top = largest(row);
            row.iter_mut().for_each(|value| *value = ((*value - top) * self.scale).exp::<FUSED>());
            let by = T::from_f64(vector::total([&*row], |[value]| value).recip());
            row.iter_mut().for_each(|value| *value *= by);
        }
    }
}

/// The largest value, of as many lanes at once as a vector has.
#[inline(always)]
fn largest<T: Real>(row: &[T]) -> T {
    let larger = |a: T, b: T| if a > b { a } else { b };
    let mut lanes = [row[0]; 16];
    for values in row.chunks(16) {
        lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane = larger(*value, *lane));
    }
    lanes.into_iter().fold(row[0], larger)
}

struct Scores<'a, T> {
    weights: &'a [T],
    scores: &'a mut [T],
    totals: &'a [T],
    width: usize,
    scale: T,
}

impl<T: Real> Loop for Scores<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let rows = self.weights.chunks_exact(self.width).zip(self.scores.chunks_exact_mut(self.width));
        for ((weights, scores), total) in rows.zip(self.totals) {
            for (weight, score) in weights.iter().zip(scores) {
                *score = *weight * (*score - *total) * self.scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

    /// Output and gradients agree with the plain form, with fewer, as many and more queries than a block has, and with fewer, as
    /// many and more of them than keys.
    #[test]
    fn blocks_agree_with_the_whole_matrix() -> Result<()> {
        for (dtype, tolerance) in [(DType::F32, 2e-5), (DType::F64, 1e-12)] {
            for (heads, queries, keys, features) in [
                (3, 5, 5, 4),
                (2, BLOCK, BLOCK, 2),
                (2, 2 * BLOCK, 2 * BLOCK, 3),
                (1, BLOCK + 7, BLOCK + 7, 8),
                (3, 1, 6, 2),
                (2, 7, 3, 4),
                (2, 2 * BLOCK, 9, 3),
                (2, BLOCK + 1, 2 * BLOCK, 2),
            ] {
                let random = |rows: usize| {
                    let shape = (heads, rows, features);
                    Var::from_tensor(&Tensor::randn(0f64, 1.5, shape, &Device::Cpu)?.to_dtype(dtype)?)
                };
                let (inputs, cotangent) = ([random(queries)?, random(keys)?, random(keys)?], random(queries)?);
                let ways = [attend, reference::attend].map(|way| -> Result<Vec<Tensor>> {
                    let out = way(&inputs[0], &inputs[1], &inputs[2])?;
                    let store = (&out * cotangent.as_tensor())?.sum_all()?.backward()?;
                    let gradients = inputs.iter().map(|var| store.get(var).cloned().expect("a gradient"));
                    Ok(std::iter::once(out).chain(gradients).collect())
                });
                let [ours, plain] = ways;
                for (ours, plain) in ours?.iter().zip(&plain?) {
                    let error = (ours - plain)?.abs()?.max_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
                    assert!(error < tolerance, "{dtype:?} {queries} queries, {keys} keys: {error:e}");
                }
            }
        }
        Ok(())
    }
}
