//! Tests that need a GPU. Without one they are ignored.

use anyhow::{Result, ensure};
use srvae::candle_core::backprop::GradStore;
use srvae::candle_core::{DType, Device, Tensor};
use srvae::data::Records;
use srvae::ops::cuda::{self, Precision, probe};
use srvae::train::{Config, Optimiser, Replay};
use srvae::{BoundOptions, Compiled, Model, Moment, Noise, Params, Values};
use srvae_tests::trials::{self, Missing};
use srvae_tests::{srvae_golden, vae_golden};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

srvae_tests::trials!(
    cpu_and_gpu_agree_on_whole_gradients_in_f32,
    cpu_and_gpu_agree_on_whole_gradients_in_tf32,
    cpu_and_gpu_agree_on_whole_gradients_in_bf16,
    a_training_step_repeats_itself,
    a_recorded_step_is_the_step,
    noise_on_the_gpu_is_a_function_of_its_state
);

fn main() -> ExitCode {
    trials::run(&[TRIALS])
}

const MODELS: [(&Compiled, &[&str]); 2] = [(&srvae_golden::COMPILED, &["u", "z"]), (&vae_golden::COMPILED, &["z"])];
const PICTURES: usize = 3;

/// Relative to the largest value of a gradient. A sum of ten thousand numbers in another order differs by √10⁴ rounding
/// errors of 2⁻²⁴, which is 6e-6. Over the hundred operations from the loss to the first layer this is at most 6e-4.
const F32: f64 = 1e-3;
/// Products with 11 bits of mantissa: a hundred rounding errors of 2⁻¹¹ are at most 5e-2.
const TF32: f64 = 5e-2;
/// With 8 bits, a hundred rounding errors of 2⁻⁸ are at most 4e-1, and some cancel. This test only detects large
/// errors.
const BF16: f64 = 3e-1;
/// Between parameters after a few steps with learning rates of at most 0.002. Each step changes a parameter by the
/// learning rate, whatever the size of the gradient. Where a gradient is almost 0, its sign may differ. A twentieth of
/// a step is more than rounding explains.
const MOVED: f64 = 1e-4;

/// One test at a time, because the precision is a setting of the process.
static ONE: Mutex<()> = Mutex::new(());

fn with_gpu(test: impl FnOnce(&Device) -> Result<()>) -> Result<()> {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    test(&probe::first().map_err(Missing)?.device)
}

fn build(compiled: &Compiled, device: &Device) -> Result<Box<dyn Model>> {
    Ok((compiled.build)(&Vec::new(), &Params::new(3, DType::F32, device))?)
}

/// Terms, and gradients of the mean negative bound, with the same images and noise everywhere.
fn pass(model: &dyn Model, latents: &[&str]) -> Result<(Vec<Tensor>, GradStore)> {
    let device = model.params().device();
    let uniform = Noise::at(1, 2).uniform("", &[PICTURES, 3, 32, 32], DType::F32, &Device::Cpu)?;
    let x = ((uniform * 255.0)?.round()? / 255.0)?.to_device(device)?;
    let mut noise = Noise::seeded(0);
    for (number, latent) in latents.iter().enumerate() {
        let draw = Noise::at(4, number as u64).normal("", &[PICTURES, 16, 8, 8], DType::F32, &Device::Cpu)?;
        noise.record(latent, draw);
    }
    let terms = model.bound(&Values::new().with("x", x), &mut noise, &BoundOptions::default())?;
    let store = terms.log_weights()?.mean_all()?.neg()?.backward()?;
    Ok((terms.terms.into_iter().map(|term| term.value).collect(), store))
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// Fails unless all of `ours` is within `tolerance`, relative to the largest value of `theirs` or to `least` if that is
/// larger.
fn close(what: &str, ours: &Tensor, theirs: &Tensor, tolerance: f64, least: f64) -> Result<()> {
    let (ours, theirs) = (numbers(ours)?, numbers(theirs)?);
    let scale = theirs.iter().fold(least, |most, value| most.max(value.abs()));
    let apart = ours.iter().zip(&theirs).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
    ensure!(apart <= tolerance * scale, "{what}: {:.1e} apart, allowed {tolerance:.0e}", apart / scale);
    Ok(())
}

fn agree_with_cpu(device: &Device, precision: Precision, tolerance: f64) -> Result<()> {
    for (compiled, latents) in MODELS {
        let (there, here) = (build(compiled, device)?, build(compiled, &Device::Cpu)?);
        cuda::set_precision(precision);
        let found = pass(there.as_ref(), latents);
        cuda::set_precision(Precision::F32);
        let ((ours, our_slopes), (theirs, their_slopes)) = (found?, pass(here.as_ref(), latents)?);
        for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            close(&format!("{}, term {number}", compiled.name), ours, theirs, tolerance, 1.0)?;
        }
        let (there, here) = (there.params().entries(), here.params().entries());
        // The gradient of a direction is a small difference of terms as large as the network's largest.
        let most = here.iter().filter_map(|(_, var)| their_slopes.get(var)).try_fold(0f64, |most, slope| {
            Ok::<_, anyhow::Error>(numbers(slope)?.into_iter().fold(most, |most, value| most.max(value.abs())))
        })?;
        for ((name, ours), (_, theirs)) in there.iter().zip(&here) {
            let (Some(ours), Some(theirs)) = (our_slopes.get(ours), their_slopes.get(theirs)) else {
                anyhow::bail!("{name} has no gradient");
            };
            close(&format!("{}, {name}", compiled.name), ours, theirs, tolerance, most * 1e-3)?;
        }
    }
    Ok(())
}

