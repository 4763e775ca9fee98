//! Densities and divergences of diagonal normals: one operation each, forward and backward.

mod head;

use super::cpu::{Values, each_row, slice};
use super::cuda::{self, Backend};
use super::profile::timed;
use super::reference;
use super::vector::{self, Loop, Real, by_real, total};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
use std::marker::PhantomData;

/// log N(z; mean, exp(log_var)) summed over all but the first dimension: `[N]` nats.
///
/// # Errors
/// Shapes that differ: nothing is broadcast.
pub fn normal_log_prob(z: &Tensor, mean: &Tensor, log_var: &Tensor) -> Result<Tensor> {
    same_shape("a normal's value and its mean", z, mean)?;
    same_shape("a normal's value and its log-variance", z, log_var)?;
    match Backend::of(z) {
        Backend::Cuda => cuda::normal_log_prob(z, mean, log_var),
        Backend::Host => {
            let op = Summed::<Density>(PhantomData);
            crate::tape::op3(&z.contiguous()?, &mean.contiguous()?, &log_var.contiguous()?, op)
        }
        Backend::Candle => reference::normal_log_prob(z, mean, log_var),
    }
}

/// KL(N(q_mean, exp(q_log_var)) ‖ N(p_mean, exp(p_log_var))) summed over all but the first dimension: `[N]` nats.
///
/// # Errors
/// Shapes that differ: nothing is broadcast.
pub fn normal_kl(q_mean: &Tensor, q_log_var: &Tensor, p_mean: &Tensor, p_log_var: &Tensor) -> Result<Tensor> {
    for other in [q_log_var, p_mean, p_log_var] {
        same_shape("the parameters of q and p", q_mean, other)?;
    }
    match Backend::of(q_mean) {
        Backend::Cuda => cuda::normal_kl(q_mean, q_log_var, p_mean, p_log_var),
        Backend::Host => {
            // Only the difference of the means matters.
            let (distance, op) = ((q_mean - p_mean)?, Summed::<Divergence>(PhantomData));
            crate::tape::op3(&distance, &q_log_var.contiguous()?, &p_log_var.contiguous()?, op)
        }
        Backend::Candle => reference::normal_kl(q_mean, q_log_var, p_mean, p_log_var),
    }
}

/// The mean and the log-variance of a normal from `[N, 2C, …]`: the first half of the channels, and the second half
/// clamped to ± `bound`.
///
/// # Errors
/// An odd number of channels.
pub fn normal_halves(head: &Tensor, bound: f64) -> Result<(Tensor, Tensor)> {
    let channels = head.dim(1)?;
    if channels % 2 != 0 {
        candle_core::bail!("a normal's head has means and log-variances, an even number of channels, not {channels}");
    }
    let half = channels / 2;
    Ok(match Backend::of(head) {
        Backend::Cuda => (cuda::half(head, false, f32::INFINITY)?, cuda::half(head, true, bound as f32)?),
        Backend::Host => (head::half(head, false, f64::INFINITY)?, head::half(head, true, bound)?),
        Backend::Candle => {
            let log_var = head.narrow(1, half, half)?.contiguous()?.clamp(-bound, bound)?;
            (head.narrow(1, 0, half)?.contiguous()?, log_var)
        }
    })
}

/// mean + exp(log_var / 2) · noise.
///
/// # Errors
/// Shapes that differ: nothing is broadcast.
pub fn normal_draw(mean: &Tensor, log_var: &Tensor, noise: &Tensor) -> Result<Tensor> {
    same_shape("a normal's mean and its log-variance", mean, log_var)?;
    same_shape("a normal's mean and its noise", mean, noise)?;
    match Backend::of(mean) {
        Backend::Cuda => cuda::normal_draw(mean, log_var, noise),
        Backend::Host => head::draw(mean, log_var, noise),
        Backend::Candle => mean + ((log_var * 0.5)?.exp()? * noise)?,
    }
}

/// Sum over all but the first dimension.
///
/// # Errors
/// A failed tensor operation.
pub fn sum_batch(each: &Tensor) -> Result<Tensor> {
    match Backend::of(each) {
        Backend::Cuda => cuda::sum_batch(each),
        Backend::Host | Backend::Candle => reference::sum_batch(each),
    }
}

