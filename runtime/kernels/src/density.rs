//! Densities of independent numbers. Each is a formula with its derivatives, written once; sums over rows and gradients
//! are derived.

use crate::cpu::{Values, each_row, slice};
use crate::profile::timed;
use crate::special::{Special, Wide, on_cpu};
use crate::vector::{self, Loop};
use crate::{Head, Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape, WithDType};
use std::marker::PhantomData;

/// ln p of a number: a function of N numbers, the value and N − 1 parameters. All functions must be `#[inline(always)]`.
pub trait Density<const N: usize>: Send + Sync + 'static {
    /// The name of the distribution, for messages and profiles.
    const NAME: &'static str;
    /// Each of the N is clamped to ± this bound, unless the model states it ([`Head`]).
    const BOUNDS: [f64; N];

    fn log_prob<S: Special>(inputs: [S; N]) -> S;
    /// The derivatives with respect to all N.
    fn slopes<S: Special>(inputs: [S; N]) -> [S; N];
}

/// ln p of each row's values, `[B]` nats. The head contains the parameters, concatenated along the first dimension
/// after the batch, each with the value's shape.
///
/// # Errors
/// Shapes that differ: nothing is broadcast.
pub fn log_prob<D: Density<N>, const N: usize>(value: &Tensor, head: &Head) -> Result<Tensor> {
    let mut shape = head.dims().to_vec();
    if let Some(channels) = shape.get_mut(1) {
        *channels /= N - 1;
    }
    if value.dims() != shape || shape.get(1).is_none_or(|channels| channels * (N - 1) != head.dims()[1]) {
        candle_core::bail!(
            "the value and the parameters of {} must have one shape, they have {:?} and {shape:?}",
            D::NAME,
            value.dims()
        );
    }
    let summed = || Summed::<D, N> { bounds: bounds::<D, N>(head), of: PhantomData };
    on_cpu(&[value, head], |[value, head]| crate::tape::op2(value, head, summed()))
}

/// One parameter of a head, clamped. `number` is its position among the N numbers of the density, from 1.
///
/// # Errors
/// A failed tensor operation.
pub fn parameter<D: Density<N>, const N: usize>(head: &Head, number: usize) -> Result<Tensor> {
    let channels = head.dim(1)? / (N - 1);
    let values = head.narrow(1, (number - 1) * channels, channels)?.contiguous()?;
    let bound = head.bound(number - 1, D::BOUNDS[number]);
    if bound.is_finite() { values.clamp(-bound, bound) } else { Ok(values) }
}

/// The bounds of the value and of each parameter.
fn bounds<D: Density<N>, const N: usize>(head: &Head) -> [f64; N] {
    std::array::from_fn(|at| match at {
        0 => D::BOUNDS[0],
        _ => head.bound(at - 1, D::BOUNDS[at]),
    })
}

struct Summed<D, const N: usize> {
    bounds: [f64; N],
    of: PhantomData<D>,
}

/// The value and the parameters of a row.
#[inline(always)]
fn inputs_of<'a, T, const N: usize>(value: &'a [T], head: &'a [T], number: usize, row: usize) -> [&'a [T]; N] {
    std::array::from_fn(|at| match at {
        0 => &value[number * row..][..row],
        _ => &head[(number * (N - 1) + at - 1) * row..][..row],
    })
}

