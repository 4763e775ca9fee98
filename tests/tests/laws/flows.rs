//! Flows: the inverse returns the input, the log-determinant is that of the Jacobian, and gradients agree with finite
//! differences.

use super::catalogue::batch;
use super::support::{list, log_det, normal, params, slopes, stir};
use anyhow::{Result, ensure};
use srvae::candle_core;
use srvae::dist::{self, Distribution, Flowed, StandardNormal};
use srvae::entries::registry::{self, Arguments};
use srvae::entries::{Build, FLOWS};
use srvae::flow::{Bijector, Coupling, Mask, RealNvp, RealNvpConfig, Ways};
use srvae::{Draw, Noise, Params, Tensor};
use std::sync::Arc;

/// Rounding, through a few exponentials.
const EXACT: f64 = 1e-10;

/// Every flow over a few shapes, with a context if its example has one.
fn each(law: impl Fn(&str, &Params, &dyn Bijector, &[usize]) -> Result<()>) -> Result<()> {
    let masks = [
        Mask::Checkerboard { reversed: false },
        Mask::Checkerboard { reversed: true },
        Mask::Channel { reversed: false },
        Mask::Channel { reversed: true },
    ];
    for (mask, shape) in masks.iter().flat_map(|mask| [(*mask, [2, 3, 2]), (*mask, [4, 1, 1])]) {
        let params = params();
        let coupling = Coupling::new(&params.at("coupling"), shape[0], 2, 2, mask)?;
        stir(&params)?;
        law(&format!("{mask:?} over {shape:?}"), &params, &coupling, &shape)?;
    }
    for entry in FLOWS {
        ensure!(!entry.examples.is_empty(), "`{}` has no example", entry.name);
        for example in entry.examples {
            let (params, arguments, shapes) = (params(), (example.arguments)(), example.inputs);
            let Build::Bijector(build) = entry.build else { anyhow::bail!("`{}` is no bijector", entry.name) };
            let flow = build(&params.at("flow"), shapes, &arguments)?;
            let held: usize = params.entries().iter().map(|(_, var)| var.elem_count()).sum();
            let said = (entry.cost)(&arguments, shapes).parameters;
            ensure!(held as u64 == said, "{}: {held} parameters, the catalogue says {said}", entry.name);
            stir(&params)?;
            let name = format!("{} over {shapes:?} with {arguments:?}", entry.name);
            match shapes {
                [shape, context] => law(&name, &params, &Given { flow, context: context.to_vec() }, shape)?,
                _ => law(&name, &params, flow.as_ref(), shapes[0])?,
            }
        }
    }
    Ok(())
}

/// A flow with a context, which differs between rows and is the same at every call.
struct Given {
    flow: Arc<dyn Bijector>,
    context: Vec<usize>,
}

impl Given {
    fn with<R>(&self, x: &Tensor, work: impl FnOnce(&dyn Bijector) -> srvae::Result<R>) -> srvae::Result<R> {
        let all = normal(8, &batch(3, &self.context)).map_err(|error| candle_core::Error::Msg(error.to_string()))?;
        work(&*self.flow.given(&all.narrow(0, 0, x.dim(0)?)?)?)
    }
}

impl Bijector for Given {
    fn forward(&self, z: &Tensor) -> srvae::Result<(Tensor, Tensor)> {
        self.with(z, |flow| flow.forward(z))
    }

    fn inverse(&self, v: &Tensor) -> srvae::Result<Tensor> {
        self.with(v, |flow| flow.inverse(v))
    }

    fn drawn(&self, v: &Tensor) -> srvae::Result<(Tensor, Tensor)> {
        self.with(v, |flow| flow.drawn(v))
    }

    fn ways(&self) -> Ways {
        self.flow.ways()
    }
}

/// Values in the range of the flow: transformed normal draws.
fn values(flow: &dyn Bijector, seed: u64, rows: usize, shape: &[usize]) -> Result<Tensor> {
    let inner = if flow.inner().is_empty() { shape } else { flow.inner() };
    Ok(flow.inverse(&normal(seed, &batch(rows, inner))?)?)
}

fn close(name: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    let error = list(&(a - b)?.abs()?)?.into_iter().fold(0.0, f64::max);
    ensure!(error <= EXACT, "{name}: {error:e}");
    Ok(())
}

