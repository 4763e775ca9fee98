//! A convolution with the batch normalisation after it folded in, and a ReLU.

use crate::{DType, Device, Tensor};
use anyhow::{Context, Result, ensure};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The ε of every batch normalisation of the network.
const EPSILON: f64 = 1e-3;

/// relu(normalise(convolve(x)))
#[derive(Debug)]
pub struct Convolution {
    /// [filters, channels, height, width], scaled by the normalisation.
    weight: Tensor,
    /// [1, filters, 1, 1]
    bias: Tensor,
    stride: usize,
    /// Rows and columns of zeros on each side.
    padding: [usize; 2],
}

impl Convolution {
    /// The layer `NAME` of PyTorch's state: `NAME.conv.weight` and `NAME.bn.*`.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape than `[filters, channels, kernel…]`.
    pub fn new(
        state: &BTreeMap<String, Tensor>,
        name: &str,
        shape: [usize; 4],
        stride: usize,
        padding: [usize; 2],
        device: &Device,
    ) -> Result<Self> {
        let tensor = |part: &str, shape: &[usize]| -> Result<Tensor> {
            let name = format!("{name}.{part}");
            let found = state.get(&name).with_context(|| format!("{name} is missing"))?;
            ensure!(found.dims() == shape, "{name} has shape {:?}, the network has {shape:?}", found.dims());
            Ok(found.to_dtype(DType::F64)?)
        };
        let normal = |part: &str| tensor(&format!("bn.{part}"), &shape[..1]);
        let scale = (normal("weight")? / (normal("running_var")? + EPSILON)?.sqrt()?)?;
        let bias = (normal("bias")? - (normal("running_mean")? * &scale)?)?;
        let weight = tensor("conv.weight", &shape)?.broadcast_mul(&scale.reshape((shape[0], 1, 1, 1))?)?;
        let place = |tensor: Tensor| tensor.to_dtype(DType::F32)?.to_device(device)?.contiguous();
        Ok(Self { weight: place(weight)?, bias: place(bias.reshape((1, shape[0], 1, 1))?)?, stride, padding })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() {
            return self.products(x);
        }
        let [rows, columns] = self.padding;
        let x = x.pad_with_zeros(2, rows, rows)?.pad_with_zeros(3, columns, columns)?;
        Ok(x.conv2d(&self.weight, 0, self.stride, 1, 1)?.broadcast_add(&self.bias)?.relu()?)
    }

    /// On a CPU, im2col and a GEMM per image are several times faster than candle's convolution.
    fn products(&self, x: &Tensor) -> Result<Tensor> {
        let (filters, channels, kernel_height, kernel_width) = self.weight.dims4()?;
        let (batch, _, height, width) = x.dims4()?;
        let out = |size: usize, padding: usize, kernel: usize| (size + 2 * padding - kernel) / self.stride + 1;
        let size = [out(height, self.padding[0], kernel_height), out(width, self.padding[1], kernel_width)];
        let (taps, pixels) = (channels * kernel_height * kernel_width, size[0] * size[1]);
        let (weight, bias) = (self.weight.reshape((filters, taps))?, self.bias.flatten_all()?.to_vec1::<f32>()?);
        let numbers = x.flatten_all()?.to_vec1::<f32>()?;
        let mut values = vec![0f32; batch * filters * pixels];
        for (picture, values) in numbers.chunks(channels * height * width).zip(values.chunks_mut(filters * pixels)) {
            let patches = match taps == channels && self.stride == 1 {
                true => Tensor::from_slice(picture, (taps, pixels), &Device::Cpu)?,
                false => {
                    let patches = self.patches(picture, [height, width], [kernel_height, kernel_width], size);
                    Tensor::from_vec(patches, (taps, pixels), &Device::Cpu)?
                }
            };
            let product = weight.matmul(&patches)?.flatten_all()?.to_vec1::<f32>()?;
            let planes = values.par_chunks_mut(pixels).zip(product.par_chunks(pixels)).zip(&bias);
            planes.for_each(|((plane, sums), bias)| {
                for (value, sum) in plane.iter_mut().zip(sums) {
                    // Not `max`, which would turn NaN into 0.
                    *value = if sum + bias < 0.0 { 0.0 } else { sum + bias };
                }
            });
        }
        Ok(Tensor::from_vec(values, (batch, filters, size[0], size[1]), &Device::Cpu)?)
    }

    /// The input of each tap of the kernel, [taps, pixels].
    fn patches(&self, picture: &[f32], [height, width]: [usize; 2], kernel: [usize; 2], out: [usize; 2]) -> Vec<f32> {
        let ([kernel_height, kernel_width], channels) = (kernel, picture.len() / (height * width));
        let mut patches = vec![0f32; channels * kernel_height * kernel_width * out[0] * out[1]];
        patches.par_chunks_mut(out[0] * out[1]).enumerate().for_each(|(tap, plane)| {
            let channel = tap / (kernel_height * kernel_width);
            let (down, right) = (tap / kernel_width % kernel_height, tap % kernel_width);
            let source = &picture[channel * height * width..][..height * width];
            for (y, line) in plane.chunks_mut(out[1]).enumerate() {
                let Some(row) = (y * self.stride + down).checked_sub(self.padding[0]).filter(|&row| row < height)
                else {
                    continue;
                };
                for (column, value) in line.iter_mut().enumerate() {
                    let at = (column * self.stride + right).wrapping_sub(self.padding[1]);
                    if at < width {
                        *value = source[row * width + at];
                    }
                }
            }
        });
        patches
    }
}
