//! Gradients: their computation, norm and scaling.

use crate::ops::cuda::Precision;
use crate::ops::tape::Tape;
use crate::{Model, Params, Tensor, ops};
use anyhow::Result;
use candle_core::Var;
use candle_core::backprop::GradStore;
use rayon::prelude::*;

/// A training step from its forward pass to its gradients.
pub struct Recording(Tape);

impl Recording {
    /// Starts a step of a model. At the precision bf16 on the CPU, activations are kept in bf16.
    pub fn begin(model: &dyn Model) -> Self {
        let compact = ops::cuda::precision() == Precision::Bf16 && model.params().device().is_cpu();
        Self(if compact { Tape::compact() } else { Tape::begin() })
    }

    /// The gradients of the step's loss.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn backward(self, loss: &Tensor) -> crate::Result<GradStore> {
        self.0.backward(loss)
    }
}

/// A gradient summed over a batch: complete in a single process, this rank's part on several.
pub struct Slopes {
    pub store: GradStore,
    /// The norm of the whole gradient.
    pub norm: f64,
    /// The first parameter whose gradient is not finite.
    pub broken: Option<String>,
}

/// The norm of the whole gradient. It does not depend on the number of threads.
///
/// # Errors
/// A failed tensor operation.
pub fn norm(params: &Params, gradients: &GradStore) -> Result<f64> {
    if params.device().is_cuda() {
        return Ok(f64::from(squares_on_gpu(params, gradients)?.to_scalar::<f32>()?).sqrt());
    }
    let entries = params.entries();
    let square = |(_, var): &(String, Var)| gradients.get(var).map_or(Ok(0.0), ops::sum_of_squares);
    let squares: Vec<f64> = if params.device().is_cpu() {
        entries.par_iter().map(square).collect::<crate::Result<_>>()?
    } else {
        entries.iter().map(square).collect::<crate::Result<_>>()?
    };
    Ok(squares.iter().sum::<f64>().sqrt())
}

/// The square of the norm, one number that stays on the GPU.
///
/// # Errors
/// A failed tensor operation.
pub fn squares_on_gpu(params: &Params, gradients: &GradStore) -> Result<Tensor> {
    let entries = params.entries();
    let slopes = entries.iter().filter_map(|(_, var)| gradients.get(var).map(Tensor::contiguous));
    let slopes = slopes.collect::<crate::Result<Vec<_>>>()?;
    let all: Vec<&Tensor> = slopes.iter().collect();
    Ok(ops::cuda::optimiser::squares(&all)?)
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
