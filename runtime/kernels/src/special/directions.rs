//! The von Mises-Fisher distribution of unit vectors in d dimensions, with density C_d(κ) exp(κ μᵀx): its normaliser, the
//! length of its mean, and draws of the angle to its mean direction by the inverse of the distribution function.

use super::incomplete::normal_cdf;
use super::{each, on_cpu};
use crate::normal::same_shape;
use crate::{Result, Tensor};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape};
use std::f64::consts::PI;
use std::marker::PhantomData;

/// The order of a Bessel function from which the expansion of [`uniform`] is used.
const LARGE: f64 = 80.0;

/// ln(exp(−x) I_v(x)) for a large order v, by Debye's expansion, which is uniform in x (DLMF 10.41); the first term left
/// out is below 1e-11.
fn uniform(v: f64, x: f64) -> f64 {
    let root = v.hypot(x);
    let t = v / root;
    let s = t * t;
    let first = t * (3.0 - 5.0 * s) / 24.0;
    let second = s * (81.0 - s * (462.0 - s * 385.0)) / 1152.0;
    let third = t * s * (30_375.0 - s * (369_603.0 - s * (765_765.0 - s * 425_425.0))) / 414_720.0;
    let fourth =
        s * s * (4_465_125.0 - s * (94_121_676.0 - s * (349_922_430.0 - s * (446_185_740.0 - s * 185_910_725.0))))
            / 39_813_120.0;
    let series = (first + (second + (third + fourth / v) / v) / v) / v;
    let exponent = v * v / (root + x) + v * (x / (v + root)).ln();
    exponent - 0.5 * (2.0 * PI * root).ln() + series.ln_1p()
}

/// ln(exp(−x) I_v(x)), and I_{v+1}(x) / I_v(x), for v ≥ 0 and x > 0: downwards from a large order, which is stable.
fn bessel(v: f64, x: f64) -> (f64, f64) {
    let steps = (LARGE - v).ceil().max(0.0);
    let mut order = v + steps;
    let mut log = uniform(order, x);
    let mut ratio = (uniform(order + 1.0, x) - log).exp();
    for _ in 0..steps as usize {
        ratio = x / (2.0 * order + x * ratio);
        log -= ratio.ln();
        order -= 1.0;
    }
    (log, ratio)
}

/// The order of the Bessel function of the normaliser in `size` dimensions.
fn order(size: usize) -> f64 {
    0.5 * size as f64 - 1.0
}

/// A function of the logarithm of the concentration with its derivative, in `size` dimensions.
trait Curve: Send + Sync + 'static {
    const NAME: &'static str;

    fn value(size: usize, log: f64) -> f64;
    fn slope(size: usize, log: f64) -> f64;
}

/// ln of the density at the mean direction.
struct Peak;

impl Curve for Peak {
    const NAME: &'static str = "direction_log_peak";

    fn value(size: usize, log: f64) -> f64 {
        order(size) * log - 0.5 * size as f64 * (2.0 * PI).ln() - bessel(order(size), log.exp()).0
    }

    fn slope(size: usize, log: f64) -> f64 {
        let concentration = log.exp();
        concentration * (1.0 - bessel(order(size), concentration).1)
    }
}

/// The length of the mean.
struct MeanLength;

impl Curve for MeanLength {
    const NAME: &'static str = "direction_mean_length";

    fn value(size: usize, log: f64) -> f64 {
        bessel(order(size), log.exp()).1
    }

    fn slope(size: usize, log: f64) -> f64 {
        let concentration = log.exp();
        let ratio = bessel(order(size), concentration).1;
        concentration * (1.0 - ratio) * (1.0 + ratio) - (size as f64 - 1.0) * ratio
    }
}

struct Along<C> {
    size: usize,
    of: PhantomData<C>,
}

struct AlongSlope<C> {
    size: usize,
    of: PhantomData<C>,
}

impl<C: Curve> CustomOp1 for Along<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, at: &Layout) -> Result<(CpuStorage, Shape)> {
        each(C::NAME, [(x, at), (x, at)], |log, _| C::value(self.size, log))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let slope = x.apply_op1_no_bwd(&AlongSlope::<C> { size: self.size, of: PhantomData })?;
        Ok(Some((slope * gradient)?))
    }
}

