//! Laws of flows: they are invertible, and their log-determinants are those of their Jacobians.

use super::facts::flow_kinds;
use super::{Finding, Outcome, Subject};
use anyhow::{Result, ensure};
use candle_core::Var;
use srvae_training::flow::{Bijector, Ways};
use srvae_training::params::Phase;
use srvae_training::{DType, Device, Draw, Noise, Tensor};

/// Rows of the Jacobian computed in one pass.
const ROWS: usize = 64;
/// The maximum number of elements for computing the Jacobian.
const LARGEST: usize = 2048;
/// The maximum multiply-accumulates for the Jacobians of all flows of one kind: a second or two.
const WORK: u64 = 4_000_000_000;
/// The maximum multiply-accumulates for a single Jacobian.
const MOST_WORK: u64 = 60 * WORK;
/// The tolerance for rounding errors in a few dozen couplings and the elimination.
const TOLERANCE: f64 = 1e-8;

pub fn laws(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let (kinds, flows) = (flow_kinds(subject.spec)?, subject.model.flows());
    ensure!(kinds.len() == flows.len(), "the model has {} flows, and its text {}", flows.len(), kinds.len());
    for (at, flow) in flows.into_iter().enumerate() {
        let name = format!("{}: {}", flow.factor, flow.name);
        let given = Given { flow: flow.bijector, context: flow.bijector.context().map(<[usize]>::to_vec) };
        if flow.bijector.ways() == Ways::Split {
            let law = format!("{name} yields the log-density of its draws");
            findings.push(splits(law, flow.bijector)?);
            continue;
        }
        // A flow that rounds has no Jacobian.
        if flow.bijector.ways() == Ways::Rounds {
            continue;
        }
        if flow.bijector.ways() == Ways::Both {
            findings.push(inverts(&name, &given, &flow.shape)?);
        }
        let size: usize = flow.shape.iter().product();
        let (law, work) = (format!("{name}'s log-determinant is that of its Jacobian"), work(size, kinds[at].cost));
        let before = kinds[..at].iter().filter(|kind| **kind == kinds[at]).count() as u64;
        if !is_judged(before, work) {
            continue;
        }
        if let Some(seen) = too_much(size, work) {
            findings.push(Finding { law, outcome: Outcome::Skipped, seen });
        } else {
            subject.model.params().set_phase(Phase::Training);
            let found = determinant(law, &given, &flow.shape);
            subject.model.params().set_phase(Phase::Inference);
            findings.push(found?);
        }
    }
    Ok(findings)
}

/// Multiply-accumulates of a Jacobian: forward and backward for each row, and the elimination.
fn work(size: usize, cost: u64) -> u64 {
    let size = size as u64;
    (3 * size).saturating_mul(cost).saturating_add(size.saturating_pow(3) / 3)
}

/// The reason why a Jacobian is not computed.
fn too_much(size: usize, work: u64) -> Option<String> {
    if size > LARGEST {
        return Some(format!("{size} numbers, more than {LARGEST}"));
    }
    (work > MOST_WORK).then(|| format!("{work:.1e} multiply-accumulates, more than {MOST_WORK:.0e}"))
}

/// Whether to compute the Jacobian of a flow after this number of flows that differ only in the values of their
/// parameters.
fn is_judged(before: u64, work: u64) -> bool {
    before == 0 || before < WORK / work.max(1)
}

/// A flow with a context, if it has one, which is the same for every row.
struct Given<'f> {
    flow: &'f dyn Bijector,
    context: Option<Vec<usize>>,
}

impl Given<'_> {
    fn with<R>(&self, x: &Tensor, work: impl FnOnce(&dyn Bijector) -> srvae_training::Result<R>) -> Result<R> {
        let Some(shape) = &self.context else { return Ok(work(self.flow)?) };
        let rows: Vec<usize> = std::iter::once(x.dim(0)?).chain(shape.iter().copied()).collect();
        let context = points(1, shape)?.broadcast_as(rows)?.contiguous()?;
        Ok(work(&*self.flow.given(&context)?)?)
    }

    /// The value and ln |det| of the map to the base if the flow has this direction, otherwise of the map from the
    /// base.
    fn map(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        self.with(x, |flow| match flow.ways() {
            Ways::Both => flow.forward(x),
            Ways::Drawn | Ways::Split | Ways::Rounds => {
                let (z, log_det) = flow.drawn(x)?;
                Ok((z, log_det.neg()?))
            }
        })
    }

    /// Valid values of the flow: images of standard normal values.
    fn values(&self, count: usize, shape: &[usize]) -> Result<Tensor> {
        let inner = if self.flow.inner().is_empty() { shape } else { self.flow.inner() };
        let v = points(count, inner)?;
        if self.flow.ways() == Ways::Drawn { Ok(v) } else { self.with(&v, |flow| flow.inverse(&v)) }
    }
}