impl<D: Density<N>, const N: usize> CustomOp2 for Summed<D, N> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn cpu_fwd(
        &self,
        value: &CpuStorage,
        at: &Layout,
        head: &CpuStorage,
        at_head: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let rows = at.dims().first().copied().unwrap_or(1);
        timed(D::NAME, || {
            vector::by_real!(D::NAME, value.dtype(), T => {
                let (value, head) = (slice::<T>(value, at)?, slice::<T>(head, at_head)?);
                let row = value.len() / rows.max(1);
                let mut sums = vec![T::default(); rows];
                each_row(&mut sums, 1, value.len() * WORK, |number, sum| {
                    let inputs = inputs_of(value, head, number, row);
                    sum[0] = T::from_f64(vector::run(Sum::<D, T, N> { inputs, bounds: self.bounds, of: PhantomData }));
                });
                Ok((T::to_cpu_storage_owned(sums), Shape::from(rows)))
            })
        })
    }

    fn bwd(
        &self,
        value: &Tensor,
        head: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        timed(D::NAME, || {
            vector::by_real!(D::NAME, value.dtype(), T => {
                let (x, parameters) = (Values::<T>::of(value)?, Values::<T>::of(head)?);
                let (by, row) = (Values::<T>::of(&gradient)?, value.elem_count() / value.dim(0)?.max(1));
                // Gradients of the inputs `first..`.
                let of = |tensor: &Tensor, first: usize| -> Result<Option<Tensor>> {
                    if !tensor.track_op() {
                        return Ok(None);
                    }
                    let mut out = vec![T::default(); tensor.elem_count()];
                    each_row(&mut out, tensor.elem_count() / tensor.dim(0)?.max(1), x.len() * WORK, |at, out| {
                        let inputs = inputs_of(&x, &parameters, at, row);
                        let (bounds, by) = (self.bounds, by[at].to_f64());
                        vector::run(Slopes::<D, T, N> { inputs, bounds, first, by, out, of: PhantomData });
                    });
                    Tensor::from_vec(out, tensor.shape(), tensor.device()).map(Some)
                };
                Ok((of(value, 0)?, of(head, 1)?))
            })
        })
    }
}

/// The cost of a value, in evaluations of an elementary function, for deciding on more threads.
const WORK: usize = 8;
/// Values processed at once.
const LANES: usize = 64;
const SUMS: usize = 8;

/// The clamped inputs at one position of a block.
#[inline(always)]
fn read<T: WithDType, const N: usize, const FUSED: bool>(
    parts: &[&[T]; N],
    bounds: &[f64; N],
    lane: usize,
) -> [Wide<FUSED>; N] {
    std::array::from_fn(|at| {
        let (x, bound) = (parts[at][lane].to_f64(), bounds[at]);
        let x = if x < -bound { -bound } else { x };
        Wide(if x > bound { bound } else { x })
    })
}

struct Sum<'a, D, T, const N: usize> {
    inputs: [&'a [T]; N],
    bounds: [f64; N],
    of: PhantomData<D>,
}

impl<D: Density<N>, T: WithDType, const N: usize> Loop for Sum<'_, D, T, N> {
    type Output = f64;
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> f64 {
        let len = self.inputs[0].len();
        let mut sums = [0.0; SUMS];
        for at in (0..len).step_by(LANES) {
            let count = LANES.min(len - at);
            let parts = self.inputs.map(|values| &values[at..at + count]);
            let mut block = [0.0; LANES];
            for (lane, value) in block[..count].iter_mut().enumerate() {
                *value = D::log_prob(read::<T, N, FUSED>(&parts, &self.bounds, lane)).0;
            }
            for values in block.chunks(SUMS) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        sums.iter().sum()
    }
}

struct Slopes<'a, D, T, const N: usize> {
    inputs: [&'a [T]; N],
    bounds: [f64; N],
    /// The first input whose gradient is computed; the number follows from the length of `out`.
    first: usize,
    by: f64,
    out: &'a mut [T],
    of: PhantomData<D>,
}

