//! A dense layer: bottlenecks that append to a stack, an ELU over the whole stack after each, channel attention.

use super::{Attention, channel_attention, conv2d, elu};
use crate::{Result, Tensor};

/// Effective weights of one step: 1x1 to 4·growth, then 3x3 to growth, nothing between.
#[derive(Debug, Clone)]
pub struct DenseStep {
    pub squeeze: Tensor,
    pub squeeze_bias: Tensor,
    pub grow: Tensor,
    pub grow_bias: Tensor,
}

/// `[N, C, H, W]` to `[N, C + steps · growth, H, W]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn dense_layer(x: &Tensor, steps: &[DenseStep], attention: &Attention) -> Result<Tensor> {
    let mut stack = x.clone();
    for step in steps {
        let squeezed = conv2d(&stack, &step.squeeze, &step.squeeze_bias, 1, 0)?;
        let grown = conv2d(&squeezed, &step.grow, &step.grow_bias, 1, 1)?;
        stack = elu(&Tensor::cat(&[&stack, &grown], 1)?)?;
    }
    channel_attention(&stack, attention)
}
