//! Values and gradients of every operation: the kernels in f32 against the operations of the CPU in f64.

use super::imitation::{device, with_kernels};
use anyhow::{Result, ensure};
use srvae_runtime::candle_core::{self, Device, Var};
use srvae_runtime::data::{Augment, Images};
use srvae_runtime::flow::{Bijector, Coupling, Mask, Order, RealNvp, RealNvpConfig, squeeze, unsqueeze};
use srvae_runtime::ops::cuda::{self, Precision, image, noise, optimiser};
use srvae_runtime::ops::{self, Attention, DenseStep};
use srvae_runtime::{DType, Noise, Params, Tensor};

/// What f32 sums of a few hundred terms differ from f64 ones by, relative to the largest value, with room.
const CLOSE: f64 = 2e-5;
/// Of 8 bits of mantissa, through a few layers.
const BF16: f64 = 4e-2;

fn normal(number: u64, shape: &[usize]) -> Result<Tensor> {
    Ok(Noise::at(7, number).normal("", shape, DType::F64, &Device::Cpu)?)
}

/// Values below this count as this: some gradients vanish identically (the direction of a single number), and rounding is
/// all there is of them.
const FLOOR: f64 = 0.05;

/// Where tensors of a type are computed with: in f32 where the kernels run, in f64 on the CPU.
fn home(dtype: DType) -> Device {
    match dtype {
        DType::F32 => device().unwrap_or(Device::Cpu),
        _ => Device::Cpu,
    }
}

/// The same values in another type, where that is computed with.
fn moved(tensor: &Tensor, dtype: DType) -> candle_core::Result<Tensor> {
    tensor.to_device(&Device::Cpu)?.to_dtype(dtype)?.to_device(&home(dtype))
}

/// The largest difference over the largest value, or over `least` if that is larger.
fn distance(ours: &Tensor, theirs: &Tensor, least: f64) -> Result<f64> {
    ensure!(ours.dims() == theirs.dims(), "shapes {:?} and {:?}", ours.dims(), theirs.dims());
    let (ours, theirs) = (moved(ours, DType::F64)?.flatten_all()?, moved(theirs, DType::F64)?.flatten_all()?);
    let scale = largest(&theirs)?.max(least);
    let error = (ours - theirs)?.abs()?.max(0)?.to_scalar::<f64>()? / scale;
    Ok(if error.is_nan() { f64::INFINITY } else { error })
}

fn largest(values: &Tensor) -> Result<f64> {
    Ok(values.flatten_all()?.abs()?.max(0)?.to_scalar()?)
}

fn close(what: &str, ours: &Tensor, theirs: &Tensor, tolerance: f64) -> Result<()> {
    close_beside(what, ours, theirs, tolerance, FLOOR)
}

/// [`close`], relative to `least` where that is larger than the largest value.
fn close_beside(what: &str, ours: &Tensor, theirs: &Tensor, tolerance: f64, least: f64) -> Result<()> {
    let error = distance(ours, theirs, least)?;
    ensure!(error <= tolerance, "{what}: {error:.1e} apart, allowed {tolerance:.0e}");
    Ok(())
}

/// Compares `f` and its gradients at `inputs` (f64) with itself in f32, where the kernels compute it.
fn agree(
    what: &str,
    inputs: &[Tensor],
    tolerance: f64,
    f: impl Fn(&[Tensor]) -> candle_core::Result<Tensor>,
) -> Result<()> {
    let run = |dtype: DType| -> Result<(Tensor, Vec<Tensor>)> {
        let vars: Vec<Var> =
            inputs.iter().map(|input| Ok(Var::from_tensor(&moved(input, dtype)?)?)).collect::<Result<_>>()?;
        let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let out = f(&tensors)?;
        let cotangent = moved(&normal(99, out.dims())?, dtype)?;
        let store = (&out * cotangent)?.sum_all()?.backward()?;
        let gradients = vars.iter().map(|var| store.get(var).cloned().map_or_else(|| Ok(var.zeros_like()?), Ok));
        Ok((out.clone(), gradients.collect::<Result<_>>()?))
    };
    let ((ours, our_slopes), (theirs, their_slopes)) = (run(DType::F32)?, run(DType::F64)?);
    close(what, &ours, &theirs, tolerance)?;
    for (number, (ours, theirs)) in our_slopes.iter().zip(&their_slopes).enumerate() {
        close(&format!("{what}, the gradient for argument {number}"), ours, theirs, tolerance)?;
    }
    Ok(())
}

