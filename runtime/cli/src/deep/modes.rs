//! Laws of modes: every mode yields values of its variables' shapes and spaces, the bound accepts them as data, and the
//! mode's evidence changes them.

use super::{BATCH, Finding, Subject, named};
use anyhow::Result;
use srvae_training::spec::{Space, Variable, space_entry};
use srvae_training::{BoundOptions, DType, Decode, Device, Draw, Noise, Tensor, Values, figures};

/// The number of seeds, because evidence may make no difference by chance, as with a class that is drawn in between.
const SEEDS: u64 = 16;

pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let (model, spec) = (subject.model.as_ref(), subject.spec);
    let mut findings = Vec::new();
    for mode in model.modes() {
        let (mut noise, draw) = (subject.noise(3), Draw::default());
        let given = figures::complete(model, mode, &subject.data, &mut noise, &draw)?;
        let values = model.run(mode.name, &given, BATCH, &mut noise, &draw)?;
        let mut wrong = Vec::new();
        for name in mode.yields {
            let Some(variable) = spec.variable(name) else { continue };
            wrong.extend(misfit(variable, values.get(name)?)?.map(|why| format!("{name} {why}")));
        }
        let data = spec.data_variables().map(|variable| variable.name.as_str());
        let data = data.filter_map(|name| Some((name, values.find(name).or_else(|| subject.data.find(name))?)));
        let data = data.fold(Values::new(), |data, (name, value)| data.with(name, value.clone()));
        let bound = model.bound(&data, &mut noise, &BoundOptions::default())?.log_weights()?;
        if !finite(&bound)? {
            wrong.push("the bound of its result is not finite".to_owned());
        }
        let seen = if wrong.is_empty() { named(mode.yields) } else { wrong.join("; ") };
        let law = format!("{} yields values in their variables' spaces, and their bound is finite", mode.name);
        findings.push(Finding::new(law, wrong.is_empty(), seen));
        for name in mode.given {
            let Some(variable) = spec.variable(name) else { continue };
            let run = |given: &Values, seed: u64, (decode, top): Way| -> Result<Values> {
                let draw = Draw { decode, top, ..Draw::default() };
                Ok(model.run(mode.name, given, BATCH, &mut Noise::seeded(seed), &draw)?)
            };
            let changed = changed(&run, &given, (variable, spec.steps(variable)))?;
            let seen = if changed.is_empty() { "nothing changes".to_owned() } else { named(&changed) };
            let law = format!("{} depends on {name}", mode.name);
            findings.push(Finding::new(law, !changed.is_empty(), seen));
        }
    }
    Ok(findings)
}

/// The way in which a mode decodes, and the number of top levels that it draws from q (all by default).
type Way = (Decode, Option<usize>);

/// Means of all that a mode draws, its draws, and those below one top level, where p reads what q does not.
const WAYS: [Way; 4] =
    [(Decode::Mean, None), (Decode::Sample, None), (Decode::Mean, Some(1)), (Decode::Sample, Some(1))];

/// The variables that differ between two values of a piece of evidence, with the same noise. The values are two
/// extremes (a black and a white image, the first and the last class), or one of them and a varied value, in case a
/// function of q does not distinguish constant images, or a class in between. Means of decoded variables are compared
/// first, because a drawn class may be the same although its probabilities differ; then draws, for which the mean may be
/// less informative.
fn changed(
    run: &dyn Fn(&Values, u64, Way) -> Result<Values>,
    given: &Values,
    (variable, steps): (&Variable, Option<usize>),
) -> Result<Vec<String>> {
    let between = if variable.space == Space::Label { 1..channels(variable) - 1 } else { 0..0 };
    let classes = between.take(CLASSES).map(Kind::Class);
    for (seed, way) in (0..SEEDS).flat_map(|seed| WAYS.map(|way| (seed, way))) {
        let at = |kind: Kind| run(&given.clone().with(&variable.name, value(variable, steps, kind)?), seed, way);
        let low = at(Kind::Low)?;
        for other in [Kind::High, Kind::Varied].into_iter().chain(classes.clone()) {
            let changed = differing(&low, &at(other)?)?;
            if !changed.is_empty() {
                return Ok(changed);
            }
        }
    }
    Ok(Vec::new())
}

/// The variables whose values differ.
fn differing(left: &Values, right: &Values) -> Result<Vec<String>> {
    let mut differing = Vec::new();
    for (name, value) in left.iter() {
        let difference = (value - right.get(name)?)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?;
        if difference > 0.0 {
            differing.push(name.to_owned());
        }
    }
    Ok(differing)
}