impl<C: Curve> CustomOp1 for AlongSlope<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, at: &Layout) -> Result<(CpuStorage, Shape)> {
        each(C::NAME, [(x, at), (x, at)], |log, _| C::slope(self.size, log))
    }
}

/// ln of the density at the mean direction, ln C_d(κ) + κ, element by element, from ln κ; `size` is d, at least 2. The
/// absolute error is below 1e-10 in f64.
///
/// # Errors
/// A failed tensor operation.
pub fn direction_log_peak(log_concentration: &Tensor, size: usize) -> Result<Tensor> {
    let of = PhantomData;
    on_cpu(&[log_concentration], |inputs| crate::tape::op1(&inputs[0], Along::<Peak> { size, of }))
}

/// The length of the mean, I_{d/2}(κ) / I_{d/2−1}(κ), element by element, from ln κ; `size` is d, at least 2.
///
/// # Errors
/// A failed tensor operation.
pub fn direction_mean_length(log_concentration: &Tensor, size: usize) -> Result<Tensor> {
    let of = PhantomData;
    on_cpu(&[log_concentration], |inputs| crate::tape::op1(&inputs[0], Along::<MeanLength> { size, of }))
}

/// The angle between a draw and the mean direction, from ln κ and standard normal noise: the angle at which its distribution
/// function is that of the noise. The gradient for ln κ is the implicit one (Figurnov, Mohamed and Mnih 2018); the noise has
/// none.
///
/// # Errors
/// Shapes that differ.
pub fn direction_angle_draw(log_concentration: &Tensor, noise: &Tensor, size: usize) -> Result<Tensor> {
    same_shape("a concentration and its noise", log_concentration, noise)?;
    let noise = noise.detach();
    on_cpu(&[log_concentration, &noise], |inputs| crate::tape::op2(&inputs[0], &inputs[1], AngleDraw { size }))
}

struct AngleDraw {
    size: usize,
}

struct AngleSlope {
    size: usize,
}

impl CustomOp2 for AngleDraw {
    fn name(&self) -> &'static str {
        "direction_angle_draw"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        each(self.name(), [(a, at_a), (b, at_b)], |log, noise| angle_quantile(self.size, log.exp(), noise))
    }

    fn bwd(
        &self,
        log: &Tensor,
        _: &Tensor,
        angle: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let slope = log.apply_op2_no_bwd(&angle.contiguous()?, &AngleSlope { size: self.size })?;
        Ok((Some((slope * gradient)?), None))
    }
}

impl CustomOp2 for AngleSlope {
    fn name(&self) -> &'static str {
        "direction_angle_gradient"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        each(self.name(), [(a, at_a), (b, at_b)], |log, angle| angle_slope(self.size, log.exp(), angle))
    }
}

/// The density of the angle, up to a factor: exp(κ (cos θ − 1)) sin^(d−2) θ on [0, π].
struct Angle {
    concentration: f64,
    power: f64,
    /// The logarithm of the density at its mode.
    highest: f64,
    /// The mode, and the ends of the interval outside of which there is less than 1e-15 of the mass.
    mode: f64,
    low: f64,
    high: f64,
}

/// Intervals of the quadrature, each about one and a half standard deviations wide.
const PANELS: usize = 16;
/// Standard deviations on both sides of the mode.
const WIDTH: f64 = 12.0;
/// Positive points and weights of the Gauss-Legendre rule with eight points.
const POINTS: [[f64; 2]; 4] = [
    [0.183_434_642_495_649_8, 0.362_683_783_378_362],
    [0.525_532_409_916_329, 0.313_706_645_877_887_3],
    [0.796_666_477_413_626_7, 0.222_381_034_453_374_48],
    [0.960_289_856_497_536_3, 0.101_228_536_290_376_26],
];

