//! The law of gradients: the gradient of the bound agrees with finite differences.

use super::{Finding, Outcome, Subject, facts};
use anyhow::Result;
use candle_core::Var;
use srvae_training::params::Phase;
use srvae_training::{BoundOptions, DType, Tensor};
use std::collections::BTreeMap;

/// Step sizes along a direction of length 1. Small steps are needed where the bound is curved, and large ones where it
/// is nearly flat, because the rounding error is divided by the step. A wrong gradient disagrees at all of them.
const STEPS: [f64; 5] = [1e-4, 1e-5, 1e-6, 1e-3, 1e-2];
/// Relative tolerance. The error of the four-point difference is much smaller. However, the logistic mixture uses
/// another formula for tiny masses, and at the boundary its value has a small jump, which affects the difference but
/// not the gradient: errors of 1e-4 were observed.
const TOLERANCE: f64 = 1e-3;
/// The rounding error of a value, relative to the sum of its terms' magnitudes: that of a sum of a thousand numbers,
/// √1000 / 2 times the machine epsilon. Longer sums are computed in parts.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// The number of the noise of the draws.
const SEED: u64 = 8;

/// One law for each factor and shared network: the gradient of the bound, and for a learned baseline its own.
pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let params = subject.model.params().clone();
    params.set_phase(Phase::Training);
    let result = (|| {
        let (jumping, baselines) = (facts::jumping(subject.spec)?, facts::baselines(subject.spec)?);
        let rounding = ROUNDING * magnitude(subject)?;
        let is_among = |paths: &[String], name: &str| paths.iter().any(|path| part(path) == name);
        let of_baselines = match baselines.is_empty() {
            true => BTreeMap::new(),
            false => slopes(subject, mean_of_baselines)?,
        };
        let of_bound = slopes(subject, value)?;
        let each = of_bound.iter().map(|(name, vars)| match of_baselines.get(name) {
            Some(vars) if is_among(&baselines, name) => law(subject, mean_of_baselines, (name, vars), rounding),
            _ if is_among(&jumping, name) => Ok(Finding {
                law: title(name),
                outcome: Outcome::Skipped,
                seen: "a discrete draw depends on it".into(),
            }),
            _ => law(subject, value, (name, vars), rounding),
        });
        each.collect()
    })();
    params.set_phase(Phase::Inference);
    result
}

/// The factor or the shared network of a parameter; `net.NAME` for a network with the name of a factor.
fn part(name: &str) -> &str {
    let begin = if name.starts_with("net.") { "net.".len() } else { 0 };
    name[begin..].find('.').map_or(name, |end| &name[..begin + end])
}

