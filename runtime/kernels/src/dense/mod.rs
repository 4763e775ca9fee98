//! A dense layer: bottlenecks that append to a state, an ELU over the whole state after each, channel attention.
//!
//! In f32 on the CPU the whole layer is one operation: see [`forward`] and [`backward`]; [`apart`] for training passes
//! over few pixels, whose last bits may differ from those of inference. Otherwise it is composed of other operations.

mod apart;
mod backward;
mod compose;
mod forward;
mod gate;
pub(crate) mod sizes;

use super::bf16::Stored;
use super::carrier::{Chain, Place};
use super::cpu::{Values, slice};
use super::cuda::{self, Backend};
use super::profile::timed;
use super::{channel_attention, conv2d, elu};
use crate::arguments::{Attention, DenseStep};
use crate::{DType, Result, Tensor};
use backward::Backward;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape};
use forward::Attended;
use gate::GateValues;
use sizes::{Sizes, StepValues};
use std::sync::{Arc, OnceLock};

/// A cache of a layer's composed kernels: computed at the first use, shared by clones, valid while the weights are
/// unchanged. It takes 36 · C · g bytes per step from C channels to g more. The transformed kernels, four times as
/// large, are recomputed at every pass.
#[derive(Debug, Clone, Default)]
pub struct DenseKernels(Arc<OnceLock<Vec<f32>>>);

impl DenseKernels {
    /// The cached kernels, or those from `make`. No lock is held during `make`, because a task that waits inside it may
    /// execute another one that needs the same kernels.
    fn composed(&self, make: impl FnOnce() -> Vec<f32>) -> &[f32] {
        if let Some(composed) = self.0.get() {
            return composed;
        }
        let made = make();
        self.0.get_or_init(|| made)
    }
}

/// [`dense_layer`] with a cache of composed kernels.
///
/// # Errors
/// Shapes that do not fit, or kernels of another layer.
pub fn dense_layer_kept(
    x: &Tensor,
    steps: &[DenseStep],
    attention: &Attention,
    kernels: &DenseKernels,
) -> Result<Tensor> {
    match Backend::of_activations(x) {
        // Kernels are not composed on a GPU.
        Backend::Cuda => cuda::dense_layer(x, steps, attention),
        Backend::Host if is_fused(x, steps) => fused(x, steps, attention, kernels.clone()),
        Backend::Host | Backend::Candle => composed(x, steps, attention),
    }
}

/// `[N, C, H, W]` to `[N, C + steps · growth, H, W]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn dense_layer(x: &Tensor, steps: &[DenseStep], attention: &Attention) -> Result<Tensor> {
    dense_layer_kept(x, steps, attention, &DenseKernels::default())
}

/// Whether the layer is one operation on the CPU.
fn is_fused(x: &Tensor, steps: &[DenseStep]) -> bool {
    x.dtype() == DType::F32 && !steps.is_empty()
}

/// The layer of other operations.
fn composed(x: &Tensor, steps: &[DenseStep], attention: &Attention) -> Result<Tensor> {
    let mut stack = x.clone();
    for step in steps {
        let squeezed = conv2d(&stack, &step.squeeze, &step.squeeze_bias, 1, 0)?;
        let grown = conv2d(&squeezed, &step.grow, &step.grow_bias, 1, 1)?;
        stack = elu(&Tensor::cat(&[&stack, &grown], 1)?)?;
    }
    channel_attention(&stack, attention)
}

fn fused(x: &Tensor, steps: &[DenseStep], attention: &Attention, kernels: DenseKernels) -> Result<Tensor> {
    let sizes = sizes(x, steps, attention)?;
    // Weights in the order of their gradients: squeeze and grow of each step, squeeze and excite of attention.
    let mut pairs = Vec::with_capacity(2 * steps.len() + 2);
    for step in steps {
        pairs.push([step.squeeze.contiguous()?, step.squeeze_bias.contiguous()?]);
        pairs.push([step.grow.contiguous()?, step.grow_bias.contiguous()?]);
    }
    pairs.push([attention.squeeze.contiguous()?, attention.squeeze_bias.contiguous()?]);
    pairs.push([attention.excite.contiguous()?, attention.excite_bias.contiguous()?]);
    let mut chain = Chain::new(x.device())?;
    for [weight, bias] in &pairs {
        chain.carry(weight, bias)?;
    }
    let (end, places) = chain.finish();
    let keep = x.track_op() || end.track_op();
    crate::tape::op2_of_halves(
        &x.contiguous()?,
        &end,
        Dense { sizes, pairs, places, keep, kernels, kept: OnceLock::new() },
    )
}

/// The layer's sizes.
///
/// # Errors
/// A weight of another shape, which the message names.
fn sizes(x: &Tensor, steps: &[DenseStep], attention: &Attention) -> Result<Sizes> {
    let (batch, input, height, width) = x.dims4()?;
    let (growth, middle) = steps[0].grow.dims4().map(|(growth, middle, _, _)| (growth, middle))?;
    let squeezed = attention.squeeze.dim(0)?;
    let sizes = Sizes { batch, input, height, width, growth, middle, steps: steps.len() };
    let fits = |name: &str, weight: &Tensor, bias: &Tensor, [o, i, k]: [usize; 3]| {
        if weight.dims() != [o, i, k, k] || bias.dims() != [o] {
            candle_core::bail!(
                "{name} of a dense layer on {:?}: weight {:?} and bias {:?}, not [{o}, {i}, {k}, {k}] and [{o}]",
                x.dims(),
                weight.dims(),
                bias.dims()
            );
        }
        Ok(())
    };
    for (at, step) in steps.iter().enumerate() {
        fits("a squeeze", &step.squeeze, &step.squeeze_bias, [middle, input + at * growth, 1])?;
        fits("a grow", &step.grow, &step.grow_bias, [growth, middle, 3])?;
    }
    let channels = sizes.channels();
    fits("attention's squeeze", &attention.squeeze, &attention.squeeze_bias, [squeezed, channels, 1])?;
    fits("attention's excite", &attention.excite, &attention.excite_bias, [channels, squeezed, 1])?;
    Ok(sizes)
}

