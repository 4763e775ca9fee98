//! Values and gradients of the kernels in f32 compared with the operations of the CPU in f64.

use super::imitation::device;
use anyhow::{Result, ensure};
use srvae::candle_core::backprop::GradStore;
use srvae::candle_core::{self, Device, Var};
use srvae::ops::tape::Tape;
use srvae::{DType, Noise, Params, Tensor};

/// A margin above the difference between sums of a few hundred terms in f32 and in f64, relative to the largest value.
pub const CLOSE: f64 = 2e-5;
/// On a GPU, where cuDNN may use Winograd or Fourier algorithms and a library adds in another order.
pub const ON_GPU: f64 = 2e-4;
/// Products with 8 bits of mantissa, through a few layers.
pub const BF16: f64 = 4e-2;

pub fn normal(number: u64, shape: &[usize]) -> Result<Tensor> {
    Ok(Noise::at(7, number).normal("", shape, DType::F64, &Device::Cpu)?)
}

/// Smaller values are replaced by this one: some gradients are exactly 0 in theory (the direction of a single number),
/// and only rounding errors remain.
pub const FLOOR: f64 = 0.05;

/// The device for tensors of a type: in f32 that of the kernels, in f64 the CPU.
pub fn home(dtype: DType) -> Device {
    match dtype {
        DType::F32 => device().unwrap_or(Device::Cpu),
        _ => Device::Cpu,
    }
}

/// The same values in another type, on the device for that type.
pub fn moved(tensor: &Tensor, dtype: DType) -> candle_core::Result<Tensor> {
    tensor.to_device(&Device::Cpu)?.to_dtype(dtype)?.to_device(&home(dtype))
}

/// The largest difference divided by the largest value, or by `least` if that is larger.
fn distance(ours: &Tensor, theirs: &Tensor, least: f64) -> Result<f64> {
    ensure!(ours.dims() == theirs.dims(), "shapes {:?} and {:?}", ours.dims(), theirs.dims());
    let (ours, theirs) = (moved(ours, DType::F64)?.flatten_all()?, moved(theirs, DType::F64)?.flatten_all()?);
    let scale = largest(&theirs)?.max(least);
    let error = (ours - theirs)?.abs()?.max(0)?.to_scalar::<f64>()? / scale;
    Ok(if error.is_nan() { f64::INFINITY } else { error })
}

pub fn largest(values: &Tensor) -> Result<f64> {
    Ok(values.flatten_all()?.abs()?.max(0)?.to_scalar()?)
}

pub fn close(what: &str, ours: &Tensor, theirs: &Tensor, tolerance: f64) -> Result<()> {
    close_beside(what, ours, theirs, tolerance, FLOOR)
}

/// [`close`], relative to `least` if that is larger than the largest value.
pub fn close_beside(what: &str, ours: &Tensor, theirs: &Tensor, tolerance: f64, least: f64) -> Result<()> {
    let exact = tolerance == 0.0 || !home(DType::F32).is_cuda();
    let tolerance = if exact { tolerance } else { tolerance.max(ON_GPU) };
    let error = distance(ours, theirs, least)?;
    ensure!(error <= tolerance, "{what}: {error:.1e} apart, allowed {tolerance:.0e}");
    Ok(())
}

/// Compares `f` and its gradients at `inputs` (f64) with the same in f32, where the kernels compute it, with and
/// without a tape.
pub fn agree(
    what: &str,
    inputs: &[Tensor],
    tolerance: f64,
    f: impl Fn(&[Tensor]) -> candle_core::Result<Tensor>,
) -> Result<()> {
    let run = |dtype: DType, taped: bool| -> Result<(Tensor, Vec<Tensor>)> {
        let vars: Vec<Var> =
            inputs.iter().map(|input| Ok(Var::from_tensor(&moved(input, dtype)?)?)).collect::<Result<_>>()?;
        let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let tape = taped.then(Tape::begin);
        let out = f(&tensors)?;
        let cotangent = moved(&normal(99, out.dims())?, dtype)?;
        let store = backward(tape, &(&out * cotangent)?.sum_all()?)?;
        let gradients = vars.iter().map(|var| store.get(var).cloned().map_or_else(|| Ok(var.zeros_like()?), Ok));
        Ok((out.clone(), gradients.collect::<Result<_>>()?))
    };
    let (theirs, their_slopes) = run(DType::F64, false)?;
    for (taped, how) in [(false, ""), (true, " by a tape")] {
        let (ours, our_slopes) = run(DType::F32, taped)?;
        close(what, &ours, &theirs, tolerance)?;
        for (number, (ours, theirs)) in our_slopes.iter().zip(&their_slopes).enumerate() {
            close(&format!("{what}, the gradient{how} for argument {number}"), ours, theirs, tolerance)?;
        }
    }
    Ok(())
}

fn backward(tape: Option<Tape>, loss: &Tensor) -> candle_core::Result<GradStore> {
    match tape {
        Some(tape) => tape.backward(loss),
        None => loss.backward(),
    }
}

/// Compares `run` of the result of `build`, and the gradients of its parameters and of an input with this shape: in f32
/// with the kernels, and in f64, built in each type from the same seed.
pub fn agree_with_parameters<B>(
    what: &str,
    shape: &[usize],
    build: impl Fn(&Params) -> candle_core::Result<B>,
    run: impl Fn(&B, &Tensor) -> candle_core::Result<Tensor>,
) -> Result<()> {
    let run = |dtype: DType, taped: bool| -> Result<Vec<(String, Tensor)>> {
        let params = Params::new(5, dtype, &home(dtype));
        let model = build(&params)?;
        let z = Var::from_tensor(&moved(&normal(1, shape)?, dtype)?)?;
        let tape = taped.then(Tape::begin);
        let out = run(&model, z.as_tensor())?;
        let store = backward(tape, &(&out * moved(&normal(2, out.dims())?, dtype)?)?.sum_all()?)?;
        let slope = |var: &Var| store.get(var).cloned().map_or_else(|| var.zeros_like(), Ok);
        let mut all = vec![("the value".to_owned(), out), ("the gradient for the input".to_owned(), slope(&z)?)];
        for (name, var) in params.entries() {
            all.push((format!("the gradient for {name}"), slope(&var)?));
        }
        Ok(all)
    };
    let theirs = run(DType::F64, false)?;
    // The gradient of a direction is a small difference of terms as large as the other gradients.
    let most = theirs[1..]
        .iter()
        .try_fold(FLOOR, |most: f64, (_, slope)| Ok::<_, anyhow::Error>(most.max(largest(slope)?)))?;
    for (taped, how) in [(false, ""), (true, ", by a tape")] {
        for ((name, ours), (_, theirs)) in run(DType::F32, taped)?.iter().zip(&theirs) {
            close_beside(&format!("{what}{how}, {name}"), ours, theirs, 10.0 * CLOSE, most / 10.0)?;
        }
    }
    Ok(())
}
