//! Draws of binomial variables.

use super::incomplete::{lgamma, normal_cdf};
use super::on_cpu;
use crate::normal::same_shape;
use crate::scalar::{Scalar, Softplus};
use crate::{Result, Tensor};
use candle_core::DType;

/// Binomial variables from their trials, the logits of a success and standard normal noise: the least count at which the distribution
/// function reaches that of the noise. There is no gradient.
///
/// # Errors
/// Shapes that differ.
pub fn binomial_draw(trials: &Tensor, logits: &Tensor, noise: &Tensor) -> Result<Tensor> {
    same_shape("trials and the logits of a success", trials, logits)?;
    same_shape("trials and their noise", trials, noise)?;
    on_cpu(&[&trials.detach(), &logits.detach(), &noise.detach()], |inputs| {
        let list = |of: &Tensor| of.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let [trials, logits, noise] = [list(&inputs[0])?, list(&inputs[1])?, list(&inputs[2])?];
        let each = trials.iter().zip(&logits).zip(&noise).map(|((trials, logit), n)| quantile(*trials, *logit, *n));
        Tensor::from_iter(each, inputs[0].device())?.reshape(inputs[0].shape())?.to_dtype(inputs[0].dtype())
    })
}

/// Masses below this part of the largest one add nothing.
const NOTHING: f64 = 1e-18;

/// The smallest k with P(X ≤ k) ≥ Φ(n), for a binomial X.
fn quantile(trials: f64, logit: f64, n: f64) -> f64 {
    if trials.is_nan() || logit.is_nan() || n.is_nan() {
        return f64::NAN;
    }
    let (trials, odds, below) = (trials.floor(), logit.exp(), normal_cdf(n));
    // From the likeliest count, whose mass does not underflow.
    let mut k = ((trials + 1.0) / (1.0 + (-logit).exp())).floor().min(trials);
    let ways = lgamma(trials + 1.0) - lgamma(k + 1.0) - lgamma(trials - k + 1.0);
    let mut mass = (ways - k * Softplus::value(-logit) - (trials - k) * Softplus::value(logit)).exp();
    let less = |mass: f64, k: f64| mass * k / ((trials - k + 1.0) * odds);
    let (mut sum, mut part, mut at, least) = (mass, mass, k, mass * NOTHING);
    while at > 0.0 && part > least {
        part = less(part, at);
        sum += part;
        at -= 1.0;
    }
    while k > 0.0 && sum - mass >= below {
        sum -= mass;
        mass = less(mass, k);
        k -= 1.0;
    }
    while k < trials && sum < below && mass > least {
        k += 1.0;
        mass *= (trials - k + 1.0) * odds / k;
        sum += mass;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::quantile;

    /// Trials, probability, normal noise, and the quantile by scipy.stats.binom.ppf(norm.cdf(n), trials, p).
    const QUANTILES: &[(f64, f64, f64, f64)] = &[
        (0.0, 0.3, -4.3, 0.0),
        (0.0, 0.3, -1.1, 0.0),
        (0.0, 0.3, 0.05, 0.0),
        (0.0, 0.3, 0.8, 0.0),
        (0.0, 0.3, 3.9, 0.0),
        (1.0, 0.5, -4.3, 0.0),
        (1.0, 0.5, -1.1, 0.0),
        (1.0, 0.5, 0.05, 1.0),
        (1.0, 0.5, 0.8, 1.0),
        (1.0, 0.5, 3.9, 1.0),
        (1.0, 0.999, -4.3, 0.0),
        (1.0, 0.999, -1.1, 1.0),
        (1.0, 0.999, 0.05, 1.0),
        (1.0, 0.999, 0.8, 1.0),
        (1.0, 0.999, 3.9, 1.0),
        (7.0, 0.05, -4.3, 0.0),
        (7.0, 0.05, -1.1, 0.0),
        (7.0, 0.05, 0.05, 0.0),
        (7.0, 0.05, 0.8, 1.0),
        (7.0, 0.05, 3.9, 4.0),
        (12.0, 0.4, -4.3, 0.0),
        (12.0, 0.4, -1.1, 3.0),
        (12.0, 0.4, 0.05, 5.0),
        (12.0, 0.4, 0.8, 6.0),
        (12.0, 0.4, 3.9, 11.0),
        (40.0, 0.93, -4.3, 28.0),
        (40.0, 0.93, -1.1, 35.0),
        (40.0, 0.93, 0.05, 37.0),
        (40.0, 0.93, 0.8, 39.0),
        (40.0, 0.93, 3.9, 40.0),
        (1000.0, 0.31, -4.3, 248.0),
        (1000.0, 0.31, -1.1, 294.0),
        (1000.0, 0.31, 0.05, 311.0),
        (1000.0, 0.31, 0.8, 322.0),
        (1000.0, 0.31, 3.9, 368.0),
        (100000.0, 0.002, -4.3, 142.0),
        (100000.0, 0.002, -1.1, 184.0),
        (100000.0, 0.002, 0.05, 201.0),
        (100000.0, 0.002, 0.8, 211.0),
        (100000.0, 0.002, 3.9, 257.0),
        (3e6, 0.7, -4.3, 2096586.0),
        (3e6, 0.7, -1.1, 2099127.0),
        (3e6, 0.7, 0.05, 2100040.0),
        (3e6, 0.7, 0.8, 2100635.0),
        (3e6, 0.7, 3.9, 2103095.0),
    ];

    #[test]
    fn draws_are_the_quantiles() {
        for (trials, p, n, wanted) in QUANTILES {
            let found = quantile(*trials, (p / (1.0 - p)).ln(), *n);
            assert_eq!(found, *wanted, "{trials} trials, p = {p}, at {n}");
        }
        assert_eq!([quantile(7.0, 1e4, -3.0), quantile(7.0, -1e4, 3.0)], [7.0, 0.0]);
        assert!(quantile(7.0, f64::NAN, 0.0).is_nan());
    }
}
