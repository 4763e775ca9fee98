//! Laws of the bound: terms have a value for each sample and record, closed forms agree with Monte Carlo estimates, and
//! the bound increases with the number of samples.

use super::{BATCH, Finding, Subject, mean, named};
use anyhow::Result;
use srvae_training::{BoundOptions, KlEstimator, TermKind};

/// Samples for a mean, and the minimum for a large model.
const SAMPLES: usize = 32;
const LEAST_SAMPLES: usize = 8;
/// The number of samples of the bound that is compared with one sample, and the number of repetitions.
const GROUP: usize = 8;
const GROUPS: usize = 8;
const LEAST_GROUPS: usize = 3;
/// The tolerance in standard errors: a false alarm in two million if the mean is normal.
const ERRORS: f64 = 5.0;
/// The factor of the samples with which a difference that looks wrong is tried again.
const AGAIN: usize = 32;

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
    let seen = if wrong.is_empty() { named(&names) } else { wrong.join("; ") };
    Ok(Finding::new("terms have one value per sample and record", wrong.is_empty(), seen))
}

/// With the same draws, the difference between an exact divergence and its estimate has mean zero.
fn closed_forms(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    // One sample shows which divergences are exact.
    let one = differences(subject, 5, 1)?;
    let (finite, broken): (Vec<_>, Vec<_>) =
        one.into_iter().partition(|(_, difference)| difference.iter().all(|value| value.is_finite()));
    findings.extend(
        broken.into_iter().map(|(name, _)| {
            Finding::new(format!("{name} is finite"), false, "q draws values at which p has no density")
        }),
    );
    let exact = finite.iter().filter(|(_, difference)| difference.iter().any(|&value| value != 0.0));
    let exact: Vec<&str> = exact.map(|(name, _)| *name).collect();
    if exact.is_empty() {
        return Ok(findings);
    }
    let few = differences(subject, 5, subject.samples(SAMPLES, LEAST_SAMPLES))?;
    let mut more = None;
    for (name, difference) in few.into_iter().filter(|(name, _)| exact.contains(name)) {
        let (holds, seen) = centred(&difference, || {
            let all = match &more {
                Some(all) => all,
                None => more.insert(differences(subject, 40, subject.samples(AGAIN * SAMPLES, LEAST_SAMPLES))?),
            };
            Ok(all.iter().find(|(other, _)| *other == name).map(|(_, again)| again.clone()).unwrap_or_default())
        })?;
        findings.push(Finding::new(
            format!("{name} in closed form agrees with its Monte Carlo estimates"),
            holds,
            seen,
        ));
    }
    Ok(findings)
}

/// Whether the mean of independent numbers is zero within its error, and what was seen. The error of a mean of few numbers
/// with a long tail is too small where the tail happens to be missing, and then the mean is off to the other side. So
/// numbers that look wrong are drawn again, and more of them.
fn centred(few: &[f64], again: impl FnOnce() -> Result<Vec<f64>>) -> Result<(bool, String)> {
    let judge = |numbers: &[f64]| {
        let (middle, error) = mean(numbers);
        (middle.abs() <= ERRORS * error + 1e-9, format!("differ by {middle:.3} ± {error:.3} nats"))
    };
    let first = judge(few);
    if first.0 {
        return Ok(first);
    }
    let more = again()?;
    // A large model affords no more.
    Ok(if more.len() > few.len() { judge(&more) } else { first })
}

/// The difference between each divergence and its estimate with the noise of a law, nats: independent numbers.
fn differences(subject: &Subject<'_>, law: u64, samples: usize) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let terms = |kl| -> Result<_> {
        Ok(subject.model.bound(&subject.data, &mut subject.noise(law), &BoundOptions { samples, kl })?.terms)
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

#[cfg(test)]
mod tests {
    use super::*;
    use srvae_training::{DType, Device, Noise};

    /// Exponential variables less their mean, and an offset.
    fn skewed(seed: u64, count: usize, offset: f64) -> Vec<f64> {
        let drawn = Noise::seeded(seed).uniform("u", &[count], DType::F64, &Device::Cpu).unwrap().to_vec1::<f64>();
        drawn.unwrap().into_iter().map(|u| -(1.0 - u).ln() - 1.0 + offset).collect()
    }

    /// Of means of 32 skewed numbers, more are off by five of their errors than of normal ones, but not of many numbers.
    #[test]
    fn numbers_with_a_long_tail_are_no_counter_example() {
        let alone = (0..60_000).filter(|seed| !centred(&skewed(*seed, 32, 0.0), || Ok(Vec::new())).unwrap().0);
        let alone: Vec<u64> = alone.collect();
        assert!(alone.len() > 5, "{} means look wrong", alone.len());
        for seed in alone {
            let (holds, seen) =
                centred(&skewed(seed, 32, 0.0), || Ok(skewed(1_000_000 + seed, 32 * AGAIN, 0.0))).unwrap();
            assert!(holds, "seed {seed}: {seen}");
        }
    }

    #[test]
    fn a_wrong_mean_is_found() {
        for (seed, offset) in [(1, 1.5), (2, -1.5), (3, -1.5)] {
            let again = || Ok(skewed(100 + seed, 32 * AGAIN, offset));
            assert!(!centred(&skewed(seed, 32, offset), again).unwrap().0, "seed {seed}, offset {offset}");
        }
    }
}
