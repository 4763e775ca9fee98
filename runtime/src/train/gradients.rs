//! The size of a gradient, and holding it down.

use crate::{DType, Params, Tensor};
use anyhow::Result;
use candle_core::backprop::GradStore;

/// The norm of the whole gradient.
///
/// # Errors
/// A failed tensor operation.
pub fn norm(params: &Params, gradients: &GradStore) -> Result<f64> {
    let mut total: Option<Tensor> = None;
    for (_, var) in params.entries() {
        if let Some(gradient) = gradients.get(&var) {
            let square = gradient.sqr()?.sum_all()?.to_dtype(DType::F32)?;
            total = Some(match total {
                Some(sum) => (sum + square)?,
                None => square,
            });
        }
    }
    Ok(total.map_or(Ok(0.0), |total| total.to_scalar::<f32>())?.max(0.0).sqrt().into())
}

/// Scales the whole gradient by `factor`.
///
/// # Errors
/// A failed tensor operation.
pub fn scale(params: &Params, gradients: &mut GradStore, factor: f64) -> Result<()> {
    for (_, var) in params.entries() {
        if let Some(gradient) = gradients.get(&var) {
            let scaled = (gradient * factor)?;
            gradients.insert(&var, scaled);
        }
    }
    Ok(())
}
