//! Values of single distributions that follow from their definitions.

use super::support::list;
use anyhow::{Result, ensure};
use srvae::dist::{Distribution, VonMisesFisher, Weibull};
use srvae::{Device, Draw, Noise, Tensor};

fn draw(of: &dyn Distribution, temperature: f64) -> Result<Vec<f64>> {
    list(&of.sample("z", &mut Noise::seeded(3), &Draw { temperature, ..Draw::default() })?)
}

/// The median of a Weibull variable is λ (ln 2)^(1/k).
#[test]
fn without_temperature_a_weibull_variable_is_its_median() -> Result<()> {
    let (scale, shape) = (2f64, 3f64);
    let own = Weibull::from_head(&Tensor::new(&[[scale.ln(), shape.ln()]; 4], &Device::Cpu)?)?;
    let median = scale * std::f64::consts::LN_2.powf(1.0 / shape);
    let found = draw(&own, 0.0)?;
    // Rounding of logarithms and exponentials.
    ensure!(found.iter().all(|value| (value - median).abs() < 1e-12), "{found:?}, the median is {median}");
    Ok(())
}

/// Directions around (0.6, 0.8).
fn direction(log_concentration: f64) -> Result<VonMisesFisher> {
    Ok(VonMisesFisher::from_head(&Tensor::new(&[[0.6, 0.8, log_concentration]; 4], &Device::Cpu)?)?)
}

#[test]
fn a_temperature_divides_a_concentration_by_its_square() -> Result<()> {
    let (cold, narrow) = (draw(&direction(4f64.ln())?, 0.5)?, draw(&direction(16f64.ln())?, 1.0)?);
    // The logarithm of the concentration is rounded in both.
    let apart = cold.iter().zip(&narrow).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    ensure!(apart < 1e-9, "{cold:?} {narrow:?}");
    Ok(())
}

#[test]
fn a_concentration_from_a_network_is_bounded_on_both_sides() -> Result<()> {
    let at_mean = |log| -> Result<f64> {
        let own = direction(log)?;
        Ok(list(&own.log_prob(&own.mode()?)?)?[0])
    };
    ensure!(at_mean(30.0)? == at_mean(10.0)? && at_mean(10.0)? > at_mean(9.0)? + 0.1);
    ensure!(at_mean(-30.0)? == at_mean(-10.0)?);
    Ok(())
}
