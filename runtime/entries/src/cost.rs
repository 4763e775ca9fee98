//! Shapes and costs of the layers in blocks.
//!
//! Every convolution is weight-normalised: it has a gain and a bias for each output channel beside the direction.

use crate::LARGEST_SIZE;
use std::collections::BTreeMap;

/// Parameters, the computation of the forward pass per image, and its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cost {
    pub parameters: u64,
    pub multiply_accumulates: u64,
    /// The operations by their sizes, each with the number of its runs. The kernels estimate their memory.
    pub work: BTreeMap<Work, u64>,
}

/// An operation, by its sizes for one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A function without parameters, by its number of elements.
    Values(u64),
    /// A convolution, or an affine map at every position.
    Convolution {
        /// Channels of input and output.
        channels: [u64; 2],
        kernel: u64,
        /// Positions of input and output.
        positions: [u64; 2],
    },
    /// Bottlenecks that each append channels to their input.
    Dense { channels: u64, growth: u64, steps: u64, positions: u64 },
}

impl Cost {
    /// Only parameters.
    pub fn held(parameters: u64) -> Self {
        Self { parameters, ..Self::default() }
    }

    /// A function without parameters, of so many elements.
    pub fn of_values(elements: u64) -> Self {
        Self::default().by(Work::Values(elements))
    }

    /// The same cost, as one operation.
    fn by(self, work: Work) -> Self {
        Self { work: BTreeMap::from([(work, 1)]), ..self }
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.parameters = self.parameters.saturating_add(other.parameters);
        self.multiply_accumulates = self.multiply_accumulates.saturating_add(other.multiply_accumulates);
        for (work, count) in other.work {
            let all = self.work.entry(work).or_default();
            *all = all.saturating_add(count);
        }
        self
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |total, cost| total + cost)
    }
}

/// Channels, height and width of an input, or the error.
pub(crate) fn planes(inputs: &[&[usize]]) -> Result<(usize, usize, usize), String> {
    match inputs {
        &[&[channels, height, width]] => Ok((channels, height, width)),
        _ => Err("needs an input of shape [channels, height, width]".to_owned()),
    }
}

/// Channels and positions of inputs that passed the check.
pub(crate) fn known_planes(inputs: &[&[usize]]) -> (u64, u64) {
    planes(inputs)
        .map_or((0, 0), |(channels, height, width)| (channels as u64, (height as u64).saturating_mul(width as u64)))
}

/// The shape, if every size is between 1 and the maximum.
pub(crate) fn bounded(shape: Vec<usize>) -> Result<Vec<usize>, String> {
    match shape.iter().find(|&&size| size == 0 || size > LARGEST_SIZE) {
        None => Ok(shape),
        Some(0) => Err("would leave nothing of its input".to_owned()),
        Some(size) => Err(format!("would need a size of {size}; the largest is {LARGEST_SIZE}")),
    }
}

/// The output shape of windows of pixels, `stride` apart.
pub(crate) fn windows(kernel: usize, stride: usize, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let (channels, height, width) = planes(inputs)?;
    if kernel == 0 || stride == 0 || kernel > height.min(width) {
        return Err(format!("needs a map that a window of {kernel} x {kernel} fits into"));
    }
    Ok(vec![channels, (height - kernel) / stride + 1, (width - kernel) / stride + 1])
}

/// Channels of a flow's context, which is a vector for a flow of vectors, and a map of the same height and width for a
/// flow of maps.
pub(crate) fn beside(shape: &[usize], context: Option<&[usize]>) -> Result<usize, String> {
    match context {
        None => Ok(0),
        Some([channels, rest @ ..]) if Some(rest) == shape.get(1..) => Ok(*channels),
        Some(_) if shape.len() == 1 => Err("needs a context of shape [features]".to_owned()),
        Some(_) => Err("needs a context with the height and width of its value".to_owned()),
    }
}

/// Checks a flow of vectors against the shape of a value and a context.
pub(crate) fn vector(shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    match shape {
        [_] => beside(shape, context).map(|_| ()),
        _ => Err("needs a vector, [features]".to_owned()),
    }
}

/// Checks an autoregressive flow with this kernel size against the shape of a value and a context.
pub(crate) fn autoregressive_fits(kernel: usize, shape: &[usize], context: Option<&[usize]>) -> Result<(), String> {
    match shape {
        [_] | [_, _, _] if !kernel.is_multiple_of(2) => beside(shape, context).map(|_| ()),
        [_] | [_, _, _] => Err(format!("needs an odd kernel, not {kernel}")),
        _ => Err("needs [features] or [channels, height, width]".to_owned()),
    }
}

/// Height and width of an autoregressive flow's kernels: 1 for a vector.
pub(crate) fn autoregressive_kernel(kernel: usize, shape: &[usize]) -> usize {
    if shape.len() == 1 { 1 } else { kernel }
}