#[test]
fn convolutions() -> Result<()> {
    with_kernels("convolutions", || {
        // images, channels, height, width, filters, kernel, stride, padding
        for (number, case) in [
            [2, 5, 4, 4, 7, 1, 1, 0],
            [11, 3, 3, 5, 4, 1, 1, 0],
            [3, 5, 6, 5, 7, 3, 1, 1],
            [9, 4, 8, 8, 6, 3, 2, 1],
            [2, 3, 9, 7, 4, 5, 2, 2],
            [1, 2, 5, 5, 3, 3, 1, 0],
        ]
        .into_iter()
        .enumerate()
        {
            let [images, channels, height, width, filters, kernel, stride, padding] = case;
            let inputs = [
                normal(1 + number as u64, &[images, channels, height, width])?,
                normal(2, &[filters, channels, kernel, kernel])?,
                normal(3, &[filters])?,
            ];
            agree(&format!("convolution {case:?}"), &inputs, CLOSE, |t| {
                ops::conv2d(&t[0], &t[1], &t[2], stride, padding)
            })?;
        }
        let inputs = [normal(1, &[10, 6, 4, 3])?, normal(2, &[6, 3, 3, 3])?, normal(3, &[3])?];
        agree("transposed convolution", &inputs, CLOSE, |t| ops::conv_transpose2d(&t[0], &t[1], &t[2], 2, 1, 1))
    })
}

/// x, then each step's four, then the attention's four.
fn dense_layer_inputs() -> Result<Vec<Tensor>> {
    let (channels, growth, steps) = (6, 5, 2);
    let mut inputs = vec![normal(1, &[3, channels, 5, 4])?];
    for step in 0..steps {
        let below = channels + step * growth;
        inputs.push((normal(2, &[4 * growth, below, 1, 1])? * 0.3)?);
        inputs.push(normal(3, &[4 * growth])?);
        inputs.push((normal(4, &[growth, 4 * growth, 3, 3])? * 0.1)?);
        inputs.push(normal(5, &[growth])?);
    }
    let channels = channels + steps * growth;
    inputs.extend([normal(6, &[2, channels, 1, 1])?, normal(7, &[2])?]);
    inputs.extend([normal(8, &[channels, 2, 1, 1])?, normal(9, &[channels])?]);
    Ok(inputs)
}

fn dense_layer(t: &[Tensor]) -> candle_core::Result<Tensor> {
    let steps: Vec<DenseStep> = t[1..9]
        .chunks(4)
        .map(|part| DenseStep {
            squeeze: part[0].clone(),
            squeeze_bias: part[1].clone(),
            grow: part[2].clone(),
            grow_bias: part[3].clone(),
        })
        .collect();
    let [squeeze, squeeze_bias, excite, excite_bias] = [9, 10, 11, 12].map(|at: usize| t[at].clone());
    ops::dense_layer(&t[0], &steps, &Attention { squeeze, squeeze_bias, excite, excite_bias })
}

#[test]
fn dense_layers() -> Result<()> {
    with_kernels("dense_layers", || {
        let inputs = dense_layer_inputs()?;
        agree("dense layer", &inputs, CLOSE, dense_layer)?;
        cuda::set_precision(Precision::Bf16);
        let outcome = agree("dense layer in bf16", &inputs, BF16, dense_layer).and_then(|()| {
            let inputs = [normal(1, &[2, 5, 6, 6])?, normal(2, &[4, 5, 3, 3])?, normal(3, &[4])?];
            agree("convolution in bf16", &inputs, BF16, |t| ops::conv2d(&t[0], &t[1], &t[2], 2, 1))
        });
        cuda::set_precision(Precision::F32);
        outcome
    })
}

