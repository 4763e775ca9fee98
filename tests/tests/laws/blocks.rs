//! Blocks: gradients agree with finite differences for every input and parameter, shapes and parameters agree with the
//! catalogue, and the rows of a batch are independent.

use super::catalogue::{Built, batch, blocks, blocks_of};
use super::support::{list, normal, params, slopes, stir};
use anyhow::{Result, ensure};
use srvae::nn::{GroupNorm, GroupNormConfig, NormConv, Shape2d};
use srvae::params::Phase;
use srvae::{DType, Device, Params, Tensor};

fn each(law: impl Fn(&Built, &[Tensor]) -> Result<()>) -> Result<()> {
    for built in blocks()? {
        stir(&built.params)?;
        let inputs = built.inputs.iter().enumerate().map(|(at, shape)| normal(1 + at as u64, &batch(3, shape)));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        law(&built, &inputs).map_err(|error| error.context(built.name.clone()))?;
    }
    Ok(())
}

fn all(tensors: &[Tensor]) -> Vec<&Tensor> {
    tensors.iter().collect()
}

#[test]
fn shapes_and_parameters_are_the_catalogues() -> Result<()> {
    each(|built, inputs| {
        let shape = (built.entry.shape)(&built.arguments, &built.inputs).map_err(anyhow::Error::msg)?;
        let found = (built.forward)(&all(inputs))?;
        // A block without inputs has one row, whatever the batch.
        let rows = if built.inputs.is_empty() { 1 } else { 3 };
        ensure!(found.dims() == batch(rows, &shape), "the rule says {shape:?}, the output is {:?}", found.dims());
        let held: usize = built.params.entries().iter().map(|(_, var)| var.elem_count()).sum();
        let said = (built.entry.cost)(&built.arguments, &built.inputs).parameters;
        ensure!(held as u64 == said, "{held} parameters, the catalogue says {said}");
        Ok(())
    })
}

#[test]
fn gradients_are_slopes() -> Result<()> {
    each(|built, inputs| {
        let weights = normal(9, (built.forward)(&all(inputs))?.dims())?;
        for at in 0..inputs.len() {
            slopes(&built.params, &inputs[at], |x| {
                let mut inputs = inputs.to_vec();
                inputs[at] = x.clone();
                Ok(((built.forward)(&all(&inputs))? * &weights)?)
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_batch_is_its_rows_one_by_one() -> Result<()> {
    each(|built, inputs| {
        if inputs.is_empty() {
            return Ok(());
        }
        let together = list(&(built.forward)(&all(inputs))?)?;
        let row = |row: usize| {
            let inputs = inputs.iter().map(|input| input.narrow(0, row, 1)).collect::<Result<Vec<_>, _>>()?;
            list(&(built.forward)(&all(&inputs))?)
        };
        let apart = (0..3).map(row).collect::<Result<Vec<_>>>()?.concat();
        let error = together.iter().zip(&apart).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // Rounding in f64: sums over another number of rows may be added in another order.
        ensure!(error < 1e-12, "{error:e}");
        Ok(())
    })
}

/// A training that has gone wrong must show it in the bound: NaN in a row makes the row's output NaN, with the kernels for f32 as in
/// f64, and no other row's.
#[test]
fn no_block_swallows_a_value_that_is_no_number() -> Result<()> {
    let mut wrong = Vec::new();
    for dtype in [DType::F32, DType::F64] {
        for built in blocks_of(dtype)? {
            let inputs = built.inputs.iter().enumerate().map(|(at, shape)| {
                let x = normal(1 + at as u64, &batch(3, shape))?.to_dtype(dtype)?;
                let lost = (x.narrow(0, 1, 1)? * f64::NAN)?;
                Ok(Tensor::cat(&[&x.narrow(0, 0, 1)?, &lost, &x.narrow(0, 2, 1)?], 0)?)
            });
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            // A block without inputs, and one that fills values whatever they are.
            if inputs.is_empty() || built.entry.name == "filled" {
                continue;
            }
            let out = (built.forward)(&all(&inputs))?;
            let lost = |row: usize| Ok::<_, anyhow::Error>(list(&out.narrow(0, row, 1)?)?.iter().any(|x| x.is_nan()));
            let found = [lost(0)?, lost(1)?, lost(2)?];
            if found != [false, true, false] {
                wrong.push(format!("{} in {dtype:?}: rows with NaN {found:?}", built.name));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// A convolution and an input's shape.
const CONVOLUTIONS: [(usize, Shape2d, [usize; 3]); 5] = [
    (3, Shape2d::Stride(1), [3, 5, 4]),
    (5, Shape2d::Stride(1), [1, 4, 5]),
    (3, Shape2d::Stride(2), [2, 5, 4]),
    (1, Shape2d::Stride(1), [3, 3, 2]),
    (3, Shape2d::Double, [3, 3, 2]),
];

fn convolution(params: &Params, (kernel, shape2d, shape): (usize, Shape2d, [usize; 3])) -> Result<NormConv> {
    Ok(NormConv::new(params, shape[0], 2, kernel, shape2d)?)
}

#[test]
fn gradients_of_convolutions_are_slopes() -> Result<()> {
    for case in CONVOLUTIONS {
        let params = params();
        let layer = convolution(&params, case)?;
        stir(&params)?;
        let x = normal(1, &batch(2, &case.2))?;
        let weights = normal(2, layer.forward(&x)?.dims())?;
        slopes(&params, &x, |x| Ok((layer.forward(x)? * &weights)?))
            .map_err(|error| error.context(format!("{case:?}")))?;
    }
    Ok(())
}

/// Salimans and Kingma (2016): after the first batch, each channel of it has mean 0 and the chosen standard deviation,
/// 0.01.
#[test]
fn the_first_batch_sets_the_output() -> Result<()> {
    for case in CONVOLUTIONS {
        let params = params();
        let layer = convolution(&params, case)?;
        let x = normal(4, &batch(6, &case.2))?;
        params.set_phase(Phase::Initialisation);
        layer.forward(&x)?;
        params.set_phase(Phase::Training);
        let channels = layer.forward(&x)?.transpose(0, 1)?.flatten_from(1)?;
        for channel in channels.to_vec2::<f64>()? {
            let count = channel.len() as f64;
            let mean = channel.iter().sum::<f64>() / count;
            let variance = channel.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
            // The square root is of the variance + 1e-8, which is negligible for a variance near 1.
            let deviation = variance.sqrt();
            ensure!(mean.abs() < 1e-12 && (deviation - 0.01).abs() < 1e-8, "{case:?}: {mean} ± {deviation}");
        }
    }
    Ok(())
}

/// Over the channels and positions of a group. 1e-5 is added to the variances 4 and 1; gain 1 and bias 0 are the
/// initial values.
#[test]
fn a_group_has_mean_0_and_variance_1() -> Result<()> {
    let layer = GroupNorm::new(&params(), &[4, 1, 2], GroupNormConfig { groups: 2 })?;
    let x = Tensor::new(&[[[[5.0, 9.0]], [[5.0, 9.0]], [[-1.0, -1.0]], [[-3.0, -3.0]]]], &Device::Cpu)?;
    let found = list(&layer.forward(&x)?)?;
    let (two, one) = (2.0 / (4.0f64 + 1e-5).sqrt(), 1.0 / (1.0f64 + 1e-5).sqrt());
    for (found, expected) in found.iter().zip([-two, two, -two, two, one, one, -one, -one]) {
        // Rounding of a mean of four numbers.
        ensure!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }
    ensure!(found.len() == 8);
    Ok(())
}
