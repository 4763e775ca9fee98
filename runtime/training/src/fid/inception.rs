//! Inception-v3 up to its last pooling, in the variant that is used for FIDs.
//!
//! Differences from the original network: average pooling excludes the padding, and the last block uses maximum
//! pooling.

use super::convolution::Convolution;
use crate::{DType, Device, Tensor};
use anyhow::Result;
use std::collections::BTreeMap;

/// Features of an image.
pub const FEATURES: usize = 2048;
/// Height and width of the network's input.
const SIZE: usize = 299;

/// The network, from bytes to features.
#[derive(Debug)]
pub struct Inception {
    layers: Vec<Layer>,
    device: Device,
}

#[derive(Debug)]
enum Layer {
    Convolution(Convolution),
    /// 3×3, stride 2, unpadded.
    Reduce,
    /// 3×3 mean over the pixels inside the image.
    Average,
    /// 3×3 maximum, stride 1.
    Maximum,
    /// A sequence of layers.
    Chain(Vec<Layer>),
    /// Parallel branches whose outputs are concatenated along the channels.
    Branches(Vec<Layer>),
}

impl Inception {
    /// # Errors
    /// Weights that are missing or do not fit.
    pub fn new(state: &BTreeMap<String, Tensor>, device: &Device) -> Result<Self> {
        let mut builder = Builder { state, device, block: String::new() };
        let mut layers = vec![
            builder.valid("Conv2d_1a_3x3", [32, 3, 3, 3], 2)?,
            builder.valid("Conv2d_2a_3x3", [32, 32, 3, 3], 1)?,
            builder.same("Conv2d_2b_3x3", [64, 32, 3, 3])?,
            Layer::Reduce,
            builder.same("Conv2d_3b_1x1", [80, 64, 1, 1])?,
            builder.valid("Conv2d_4a_3x3", [192, 80, 3, 3], 1)?,
            Layer::Reduce,
        ];
        for (block, channels, pool) in [("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)] {
            layers.push(builder.at(block).a(channels, pool)?);
        }
        layers.push(builder.at("6a").b(288)?);
        for (block, inner) in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)] {
            layers.push(builder.at(block).c(768, inner)?);
        }
        layers.push(builder.at("7a").d(768)?);
        layers.push(builder.at("7b").e(1280, Layer::Average)?);
        layers.push(builder.at("7c").e(2048, Layer::Maximum)?);
        Ok(Self { layers, device: device.clone() })
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Features [batch, 2048] of images as bytes, [batch, 1 or 3, height, width].
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn features(&self, pictures: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = pictures.dims4()?;
        let x = (pictures.to_dtype(DType::F32)? / 255.0)?;
        let x = if channels == 1 { x.repeat((1, 3, 1, 1))? } else { x };
        let (down, across) = (enlarging(height, &self.device)?, enlarging(width, &self.device)?.t()?.contiguous()?);
        let x = x.reshape((batch * 3 * height, width))?.matmul(&across)?.reshape((batch * 3, height, SIZE))?;
        let down = down.unsqueeze(0)?.broadcast_as((batch * 3, SIZE, height))?.contiguous()?;
        let x = down.matmul(&x)?.reshape((batch, 3, SIZE, SIZE))?;
        let mut x = ((x * 2.0)? - 1.0)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        Ok(x.mean((2, 3))?)
    }
}

impl Layer {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let padded = |x: &Tensor| x.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1);
        Ok(match self {
            Self::Convolution(layer) => layer.forward(x)?,
            Self::Reduce => x.max_pool2d_with_stride(3, 2)?,
            Self::Average => {
                let nines = (padded(x)?.avg_pool2d_with_stride(3, 1)? * 9.0)?;
                nines.broadcast_div(&counts(x.dim(2)?, x.dim(3)?, x.device())?)?
            }
            // The input has passed a ReLU, so padding with zeros does not change the maximum.
            Self::Maximum => padded(x)?.max_pool2d_with_stride(3, 1)?,
            Self::Chain(layers) => {
                let mut x = x.clone();
                for layer in layers {
                    x = layer.forward(&x)?;
                }
                x
            }
            Self::Branches(branches) => {
                let parts = branches.iter().map(|branch| branch.forward(x)).collect::<Result<Vec<_>>>()?;
                Tensor::cat(&parts, 1)?
            }
        })
    }
}

/// Builds the layers of a block, with the names of PyTorch's implementation.
struct Builder<'a> {
    state: &'a BTreeMap<String, Tensor>,
    device: &'a Device,
    block: String,
}