#[test]
fn layers() -> Result<()> {
    with_kernels("layers", || {
        agree("elu", &[normal(1, &[3, 4, 5, 7])?], CLOSE, |t| ops::elu(&t[0]))?;
        for (shape, scale, dim) in [([7, 5, 3, 3], [7, 1, 1, 1], 0), ([6, 4, 3, 3], [1, 4, 1, 1], 1)] {
            let inputs = [normal(1, &shape)?, normal(2, &scale)?];
            agree("weight norm", &inputs, CLOSE, |t| ops::weight_norm(&t[0], &t[1], dim))?;
        }
        let inputs = [normal(1, &[4, 1, 1])?, normal(2, &[4, 1, 1])?];
        agree("weight norm of single numbers", &inputs, CLOSE, |t| ops::weight_norm(&t[0], &t[1], 0))
    })
}

#[test]
fn the_logistic_mixture() -> Result<()> {
    with_kernels("the_logistic_mixture", || {
        for (channels, components) in [(3, 4), (1, 3)] {
            let groups = components * (1 + 2 * channels + channels * (channels - 1) / 2);
            let logits = normal(1, &[2, groups, 5, 6])?;
            // Far from the data and narrow: the branch for tiny masses, and the clamp of log-scales.
            let logits = Tensor::cat(&[&logits, &((&logits * 4.0)? - 2.0)?], 0)?;
            let levels = Noise::at(3, 4).uniform("", &[4, channels, 5, 6], DType::F64, &Device::Cpu)?;
            // From −20 to 275, clamped: zeros and ones are among them.
            let x = (((levels * 295.0)? - 20.0)?.clamp(0.0, 255.0)?.round()? / 255.0)?;
            agree("mixture", &[logits], CLOSE, |t| {
                ops::logistic_mixture_log_prob(&moved(&x, t[0].dtype())?, &t[0], components)
            })?;
        }
        Ok(())
    })
}

#[test]
fn normals() -> Result<()> {
    with_kernels("normals", || {
        let four: Vec<Tensor> = (1..5).map(|number| normal(number, &[3, 4, 5, 2])).collect::<Result<_>>()?;
        agree("normal", &four[..3], CLOSE, |t| ops::normal_log_prob(&t[0], &t[1], &t[2]))?;
        agree("divergence", &four, CLOSE, |t| ops::normal_kl(&t[0], &t[1], &t[2], &t[3]))?;
        agree("sums", &four[..1], CLOSE, |t| ops::sum_batch(&t[0]))?;
        agree("standard normal", &four[..1], CLOSE, |t| {
            let zero = t[0].zeros_like()?;
            if t[0].dtype() == DType::F32 {
                cuda::standard_normal_log_prob(&t[0])
            } else {
                ops::normal_log_prob(&t[0], &zero, &zero)
            }
        })
    })
}

/// Values and parameters' gradients of a bijector, built anew in each type from the same seed.
fn bijector<B: Bijector>(
    what: &str,
    shape: &[usize],
    build: impl Fn(&Params) -> candle_core::Result<B>,
    run: impl Fn(&B, &Tensor) -> candle_core::Result<Tensor>,
) -> Result<()> {
    let run = |dtype: DType| -> Result<Vec<Tensor>> {
        let params = Params::new(5, dtype, &home(dtype));
        let flow = build(&params)?;
        let z = Var::from_tensor(&moved(&normal(1, shape)?, dtype)?)?;
        let out = run(&flow, z.as_tensor())?;
        let store = (&out * moved(&normal(2, out.dims())?, dtype)?)?.sum_all()?.backward()?;
        let mut all = vec![out, store.get(&z).cloned().map_or_else(|| z.zeros_like(), Ok)?];
        for (_, var) in params.entries() {
            all.push(store.get(&var).cloned().map_or_else(|| var.zeros_like(), Ok)?);
        }
        Ok(all)
    };
    let (ours, theirs) = (run(DType::F32)?, run(DType::F64)?);
    // A direction's gradient is what is left of terms as large as the other gradients.
    let most =
        theirs[1..].iter().try_fold(FLOOR, |most: f64, slope| Ok::<_, anyhow::Error>(most.max(largest(slope)?)))?;
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        close_beside(&format!("{what}, value {number}"), ours, theirs, 10.0 * CLOSE, most / 10.0)?;
    }
    Ok(())
}

