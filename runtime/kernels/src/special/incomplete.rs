//! The incomplete gamma function, and draws by its inverse: of a gamma variable with the derivative with respect to its
//! concentration (Figurnov, Mohamed and Mnih 2018), and of a Poisson variable.

use super::lane;

/// The maximum number of terms of a series or a continued fraction, far more than concentrations below [`LARGE`] need.
const TERMS: usize = 100_000;
const EXACT: f64 = 1e-17;
/// Above this concentration, the cube root of a gamma variable is approximated by a normal variable (Wilson and
/// Hilferty 1931). The error of quantiles is below 1e-3 standard deviations.
const LARGE: f64 = 2_000.0;

pub fn lgamma(x: f64) -> f64 {
    let (part, shift) = lane::lgamma_parts::<false>(x);
    part - shift.ln()
}

/// Φ(n): the probability that a standard normal variable is below n.
pub fn normal_cdf(n: f64) -> f64 {
    0.5 * libm::erfc(-n * std::f64::consts::FRAC_1_SQRT_2)
}

/// Below this, the complementary error function underflows.
const FAR: f64 = -36.0;

/// ln Φ(n), with a relative error below 1e-14.
pub fn log_normal_cdf(n: f64) -> f64 {
    let tail = 0.5 * libm::erfc(n.abs() * std::f64::consts::FRAC_1_SQRT_2);
    if n > 0.0 {
        return (-tail).ln_1p();
    }
    if n > FAR {
        return tail.ln();
    }
    // φ(n) / |n| times its asymptotic series.
    let square = 1.0 / (n * n);
    let series = -square * (1.0 - square * (3.0 - square * (15.0 - square * 105.0)));
    -0.5 * n * n - (-n).ln() - 0.5 * (2.0 * std::f64::consts::PI).ln() + series.ln_1p()
}

/// ln of x^a e^−x / Γ(a + 1), the first term of the series.
fn log_first(a: f64, x: f64) -> f64 {
    a * x.ln() - x - lgamma(a + 1.0)
}

/// Σ xⁿ / ((a + 1)⋯(a + n)), and the same sum with each term times Σ 1 / (a + k), k = 1..=n.
fn series(a: f64, x: f64) -> (f64, f64) {
    let (mut term, mut harmonic, mut sum, mut weighted) = (1.0, 0.0, 1.0, 0.0);
    for n in 1..TERMS {
        let inverse = 1.0 / (a + n as f64);
        term *= x * inverse;
        harmonic += inverse;
        sum += term;
        weighted += term * harmonic;
        if term * harmonic.max(1.0) < EXACT * sum && inverse * x < 1.0 {
            break;
        }
    }
    (sum, weighted)
}

/// Q(a, x) · Γ(a) x^−a e^x: the continued fraction, for x > a + 1, by Lentz's method.
fn fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut value = d;
    for n in 1..TERMS {
        let factor = n as f64 * (a - n as f64);
        b += 2.0;
        d = 1.0 / (factor * d + b);
        c = b + factor / c;
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// ln P(a, x), or ln Q(a, x) if `upper`, for a > 0, x > 0: the logarithm of the probability that a gamma variable of
/// concentration a and rate 1 is below x, or above.
pub fn log_gamma_cdf(a: f64, x: f64, upper: bool) -> f64 {
    let (log, is_upper) = match x > a + 1.0 {
        true => (log_first(a, x) + (a * fraction(a, x)).ln(), true),
        false => (log_first(a, x) + series(a, x).0.ln(), false),
    };
    if is_upper == upper { log } else { (-log.exp()).ln_1p() }
}

/// ln z with P(a, z) = Φ(n): a draw of a gamma variable of concentration a and rate 1 as a function of a normal draw n.
pub fn log_gamma_quantile(a: f64, n: f64) -> f64 {
    let root = 1.0 - 1.0 / (9.0 * a) + n / (3.0 * a.sqrt());
    if a > LARGE {
        return a.ln() + 3.0 * root.max(1e-3).ln();
    }
    let upper = n > 0.0;
    let target = normal_cdf(-n.abs()).ln();
    // Near 0 the first term of the series is sufficient.
    let near = ((if upper { (-target.exp()).ln_1p() } else { target }) + lgamma(a + 1.0)) / a;
    let mut y = if root > 0.3 { a.ln() + 3.0 * root.ln() } else { near };
    // As functions of ln z both probabilities are log-concave, so Newton's method converges from any start.
    for _ in 0..100 {
        // z would underflow.
        if y < -700.0 {
            return near;
        }
        let log = log_gamma_cdf(a, y.exp(), upper);
        let density = a * y - y.exp() - lgamma(a);
        let slope = (density - log).exp() * if upper { -1.0 } else { 1.0 };
        let step = (log - target) / slope;
        if !step.is_finite() || step == 0.0 {
            break;
        }
        y -= step.clamp(-50.0, 50.0);
        if step.abs() < 1e-8 {
            break;
        }
    }
    y
}

/// d ln z / d ln a of [`log_gamma_quantile`], from a and its value: −(∂P / ∂a) / (∂P / ∂z) · a / z.
pub fn log_gamma_quantile_slope(a: f64, y: f64) -> f64 {
    if a > LARGE {
        // With c = (z / a)^⅓ = 1 − 1 / (9a) + n / (3√a): a dc/da = 1 / (9a) − n / (6√a).
        let root = ((y - a.ln()) / 3.0).exp();
        let noise = root - 1.0 + 1.0 / (9.0 * a);
        return 1.0 + 3.0 * (1.0 / (9.0 * a) - 0.5 * noise) / root;
    }
    let x = y.exp();
    let log_first = a * y - x - lgamma(a + 1.0);
    let digamma = lane::digamma::<false>(a + 1.0);
    // x p(x) = a · first, of which both sums are multiples.
    let (sum, weighted) = series(a, x);
    let slope = (y - digamma) * sum - weighted;
    if log_first.is_finite() { -slope } else { 0.0 }
}

/// Above this mean, a Poisson variable's quantile is approximated by its Cornish-Fisher expansion (1938), rounded.
const MANY: f64 = 1e5;

/// The smallest k with P(X ≤ k) ≥ Φ(n), for a Poisson X with this mean: a draw as a function of a normal draw n.
pub fn poisson_quantile(mean: f64, n: f64) -> f64 {
    if mean.is_nan() || n.is_nan() {
        return f64::NAN;
    }
    let below = normal_cdf(n);
    let guess = (mean + n * mean.sqrt() + (n * n - 1.0) / 6.0).floor().max(0.0);
    if mean > MANY {
        return guess;
    }
    let few = mean < 30.0;
    let mut k = if few { 0.0 } else { guess };
    let mut mass = if few { (-mean).exp() } else { (k * mean.ln() - mean - lgamma(k + 1.0)).exp() };
    // P(X ≤ k) = Q(k + 1, mean).
    let mut sum = if few { mass } else { log_gamma_cdf(k + 1.0, mean, true).exp() };
    while sum - mass >= below && k > 0.0 {
        sum -= mass;
        mass *= k / mean;
        k -= 1.0;
    }
    // The remaining mass above is below rounding errors.
    while sum < below && (mass > 1e-18 || k < mean) {
        k += 1.0;
        mass *= mean / k;
        sum += mass;
    }
    k
}