/// The value to use for a variable.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Low,
    High,
    Varied,
    /// This class, at each position.
    Class(usize),
}

/// Classes between the first and the last that are tried.
const CLASSES: usize = 32;

/// The channels of a variable: the classes of a label.
fn channels(variable: &Variable) -> usize {
    variable.one().first().copied().unwrap_or(1).max(1)
}

/// A batch of the smallest or largest value of a variable, the minimum or maximum of the values drawn for tests (for
/// real numbers −1 or about 1), or of a varied one. For the length: one step, all of them, or half.
fn value(variable: &Variable, steps: Option<usize>, kind: Kind) -> Result<Tensor> {
    if let Some(steps) = steps {
        let own = match kind {
            Kind::Low => 1,
            Kind::High => steps,
            Kind::Varied | Kind::Class(_) => steps.div_ceil(2),
        };
        return Ok(Tensor::full(own as f64, (BATCH, 1), &Device::Cpu)?);
    }
    let size = variable.row();
    // The largest of the numbers in [0, 1) from which a space's values are made.
    let most = 0.999;
    let uniform: Vec<f64> = match (variable.space, kind) {
        (_, Kind::Varied) => (0..size).map(|at| (at * 37 % 101) as f64 / 101.0).collect(),
        (Space::Label | Space::Simplex, _) => {
            let parts = channels(variable);
            let positions = size / parts;
            let part = match kind {
                Kind::High => parts - 1,
                Kind::Class(class) => class,
                _ => 0,
            };
            (0..size).map(|at| if at / positions == part { most } else { 0.0 }).collect()
        }
        (_, Kind::High) => vec![most; size],
        (_, Kind::Low | Kind::Class(_)) => vec![0.0; size],
    };
    let row = match (variable.space, kind) {
        (Space::Real, Kind::Low) => vec![-1.0; size],
        _ => space_entry(variable.space).made(&uniform, variable.one()),
    };
    let shape: Vec<usize> = std::iter::once(BATCH).chain(variable.shape.iter().copied()).collect();
    let rows = shape.iter().product::<usize>() / row.len().max(1);
    Ok(Tensor::from_vec(row.repeat(rows), shape, &Device::Cpu)?)
}

/// The error of a batch of values of a variable, if any.
fn misfit(variable: &Variable, value: &Tensor) -> Result<Option<String>> {
    if value.dims().split_first() != Some((&BATCH, variable.shape.as_slice())) {
        return Ok(Some(format!("has shape {:?}, not {BATCH} x {:?}", value.dims(), variable.shape)));
    }
    let numbers = value.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    Ok(variable.wrong(&numbers).map(str::to_owned))
}

fn finite(value: &Tensor) -> Result<bool> {
    Ok(value.flatten_all()?.to_vec1::<f64>()?.iter().all(|value| value.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use srvae_training::spec::Role;

    fn y() -> Variable {
        Variable::new("y", Role::Observed, Space::Real, &[3])
    }

    #[test]
    fn a_mode_that_ignores_what_it_is_given_is_found() {
        for (scale, wanted) in [(2.0, vec!["x".to_owned()]), (0.0, Vec::new())] {
            let run = |given: &Values, seed: u64, _: Way| -> Result<Values> {
                let noise = Noise::seeded(seed).normal("x", &[BATCH, 3], DType::F64, &Device::Cpu)?;
                Ok(Values::new().with("x", (noise + (given.get("y")? * scale)?)?))
            };
            assert_eq!(changed(&run, &Values::new(), (&y(), None)).unwrap(), wanted);
        }
    }

    /// A class that is almost certain for every y: only its probability shows whether it depends on y.
    #[test]
    fn probabilities_are_judged_where_one_class_is_drawn() {
        for (scale, wanted) in [(1.0, vec!["c".to_owned()]), (0.0, Vec::new())] {
            let run = |given: &Values, _: u64, (decode, _): Way| -> Result<Values> {
                let y = (given.get("y")?.narrow(1, 0, 1)? * scale)?;
                let c = match decode {
                    Decode::Mean => ((y - 40.0)?.exp())?,
                    Decode::Sample | Decode::Mode => y.zeros_like()?,
                };
                Ok(Values::new().with("c", c))
            };
            assert_eq!(changed(&run, &Values::new(), (&y(), None)).unwrap(), wanted);
        }
    }
}