/// A training that has gone wrong must show it in the bound, and a draw from such a model in its values.
#[test]
fn no_flow_swallows_a_value_that_is_no_number() -> Result<()> {
    let lost = |values: &Tensor| Ok::<_, anyhow::Error>(list(values)?.iter().any(|value| value.is_nan()));
    each(|name, _, flow, shape| {
        let inner = if flow.inner().is_empty() { shape } else { flow.inner() };
        if flow.ways() == Ways::Both {
            let (v, log_det) = flow.forward(&(values(flow, 1, 1, shape)? * f64::NAN)?)?;
            ensure!(lost(&v)? || lost(&log_det)?, "{name}, forward: {v}, {log_det}");
        }
        ensure!(lost(&flow.inverse(&(normal(2, &batch(1, inner))? * f64::NAN)?)?)?, "{name}, inverse");
        Ok(())
    })
}

#[test]
fn both_ways_give_back_the_start() -> Result<()> {
    each(|name, _, flow, shape| {
        if flow.ways() != Ways::Both {
            return Ok(());
        }
        let z = values(flow, 1, 3, shape)?;
        let (v, log_det) = flow.forward(&z)?;
        close(name, &flow.inverse(&v)?, &z)?;
        close(name, &flow.forward(&flow.inverse(&v)?)?.0, &v)?;
        // A draw has the same log-density as an equal value from elsewhere.
        let (drawn, at_draw) = flow.drawn(&v)?;
        close(name, &drawn, &z)?;
        close(name, &at_draw, &log_det)
    })
}

#[test]
fn the_log_determinant_is_the_jacobians() -> Result<()> {
    each(|name, _, flow, shape| {
        // With a context a row cannot be evaluated separately, so the Jacobian is that of a batch of one.
        let rows = 1;
        match flow.ways() {
            Ways::Both => {
                let z = values(flow, 2, rows, shape)?;
                let (said, found) = (list(&flow.forward(&z)?.1)?[0], log_det(&z, |z| Ok(flow.forward(z)?.0))?);
                ensure!((said - found).abs() <= EXACT, "{name}: {said} is said, the Jacobian has {found}");
            }
            Ways::Drawn => {
                let v = normal(2, &batch(rows, shape))?;
                let (said, found) = (list(&flow.drawn(&v)?.1)?[0], -log_det(&v, |v| Ok(flow.drawn(v)?.0))?);
                ensure!((said - found).abs() <= EXACT, "{name}: {said} is said, the Jacobian has {found}");
            }
            Ways::Split | Ways::Rounds => {}
        }
        Ok(())
    })
}

/// The part that a split draws has the log-density that the split reports, the same as that of an equal value from
/// elsewhere.
#[test]
fn splits_score_what_they_draw() -> Result<()> {
    each(|name, _, flow, shape| {
        if flow.ways() != Ways::Split {
            return Ok(());
        }
        let v = normal(2, &batch(3, flow.inner()))?;
        let (z, said) = flow.sample_scored(&v, "z", &mut Noise::seeded(3), &Draw::default())?;
        ensure!(z.dims() == batch(3, shape), "{name}: {:?}", z.dims());
        let (on, found) = flow.forward(&z)?;
        close(name, &on, &v)?;
        close(name, &said, &found)?;
        // This part does not depend on v: other noise yields another value.
        let other = flow.sample(&v, "z", &mut Noise::seeded(4), &Draw::default())?;
        ensure!(list(&(other - z)?.abs()?)?.into_iter().fold(0.0, f64::max) > 1e-3, "{name}: nothing is drawn");
        Ok(())
    })
}

#[test]
fn gradients_are_slopes() -> Result<()> {
    each(|_, params, flow, shape| {
        if flow.ways() == Ways::Rounds {
            return Ok(());
        }
        let inner = if flow.inner().is_empty() { shape } else { flow.inner() };
        let (v, weights) = (normal(3, &batch(2, inner))?, normal(4, &batch(2, shape))?);
        let of_inner = normal(5, &batch(2, inner))?;
        if flow.ways() != Ways::Drawn {
            let z = values(flow, 3, 2, shape)?;
            slopes(params, &z, |z| {
                let (v, log_det) = flow.forward(z)?;
                Ok(((v * &of_inner)?.sum_all()? + log_det.sum_all()?)?)
            })?;
        }
        slopes(params, &v, |v| {
            let (z, log_det) = flow.sample_scored(v, "z", &mut Noise::seeded(6), &Draw::default())?;
            Ok(((z * &weights)?.sum_all()? + log_det.sum_all()?)?)
        })
    })
}

