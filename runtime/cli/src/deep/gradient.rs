//! The gradient of the bound is its slope.

use super::{Finding, Outcome, Subject};
use crate::compiler;
use anyhow::Result;
use candle_core::Var;
use srvae_training::params::Phase;
use srvae_training::{BoundOptions, DType, Noise, Tensor};
use std::collections::BTreeMap;

/// Steps along a direction of length 1. Where the bound is curved the difference is its slope at the smaller ones alone; a wrong
/// gradient is the slope at none.
const STEPS: [f64; 3] = [1e-4, 1e-5, 1e-6];
/// Relative. The four-point difference itself errs by far less; but the logistic mixture takes another formula where a
/// mass is tiny, and at that edge its value jumps a little, which a slope sees and a gradient does not: 1e-4 was seen.
const TOLERANCE: f64 = 1e-3;

/// One law for each factor and shared network.
pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let params = subject.model.params().clone();
    params.set_phase(Phase::Training);
    let result = (|| {
        let gradients = value(subject)?.backward()?;
        let mut parts: BTreeMap<String, Vec<(Var, Tensor)>> = BTreeMap::new();
        for (name, var) in params.entries() {
            let gradient = match gradients.get(&var) {
                Some(gradient) => gradient.clone(),
                None => var.zeros_like()?,
            };
            parts.entry(part(&name).to_owned()).or_default().push((var, gradient));
        }
        let jumping = compiler::jumping(subject.spec)?;
        let each = parts.iter().map(|(part, vars)| match jumping.contains(part) {
            true => Ok(Finding {
                law: title(part),
                outcome: Outcome::Skipped,
                seen: "a discrete draw depends on it".into(),
            }),
            false => law(subject, part, vars),
        });
        each.collect()
    })();
    params.set_phase(Phase::Inference);
    result
}

/// The factor or the shared network that a parameter belongs to; of a network that is called as a factor `net.NAME`.
fn part(name: &str) -> &str {
    let begin = if name.starts_with("net.") { "net.".len() } else { 0 };
    name[begin..].find('.').map_or(name, |end| &name[..begin + end])
}

/// The mean bound of one sample an image, at draws that are always the same.
fn value(subject: &Subject<'_>) -> Result<Tensor> {
    Ok(subject.log_weights(8, &BoundOptions::default())?.mean_all()?)
}

fn title(part: &str) -> String {
    format!("the gradient of {part} is the bound's slope")
}

/// Along the gradient and a random direction at once, so that an error in any of its entries shows.
fn law(subject: &Subject<'_>, part: &str, vars: &[(Var, Tensor)]) -> Result<Finding> {
    let law = title(part);
    let mut noise = Noise::seeded(9);
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
        let found = value(subject)?.to_scalar::<f64>()?;
        moved(subject, vars, &direction, -distance)?;
        Ok(found)
    };
    let said = dot(&gradients, &direction)?;
    let (mut holds, mut slope) = (false, f64::NAN);
    for step in STEPS {
        let (near, far) = (along(step)? - along(-step)?, along(2.0 * step)? - along(-2.0 * step)?);
        slope = (8.0 * near - far) / (12.0 * step);
        holds = (slope - said).abs() <= TOLERANCE * said.abs().max(1e-3 * length);
        if holds {
            break;
        }
    }
    Ok(Finding::new(law, holds, format!("{said:.6e} for {slope:.6e}")))
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
    use super::part;

    #[test]
    fn parameters_belong_to_their_factor_or_network() {
        let names = ["q_z.x.conv.weight_v", "net.q_z.conv.bias", "feats.linear.bias", "log_scale"];
        assert_eq!(names.map(part), ["q_z", "net.q_z", "feats", "log_scale"]);
    }
}
