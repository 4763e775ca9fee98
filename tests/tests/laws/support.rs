//! Random values, finite differences, Jacobians by automatic differentiation.

use anyhow::{Result, ensure};
use srvae::candle_core::{DType, Device, Tensor, Var};
use srvae::{Noise, Params};

/// A parameter store in double precision.
pub fn params() -> Params {
    params_of(DType::F64)
}

/// A parameter store of this type.
pub fn params_of(dtype: DType) -> Params {
    Params::new(7, dtype, &Device::Cpu)
}

/// Standard normal values.
pub fn normal(seed: u64, shape: &[usize]) -> Result<Tensor> {
    Ok(Noise::seeded(seed).normal("value", shape, DType::F64, &Device::Cpu)?)
}

/// Changes every parameter from its initial value, at which gradients may vanish.
pub fn stir(params: &Params) -> Result<()> {
    for (index, (name, var)) in params.entries().into_iter().enumerate() {
        let draw = normal(100 + index as u64, var.dims())?;
        let value = if name.ends_with("weight_g") { ((draw * 0.1)? + 0.8)? } else { (draw * 0.3)? };
        var.set(&value)?;
    }
    params.touch();
    Ok(())
}

/// Values as a list.
pub fn list(values: &Tensor) -> Result<Vec<f64>> {
    Ok(values.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// Half the distance of the two points of a difference: the error h²·f‴/6 and the rounding error ε·f/h are both about
/// 1e-10.
const STEP: f64 = 1e-5;
/// The resulting error of a derivative, relative to the derivatives.
const SLOPE: f64 = 1e-6;

/// Tests the gradient of a scalar function for its input and for every parameter, with finite differences along random
/// directions.
///
/// # Errors A derivative that differs, with the name of the input or parameter.
pub fn slopes(params: &Params, input: &Tensor, function: impl Fn(&Tensor) -> Result<Tensor>) -> Result<()> {
    let x = Var::from_tensor(input)?;
    let scalar = |x: &Tensor| -> Result<Tensor> { Ok(function(x)?.sum_all()?) };
    let store = scalar(x.as_tensor())?.backward()?;
    let all = std::iter::once(("the input".to_owned(), x.clone())).chain(params.entries());
    for (index, (name, var)) in all.enumerate() {
        let gradient = store.get(&var).map_or_else(|| var.zeros_like(), |gradient| Ok(gradient.clone()))?;
        let (start, direction) = (var.as_detached_tensor().copy()?, normal(1000 + index as u64, var.dims())?);
        let at = |step: f64| -> Result<f64> {
            var.set(&(&start + (&direction * step)?)?)?;
            params.touch();
            Ok(scalar(x.as_tensor())?.to_scalar()?)
        };
        let difference = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
        var.set(&start)?;
        params.touch();
        let slope: f64 = (&gradient * &direction)?.sum_all()?.to_scalar()?;
        let scale: f64 = gradient.sqr()?.sum_all()?.sqrt()?.to_scalar::<f64>()?.max(1.0);
        ensure!(
            (slope - difference).abs() <= SLOPE * scale,
            "{name}: the gradient says {slope}, differences {difference}"
        );
    }
    Ok(())
}

/// log |det ∂f/∂x| of a map at one point, from its gradients.
///
/// # Errors
/// A failed tensor operation.
pub fn log_det(input: &Tensor, map: impl Fn(&Tensor) -> Result<Tensor>) -> Result<f64> {
    let x = Var::from_tensor(input)?;
    let out = map(x.as_tensor())?.flatten_all()?;
    let rows: Result<Vec<Vec<f64>>> = (0..out.dim(0)?)
        .map(|row| {
            let store = out.get(row)?.backward()?;
            list(&store.get(&x).map_or_else(|| x.zeros_like(), |gradient| Ok(gradient.clone()))?)
        })
        .collect();
    Ok(log_abs_det(rows?))
}

/// log |det| by elimination with pivots.
fn log_abs_det(mut rows: Vec<Vec<f64>>) -> f64 {
    let mut total = 0.0;
    for at in 0..rows.len() {
        let pivot = (at..rows.len()).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs())).unwrap_or(at);
        rows.swap(at, pivot);
        let (done, rest) = rows.split_at_mut(at + 1);
        let first = &done[at];
        total += first[at].abs().ln();
        for row in rest {
            let factor = row[at] / first[at];
            row.iter_mut().zip(first).for_each(|(value, above)| *value -= factor * above);
        }
    }
    total
}
