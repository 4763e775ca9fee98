//! Flows invert, and their log-determinants are those of their Jacobians.

use super::{Finding, Outcome, Subject};
use anyhow::Result;
use candle_core::Var;
use srvae_training::flow::Bijector;
use srvae_training::params::Phase;
use srvae_training::{DType, Device, Noise, Tensor};

/// Rows of the Jacobian computed in one pass.
const ROWS: usize = 64;
/// Beyond so many numbers the Jacobian takes too long.
const LARGEST: usize = 2048;
/// Rounding, through a few dozen couplings and the elimination.
const TOLERANCE: f64 = 1e-8;

pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for flow in subject.model.flows() {
        let name = format!("{}: {}", flow.factor, flow.name);
        findings.push(inverts(&name, flow.bijector, &flow.shape)?);
        subject.model.params().set_phase(Phase::Training);
        let found = determinant(&name, flow.bijector, &flow.shape);
        subject.model.params().set_phase(Phase::Inference);
        findings.push(found?);
    }
    Ok(findings)
}

fn points(count: usize, shape: &[usize]) -> Result<Tensor> {
    let shape: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
    Ok(Noise::seeded(2).normal("z", &shape, DType::F64, &Device::Cpu)?)
}

fn inverts(name: &str, flow: &dyn Bijector, shape: &[usize]) -> Result<Finding> {
    let z = points(4, shape)?;
    let (v, _) = flow.forward(&z)?;
    let error = (flow.inverse(&v)? - &z)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?;
    Ok(Finding::new(format!("{name} inverts"), error < TOLERANCE, format!("differs by {error:.1e}")))
}

fn determinant(name: &str, flow: &dyn Bijector, shape: &[usize]) -> Result<Finding> {
    let law = format!("{name}'s log-determinant is its Jacobian's");
    let size: usize = shape.iter().product();
    if size > LARGEST {
        let seen = format!("{size} numbers, more than {LARGEST}");
        return Ok(Finding { law, outcome: Outcome::Skipped, seen });
    }
    let z = points(1, shape)?;
    let mut jacobian = Vec::with_capacity(size * size);
    for start in (0..size).step_by(ROWS) {
        jacobian.extend(rows(flow, &z, start, ROWS.min(size - start))?);
    }
    let (_, said) = flow.forward(&z)?;
    let (said, true_value) = (said.to_vec1::<f64>()?[0], log_determinant(jacobian, size));
    let holds = (said - true_value).abs() < TOLERANCE * (1.0 + true_value.abs());
    Ok(Finding::new(law, holds, format!("{said:.9} for {true_value:.9}")))
}

/// Some rows of ∂v/∂z: the gradient of the i-th number of v in the i-th copy of z.
fn rows(flow: &dyn Bijector, z: &Tensor, start: usize, count: usize) -> Result<Vec<f64>> {
    let copies = Var::from_tensor(
        &z.repeat(Vec::from_iter(std::iter::once(count).chain(std::iter::repeat_n(1, z.rank() - 1))))?,
    )?;
    let (v, _) = flow.forward(&copies)?;
    let v = v.flatten_from(1)?;
    let size = v.dim(1)?;
    let picks: Vec<f64> = (0..count * size).map(|at| f64::from(u8::from(at % size == start + at / size))).collect();
    let picked = (&v * Tensor::from_vec(picks, (count, size), z.device())?)?.sum_all()?;
    let gradients = picked.backward()?;
    match gradients.get(&copies) {
        Some(gradient) => Ok(gradient.flatten_all()?.to_vec1()?),
        None => Ok(vec![0.0; count * size]),
    }
}

/// ln |det|, by elimination with the largest pivot of each column.
fn log_determinant(mut matrix: Vec<f64>, size: usize) -> f64 {
    let mut total = 0.0;
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|a, b| matrix[a * size + column].abs().total_cmp(&matrix[b * size + column].abs()))
            .unwrap_or(column);
        if pivot != column {
            for at in 0..size {
                matrix.swap(pivot * size + at, column * size + at);
            }
        }
        let (above, below) = matrix.split_at_mut((column + 1) * size);
        let row = &above[column * size..];
        total += row[column].abs().ln();
        for other in below.chunks_mut(size) {
            let factor = other[column] / row[column];
            if factor != 0.0 {
                other[column..].iter_mut().zip(&row[column..]).for_each(|(value, top)| *value -= factor * top);
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flow that forgets its log-determinant, to see the law break.
    struct Scale(f64);

    impl Bijector for Scale {
        fn forward(&self, z: &Tensor) -> srvae_training::Result<(Tensor, Tensor)> {
            Ok(((z * 3.0)?, (Tensor::zeros(z.dim(0)?, DType::F64, z.device())? + self.0)?))
        }

        fn inverse(&self, v: &Tensor) -> srvae_training::Result<Tensor> {
            v / 3.0
        }
    }

    #[test]
    fn determinants_are_compared_with_jacobians() {
        let right = 70.0 * 3.0f64.ln();
        for (said, holds) in [(right, true), (right + 1e-5, false), (0.0, false)] {
            let found = determinant("f", &Scale(said), &[7, 5, 2]).unwrap();
            assert_eq!(found.outcome == Outcome::Holds, holds, "{}", found.seen);
        }
        assert!(inverts("f", &Scale(right), &[2, 2]).unwrap().outcome == Outcome::Holds);
    }

    #[test]
    fn elimination_swaps_rows() {
        // A permutation times diag(2, 3, 4).
        let matrix = vec![0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0];
        assert!((log_determinant(matrix, 3) - 24.0f64.ln()).abs() < 1e-12);
    }
}
