//! Helpers for tests of several operations.

use crate::{DType, Device, Result, Tensor};
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

/// Fails unless value and gradients of `ours` are those of `theirs` in f64: in f64 up to sums of some hundred terms in
/// another order, in f32 up to its rounding of such sums. Inputs have irregular values from −1.2 to 1.8.
pub fn agree<const N: usize>(
    shapes: &[&[usize]; N],
    ours: impl Fn([&Tensor; N]) -> Result<Tensor>,
    theirs: impl Fn([&Tensor; N]) -> Result<Tensor>,
) -> Result<()> {
    let wave = |shape: &[usize], step: f64| {
        let values = (0..shape.iter().product::<usize>()).map(|at| (at as f64 * step).sin() * 1.5 + 0.3);
        Tensor::from_iter(values, &Device::Cpu)?.reshape(shape)
    };
    let run = |f: &dyn Fn([&Tensor; N]) -> Result<Tensor>, dtype: DType| -> Result<Vec<Tensor>> {
        let steps = [0.7, 1.3, 2.1, 0.9];
        let vars = shapes.iter().zip(steps).map(|(shape, step)| Var::from_tensor(&wave(shape, step)?.to_dtype(dtype)?));
        let vars = vars.collect::<Result<Vec<_>>>()?;
        let out = f(std::array::from_fn(|at| vars[at].as_tensor()))?;
        let store = (&out * wave(out.dims(), 0.31)?.to_dtype(dtype)?)?.sum_all()?.backward()?;
        let gradients = vars.iter().map(|var| store.get(var).expect("a gradient").clone());
        [out.detach()].into_iter().chain(gradients).map(|t| t.to_dtype(DType::F64)).collect()
    };
    let expected = run(&theirs, DType::F64)?;
    for (dtype, tolerance) in [(DType::F64, 1e-11), (DType::F32, 2e-5)] {
        for (at, (ours, theirs)) in run(&ours, dtype)?.iter().zip(&expected).enumerate() {
            let most = |t: &Tensor| t.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>();
            let error = most(&(ours - theirs)?)? / most(theirs)?.max(1.0);
            assert!(error <= tolerance, "{shapes:?}, {dtype:?}, output or gradient {at}: {error:e}");
        }
    }
    Ok(())
}