/// An autoregressive flow: three masked convolutions, the first with the context, which is the second input.
pub(crate) fn autoregressive(width: usize, kernel: usize, inputs: &[&[usize]]) -> Cost {
    let shape = inputs.first().copied().unwrap_or_default();
    let (channels, width) = (shape.first().copied().unwrap_or(0) as u64, width as u64);
    let positions = count(shape.get(1..).unwrap_or_default()) as u64;
    let kernel = autoregressive_kernel(kernel, shape) as u64;
    let layer = |from: u64, to: u64| {
        let all = conv(from, to, kernel, positions);
        Cost { parameters: all.parameters.saturating_sub(to), ..all }
    };
    let context = match inputs.get(1) {
        Some(context) => conv(context.first().copied().unwrap_or(0) as u64, width, 1, positions),
        None => Cost::default(),
    };
    // The activations of both hidden layers; of the flow itself shift, scale and their product, each with what it is made of.
    let values = Cost::of_values((8 * channels).saturating_add(2 * width).saturating_mul(positions));
    layer(channels, width) + layer(width, width) + layer(width, 2 * channels) + context + values
}

/// The cost of this number of parameters of a flow: trainable, or an affine map of the context, which is the second
/// input.
pub(crate) fn numbers(count: u64, inputs: &[&[usize]]) -> Cost {
    match inputs.get(1) {
        Some(context) => conv(context.first().copied().unwrap_or(0) as u64, count, 1, 1) + Cost::of_values(count),
        None => Cost::held(count) + Cost::of_values(count),
    }
}

/// The shape of the only input.
pub(crate) fn same(inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    inputs.first().map(|shape| shape.to_vec()).ok_or_else(|| "needs an input".to_owned())
}

/// The shape of two or more inputs of equal shapes.
pub(crate) fn equal(inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|shape| shape == first) => Ok(first.to_vec()),
        _ => {
            let pairs = inputs.iter().flat_map(|small| inputs.iter().map(move |large| (*small, *large)));
            let remedy = pairs.filter_map(|(small, large)| spread_to(small, large)).next().unwrap_or_default();
            Err(format!("needs two inputs of equal shapes; nothing is broadcast{remedy}"))
        }
    }
}

/// A suggestion to repeat a value to a larger shape, if `spread` can.
pub fn spread_to(small: &[usize], large: &[usize]) -> Option<String> {
    let fits = |(at, size): (usize, &usize)| small.get(at).is_none_or(|have| *have == 1 || have == size);
    let can = small != large && small.len() <= large.len() && large.iter().enumerate().all(fits);
    let sizes = large.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    can.then(|| format!("; `spread(v, {sizes})` repeats a value v of shape {}", crate::show_shape(small)))
}

/// Elements of a shape.
pub(crate) fn count(shape: &[usize]) -> usize {
    shape.iter().fold(1, |total, &size| usize::saturating_mul(total, size))
}

fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |total, &factor| total.saturating_mul(factor))
}

/// A weight-normalised convolution that keeps height and width.
pub(crate) fn conv(input: u64, output: u64, kernel: u64, positions: u64) -> Cost {
    resizing(input, output, kernel, [positions; 2])
}

/// An affine map at every position, without weight normalisation.
pub(crate) fn plain(input: u64, output: u64, positions: u64) -> Cost {
    let all = conv(input, output, 1, positions);
    Cost { parameters: all.parameters.saturating_sub(output), ..all }
}

/// A weight-normalised convolution; positions of the input and of the output.
pub(crate) fn resizing(input: u64, output: u64, kernel: u64, [from, to]: [u64; 2]) -> Cost {
    let weights = product(&[input, output, kernel, kernel]);
    let cost = Cost {
        parameters: weights.saturating_add(product(&[2, output])),
        multiply_accumulates: product(&[weights, to.min(from)]),
        ..Cost::default()
    };
    cost.by(Work::Convolution { channels: [input, output], kernel, positions: [from, to] })
}

/// A transposed 3x3 convolution that doubles height and width; `positions` are those of the input.
pub(crate) fn doubling(input: u64, output: u64, positions: u64) -> Cost {
    resizing(input, output, 3, [positions, positions.saturating_mul(4)])
}

/// Channel attention: the mean over all positions through two 1x1 convolutions, to an eighth of the channels and back.
fn attention(channels: u64) -> Cost {
    let narrow = (channels / 8).max(1);
    conv(channels, narrow, 1, 1) + conv(narrow, channels, 1, 1)
}

/// `steps` bottlenecks, 1x1 to 4·growth channels and 3x3 to growth, each concatenated to its input; then channel
/// attention. The layer is one operation.
pub(crate) fn dense_layer(channels: u64, growth: u64, steps: u64, positions: u64) -> Cost {
    let (wide, end) = (growth.saturating_mul(4), dense_channels(channels, growth, steps));
    let before = |step| dense_channels(channels, growth, step);
    let weights: Cost =
        (0..steps).map(|step| conv(before(step), wide, 1, positions) + conv(wide, growth, 3, positions)).sum();
    let all = weights + attention(end);
    all.by(Work::Dense { channels, growth, steps, positions })
}

/// Channels after a dense layer.
pub(crate) fn dense_channels(channels: u64, growth: u64, steps: u64) -> u64 {
    channels.saturating_add(growth.saturating_mul(steps))
}