/// log N(z; 0, 1) summed over all but the first dimension: `[N]` nats.
///
/// # Errors
/// A failed tensor operation.
pub fn standard_normal_log_prob(z: &Tensor) -> Result<Tensor> {
    match Backend::of(z) {
        Backend::Cuda => cuda::standard_normal_log_prob(z),
        Backend::Host | Backend::Candle => sum_batch(&((z.sqr()? + (2.0 * std::f64::consts::PI).ln())? * -0.5)?),
    }
}

/// # Errors
/// Two shapes that differ: the message names both.
pub fn same_shape(what: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dims() != b.dims() {
        candle_core::bail!("{what} must have one shape, they have {:?} and {:?}", a.dims(), b.dims());
    }
    Ok(())
}

/// A function of three numbers, which is summed over a row of values.
trait Term: Send + Sync + 'static {
    const NAME: &'static str;
    const GRADIENT: &'static str;

    fn value<T: Real, const FUSED: bool>(arguments: [T; 3]) -> T;
    /// The derivatives with respect to the three.
    fn slopes<T: Real, const FUSED: bool>(arguments: [T; 3]) -> [T; 3];
}

/// log N(z; mean, exp(log_var)) as a function of z, mean and log_var.
struct Density;

impl Term for Density {
    const NAME: &'static str = "normal_log_prob";
    const GRADIENT: &'static str = "normal_log_prob_gradient";

    #[inline(always)]
    fn value<T: Real, const FUSED: bool>([z, mean, log_var]: [T; 3]) -> T {
        let (distance, precision) = (z - mean, (T::zero() - log_var).exp::<FUSED>());
        let log_tau = T::from_f64((2.0 * std::f64::consts::PI).ln());
        T::from_f64(-0.5) * (distance * distance * precision + log_var + log_tau)
    }

    #[inline(always)]
    fn slopes<T: Real, const FUSED: bool>([z, mean, log_var]: [T; 3]) -> [T; 3] {
        let (distance, precision) = (z - mean, (T::zero() - log_var).exp::<FUSED>());
        let for_mean = distance * precision;
        [T::zero() - for_mean, for_mean, T::from_f64(0.5) * (distance * for_mean - T::one())]
    }
}

/// KL between two normals as a function of the difference of their means and the two log-variances.
struct Divergence;

impl Term for Divergence {
    const NAME: &'static str = "normal_kl";
    const GRADIENT: &'static str = "normal_kl_gradient";

    #[inline(always)]
    fn value<T: Real, const FUSED: bool>([distance, q, p]: [T; 3]) -> T {
        let ratio = (q.exp::<FUSED>() + distance * distance) * (T::zero() - p).exp::<FUSED>();
        T::from_f64(0.5) * (p - q + ratio - T::one())
    }

    #[inline(always)]
    fn slopes<T: Real, const FUSED: bool>([distance, q, p]: [T; 3]) -> [T; 3] {
        let (variance, precision) = (q.exp::<FUSED>(), (T::zero() - p).exp::<FUSED>());
        let half = T::from_f64(0.5);
        let for_q = half * (variance * precision - T::one());
        let for_p = half * (T::one() - (variance + distance * distance) * precision);
        [distance * precision, for_q, for_p]
    }
}

/// Sums of a term over rows: `[N]`.
struct Summed<F>(PhantomData<F>);

impl<F: Term> CustomOp3 for Summed<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
        c: &CpuStorage,
        c_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let rows = a_layout.dims().first().copied().unwrap_or(1);
        timed(F::NAME, || {
            by_real!(F::NAME, a.dtype(), T => {
                let inputs = [slice::<T>(a, a_layout)?, slice(b, b_layout)?, slice(c, c_layout)?];
                let row = a_layout.shape().elem_count() / rows.max(1);
                let mut sums = vec![T::default(); rows];
                each_row(&mut sums, 1, rows * row, |number, sum| {
                    let inputs = inputs.map(|values| &values[number * row..][..row]);
                    sum[0] = T::from_f64(vector::run(Sum::<F, T> { inputs, of: PhantomData }));
                });
                Ok((T::to_cpu_storage_owned(sums), Shape::from(rows)))
            })
        })
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        timed(F::GRADIENT, || {
            by_real!(F::GRADIENT, a.dtype(), T => {
                let (x, y, z) = (Values::<T>::of(a)?, Values::<T>::of(b)?, Values::<T>::of(c)?);
                let (by, row) = (Values::<T>::of(&gradient)?, a.elem_count() / a.dim(0)?.max(1));
                let one = |number: usize, tensor: &Tensor| -> Result<Option<Tensor>> {
                    if !tensor.track_op() {
                        return Ok(None);
                    }
                    let mut out = vec![T::default(); tensor.elem_count()];
                    each_row(&mut out, row, x.len(), |at, out| {
                        let inputs = [&*x, &*y, &*z].map(|values| &values[at * row..][..row]);
                        vector::run(Slopes::<F, T> { inputs, number, by: by[at], out, of: PhantomData });
                    });
                    Tensor::from_vec(out, tensor.shape(), tensor.device()).map(Some)
                };
                Ok((one(0, a)?, one(1, b)?, one(2, c)?))
            })
        })
    }
}

