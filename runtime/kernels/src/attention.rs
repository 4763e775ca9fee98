//! Channel attention.

use super::conv2d;
use super::cuda::{self, Backend};
use crate::arguments::Attention;
use crate::{Result, Tensor};

/// h · sigmoid(excite(squeeze(mean of h over height and width))); there is no nonlinearity between the two 1x1 convolutions.
///
/// # Errors
/// Shapes that do not fit.
pub fn channel_attention(h: &Tensor, weights: &Attention) -> Result<Tensor> {
    match Backend::of(h) {
        Backend::Cuda => cuda::channel_attention(h, weights),
        Backend::Host | Backend::Candle => {
            let mean = h.mean_keepdim(3)?.mean_keepdim(2)?;
            let squeezed = conv2d(&mean, &weights.squeeze, &weights.squeeze_bias, 1, 0)?;
            let logits = conv2d(&squeezed, &weights.excite, &weights.excite_bias, 1, 0)?;
            h.broadcast_mul(&(logits.neg()?.exp()? + 1.0)?.recip()?)
        }
    }
}