impl Angle {
    fn new(size: usize, concentration: f64) -> Self {
        let power = size as f64 - 2.0;
        let cosine = match power > 0.0 {
            true => 2.0 * concentration / (power + power.hypot(2.0 * concentration)),
            false => 1.0,
        };
        let mode = cosine.acos();
        let curvature = concentration * cosine + if power > 0.0 { power / mode.sin().powi(2) } else { 0.0 };
        let reach = WIDTH / curvature.sqrt();
        let (low, high) = ((mode - reach).max(0.0), (mode + reach).min(PI));
        let mut own = Self { concentration, power, highest: 0.0, mode, low, high };
        own.highest = own.log(mode);
        own
    }

    fn log(&self, angle: f64) -> f64 {
        let along = -2.0 * self.concentration * (0.5 * angle).sin().powi(2);
        if self.power > 0.0 { along + self.power * angle.sin().ln() } else { along }
    }

    fn density(&self, angle: f64) -> f64 {
        (self.log(angle) - self.highest).exp()
    }

    /// The integral of the density times a weight.
    fn integral(&self, low: f64, high: f64, weight: impl Fn(f64) -> f64) -> f64 {
        let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
        let at = |angle: f64| self.density(angle) * weight(angle);
        half * POINTS.iter().map(|[x, by]| by * (at(middle - half * x) + at(middle + half * x))).sum::<f64>()
    }

    /// The same over a wide interval.
    fn over(&self, low: f64, high: f64, weight: impl Fn(f64) -> f64) -> f64 {
        let wide = (self.high - self.low) / PANELS as f64;
        let panels = ((high - low) / wide).ceil().max(1.0);
        let end = |at: f64| low + (high - low) * at / panels;
        (0..panels as usize).map(|at| self.integral(end(at as f64), end(at as f64 + 1.0), &weight)).sum()
    }
}

/// The angle with the distribution function Φ(n): a draw as a function of a normal draw n.
fn angle_quantile(size: usize, concentration: f64, n: f64) -> f64 {
    if !(concentration.is_finite() && n.is_finite()) {
        return f64::NAN;
    }
    let own = Angle::new(size, concentration);
    let step = (own.high - own.low) / PANELS as f64;
    let end = |at: usize| own.low + at as f64 * step;
    let masses: [f64; PANELS] = std::array::from_fn(|at| own.integral(end(at), end(at + 1), |_| 1.0));
    let target = normal_cdf(n) * masses.iter().sum::<f64>();
    let (mut at, mut below) = (0, 0.0);
    while at + 1 < PANELS && below + masses[at] < target {
        below += masses[at];
        at += 1;
    }
    // Newton's method, kept in the interval by bisection.
    let (mut least, mut most) = (end(at), end(at + 1));
    let mut angle = least + step * ((target - below) / masses[at]).clamp(0.0, 1.0);
    for _ in 0..60 {
        let error = own.integral(end(at), angle, |_| 1.0) - (target - below);
        if error > 0.0 {
            most = angle
        } else {
            least = angle
        }
        let mut next = angle - error / own.density(angle);
        if !(next > least && next < most) {
            next = 0.5 * (least + most);
        }
        let change = (next - angle).abs();
        angle = next;
        if change <= 1e-14 * step {
            break;
        }
    }
    angle
}