fn cpu_and_gpu_agree_on_whole_gradients_in_f32() -> Result<()> {
    with_gpu(|device| agree_with_cpu(device, Precision::F32, F32))
}

fn cpu_and_gpu_agree_on_whole_gradients_in_tf32() -> Result<()> {
    with_gpu(|device| agree_with_cpu(device, Precision::Tf32, TF32))
}

fn cpu_and_gpu_agree_on_whole_gradients_in_bf16() -> Result<()> {
    with_gpu(|device| agree_with_cpu(device, Precision::Bf16, BF16))
}

fn a_training_step_repeats_itself() -> Result<()> {
    with_gpu(|device| {
        let run = || -> Result<Vec<f64>> {
            let (compiled, latents) = MODELS[0];
            let model = build(compiled, device)?;
            let mut optimiser = Optimiser::new(model.params())?;
            for _ in 0..2 {
                let (_, store) = pass(model.as_ref(), latents)?;
                optimiser.step(&store, 1e-3)?;
            }
            let values = model.params().entries().into_iter().map(|(_, var)| numbers(var.as_tensor()));
            Ok(values.collect::<Result<Vec<_>>>()?.concat())
        };
        // cuDNN may choose algorithms that add in any order; our kernels do not.
        let apart = run()?.iter().zip(run()?).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
        ensure!(apart < MOVED, "the same two steps end {apart:.1e} apart");
        Ok(())
    })
}

/// Three steps of each kind with different batches: the parameters, and the metrics of the last step.
fn steps(device: &Device, recorded: bool) -> Result<(Vec<f64>, Vec<f64>)> {
    let model = build(MODELS[0].0, device)?;
    let (model, config) = (model.as_ref(), Config::default());
    let (mut optimiser, mut noise, mut replay) = (Optimiser::new(model.params())?, Noise::seeded(4), None::<Replay>);
    let mut told = Vec::new();
    for step in 0..3 {
        let uniform = Noise::at(1, step as u64).uniform("", &[PICTURES, 3, 32, 32], DType::F32, &Device::Cpu)?;
        let batch = Values::new().with("x", ((uniform * 255.0)?.round()? / 255.0)?.to_device(device)?);
        if !recorded {
            let terms = model.bound(&batch, &mut noise, &BoundOptions::default())?;
            let store = terms.log_weights()?.mean_all()?.neg()?.backward()?;
            optimiser.step(&store, config.schedule.at(step, config.steps))?;
            told =
                terms.terms.iter().map(|term| numbers(&term.value.mean_all()?)).collect::<Result<Vec<_>>>()?.concat();
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
            ensure!(replay.is_recorded(), "the step was not recorded");
            told = replay.found(step, &Records::default())?.0.terms.into_iter().map(|(_, _, mean)| mean).collect();
        }
    }
    ensure!(noise.state() == (4, 6), "{:?}: two draws a step", noise.state());
    let values = model.params().entries().into_iter().map(|(_, var)| numbers(var.as_tensor()));
    Ok((values.collect::<Result<Vec<_>>>()?.concat(), told))
}

fn a_recorded_step_is_the_step() -> Result<()> {
    with_gpu(|device| {
        let ((ours, our_terms), (theirs, their_terms)) = (steps(device, true)?, steps(device, false)?);
        // As for repeated steps: a library may add in any order.
        let apart = ours.iter().zip(&theirs).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
        ensure!(apart < MOVED, "three recorded steps end {apart:.1e} from three others");
        for (ours, theirs) in our_terms.iter().zip(&their_terms) {
            ensure!((ours - theirs).abs() < F32 * theirs.abs().max(1.0), "{our_terms:?} and {their_terms:?}");
        }
        Ok(())
    })
}

fn noise_on_the_gpu_is_a_function_of_its_state() -> Result<()> {
    with_gpu(|device| {
        let draw = |noise: &mut Noise| noise.normal("z", &[5, 7], DType::F32, device);
        let mut first = Noise::seeded(9);
        draw(&mut first)?;
        let (seed, counter) = first.state();
        let (ours, again) = (draw(&mut first)?, draw(&mut Noise::at(seed, counter))?);
        ensure!(numbers(&ours)? == numbers(&again)?, "a resumed run draws other numbers");
        ensure!(numbers(&ours)? != numbers(&draw(&mut first)?)?, "two draws are the same");
        Ok(())
    })
}