#[test]
fn couplings_and_flows() -> Result<()> {
    with_kernels("couplings_and_flows", || {
        for mask in [
            Mask::Checkerboard { reversed: false },
            Mask::Checkerboard { reversed: true },
            Mask::Channel { reversed: false },
            Mask::Channel { reversed: true },
        ] {
            let build = |params: &Params| Coupling::new(params, 4, 2, 2, mask);
            let shape = [3, 4, 4, 6];
            bijector(&format!("{mask:?}"), &shape, build, |flow, z| flow.forward(z).map(|(v, _)| v))?;
            bijector(&format!("{mask:?}, determinant"), &shape, build, |flow, z| flow.forward(z).map(|(_, d)| d))?;
            bijector(&format!("{mask:?}, inverse"), &shape, build, |flow, z| flow.inverse(z))?;
        }
        let build =
            |params: &Params| RealNvp::new(params, &[4, 4, 4], RealNvpConfig { scales: 2, growth: 2, steps: 1 });
        bijector("RealNVP", &[2, 4, 4, 4], build, |flow, z| flow.forward(z).map(|(v, _)| v))?;
        bijector("RealNVP, inverse", &[2, 4, 4, 4], build, |flow, z| flow.inverse(z))
    })
}

#[test]
fn pictures() -> Result<()> {
    with_kernels("pictures", || {
        let h = normal(1, &[2, 8, 4, 6])?;
        for order in [Order::Plain, Order::Alternate] {
            agree("squeeze", std::slice::from_ref(&h), 0.0, |t| squeeze(&t[0], order))?;
            agree("unsqueeze", std::slice::from_ref(&h), 0.0, |t| unsqueeze(&t[0], order))?;
        }
        let levels = Noise::at(3, 4).uniform("", &[2, 3, 12, 24], DType::F64, &Device::Cpu)?;
        let x = ((levels * 255.0)?.round()? / 255.0)?;
        for factor in [2, 3, 4] {
            let ours = ops::transform::downscale(&moved(&x, DType::F32)?, factor)?;
            close("downscale", &ours, &ops::transform::downscale(&x, factor)?.to_dtype(DType::F32)?, 0.0)?;
            let ours = ops::upsample(&moved(&x, DType::F32)?, factor)?;
            close("upsample", &ours, &ops::upsample(&x, factor)?, CLOSE)?;
        }
        Ok(())
    })
}

#[test]
fn batches_out_of_bytes() -> Result<()> {
    with_kernels("batches_out_of_bytes", || {
        let shape = [3, 20, 40];
        let size = shape.iter().product::<usize>();
        let bytes: Vec<u8> = (0..5 * size).map(|at| (at * 31 % 251) as u8).collect();
        let images = Images::new(shape, bytes.clone(), None)?;
        let data = Tensor::from_vec(bytes, 5 * size, &home(DType::F32))?;
        let (augment, order) = (Augment::new(3), [4, 0, 2, 2]);
        let (mut plan, mut theirs) = (Vec::new(), Vec::new());
        for (position, &index) in order.iter().enumerate() {
            let [mirror, down, right] = augment.change(shape, position as u64);
            plan.extend([index as i32, mirror, down, right]);
            let picture = augment.apply(images.picture(index), shape, position as u64);
            theirs.extend(picture.into_iter().map(|byte| f32::from(byte) / 255.0));
        }
        let plan = Tensor::from_vec(plan, 16, &home(DType::F32))?;
        let theirs = Tensor::from_vec(theirs, (4, 3, 20, 40), &Device::Cpu)?;
        close("batch", &image::batch(&data, &plan, shape, false)?, &theirs, 0.0)?;
        let binary = image::batch(&data, &plan, shape, true)?;
        close("binary batch", &binary, &theirs.ge(127.5 / 255.0)?.to_dtype(DType::F32)?, 0.0)
    })
}