/// A number whose gradient is tested.
type Number = fn(&Subject<'_>) -> Result<Tensor>;

/// The parameters of each factor and shared network with their gradients.
fn slopes(subject: &Subject<'_>, number: Number) -> Result<BTreeMap<String, Vec<(Var, Tensor)>>> {
    let gradients = number(subject)?.backward()?;
    let mut parts: BTreeMap<String, Vec<(Var, Tensor)>> = BTreeMap::new();
    for (name, var) in subject.model.params().entries() {
        let gradient = match gradients.get(&var) {
            Some(gradient) => gradient.clone(),
            None => var.zeros_like()?,
        };
        parts.entry(part(&name).to_owned()).or_default().push((var, gradient));
    }
    Ok(parts)
}

/// The mean of all learned baselines, with fixed draws.
fn mean_of_baselines(subject: &Subject<'_>) -> Result<Tensor> {
    let terms = subject.model.bound(&subject.data, &mut subject.noise(SEED), &BoundOptions::default())?;
    let each = terms.scores.iter().filter_map(|score| score.baseline.as_ref());
    Ok(Tensor::stack(&each.collect::<Vec<_>>(), 0)?.mean_all()?)
}

/// The mean bound with one sample per record, with fixed draws.
fn value(subject: &Subject<'_>) -> Result<Tensor> {
    Ok(subject.log_weights(SEED, &BoundOptions::default())?.mean_all()?)
}

/// The sum of the absolute values of that bound's terms.
fn magnitude(subject: &Subject<'_>) -> Result<f64> {
    let terms = subject.model.bound(&subject.data, &mut subject.noise(SEED), &BoundOptions::default())?.terms;
    let each = terms.iter().map(|term| Ok(term.value.abs()?.mean_all()?.to_scalar::<f64>()?));
    each.sum()
}

fn title(part: &str) -> String {
    format!("the gradient of {part} agrees with finite differences")
}

/// Compares along the gradient and a random direction together, so that an error in any entry shows.
fn law(
    subject: &Subject<'_>,
    number: Number,
    (part, vars): (&str, &[(Var, Tensor)]),
    rounding: f64,
) -> Result<Finding> {
    let law = title(part);
    let mut noise = subject.noise(9);
    let random = |(var, _): &(Var, Tensor)| noise.normal(part, var.dims(), DType::F64, var.device());
    let random = vars.iter().map(random).collect::<Result<Vec<_>, _>>()?;
    let gradients: Vec<Tensor> = vars.iter().map(|(_, gradient)| gradient.clone()).collect();
    let length = dot(&gradients, &gradients)?.sqrt();
    if length == 0.0 {
        return Ok(Finding::new(law, false, "it is zero everywhere"));
    }
    let random_length = dot(&random, &random)?.sqrt();
    let direction = gradients.iter().zip(&random).map(|(gradient, random)| {
        ((gradient / (length * 2f64.sqrt()))? + (random / (random_length * 2f64.sqrt()))?)?.detach().contiguous()
    });
    let direction = direction.collect::<Result<Vec<_>, _>>()?;
    let along = |distance: f64| -> Result<f64> {
        moved(subject, vars, &direction, distance)?;
        let found = number(subject)?.to_scalar::<f64>()?;
        moved(subject, vars, &direction, -distance)?;
        Ok(found)
    };
    let said = dot(&gradients, &direction)?;
    let (outcome, slope) = judge(&along, said, TOLERANCE * said.abs().max(1e-3 * length), rounding)?;
    let seen = match outcome {
        Outcome::Skipped => format!("{said:.1e} is less than the rounding error of finite differences"),
        Outcome::Holds | Outcome::Broken => format!("{said:.6e} for {slope:.6e}"),
    };
    Ok(Finding { law, outcome, seen })
}

/// Compares the slope of a function of the distance with the given one. Skipped if at every step size the difference
/// can be explained by `rounding` of the function's values, and this is too large to tell.
fn judge(along: &dyn Fn(f64) -> Result<f64>, said: f64, tolerance: f64, rounding: f64) -> Result<(Outcome, f64)> {
    let (mut nearest, mut is_blurred) = (f64::NAN, true);
    for step in STEPS {
        let (near, far) = (along(step)? - along(-step)?, along(2.0 * step)? - along(-2.0 * step)?);
        let slope = (8.0 * near - far) / (12.0 * step);
        let error = (slope - said).abs();
        if error <= tolerance {
            return Ok((Outcome::Holds, slope));
        }
        // Each of the four values has the same rounding error, with weights 8, 8, 1 and 1.
        is_blurred &= error <= 18.0 * rounding / (12.0 * step);
        if nearest.is_nan() || error < (nearest - said).abs() {
            nearest = slope;
        }
    }
    Ok((if is_blurred { Outcome::Skipped } else { Outcome::Broken }, nearest))
}

fn moved(subject: &Subject<'_>, vars: &[(Var, Tensor)], direction: &[Tensor], distance: f64) -> Result<()> {
    for ((var, _), direction) in vars.iter().zip(direction) {
        var.set(&(var.as_tensor() + (direction * distance)?)?)?;
    }
    subject.model.params().touch();
    Ok(())
}

fn dot(left: &[Tensor], right: &[Tensor]) -> Result<f64> {
    let each =
        left.iter().zip(right).map(|(left, right)| -> Result<f64> { Ok((left * right)?.sum_all()?.to_scalar()?) });
    each.sum()
}

#[cfg(test)]
mod tests {
    use super::{Outcome, ROUNDING, TOLERANCE, judge, part};

    #[test]
    fn parameters_belong_to_their_factor_or_network() {
        let names = ["q_z.x.conv.weight_v", "net.q_z.conv.bias", "feats.linear.bias", "log_scale"];
        assert_eq!(names.map(part), ["q_z", "net.q_z", "feats", "log_scale"]);
    }

    /// A bound of about a thousand nats with a given slope. The values are rounded to 1e-13, which limits the
    /// differences.
    #[test]
    fn a_slope_is_told_from_a_wrong_one_as_far_as_rounding_lets() {
        let outcome = |slope: f64, said: f64| {
            let along = |distance: f64| Ok(-1000.0 + slope * distance.sin());
            judge(&along, said, TOLERANCE * said.abs(), 1000.0 * ROUNDING).unwrap().0
        };
        for slope in [30.0, 1e-2, -1e-5, 3e-7] {
            assert!(outcome(slope, slope) == Outcome::Holds, "{slope}");
            for said in [-slope, 0.5 * slope, 1.01 * slope] {
                assert!(outcome(slope, said) == Outcome::Broken, "{said} for {slope}");
            }
        }
        // A missing gradient, and a spurious one.
        assert!(outcome(1e-5, 0.0) == Outcome::Broken && outcome(0.0, 1e-5) == Outcome::Broken);
        assert!(outcome(1e-13, 2e-13) == Outcome::Skipped);
    }
}