struct Sum<'a, F, T> {
    inputs: [&'a [T]; 3],
    of: PhantomData<F>,
}

impl<F: Term, T: Real> Loop for Sum<'_, F, T> {
    type Output = f64;
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        total(self.inputs, F::value::<T, FUSED>)
    }
}

struct Slopes<'a, F, T> {
    inputs: [&'a [T]; 3],
    number: usize,
    by: T,
    out: &'a mut [T],
    of: PhantomData<F>,
}

impl<F: Term, T: Real> Loop for Slopes<'_, F, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [a, b, c] = self.inputs;
        for (out, ((a, b), c)) in self.out.iter_mut().zip(a.iter().zip(b).zip(c)) {
            *out = self.by * F::slopes::<T, FUSED>([*a, *b, *c])[self.number];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

    type Row = fn(&[Tensor; 4]) -> Result<Tensor>;

    /// Values, and gradients for the first `tracked` of four tensors that are not contiguous.
    fn both_ways(of: Row, inputs: &[Var; 4], tracked: usize) -> Vec<Vec<f64>> {
        let turned: Vec<_> = inputs
            .iter()
            .enumerate()
            .map(|(number, var)| {
                let tensor = if number < tracked { var.as_tensor().clone() } else { var.as_detached_tensor() };
                tensor.transpose(0, 1).unwrap()
            })
            .collect();
        let value = of(&turned.try_into().unwrap()).unwrap();
        let weights = Tensor::arange(1u32, value.elem_count() as u32 + 1, &Device::Cpu).unwrap();
        let loss = (&value * weights.to_dtype(value.dtype()).unwrap()).unwrap().sum_all().unwrap();
        let store = loss.backward().unwrap();
        let gradients = inputs.iter().take(tracked).map(|var| store.get(var).unwrap().clone());
        std::iter::once(value)
            .chain(gradients)
            .map(|t| t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap())
            .collect()
    }

    fn compare(ours: Row, theirs: Row, arguments: usize) {
        for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-14)] {
            // One value per row, an odd number, and enough for several threads.
            for shape in [(1, 1, 1), (1, 3, 7), (9, 5, 1001)] {
                let random = || {
                    let values = Tensor::randn(0f64, 1.0, shape, &Device::Cpu).unwrap();
                    Var::from_tensor(&values.to_dtype(dtype).unwrap()).unwrap()
                };
                let inputs = [random(), random(), random(), random()];
                let (found, plain) = (both_ways(ours, &inputs, arguments), both_ways(theirs, &inputs, arguments));
                for (found, plain) in found.iter().zip(&plain) {
                    let top = plain.iter().fold(1.0f64, |top, value| top.max(value.abs()));
                    for (found, plain) in found.iter().zip(plain) {
                        assert!((found - plain).abs() < tolerance * top, "{dtype:?} {shape:?}: {found} {plain}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_density_and_its_gradients_are_candles() {
        compare(
            |[z, mean, log_var, _]| normal_log_prob(z, mean, log_var),
            |[z, mean, log_var, _]| reference::normal_log_prob(z, mean, log_var),
            3,
        );
    }

    #[test]
    fn the_divergence_and_its_gradients_are_candles() {
        compare(|[a, b, c, d]| normal_kl(a, b, c, d), |[a, b, c, d]| reference::normal_kl(a, b, c, d), 4);
        compare(|[a, b, c, d]| normal_kl(a, b, c, d), |[a, b, c, d]| reference::normal_kl(a, b, c, d), 2);
    }
}
