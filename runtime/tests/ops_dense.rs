//! The fused dense layer compared with the same layer in candle's operations, and the same bits for any number of
//! threads.

use srvae::candle_core::{DType, Device, Result, Tensor, Var};
use srvae::nn::{DenseLayer, NormConv, Shape2d};
use srvae::ops::{Attention, DenseStep, dense_layer, reference};
use srvae::params::Phase;
use srvae::{Noise, Params, ops};

/// Relative to the largest magnitude: sums of a few hundred terms in f32; the error of Winograd's is about twice as
/// large.
const OUTPUT: f64 = 5e-6;
/// Gradients pass through a few of them, and through the inverse of ELU.
const GRADIENT: f64 = 5e-5;

struct Layer {
    x: Var,
    weights: Vec<Var>,
    steps: usize,
}

impl Layer {
    /// `[batch, channels, height, width]`, growth, steps.
    fn new([n, c, h, w]: [usize; 4], growth: usize, steps: usize) -> Result<Self> {
        let mut noise = Noise::seeded(7);
        let mut draw = |shape: &[usize], scale: f64| {
            Var::from_tensor(&(noise.normal("draw", shape, DType::F32, &Device::Cpu)? * scale)?)
        };
        let x = draw(&[n, c, h, w], 1.0)?;
        let mut weights = Vec::new();
        for step in 0..steps {
            let channels = c + step * growth;
            weights.push(draw(&[4 * growth, channels, 1, 1], (channels as f64).powf(-0.5))?);
            weights.push(draw(&[4 * growth], 0.5)?);
            weights.push(draw(&[growth, 4 * growth, 3, 3], (36.0 * growth as f64).powf(-0.5))?);
            weights.push(draw(&[growth], 0.5)?);
        }
        let channels = c + steps * growth;
        let squeezed = (channels / 8).max(1);
        weights.push(draw(&[squeezed, channels, 1, 1], 0.3)?);
        weights.push(draw(&[squeezed], 0.3)?);
        weights.push(draw(&[channels, squeezed, 1, 1], 0.3)?);
        weights.push(draw(&[channels], 0.3)?);
        Ok(Self { x, weights, steps })
    }

    fn fast(&self) -> Result<Tensor> {
        let w = |at: usize| self.weights[at].as_tensor().clone();
        let steps: Vec<DenseStep> = (0..self.steps)
            .map(|i| DenseStep {
                squeeze: w(4 * i),
                squeeze_bias: w(4 * i + 1),
                grow: w(4 * i + 2),
                grow_bias: w(4 * i + 3),
            })
            .collect();
        let at = 4 * self.steps;
        let attention =
            Attention { squeeze: w(at), squeeze_bias: w(at + 1), excite: w(at + 2), excite_bias: w(at + 3) };
        dense_layer(self.x.as_tensor(), &steps, &attention)
    }

    /// In f64, operation by operation.
    fn plain(&self, x: &Tensor, weights: &[Tensor]) -> Result<Tensor> {
        let mut stack = x.clone();
        for step in weights[..4 * self.steps].chunks(4) {
            let middle = reference::conv2d(&stack, &step[0], &step[1], 1, 0)?;
            let grown = reference::conv2d(&middle, &step[2], &step[3], 1, 1)?;
            stack = Tensor::cat(&[&stack, &grown], 1)?.elu(1.0)?;
        }
        let w = &weights[4 * self.steps..];
        let mean = stack.mean_keepdim(3)?.mean_keepdim(2)?;
        let logits = reference::conv2d(&reference::conv2d(&mean, &w[0], &w[1], 1, 0)?, &w[2], &w[3], 1, 0)?;
        stack.broadcast_mul(&(logits.neg()?.exp()? + 1.0)?.recip()?)
    }
}

fn distance(ours: &Tensor, theirs: &Tensor) -> Result<f64> {
    assert_eq!(ours.dims(), theirs.dims());
    let ours = ours.to_dtype(DType::F64)?;
    let scale = theirs.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?.max(1e-6);
    let error = (ours - theirs)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()? / scale;
    Ok(if error.is_nan() { f64::INFINITY } else { error })
}

fn check(dims: [usize; 4], growth: usize, steps: usize) -> Result<()> {
    let layer = Layer::new(dims, growth, steps)?;
    let double = |t: &Var| Var::from_tensor(&t.as_detached_tensor().to_dtype(DType::F64)?);
    let x = double(&layer.x)?;
    let weights = layer.weights.iter().map(double).collect::<Result<Vec<_>>>()?;
    let tensors: Vec<Tensor> = weights.iter().map(|weight| weight.as_tensor().clone()).collect();
    let (ours, theirs) = (layer.fast()?, layer.plain(x.as_tensor(), &tensors)?);
    let error = distance(&ours, &theirs.detach())?;
    println!("{dims:?} growth {growth} steps {steps}: output {error:.1e}");
    assert!(error <= OUTPUT, "{dims:?} growth {growth} steps {steps}: output {error:.1e}");
    let cotangent = Noise::seeded(9).normal("cotangent", ours.dims(), DType::F32, &Device::Cpu)?;
    let ours = (ours * &cotangent)?.sum_all()?.backward()?;
    let theirs = (theirs * cotangent.to_dtype(DType::F64)?)?.sum_all()?.backward()?;
    for (at, (our, their)) in std::iter::once((&layer.x, &x)).chain(layer.weights.iter().zip(&weights)).enumerate() {
        let (our, their) = (ours.get(our).expect("a gradient"), theirs.get(their).expect("a gradient"));
        let error = distance(our, their)?;
        assert!(error <= GRADIENT, "{dims:?} growth {growth} steps {steps}: gradient {at} off by {error:.1e}");
    }
    Ok(())
}