/// The density of the part that a split draws agrees with its density for a given value.
fn splits(law: String, flow: &dyn Bijector) -> Result<Finding> {
    let v = points(4, flow.inner())?;
    let (z, said) = flow.sample_scored(&v, "z", &mut Noise::seeded(3), &Draw::default())?;
    let error = (said - flow.forward(&z)?.1)?.abs()?.max(0)?.to_scalar::<f64>()?;
    Ok(Finding::new(law, error < TOLERANCE, format!("differs by {error:.1e}")))
}

fn points(count: usize, shape: &[usize]) -> Result<Tensor> {
    let shape: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
    Ok(Noise::seeded(2).normal("z", &shape, DType::F64, &Device::Cpu)?)
}

fn inverts(name: &str, flow: &Given<'_>, shape: &[usize]) -> Result<Finding> {
    let z = flow.values(4, shape)?;
    let v = flow.map(&z)?.0;
    let error = (flow.with(&v, |flow| flow.inverse(&v))? - &z)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?;
    Ok(Finding::new(format!("{name} is invertible"), error < TOLERANCE, format!("differs by {error:.1e}")))
}

fn determinant(law: String, flow: &Given<'_>, shape: &[usize]) -> Result<Finding> {
    let size: usize = shape.iter().product();
    let z = flow.values(1, shape)?;
    let mut jacobian = Vec::with_capacity(size * size);
    for start in (0..size).step_by(ROWS) {
        jacobian.extend(rows(flow, &z, start, ROWS.min(size - start))?);
    }
    let (_, said) = flow.map(&z)?;
    let (said, true_value) = (said.to_vec1::<f64>()?[0], log_determinant(jacobian, size));
    let holds = (said - true_value).abs() < TOLERANCE * (1.0 + true_value.abs());
    Ok(Finding::new(law, holds, format!("{said:.9} for {true_value:.9}")))
}

/// Some rows of ∂v/∂z: the gradient of the i-th element of v in the i-th copy of z.
fn rows(flow: &Given<'_>, z: &Tensor, start: usize, count: usize) -> Result<Vec<f64>> {
    let copies = Var::from_tensor(
        &z.repeat(Vec::from_iter(std::iter::once(count).chain(std::iter::repeat_n(1, z.rank() - 1))))?,
    )?;
    let (v, _) = flow.map(&copies)?;
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

/// ln |det|, by elimination with column pivoting.
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

    /// A flow with a wrong log-determinant, to test that the law fails.
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
            let flow = Scale(said);
            let found = determinant("f".to_owned(), &Given { flow: &flow, context: None }, &[7, 5, 2]).unwrap();
            assert_eq!(found.outcome == Outcome::Holds, holds, "{}", found.seen);
        }
        assert!(
            inverts("f", &Given { flow: &Scale(right), context: None }, &[2, 2]).unwrap().outcome == Outcome::Holds
        );
    }

    #[test]
    fn of_many_equal_flows_the_first_are_judged() {
        let judged = |work| (0..1000).take_while(|before| is_judged(*before, work)).count();
        assert_eq!([0, WORK / 1000, WORK / 3, WORK, MOST_WORK].map(judged), [1000, 1000, 3, 1, 1]);
        assert!(too_much(LARGEST, MOST_WORK).is_none());
        assert!(too_much(LARGEST + 1, 1).is_some() && too_much(1, MOST_WORK + 1).is_some());
    }

    #[test]
    fn elimination_swaps_rows() {
        // A permutation times diag(2, 3, 4).
        let matrix = vec![0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0];
        assert!((log_determinant(matrix, 3) - 24.0f64.ln()).abs() < 1e-12);
    }
}