impl<D: Density<N>, T: WithDType, const N: usize> Loop for Slopes<'_, D, T, N> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let len = self.inputs[0].len();
        for at in (0..len).step_by(LANES) {
            let count = LANES.min(len - at);
            let parts = self.inputs.map(|values| &values[at..at + count]);
            let mut block = [[0.0; LANES]; N];
            for lane in 0..count {
                let slopes = D::slopes(read::<T, N, FUSED>(&parts, &self.bounds, lane));
                for (values, slope) in block.iter_mut().zip(slopes) {
                    values[lane] = slope.0;
                }
            }
            for (number, out) in self.out.chunks_mut(len).enumerate() {
                let number = self.first + number;
                let bound = self.bounds[number];
                for ((out, slope), x) in out[at..at + count].iter_mut().zip(&block[number]).zip(parts[number]) {
                    let x = x.to_f64();
                    *out = T::from_f64(if x.abs() > bound { 0.0 } else { slope * self.by });
                }
            }
        }
    }
}

/// ln p of a count x that is 0 with an additional probability, sigmoid(logits), and otherwise has the log-probability
/// `inner`.
#[inline(always)]
pub fn zero_inflated<S: Special>(x: S, logits: S, inner: S) -> S {
    x.positive(inner, logits + (inner - logits).softplus()) - logits.softplus()
}

/// The derivatives of [`zero_inflated`] with respect to `inner` and to the logits.
#[inline(always)]
pub fn zero_inflated_slopes<S: Special>(x: S, logits: S, inner: S) -> [S; 2] {
    let one = S::of(1.0);
    let weight = x.positive(one, (inner - logits).sigmoid());
    [weight, one - weight - logits.sigmoid()]
}

/// Half the distance between two grey levels.
const HALF_STEP: f64 = 0.5 / 255.0;

/// The cell of a value, as that of a pixel on the grid k/255, relative to a distribution's mean and in units of its scale.
pub struct Bin<S> {
    /// Positive for the darkest level, which has no lower border, and for the lightest, which has no upper one.
    darkest: S,
    lightest: S,
    low: S,
    high: S,
    precision: S,
}

impl<S: Special> Bin<S> {
    /// The cell for a value, a mean and the logarithm of a scale.
    #[inline(always)]
    pub fn of(inputs: [S; 3]) -> Self {
        let (darkest, lightest) = (S::of(HALF_STEP) - inputs[0], inputs[0] - S::of(1.0 - HALF_STEP));
        Self { darkest, lightest, ..Self::around(inputs, HALF_STEP) }
    }

    /// The interval of numbers within a distance of the value, for a value, a mean and the logarithm of a scale.
    #[inline(always)]
    pub fn around([x, mean, log_scale]: [S; 3], distance: f64) -> Self {
        let (half, precision) = (S::of(distance), (-log_scale).exp());
        Self {
            darkest: S::of(-1.0),
            lightest: S::of(-1.0),
            low: (x - half - mean) * precision,
            high: (x + half - mean) * precision,
            precision,
        }
    }

    /// ln of the mass of a distribution that is symmetric around 0, from ln of its distribution function.
    #[inline(always)]
    pub fn log_mass(&self, log_cdf: impl Fn(S) -> S) -> S {
        // By symmetry the cell is moved below the centre, where there is no cancellation.
        let above = self.low + self.high;
        let (low, high) = (above.positive(-self.high, self.low), above.positive(-self.low, self.high));
        let (log_low, log_high) = (log_cdf(low), log_cdf(high));
        let between = log_high + (-(log_low - log_high).exp()).ln_1p();
        self.darkest.positive(log_cdf(self.high), self.lightest.positive(log_cdf(-self.low), between))
    }

    /// The derivatives of the mass with respect to the value, the mean and the logarithm of the scale.
    #[inline(always)]
    pub fn slopes(&self, log_cdf: impl Fn(S) -> S, log_density: impl Fn(S) -> S) -> [S; 3] {
        let (none, log_mass) = (S::of(0.0), self.log_mass(log_cdf));
        let of_low = self.darkest.positive(none, -(log_density(self.low) - log_mass).exp());
        let of_high = self.lightest.positive(none, (log_density(self.high) - log_mass).exp());
        let of_value = (of_low + of_high) * self.precision;
        [of_value, -of_value, -(of_low * self.low) - of_high * self.high]
    }
}