#[test]
fn sizes_of_every_kind() -> Result<()> {
    for (dims, growth, steps) in [
        ([2, 5, 8, 8], 4, 2),
        ([1, 1, 1, 1], 1, 1),
        ([3, 7, 5, 3], 3, 3),
        ([1, 16, 4, 4], 16, 1),
        ([5, 70, 9, 6], 24, 4),
        ([2, 103, 16, 16], 64, 5),
        ([9, 33, 2, 2], 20, 3),
        ([1, 4, 37, 41], 5, 2),
        ([9, 6, 32, 30], 5, 2),
        // Two convolutions for each step.
        ([6, 40, 4, 4], 64, 3),
        ([3, 21, 7, 5], 36, 2),
        ([1, 300, 3, 6], 32, 2),
    ] {
        check(dims, growth, steps)?;
    }
    Ok(())
}

#[test]
fn many_steps_undo_many_activations() -> Result<()> {
    check([2, 8, 8, 8], 8, 10)
}

/// In the input or in a weight: a training that has gone wrong must show it.
#[test]
fn a_value_that_is_no_number_is_not_swallowed() -> Result<()> {
    let nan_at = |var: &Var, at: usize| {
        let mut values = var.flatten_all()?.to_vec1::<f32>()?;
        values[at] = f32::NAN;
        var.set(&Tensor::from_vec(values, var.shape(), var.device())?)
    };
    let lost = |layer: &Layer| -> Result<usize> {
        Ok(layer.fast()?.flatten_all()?.to_vec1::<f32>()?.iter().filter(|value| value.is_nan()).count())
    };
    // Composed, and with two convolutions for each step.
    for (dims, growth) in [([1, 5, 8, 8], 4), ([2, 40, 4, 4], 32)] {
        let layer = Layer::new(dims, growth, 2)?;
        nan_at(&layer.x, 0)?;
        // Attention reads the mean of every channel, so the whole image is lost, and no other.
        assert_eq!(lost(&layer)?, (dims[1] + 2 * growth) * dims[2] * dims[3]);
        for at in 0..layer.weights.len() {
            let layer = Layer::new(dims, growth, 2)?;
            nan_at(&layer.weights[at], 0)?;
            assert!(lost(&layer)? > 0, "{dims:?}: weight {at}");
        }
    }
    Ok(())
}

#[test]
fn an_input_that_is_not_contiguous() -> Result<()> {
    let layer = Layer::new([2, 6, 5, 7], 4, 2)?;
    let turned = layer.x.as_tensor().transpose(2, 3)?.contiguous()?.transpose(2, 3)?;
    let strided = Layer { x: Var::from_tensor(&turned)?, weights: layer.weights.clone(), steps: 2 };
    let difference = (layer.fast()? - strided.fast()?)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
    assert_eq!(difference, 0.0);
    Ok(())
}

#[test]
fn the_same_bits_on_any_number_of_threads() -> Result<()> {
    let run = |dims: [usize; 4], growth: usize| -> Result<Vec<Vec<f32>>> {
        let layer = Layer::new(dims, growth, 3)?;
        let out = layer.fast()?;
        let store = ops::sum_batch(&out.sqr()?)?.sum_all()?.backward()?;
        let gradients = std::iter::once(&layer.x).chain(&layer.weights);
        let mut all = vec![out.flatten_all()?.to_vec1()?];
        for var in gradients {
            all.push(store.get(var).expect("a gradient").flatten_all()?.to_vec1()?);
        }
        Ok(all)
    };
    // The second has enough tiles for the kernels' gradients to be summed in parts, the third computes its convolutions apart.
    for (dims, growth) in [([5, 40, 8, 8], 16), ([7, 6, 32, 32], 16), ([6, 40, 4, 4], 64)] {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| run(dims, growth))
        };
        let one = on(1)?;
        for threads in [2, 5] {
            assert!(one == on(threads)?, "{dims:?}: {threads} threads give other bits than one");
        }
    }
    Ok(())
}

/// An optimiser of another crate writes to the variables directly, without notice.
#[test]
fn kept_kernels_give_the_same_bits_and_follow_the_parameters() -> Result<()> {
    let params = Params::new(3, DType::F32, &Device::Cpu);
    let dense = DenseLayer::new(&params.at("dense"), 6, 4, 3)?;
    let conv = NormConv::new(&params.at("conv"), dense.channels(), 5, 3, Shape2d::Stride(1))?;
    let x = Noise::seeded(5).normal("x", &[2, 6, 8, 8], DType::F32, &Device::Cpu)?;
    let pass = || -> Result<Vec<f32>> { conv.forward(&dense.forward(&x)?)?.flatten_all()?.to_vec1() };
    let fresh = || -> Result<Vec<f32>> {
        params.set_phase(Phase::Training);
        let found = pass();
        params.set_phase(Phase::Inference);
        found
    };
    let mut before = fresh()?;
    assert!(before == pass()?, "the pass that makes the kernels");
    assert!(before == pass()?, "the pass that finds them kept");
    for (name, var) in params.entries() {
        // Changes one parameter at a time, without notice.
        var.set(&var.as_detached_tensor().affine(1.1, 0.01)?)?;
        let after = pass()?;
        assert!(after != before, "{name}: a pass with the parameters as they were");
        assert!(after == fresh()?, "{name}: a pass with other parameters");
        before = after;
    }
    Ok(())
}