/// dθ / d ln κ of [`angle_quantile`], from κ and its value: −κ (∂F / ∂κ) / f(θ), where ∂F / ∂κ is the integral of
/// (cos t − E cos) f(t) up to θ. Over all angles it is 0, so the nearer end is integrated from.
fn angle_slope(size: usize, concentration: f64, angle: f64) -> f64 {
    let own = Angle::new(size, concentration);
    let expected = bessel(order(size), concentration).1;
    let weight = |t: f64| (1.0 - expected) - 2.0 * (0.5 * t).sin().powi(2);
    let rising = match angle < own.mode {
        true => own.over(own.low, angle, weight),
        false => -own.over(angle, own.high, weight),
    };
    -concentration * rising / own.density(angle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// d, κ, ln of the density at the mean direction, the length of the mean: from mpmath with 40 digits.
    const EXACT: [[f64; 4]; 24] = [
        [2.0, 0.001, -1.83687731640933, 0.0004999999375000105],
        [2.0, 7.0, 0.034630018507805733, 0.9255322107941522],
        [2.0, 300.0, 1.9325353405884256, 0.9983319397905335],
        [2.0, 20000.0, 4.032798992907133, 0.9999749996874844],
        [3.0, 0.001, -2.5300244136359518, 0.0003333333111111132],
        [3.0, 7.0, 0.10803391417503265, 0.8571445202016782],
        [3.0, 300.0, 3.8659054082468556, 0.9966666666666667],
        [3.0, 20000.0, 8.065610486126783, 0.99995],
        [10.0, 0.001, -3.2377428294590005, 9.999999916666668e-05],
        [10.0, 7.0, 1.6623560969689015, 0.5271276363169639],
        [10.0, 300.0, 17.422867847022083, 0.9850877892553787],
        [10.0, 20000.0, 36.295640947413474, 0.9997750196884843],
        [161.0, 0.001, 178.63764548398657, 6.211180123986923e-06],
        [161.0, 7.0, 185.48461329271478, 0.043397377922275826],
        [161.0, 300.0, 319.7624058491462, 0.7679586464851016],
        [161.0, 20000.0, 645.4068426322766, 0.9960079003638186],
        [163.0, 0.001, 181.88117278259978, 6.134969324925266e-06],
        [163.0, 7.0, 188.7300026315991, 0.04286682460372864],
        [163.0, 300.0, 323.89233065039974, 0.7654867820599504],
        [163.0, 20000.0, 653.4764532077402, 0.9959581003722191],
        [1000.0, 0.001, 2032.0587602559738, 9.99999999999002e-07],
        [1000.0, 7.0, 2039.0332608554868, 0.006999657718039922],
        [1000.0, 300.0, 2288.871052165765, 0.27701777735262584],
        [1000.0, 20000.0, 4034.9972892916226, 0.9753362180680284],
    ];

    #[test]
    fn normalisers_are_exact_to_what_is_said() {
        for [size, concentration, peak, length] in EXACT {
            let (size, log) = (size as usize, concentration.ln());
            let found = Peak::value(size, log);
            assert!((found - peak).abs() <= 1e-10, "d {size}, κ {concentration}: {found}, not {peak}");
            let found = MeanLength::value(size, log);
            assert!((found - length).abs() <= 1e-11 * length, "d {size}, κ {concentration}: {found}, not {length}");
        }
    }

    /// On the sphere in three dimensions the distribution function is elementary: (1 − exp(κ (cos θ − 1))) / (1 − exp(−2κ)).
    #[test]
    fn angles_have_the_distribution_of_their_noise() {
        for concentration in [1e-3, 0.5, 3.0, 40.0, 2e4, 1e9] {
            for n in [-5.0, -1.3, 0.0, 0.7, 4.0] {
                let angle = angle_quantile(3, concentration, n);
                let along = -2.0 * concentration * (0.5 * angle).sin().powi(2);
                let below = along.exp_m1() / (-2.0 * concentration).exp_m1();
                let wanted = normal_cdf(n);
                // The rule of eight points is exact to twelve digits.
                assert!((below - wanted).abs() <= 1e-12, "κ {concentration}, n {n}: {below}, not {wanted}");
            }
        }
    }

    /// The implicit derivative is the slope of the quantile.
    #[test]
    fn slopes_of_angles_are_those_of_quantiles() {
        for size in [2, 3, 4, 11, 200] {
            for concentration in [0.01, 1.0, 30.0, 3e3] {
                for n in [-2.5, -0.4, 0.3, 2.5] {
                    let at = |log: f64| angle_quantile(size, log.exp(), n);
                    let (log, h) = (f64::ln(concentration), 1e-4);
                    let slope = angle_slope(size, concentration, at(log));
                    let difference = (at(log + h) - at(log - h)) / (2.0 * h);
                    // The error of the difference is about h² of the angle.
                    assert!(
                        (slope - difference).abs() <= 1e-7 * at(log),
                        "d {size}, κ {concentration}, n {n}: {slope}, not {difference}"
                    );
                }
            }
        }
    }
}