struct Dense {
    sizes: Sizes,
    /// Weight and bias of every convolution.
    pairs: Vec<[Tensor; 2]>,
    places: Vec<Place>,
    /// Whether a backward pass may follow.
    keep: bool,
    kernels: DenseKernels,
    /// The values that the forward pass stores for the backward pass.
    kept: OnceLock<Kept>,
}

/// What the forward pass stores: the composed kernels are in their cache.
enum Kept {
    Composed(Attended),
    Apart(apart::Kept),
}

/// Every weight's and bias's values.
struct Weights<'a>(Vec<[Values<'a, f32>; 2]>);

impl<'a> Weights<'a> {
    fn of(pairs: &'a [[Tensor; 2]]) -> Result<Self> {
        let values = pairs.iter().map(|[weight, bias]| Ok([Values::of(weight)?, Values::of(bias)?]));
        values.collect::<Result<_>>().map(Self)
    }

    fn steps(&self) -> Vec<StepValues<'_>> {
        let mut steps = Vec::with_capacity(self.0.len() / 2);
        for pair in self.0[..self.0.len() - 2].chunks_exact(2) {
            let ([squeeze, squeeze_bias], [grow, grow_bias]) = (&pair[0], &pair[1]);
            steps.push(StepValues { squeeze, squeeze_bias, grow, grow_bias });
        }
        steps
    }

    fn gate(&self) -> GateValues<'_> {
        let [squeeze, squeeze_bias] = &self.0[self.0.len() - 2];
        let [excite, excite_bias] = &self.0[self.0.len() - 1];
        GateValues { squeeze, squeeze_bias, excite, excite_bias }
    }
}

impl CustomOp2 for Dense {
    fn name(&self) -> &'static str {
        "dense_layer"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_layout: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let (sizes, weights) = (&self.sizes, Weights::of(&self.pairs)?);
        let steps = weights.steps();
        let (x, gate) = (slice(x, x_layout)?, weights.gate());
        let shape = Shape::from((sizes.batch, sizes.channels(), sizes.height, sizes.width));
        if self.keep && apart::is_apart(sizes) {
            let (out, kept) = timed("dense layer", || apart::forward(sizes, x, &steps, &gate));
            self.kept.get_or_init(|| Kept::Apart(kept));
            return Ok((CpuStorage::F32(out), shape));
        }
        let points = timed("dense kernels", || {
            let composed = self.kernels.composed(|| compose::compose(sizes, &steps));
            if composed.len() != sizes.kernel_start(sizes.steps) {
                candle_core::bail!(
                    "a dense layer was given the kernels of another one; keep them for each layer apart"
                );
            }
            Ok(compose::points(sizes, composed))
        })?;
        let (out, attended) = timed("dense layer", || forward::forward(sizes, x, &steps, &points, &gate));
        if self.keep {
            self.kept.get_or_init(|| Kept::Composed(attended));
        }
        Ok((CpuStorage::F32(out), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        end: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (attended, composed, middles) = match (self.kept.get(), self.kernels.0.get()) {
            (Some(Kept::Composed(attended)), Some(composed)) => (attended, &composed[..], None),
            (Some(Kept::Apart(kept)), _) => (&kept.attended, &[][..], Some(&kept.middles[..])),
            _ => candle_core::bail!("a dense layer's forward pass left nothing for its backward pass"),
        };
        let weights = Weights::of(&self.pairs)?;
        let (steps, gate, gradient) = (weights.steps(), weights.gate(), gradient.contiguous()?);
        let (x_values, out, gradient) = (Stored::of(x)?, Stored::of(out)?, Values::of(&gradient)?);
        let (sizes, gate) = (&self.sizes, &gate);
        let backward = Backward { sizes, x: x_values.values(), steps: &steps, composed, gate, attended };
        let gradients = timed("dense layer", || match middles {
            Some(middles) => apart::backward(&backward, out.values(), &gradient, middles),
            None => backward.run(out.values(), &gradient),
        });
        let mut all = Vec::with_capacity(self.pairs.len());
        for (step, grow_bias) in gradients.steps {
            all.push([step.squeeze, step.squeeze_bias]);
            all.push([step.grow, grow_bias]);
        }
        all.push([gradients.gate.squeeze, gradients.gate.squeeze_bias]);
        all.push([gradients.gate.excite, gradients.gate.excite_bias]);
        for ((place, pair), [weight, bias]) in self.places.iter().zip(&self.pairs).zip(all) {
            let tensor = |values, like: &Tensor| Tensor::from_vec(values, like.shape(), x.device());
            place.leave([tensor(weight, &pair[0])?, tensor(bias, &pair[1])?]);
        }
        let for_input = if x.track_op() { Some(Tensor::from_vec(gradients.x, x.shape(), x.device())?) } else { None };
        Ok((for_input, if end.track_op() { Some(end.zeros_like()?) } else { None }))
    }
}