/// One pixel with a logistic flow of a normal: for every k the mean of the term is below ln P(k) and approaches it with
/// many samples.
#[test]
fn dequantised_pixels_are_bounded_in_units_of_pixels() -> Result<()> {
    const SAMPLES: usize = 4000;
    let params = params();
    let make = |name: &str, shape: &[usize]| registry::flow(name, &params, &[shape], &Arguments::default());
    let base = StandardNormal::new(&params, &[1, 1, 1])?.expand(SAMPLES)?;
    let density = Flowed::new(Flowed::new(base, make("sigmoid", &[1, 1, 1])?), make("dequantise", &[1, 1, 1])?);
    // The probability of a cell by the midpoint rule, whose error is much smaller than that of the samples.
    let standard = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mass = |k: f64| -> f64 {
        let at = |step: usize| (k + (step as f64 + 0.5) / 1000.0) / 256.0;
        (0..1000).map(at).map(|v| standard((v / (1.0 - v)).ln()) / (v * (1.0 - v)) / 256_000.0).sum()
    };
    let mut noise = Noise::seeded(5);
    for k in [0.0, 1.0, 40.0, 128.0, 255.0] {
        let x = Tensor::full(k / 255.0, (SAMPLES, 1, 1, 1), &candle_core::Device::Cpu)?;
        let logs = list(&density.log_prob(&dist::dequantised(&x, "x", &mut noise)?)?)?;
        let mean = logs.iter().sum::<f64>() / SAMPLES as f64;
        let weights: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        let average = weights.iter().sum::<f64>() / SAMPLES as f64;
        let spread = weights.iter().map(|weight| (weight - average).powi(2)).sum::<f64>() / SAMPLES as f64;
        // Five standard errors of the mean, relative.
        let error = 5.0 * (spread / SAMPLES as f64).sqrt() / average + 1e-9;
        ensure!((average / mass(k) - 1.0).abs() < error, "{k}: {average} for {}", mass(k));
        ensure!(mean <= mass(k).ln() + error, "{k}: {mean} above {}", mass(k).ln());
        // Draws are on the grid.
        let drawn = list(&density.sample("x", &mut noise, &Draw::default())?)?;
        ensure!(
            drawn.iter().all(|x| (x * 255.0 - (x * 255.0).round()).abs() < 1e-9 && (0.0..=1.0).contains(x)),
            "{k}: off the grid"
        );
    }
    Ok(())
}

/// A grid over [-9, 9]² with steps of 0.06. For a density this smooth, the sum over the grid equals the integral to
/// many digits. Less than 1e-9 of a standard normal is outside, and the flow does not move it far.
#[test]
fn a_density_under_a_flow_adds_up_to_one() -> Result<()> {
    let params = params();
    let flow = RealNvp::new(&params.at("flow"), &[1, 1, 2], RealNvpConfig { scales: 1, growth: 1, steps: 1 })?;
    stir(&params)?;
    let prior = Flowed::new(StandardNormal::new(&params, &[1, 1, 2])?, flow);
    let (side, step) = (300i32, 0.06);
    let points = (-side / 2..side / 2).flat_map(|i| (-side / 2..side / 2).map(move |j| [i, j]));
    let points: Vec<f64> = points.flatten().map(|i| f64::from(i) * step).collect();
    let points = Tensor::from_vec(points, ((side * side) as usize, 1, 1, 2), params.device())?;
    let total: f64 = list(&prior.log_prob(&points)?.exp()?)?.into_iter().sum::<f64>() * step * step;
    // What is outside of the grid under the flow, which stretches the plane a little: a thousand times what it is without.
    ensure!((total - 1.0).abs() < 1e-6, "{total}");
    Ok(())
}

/// The reported log-density of a draw from a flow is its density, and copies of a record have the record's context.
#[test]
fn a_density_under_a_flow_scores_what_it_draws_given_its_context() -> Result<()> {
    let mut given = 0;
    // `onto` needs numbers between 0 and 1, which a normal base does not yield.
    for entry in FLOWS.iter().filter(|entry| entry.name != "onto") {
        for example in entry.examples {
            let (params, arguments, shapes) = (params(), (example.arguments)(), example.inputs);
            let Build::Bijector(build) = entry.build else { anyhow::bail!("`{}` is no bijector", entry.name) };
            let flow = build(&params.at("flow"), shapes, &arguments)?;
            stir(&params)?;
            let [shape, context] = shapes else { continue };
            if flow.ways() != Ways::Both {
                continue;
            }
            given += 1;
            let base = StandardNormal::new(&params, shape)?;
            let all = Flowed::given(base, flow, &normal(8, &batch(3, context))?).expand(3)?;
            let (z, said) = all.sample_scored("z", &mut Noise::seeded(3), &Draw::default())?;
            close(entry.name, &all.log_prob(&z)?, &said)?;
            // Row 3 k + b is draw k of record b.
            let twice = all.repeat(2)?.log_prob(&Tensor::cat(&[&z, &z], 0)?)?;
            close(entry.name, &twice, &Tensor::cat(&[&said, &said], 0)?)?;
        }
    }
    ensure!(given > 0, "no flow has an example with a context");
    Ok(())
}
