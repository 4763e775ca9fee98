//! The operations of training apart from the model: batches and updates.

use super::compare::{CLOSE, close, home, moved, normal};
use super::imitation::with_kernels;
use super::toy;
use anyhow::{Result, ensure};
use srvae::candle_core::{self, Device};
use srvae::data::{Augment, Images, Records};
use srvae::ops::cuda::{image, optimiser};
use srvae::train::{Config, Optimiser, Replay};
use srvae::{BoundOptions, DType, Moment, Noise, Params, Tensor, Values};

crate::trials!(batches_out_of_bytes, adamax_and_the_norm, steps_in_memory_of_their_own);

fn batches_out_of_bytes() -> Result<()> {
    with_kernels(|| {
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

fn adamax_and_the_norm() -> Result<()> {
    with_kernels(|| {
        // More tensors than one launch supports.
        let sizes: Vec<usize> = (0..70).map(|at| 1 + at * 13 % 50).collect();
        let make = |number: u64| -> Result<Vec<Tensor>> {
            sizes.iter().map(|&size| Ok(moved(&normal(number + size as u64, &[size])?, DType::F32)?)).collect()
        };
        let (parameters, gradients, means) = (make(1)?, make(100)?, make(200)?);
        let peaks: Vec<Tensor> = make(300)?.iter().map(Tensor::abs).collect::<candle_core::Result<_>>()?;
        let step = optimiser::Step { factor: 0.7, betas: (0.9, 0.999), epsilon: 1e-7 };
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
        // A sum in f32, of partial sums of threads.
        ensure!((squares - total).abs() < 1e-5 * total, "{squares} and {total}");
        let entries: Vec<_> = (0..sizes.len())
            .map(|at| optimiser::Entry {
                parameter: &parameters[at],
                gradient: &gradients[at],
                mean: &means[at],
                peak: &peaks[at],
            })
            .collect();
        let rate = Tensor::from_slice(&[0.03f32], 1, &home(DType::F32))?;
        optimiser::adamax(&entries, &rate, &step)?;
        let wanted = Tensor::from_vec(wanted.clone(), wanted.len(), &Device::Cpu)?;
        close("parameters", &Tensor::cat(&parameters, 0)?, &wanted, CLOSE)
    })
}

/// Five steps with different batches, allocated for each step or in fixed memory: parameters, and the terms of the last
/// step.
fn steps(in_places: bool) -> Result<(Vec<Tensor>, Vec<f64>)> {
    let model = toy::build(&Vec::new(), &Params::new(5, DType::F32, &Device::Cpu))?;
    let (model, config) = (model.as_ref(), Config::default());
    let (mut optimiser, mut noise, mut replay) = (Optimiser::new(model.params())?, Noise::seeded(4), None::<Replay>);
    let mut told = Vec::new();
    for step in 0..5 {
        let x = Noise::at(1, step as u64).normal("", &[6, 3, 4, 4], DType::F32, &Device::Cpu)?;
        let batch = Values::new().with("x", x);
        if !in_places {
            let terms = model.bound(&batch, &mut noise, &BoundOptions::default())?;
            let slopes = terms.log_weights()?.mean_all()?.neg()?.backward()?;
            optimiser.step(&slopes, config.schedule.at(step, config.steps))?;
            let means = terms.terms.iter().map(|term| Ok(f64::from(term.value.mean_all()?.to_scalar::<f32>()?)));
            told = means.collect::<Result<_>>()?;
            continue;
        }
        match &mut replay {
            Some(replay) => replay.step(model, &batch, &mut noise, &mut optimiser, &config, Moment::of(step, 1, 1))?,
            None => {
                replay =
                    Some(Replay::begin(model, &batch, &mut noise, &mut optimiser, &config, Moment::of(step, 1, 1))?)
            }
        }
        if let Some(replay) = &replay {
            told = replay.found(step, &Records::default())?.0.terms.into_iter().map(|(_, _, mean)| mean).collect();
        }
    }
    ensure!(noise.state() == (4, 5), "{:?}: one draw a step", noise.state());
    Ok((model.params().entries().into_iter().map(|(_, var)| var.as_tensor().clone()).collect(), told))
}

fn steps_in_memory_of_their_own() -> Result<()> {
    with_kernels(|| {
        if home(DType::F32).is_cuda() {
            // On a GPU, recorded steps are also tested, in tests/tests/gpu.rs.
            return Ok(());
        }
        let ((ours, our_terms), (theirs, their_terms)) = (steps(true)?, steps(false)?);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            close("a parameter after five steps", ours, theirs, CLOSE)?;
        }
        for (ours, theirs) in our_terms.iter().zip(&their_terms) {
            // Means in f32, of sums in another order.
            ensure!((ours - theirs).abs() < 1e-5 * theirs.abs().max(1.0), "{our_terms:?} and {their_terms:?}");
        }
        Ok(())
    })
}
