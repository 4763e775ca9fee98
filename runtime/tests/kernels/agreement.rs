//! Layers, flows and images.

use super::compare::{BF16, CLOSE, agree, agree_with_parameters, close, moved, normal};
use super::imitation::with_kernels;
use anyhow::Result;
use srvae::candle_core::{self, Device};
use srvae::entries::{Arguments, BLOCKS, Build};
use srvae::flow::{Bijector, Coupling, Mask, Order, RealNvp, RealNvpConfig, squeeze, unsqueeze};
use srvae::ops::cuda::{self, Precision};
use srvae::ops::{self, Attention, DenseStep};
use srvae::{DType, Noise, Params, Tensor};

crate::trials!(convolutions, dense_layers, layers, couplings_and_flows, pictures);

fn convolutions() -> Result<()> {
    with_kernels(|| {
        // images, channels, height, width, filters, kernel, stride, padding
        for (number, case) in [
            [2, 5, 4, 4, 7, 1, 1, 0],
            [11, 3, 3, 5, 4, 1, 1, 0],
            [3, 5, 6, 5, 7, 3, 1, 1],
            [9, 4, 8, 8, 6, 3, 2, 1],
            [2, 3, 9, 7, 4, 5, 2, 2],
            [1, 2, 5, 5, 3, 3, 1, 0],
            // A weight so large that the parts of its gradient are summed in several rounds.
            [11, 16, 2, 2, 20, 1, 1, 0],
            [9, 6, 3, 3, 8, 3, 1, 1],
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

/// x, then the four of each step, then the four of the attention.
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

fn dense_layers() -> Result<()> {
    with_kernels(|| {
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

fn layers() -> Result<()> {
    with_kernels(|| {
        for entry in BLOCKS.iter().filter(|entry| entry.kernels.is_some()) {
            let Build::Function(apply) = entry.build else { anyhow::bail!("`{}` is no function", entry.name) };
            agree(entry.name, &[normal(1, &[3, 4, 5, 7])?], CLOSE, |t| apply(&[&t[0]], &Arguments::default()))?;
        }
        for (shape, scale, dim) in [([7, 5, 3, 3], [7, 1, 1, 1], 0), ([6, 4, 3, 3], [1, 4, 1, 1], 1)] {
            let inputs = [normal(1, &shape)?, normal(2, &scale)?];
            agree("weight norm", &inputs, CLOSE, |t| ops::weight_norm(&t[0], &t[1], dim))?;
        }
        let inputs = [normal(1, &[4, 1, 1])?, normal(2, &[4, 1, 1])?];
        agree("weight norm of single numbers", &inputs, CLOSE, |t| ops::weight_norm(&t[0], &t[1], 0))
    })
}

fn couplings_and_flows() -> Result<()> {
    with_kernels(|| {
        for mask in [
            Mask::Checkerboard { reversed: false },
            Mask::Checkerboard { reversed: true },
            Mask::Channel { reversed: false },
            Mask::Channel { reversed: true },
        ] {
            let build = |params: &Params| Coupling::new(params, 4, 2, 2, mask);
            let shape = [3, 4, 4, 6];
            agree_with_parameters(&format!("{mask:?}"), &shape, build, |flow, z| flow.forward(z).map(|(v, _)| v))?;
            agree_with_parameters(&format!("{mask:?}, determinant"), &shape, build, |flow, z| {
                flow.forward(z).map(|(_, d)| d)
            })?;
            agree_with_parameters(&format!("{mask:?}, inverse"), &shape, build, |flow, z| flow.inverse(z))?;
        }
        let build =
            |params: &Params| RealNvp::new(params, &[4, 4, 4], RealNvpConfig { scales: 2, growth: 2, steps: 1 });
        agree_with_parameters("RealNVP", &[2, 4, 4, 4], build, |flow, z| flow.forward(z).map(|(v, _)| v))?;
        agree_with_parameters("RealNVP, inverse", &[2, 4, 4, 4], build, |flow, z| flow.inverse(z))
    })
}

fn pictures() -> Result<()> {
    with_kernels(|| {
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
