//! The backward pass of a batch that is larger than what is in memory at once, and from activations in bf16.

use super::by_channels::at_once;
use crate::dense::dense_layer;
use crate::dense::sizes::Sizes;
use crate::tape::Tape;
use crate::{Attention, DenseStep, Device, Result, Tensor};
use candle_core::Var;

/// The sizes of a layer.
#[derive(Clone, Copy)]
struct Layer {
    input: usize,
    growth: usize,
    side: usize,
}

/// Steps of every layer.
const STEPS: usize = 2;

impl Layer {
    /// Weights in the order of a step's, then of attention's.
    fn weights(self) -> Result<Vec<Var>> {
        let Self { input, growth, .. } = self;
        let middle = 4 * growth;
        let mut weights = Vec::new();
        let mut add = |shape: &[usize], size: f64| -> Result<()> {
            weights.push(Var::from_tensor(&(scattered(shape, weights.len())? * size)?)?);
            Ok(())
        };
        for step in 0..STEPS {
            let below = input + step * growth;
            add(&[middle, below, 1, 1], (below as f64).powf(-0.5))?;
            add(&[middle], 0.1)?;
            add(&[growth, middle, 3, 3], (9.0 * middle as f64).powf(-0.5))?;
            add(&[growth], 0.1)?;
        }
        let channels = input + STEPS * growth;
        add(&[2, channels, 1, 1], (channels as f64).powf(-0.5))?;
        add(&[2], 0.1)?;
        add(&[channels, 2, 1, 1], 0.5)?;
        add(&[channels], 0.1)?;
        Ok(weights)
    }

    fn input(self, batch: usize) -> Result<Tensor> {
        scattered(&[batch, self.input, self.side, self.side], 77)
    }

    /// The gradients of half of the squares' sum: of the input, then of the weights.
    fn gradients(self, tape: Tape, x: &Tensor, weights: &[Var]) -> Result<Vec<Tensor>> {
        let x = Var::from_tensor(x)?;
        let at = |number: usize| weights[number].as_tensor().clone();
        let step = |step: usize| DenseStep {
            squeeze: at(4 * step),
            squeeze_bias: at(4 * step + 1),
            grow: at(4 * step + 2),
            grow_bias: at(4 * step + 3),
        };
        let steps: Vec<_> = (0..STEPS).map(step).collect();
        let end = 4 * STEPS;
        let attention =
            Attention { squeeze: at(end), squeeze_bias: at(end + 1), excite: at(end + 2), excite_bias: at(end + 3) };
        // An operation before the layer, whose output is an activation.
        let out = dense_layer(&crate::elu(x.as_tensor())?, &steps, &attention)?;
        let of = tape.backward(&(out.sqr()?.sum_all()? * 0.5)?)?;
        let all = std::iter::once(&x).chain(weights);
        Ok(all.map(|var| of.get(var).expect("a gradient").clone()).collect())
    }
}

/// Values from -1 to 1 without a pattern.
fn scattered(shape: &[usize], seed: usize) -> Result<Tensor> {
    let hashed = |at: usize| {
        (at as u32 ^ (seed as u32) << 24).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519)
    };
    let values = (0..shape.iter().product()).map(|at| (f64::from(hashed(at)) / f64::from(1u32 << 31) - 1.0) as f32);
    Tensor::from_iter(values, &Device::Cpu)?.reshape(shape)
}

/// The distance of two tensors, relative to the size of the first.
fn apart(a: &Tensor, b: &Tensor) -> Result<f32> {
    let size = |tensor: &Tensor| tensor.sqr()?.sum_all()?.sqrt()?.to_scalar::<f32>();
    Ok(size(&(a - b)?)? / size(a)?)
}

/// A batch in two groups has the gradients of its halves.
#[test]
fn a_large_batch_has_the_gradients_of_its_parts() -> Result<()> {
    let (layer, half) = (Layer { input: 200, growth: 64, side: 32 }, 12);
    let sizes = |batch| Sizes { batch, input: 200, height: 32, width: 32, growth: 64, middle: 256, steps: STEPS };
    assert_eq!([sizes(half), sizes(2 * half)].map(|sizes| at_once(&sizes)), [half, half]);
    let (x, weights) = (layer.input(2 * half)?, layer.weights()?);
    let whole = layer.gradients(Tape::begin(), &x, &weights)?;
    let parts = [0, half].map(|first| layer.gradients(Tape::begin(), &x.narrow(0, first, half)?, &weights));
    let [first, second] = parts;
    let (first, second) = (first?, second?);
    let bits = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    assert_eq!(bits(&whole[0])?, bits(&Tensor::cat(&[&first[0], &second[0]], 0)?)?);
    for ((whole, first), second) in whole.iter().zip(&first).zip(&second).skip(1) {
        let apart = apart(whole, &(first + second)?)?;
        // Sums of 24,576 pixels in f32, in another order.
        assert!(apart <= 1e-5, "{apart} for {:?}", whole.shape());
    }
    Ok(())
}

/// The states are recovered from an output that is rounded by 2⁻⁹ of each value at most. The inverse of ELU keeps such an error within a
/// factor of e, its slope is bounded by 1, and the errors of many values average out in a sum.
#[test]
fn gradients_from_rounded_activations_are_close() -> Result<()> {
    // By images, and by channels.
    for layer in [Layer { input: 20, growth: 8, side: 32 }, Layer { input: 100, growth: 64, side: 16 }] {
        let (x, weights) = (layer.input(16)?, layer.weights()?);
        let whole = layer.gradients(Tape::begin(), &x, &weights)?;
        let compact = layer.gradients(Tape::compact(), &x, &weights)?;
        for (whole, compact) in whole.iter().zip(&compact) {
            let apart = apart(whole, compact)?;
            assert!(apart > 0.0 && apart <= 1.0 / 128.0, "{apart} for {:?}", whole.shape());
        }
    }
    Ok(())
}
