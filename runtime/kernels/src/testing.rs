//! Helpers for tests of several operations.

use crate::{Device, Result, Tensor};
use candle_core::Var;

/// A variable with irregular values from −3 to 3.
pub fn made(shape: &[usize], seed: f64) -> Result<Var> {
    let values = (0..shape.iter().product::<usize>()).map(|at| 3.0 * (at as f64 * 0.7 + seed).sin());
    Var::from_tensor(&Tensor::from_iter(values, &Device::Cpu)?.reshape(shape)?)
}

/// Fails if two values in f64 differ by `limit` or more.
pub fn same(a: &Tensor, b: &Tensor, limit: f64) -> Result<()> {
    let distance = (a - b)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?;
    assert!(distance < limit, "{distance:e}");
    Ok(())
}