impl Builder<'_> {
    fn at(&mut self, block: &str) -> &Self {
        self.block = format!("Mixed_{block}.");
        self
    }

    fn layer(&self, name: &str, shape: [usize; 4], stride: usize, padding: [usize; 2]) -> Result<Layer> {
        let name = format!("{}{name}", self.block);
        Ok(Layer::Convolution(Convolution::new(self.state, &name, shape, stride, padding, self.device)?))
    }

    /// Unpadded.
    fn valid(&self, name: &str, shape: [usize; 4], stride: usize) -> Result<Layer> {
        self.layer(name, shape, stride, [0, 0])
    }

    /// Padded so that the size does not change.
    fn same(&self, name: &str, shape: [usize; 4]) -> Result<Layer> {
        self.layer(name, shape, 1, [shape[2] / 2, shape[3] / 2])
    }

    /// A sequence of convolutions, each `(name, filters, kernel)`, that keep the size.
    fn chain(&self, mut channels: usize, steps: &[(&str, usize, [usize; 2])]) -> Result<Vec<Layer>> {
        let mut layers = Vec::with_capacity(steps.len());
        for &(name, filters, [height, width]) in steps {
            layers.push(self.same(name, [filters, channels, height, width])?);
            channels = filters;
        }
        Ok(layers)
    }

    fn pooled(&self, pool: Layer, channels: usize, filters: usize) -> Result<Layer> {
        Ok(Layer::Chain(vec![pool, self.same("branch_pool", [filters, channels, 1, 1])?]))
    }

    fn a(&self, channels: usize, pool: usize) -> Result<Layer> {
        Ok(Layer::Branches(vec![
            self.same("branch1x1", [64, channels, 1, 1])?,
            Layer::Chain(self.chain(channels, &[("branch5x5_1", 48, [1, 1]), ("branch5x5_2", 64, [5, 5])])?),
            Layer::Chain(self.chain(
                channels,
                &[("branch3x3dbl_1", 64, [1, 1]), ("branch3x3dbl_2", 96, [3, 3]), ("branch3x3dbl_3", 96, [3, 3])],
            )?),
            self.pooled(Layer::Average, channels, pool)?,
        ]))
    }

    fn b(&self, channels: usize) -> Result<Layer> {
        let mut double = self.chain(channels, &[("branch3x3dbl_1", 64, [1, 1]), ("branch3x3dbl_2", 96, [3, 3])])?;
        double.push(self.valid("branch3x3dbl_3", [96, 96, 3, 3], 2)?);
        Ok(Layer::Branches(vec![
            self.valid("branch3x3", [384, channels, 3, 3], 2)?,
            Layer::Chain(double),
            Layer::Reduce,
        ]))
    }

    fn c(&self, channels: usize, inner: usize) -> Result<Layer> {
        let (row, column) = ([1, 7], [7, 1]);
        Ok(Layer::Branches(vec![
            self.same("branch1x1", [192, channels, 1, 1])?,
            Layer::Chain(self.chain(
                channels,
                &[("branch7x7_1", inner, [1, 1]), ("branch7x7_2", inner, row), ("branch7x7_3", 192, column)],
            )?),
            Layer::Chain(self.chain(
                channels,
                &[
                    ("branch7x7dbl_1", inner, [1, 1]),
                    ("branch7x7dbl_2", inner, column),
                    ("branch7x7dbl_3", inner, row),
                    ("branch7x7dbl_4", inner, column),
                    ("branch7x7dbl_5", 192, row),
                ],
            )?),
            self.pooled(Layer::Average, channels, 192)?,
        ]))
    }

    fn d(&self, channels: usize) -> Result<Layer> {
        let mut small = self.chain(channels, &[("branch3x3_1", 192, [1, 1])])?;
        small.push(self.valid("branch3x3_2", [320, 192, 3, 3], 2)?);
        let steps = [("branch7x7x3_1", 192, [1, 1]), ("branch7x7x3_2", 192, [1, 7]), ("branch7x7x3_3", 192, [7, 1])];
        let mut large = self.chain(channels, &steps)?;
        large.push(self.valid("branch7x7x3_4", [192, 192, 3, 3], 2)?);
        Ok(Layer::Branches(vec![Layer::Chain(small), Layer::Chain(large), Layer::Reduce]))
    }

    fn e(&self, channels: usize, pool: Layer) -> Result<Layer> {
        let fork = |row: &str, column: &str| {
            Ok::<_, anyhow::Error>(Layer::Branches(vec![
                self.same(row, [384, 384, 1, 3])?,
                self.same(column, [384, 384, 3, 1])?,
            ]))
        };
        let mut single = self.chain(channels, &[("branch3x3_1", 384, [1, 1])])?;
        single.push(fork("branch3x3_2a", "branch3x3_2b")?);
        let mut double = self.chain(channels, &[("branch3x3dbl_1", 448, [1, 1]), ("branch3x3dbl_2", 384, [3, 3])])?;
        double.push(fork("branch3x3dbl_3a", "branch3x3dbl_3b")?);
        Ok(Layer::Branches(vec![
            self.same("branch1x1", [320, channels, 1, 1])?,
            Layer::Chain(single),
            Layer::Chain(double),
            self.pooled(pool, channels, 192)?,
        ]))
    }
}

/// The number of 3×3 neighbours of each pixel inside the image, [1, 1, height, width].
fn counts(height: usize, width: usize, device: &Device) -> Result<Tensor> {
    let along = |at: usize, size: usize| 1 + usize::from(at > 0) + usize::from(at + 1 < size);
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (along(y, height) * along(x, width)) as f32));
    Ok(Tensor::from_iter(all, device)?.reshape((1, 1, height, width))?)
}

/// Bilinear resizing of a line as a matrix [299, size]: pixel centres at halves, no smoothing, edge values repeated.
fn enlarging(size: usize, device: &Device) -> Result<Tensor> {
    let mut matrix = vec![0f32; SIZE * size];
    for (out, row) in matrix.chunks_mut(size).enumerate() {
        let at = ((out as f64 + 0.5) * size as f64 / SIZE as f64 - 0.5).max(0.0);
        let low = (at as usize).min(size - 1);
        let part = (at - low as f64) as f32;
        row[low] += 1.0 - part;
        row[(low + 1).min(size - 1)] += part;
    }
    Ok(Tensor::from_vec(matrix, (SIZE, size), device)?)
}
