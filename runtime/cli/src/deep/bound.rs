//! Laws of the bound: terms have a value for each sample and record, closed forms agree with Monte Carlo estimates, and
//! the bound increases with the number of samples.

use super::{BATCH, Finding, Subject, facts, mean};
use anyhow::Result;
use srvae_training::{BoundOptions, KlEstimator, TermKind};

/// Samples for a mean, and the minimum for a large model.
const SAMPLES: usize = 32;
const LEAST_SAMPLES: usize = 8;
/// The number of samples of the bound that is compared with one sample, and the number of repetitions.
const GROUP: usize = 8;
const GROUPS: usize = 8;
const LEAST_GROUPS: usize = 3;
/// The tolerance in standard errors: a false alarm in two million, more often with few samples.
const ERRORS: f64 = 5.0;

pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = vec![shapes(subject)?];
    findings.extend(closed_forms(subject)?);
    findings.push(rises(subject)?);
    Ok(findings)
}

fn shapes(subject: &Subject<'_>) -> Result<Finding> {
    let options = BoundOptions { samples: 3, kl: KlEstimator::Derived };
    let terms = subject.model.bound(&subject.data, &mut subject.noise(4), &options)?.terms;
    let wrong = terms.iter().filter(|term| term.value.dims() != [3, BATCH]);
    let wrong: Vec<_> = wrong.map(|term| format!("{} has {:?}", term.name, term.value.dims())).collect();
    let names: Vec<_> = terms.iter().map(|term| term.name).collect();
    let seen = if wrong.is_empty() { names.join(", ") } else { wrong.join("; ") };
    Ok(Finding::new("terms have one value per sample and record", wrong.is_empty(), seen))
}

/// With the same draws, the difference between an exact divergence and its estimate has mean zero.
fn closed_forms(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let summed = facts::summed(subject.spec)?;
    let mut findings = Vec::new();
    // One sample shows which divergences are exact.
    let exact = differences(subject, 1)?.into_iter().filter(|(name, difference)| {
        !summed.iter().any(|of_sum| of_sum == name) && difference.iter().any(|&value| value != 0.0)
    });
    let exact: Vec<&str> = exact.map(|(name, _)| name).collect();
    if exact.is_empty() {
        return Ok(findings);
    }
    for (name, difference) in differences(subject, subject.samples(SAMPLES, LEAST_SAMPLES))? {
        if exact.contains(&name) {
            let (middle, error) = mean(&difference);
            let seen = format!("differ by {middle:.3} ± {error:.3} nats");
            let law = format!("{name} in closed form agrees with its Monte Carlo estimates");
            findings.push(Finding::new(law, middle.abs() <= ERRORS * error + 1e-9, seen));
        }
    }
    Ok(findings)
}

/// The difference between each divergence and its estimate, nats: independent numbers.
fn differences(subject: &Subject<'_>, samples: usize) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let terms = |kl| -> Result<_> {
        Ok(subject.model.bound(&subject.data, &mut subject.noise(5), &BoundOptions { samples, kl })?.terms)
    };
    let pairs = terms(KlEstimator::Derived)?.into_iter().zip(terms(KlEstimator::MonteCarlo)?);
    let divergences = pairs.filter(|(derived, _)| derived.kind == TermKind::Kl);
    let each = divergences
        .map(|(derived, drawn)| Ok((derived.name, independent((&derived.value - &drawn.value)?.to_vec2::<f64>()?))));
    each.collect()
}

/// The numbers of all samples and records. A global variable has one draw for all records, which counts once.
fn independent(mut samples: Vec<Vec<f64>>) -> Vec<f64> {
    let is_shared = samples.iter().all(|records| records.iter().all(|value| *value == records[0]));
    if is_shared {
        samples.iter_mut().for_each(|records| records.truncate(1));
    }
    samples.concat()
}

/// The bound with several samples, from independent draws, is not below that with one.
fn rises(subject: &Subject<'_>) -> Result<Finding> {
    let samples = subject.samples(SAMPLES, LEAST_SAMPLES);
    let groups = (subject.samples(GROUPS * GROUP, LEAST_GROUPS * GROUP) / GROUP) as u64;
    let singles = subject.log_weights(6, &BoundOptions::importance(samples))?.to_vec2::<f64>()?;
    let mut bounds = Vec::new();
    for group in 0..groups {
        let weights = subject.log_weights(7 + group, &BoundOptions::importance(GROUP))?.t()?.to_vec2::<f64>()?;
        bounds.push(weights.iter().map(|image| log_mean_exp(image)).sum::<f64>() / BATCH as f64);
    }
    let singles: Vec<f64> = singles.iter().map(|images| images.iter().sum::<f64>() / BATCH as f64).collect();
    let ((one, one_error), (many, many_error)) = (mean(&singles), mean(&bounds));
    let holds = many - one >= -ERRORS * one_error.hypot(many_error) - 1e-9;
    let seen = format!("{one:.2} ± {one_error:.2} nats to {many:.2} ± {many_error:.2}");
    Ok(Finding::new(format!("the bound rises from 1 sample to {GROUP}"), holds, seen))
}

fn log_mean_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + (values.iter().map(|value| (value - top).exp()).sum::<f64>() / values.len() as f64).ln()
}
