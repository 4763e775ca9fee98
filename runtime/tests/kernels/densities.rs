//! Likelihoods, draws and their noise.

use super::compare::{CLOSE, agree, close, home, moved, normal};
use super::imitation::with_kernels;
use anyhow::{Result, ensure};
use srvae::candle_core::Device;
use srvae::ops::{self, cuda, cuda::noise};
use srvae::{DType, Noise, Tensor};

crate::trials!(
    the_logistic_mixture,
    normals,
    noise_is_philox_and_has_its_law,
    values_of_the_mixture,
    noise_of_rows_does_not_hang_on_the_portion
);

fn the_logistic_mixture() -> Result<()> {
    with_kernels(|| {
        for (channels, components) in [(3, 4), (1, 3)] {
            let groups = components * (1 + 2 * channels + channels * (channels - 1) / 2);
            let logits = normal(1, &[2, groups, 5, 6])?;
            // Far from the data and narrow: the branch for tiny masses, and the clamp of log-scales.
            let logits = Tensor::cat(&[&logits, &((&logits * 4.0)? - 2.0)?], 0)?;
            let levels = Noise::at(3, 4).uniform("", &[4, channels, 5, 6], DType::F64, &Device::Cpu)?;
            // From −20 to 275, clamped, so that zeros and ones are among them.
            let x = (((levels * 295.0)? - 20.0)?.clamp(0.0, 255.0)?.round()? / 255.0)?;
            agree("mixture", &[logits], CLOSE, |t| {
                ops::logistic_mixture_log_prob(&moved(&x, t[0].dtype())?, &t[0], components)
            })?;
        }
        Ok(())
    })
}

fn normals() -> Result<()> {
    with_kernels(|| {
        let four: Vec<Tensor> = (1..5).map(|number| normal(number, &[3, 4, 5, 2])).collect::<Result<_>>()?;
        agree("normal", &four[..3], CLOSE, |t| ops::normal_log_prob(&t[0], &t[1], &t[2]))?;
        agree("divergence", &four, CLOSE, |t| ops::normal_kl(&t[0], &t[1], &t[2], &t[3]))?;
        // Some of the log-variances are outside of the clamp.
        agree("halves", &four[..1], CLOSE, |t| {
            let (mean, log_var) = ops::normal_halves(&t[0], 1.0)?;
            Tensor::cat(&[mean, (log_var * 2.0)?], 1)
        })?;
        agree("draw", &four[..2], CLOSE, |t| ops::normal_draw(&t[0], &t[1], &moved(&four[2], t[0].dtype())?))?;
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

fn noise_is_philox_and_has_its_law() -> Result<()> {
    with_kernels(|| {
        let device = home(DType::F32);
        let uniform = noise::draw(noise::Law::Uniform, &[3], 0, 0, None, &device)?.to_vec1::<f32>()?;
        // The published output for counter 0 and key 0: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
        let wanted = [0x6627_e8d5_u32, 0xe169_c58d, 0xbc57_ac4c].map(|word| (word >> 8) as f32 / 16_777_216.0);
        ensure!(uniform == wanted, "{uniform:?} and {wanted:?}");
        let count = 20_001;
        let draws = noise::draw(noise::Law::Normal, &[count], 11, 3, None, &device)?;
        let draws = moved(&draws, DType::F64)?;
        let moment = |power: f64| -> Result<f64> { Ok(draws.powf(power)?.mean_all()?.to_scalar::<f64>()?) };
        let moments = [moment(1.0)?, moment(2.0)?, moment(3.0)?, moment(4.0)?];
        // Four standard errors of each mean.
        for (found, (wanted, error)) in moments.iter().zip([(0.0, 0.028), (1.0, 0.04), (0.0, 0.11), (3.0, 0.28)]) {
            ensure!((found - wanted).abs() < error, "{moments:?}");
        }
        let again = noise::draw(noise::Law::Normal, &[count], 11, 4, None, &device)?;
        let product = (draws * moved(&again, DType::F64)?)?.mean_all()?.to_scalar::<f64>()?;
        // Four standard errors of a mean of as many products, 1/√20001 each.
        ensure!(product.abs() < 0.03, "two draws are correlated: {product}");
        // A number on the device has the same effect as one on the host.
        let base = Tensor::from_slice(&[3i64], 1, &device)?;
        let counted = noise::draw(noise::Law::Normal, &[count], 11, 1, Some(&base), &device)?;
        ensure!(counted.to_vec1::<f32>()? == again.to_vec1::<f32>()?, "the draw's number is counted wrong");
        Ok(())
    })
}

fn values_of_the_mixture() -> Result<()> {
    with_kernels(|| {
        for (channels, components) in [(3, 4), (1, 3)] {
            let groups = components * (1 + 2 * channels + channels * (channels - 1) / 2);
            let logits = normal(1, &[2, groups, 5, 6])?;
            let uniform = |number: u64, channels: usize| {
                Noise::at(3, number).uniform("", &[2, channels, 5, 6], DType::F64, &Device::Cpu)
            };
            let (pick, spread) = (uniform(1, components)?, uniform(2, channels)?);
            // Zeros are among them, whose logarithm is infinite; near 1, f32 has few digits of the distance to 1.
            let spread = ((&spread * 1.2)? - 0.1)?.clamp(0.0, 0.98)?;
            for (pick, spread) in [(None, None), (None, Some(&spread)), (Some(&pick), Some(&spread))] {
                agree("value", std::slice::from_ref(&logits), CLOSE, |t| {
                    let there = |draws: Option<&Tensor>| draws.map(|draws| moved(draws, t[0].dtype())).transpose();
                    let (pick, spread) = (there(pick)?, there(spread)?);
                    ops::logistic_mixture_value(&t[0].detach(), components, pick.as_ref(), spread.as_ref())
                })?;
            }
        }
        // Beyond both ends of the range, and between the levels.
        let x = moved(&(normal(5, &[3, 3, 4, 4])? * 0.7)?, DType::F32)?;
        let wanted = ops::transform::quantise(&moved(&x, DType::F64)?)?;
        close("quantise", &ops::transform::quantise(&x)?, &wanted, 1e-6)
    })
}

fn noise_of_rows_does_not_hang_on_the_portion() -> Result<()> {
    with_kernels(|| {
        let (device, shape) = (home(DType::F32), [3, 5]);
        let draw = |samples: std::ops::Range<usize>, images: std::ops::Range<usize>| -> Result<Vec<Vec<f32>>> {
            let rows = samples.len() * images.len();
            let draws = noise::draw_rows(noise::Law::Normal, &[rows, 3, 5], 9, &samples, &images, &device)?;
            Ok(draws.reshape((rows, shape.iter().product::<usize>()))?.to_vec2()?)
        };
        let all = draw(0..4, 0..5)?;
        for (sample, image) in [(0, 0), (3, 4), (2, 1)] {
            let one = draw(sample..sample + 1, image..image + 1)?;
            ensure!(one[0] == all[sample * 5 + image], "sample {sample} of image {image} hangs on its portion");
        }
        let part = draw(1..3, 2..4)?;
        ensure!(part[1] == all[5 + 3] && part[2] == all[2 * 5 + 2], "a portion is laid out in another way");
        ensure!(all[0] != all[1] && all[0] != all[5], "two rows are the same");
        Ok(())
    })
}