#[test]
fn adamax_and_the_norm() -> Result<()> {
    with_kernels("adamax_and_the_norm", || {
        // More tensors than a launch takes.
        let sizes: Vec<usize> = (0..70).map(|at| 1 + at * 13 % 50).collect();
        let make = |number: u64| -> Result<Vec<Tensor>> {
            sizes.iter().map(|&size| Ok(moved(&normal(number + size as u64, &[size])?, DType::F32)?)).collect()
        };
        let (parameters, gradients, means) = (make(1)?, make(100)?, make(200)?);
        let peaks: Vec<Tensor> = make(300)?.iter().map(Tensor::abs).collect::<candle_core::Result<_>>()?;
        let step = optimiser::Step { rate: 0.03, factor: 0.7, betas: (0.9, 0.999), epsilon: 1e-7 };
        let mut wanted = Vec::new();
        let mut total = 0.0;
        for (((parameter, gradient), mean), peak) in parameters.iter().zip(&gradients).zip(&means).zip(&peaks) {
            let [parameter, gradient, mean, peak] =
                [parameter, gradient, mean, peak].map(|t| moved(t, DType::F64).and_then(|t| t.to_vec1::<f64>()));
            let (parameter, gradient, mean, peak) = (parameter?, gradient?, mean?, peak?);
            for at in 0..parameter.len() {
                let slope = gradient[at] * 0.7;
                let (mean, peak) = (0.9 * mean[at] + 0.1 * slope, (0.999 * peak[at]).max(slope.abs() + 1e-7));
                wanted.push(parameter[at] - 0.03 * mean / peak);
                total += gradient[at] * gradient[at];
            }
        }
        let pointers: Vec<&Tensor> = gradients.iter().collect();
        let squares = f64::from(optimiser::squares(&pointers)?.to_scalar::<f32>()?);
        ensure!((squares - total).abs() < 1e-5 * total, "{squares} and {total}");
        let entries: Vec<_> = (0..sizes.len())
            .map(|at| optimiser::Entry {
                parameter: &parameters[at],
                gradient: &gradients[at],
                mean: &means[at],
                peak: &peaks[at],
            })
            .collect();
        optimiser::adamax(&entries, &step)?;
        let wanted = Tensor::from_vec(wanted.clone(), wanted.len(), &Device::Cpu)?;
        close("parameters", &Tensor::cat(&parameters, 0)?, &wanted, CLOSE)
    })
}

#[test]
fn noise_is_philox_and_has_its_law() -> Result<()> {
    with_kernels("noise_is_philox_and_has_its_law", || {
        let device = home(DType::F32);
        let uniform = noise::draw(noise::Law::Uniform, &[3], 0, 0, &device)?.to_vec1::<f32>()?;
        // The published answer to counter 0 and key 0: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
        let wanted = [0x6627_e8d5_u32, 0xe169_c58d, 0xbc57_ac4c].map(|word| (word >> 8) as f32 / 16_777_216.0);
        ensure!(uniform == wanted, "{uniform:?} and {wanted:?}");
        let count = 20_001;
        let draws = noise::draw(noise::Law::Normal, &[count], 11, 3, &device)?;
        let draws = moved(&draws, DType::F64)?;
        let moment = |power: f64| -> Result<f64> { Ok(draws.powf(power)?.mean_all()?.to_scalar::<f64>()?) };
        let moments = [moment(1.0)?, moment(2.0)?, moment(3.0)?, moment(4.0)?];
        // Four standard errors of each mean.
        for (found, (wanted, error)) in moments.iter().zip([(0.0, 0.028), (1.0, 0.04), (0.0, 0.11), (3.0, 0.28)]) {
            ensure!((found - wanted).abs() < error, "{moments:?}");
        }
        let again = noise::draw(noise::Law::Normal, &[count], 11, 4, &device)?;
        let product = (draws * moved(&again, DType::F64)?)?.mean_all()?.to_scalar::<f64>()?;
        ensure!(product.abs() < 0.03, "two draws are correlated: {product}");
        Ok(())
    })
}
