//! Bijectors: both ways give back the start, the log-determinant is the Jacobian's, gradients are slopes.

use super::catalogue::batch;
use super::support::{list, log_det, normal, params, slopes, stir};
use anyhow::{Result, ensure};
use srvae::dist::{Distribution, Flowed, StandardNormal};
use srvae::entries::{Build, FLOWS};
use srvae::flow::{Bijector, Coupling, Mask, RealNvp, RealNvpConfig};
use srvae::{Params, Tensor};

/// Rounding, through a few exponentials.
const EXACT: f64 = 1e-10;

/// Every bijector there is, over a few shapes.
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
            let (params, arguments, shape) = (params(), (example.arguments)(), example.inputs[0]);
            let Build::Bijector(build) = entry.build else { anyhow::bail!("`{}` is no bijector", entry.name) };
            let flow = build(&params.at("flow"), shape, &arguments)?;
            let held: usize = params.entries().iter().map(|(_, var)| var.elem_count()).sum();
            let said = (entry.cost)(&arguments, &[shape]).parameters;
            ensure!(held as u64 == said, "{}: {held} parameters, the catalogue says {said}", entry.name);
            stir(&params)?;
            law(&format!("{} over {shape:?} with {arguments:?}", entry.name), &params, flow.as_ref(), shape)?;
        }
    }
    Ok(())
}

fn close(name: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    let error = list(&(a - b)?.abs()?)?.into_iter().fold(0.0, f64::max);
    ensure!(error <= EXACT, "{name}: {error:e}");
    Ok(())
}

#[test]
fn both_ways_give_back_the_start() -> Result<()> {
    each(|name, _, flow, shape| {
        let z = normal(1, &batch(3, shape))?;
        close(name, &flow.inverse(&flow.forward(&z)?.0)?, &z)?;
        close(name, &flow.forward(&flow.inverse(&z)?)?.0, &z)
    })
}

#[test]
fn the_log_determinant_is_the_jacobians() -> Result<()> {
    each(|name, _, flow, shape| {
        let z = normal(2, &batch(3, shape))?;
        let said = list(&flow.forward(&z)?.1)?;
        for (row, said) in said.into_iter().enumerate() {
            let found = log_det(&z.narrow(0, row, 1)?, |z| Ok(flow.forward(z)?.0))?;
            ensure!((said - found).abs() <= EXACT, "{name}: {said} is said, the Jacobian has {found}");
        }
        Ok(())
    })
}

#[test]
fn gradients_are_slopes() -> Result<()> {
    each(|_, params, flow, shape| {
        let (z, weights) = (normal(3, &batch(2, shape))?, normal(4, &batch(2, shape))?);
        slopes(params, &z, |z| {
            let (v, log_det) = flow.forward(z)?;
            Ok(((v * &weights)?.sum_all()? + log_det.sum_all()?)?)
        })?;
        slopes(params, &z, |v| Ok((flow.inverse(v)? * &weights)?.sum_all()?))
    })
}

/// A grid over [-9, 9]² with steps of 0.06: for a density this smooth the sum of a grid is the integral to many digits;
/// what lies outside has less than 1e-9 of a standard normal, which the flow bends but does not move far.
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
    ensure!((total - 1.0).abs() < 1e-6, "{total}");
    Ok(())
}
