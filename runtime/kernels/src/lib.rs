//! Tensor operations with their forward and backward passes. All fast kernels are used through this crate.
//!
//! Every function works in f32 and f64, on any device, and is differentiable. On the CPU the expensive ones run kernels
//! of this crate. Otherwise, and in tests as the reference, they use candle's operations ([`mod@reference`]).

mod adamax;
mod allocator;
mod arguments;
mod attention;
mod awake;
mod bf16;
mod carrier;
mod conv;
mod coupling;
mod cpu;
pub mod cuda;
mod dense;
pub mod density;
mod depthwise;
pub mod elementwise;
mod fast;
mod fingerprint;
mod fourier;
mod geometry;
mod group_norm;
mod head;
mod lanes;
pub mod memory;
mod mixture;
mod normal;
mod normalise;
pub mod notice;
pub mod profile;
mod recurrent;
pub mod reference;
mod resize;
pub mod scalar;
mod self_attention;
mod shape;
pub mod special;
pub mod tape;
#[cfg(test)]
mod testing;
pub mod transform;
pub mod triangular;
pub mod vector;
mod weight;
mod windows;

pub use candle_core;
pub use candle_core::{DType, Device, Result, Tensor};

pub use allocator::keep_memory;

pub use adamax::{PART as SQUARES_PART, adamax, sum_of_squares};
pub use arguments::{Adamax, Attention, DenseStep, Mask};
pub use attention::channel_attention;
pub use awake::{Awake, awake};
pub use conv::{affine, conv_transpose2d, conv2d, conv2d_of_first};
pub use coupling::{coupling, coupling_context, coupling_log_det};
pub use dense::{DenseKernels, dense_layer, dense_layer_kept};
pub use depthwise::depthwise_conv2d;
pub use fingerprint::{combine, fingerprint};
pub use fourier::fourier;
pub use group_norm::normalise_groups;

pub use elementwise::{add, elu, softplus};
pub use head::Head;
pub use mixture::{
    MIN_LOG_SCALE, SPREAD_MARGIN, logistic_mixture_log_prob, logistic_mixture_mean, logistic_mixture_value,
};
pub use normal::{
    normal_draw, normal_halves, normal_kl, normal_log_prob, same_shape, standard_normal_log_prob, sum_batch,
};
pub use normalise::normalise_channels;
pub use recurrent::{Map, gru, lstm};
pub use resize::{downsample, upsample};
pub use self_attention::{attend, attend_maps};
pub use shape::{channels, concat, each, flatten, level, mask, past, per_sample, repeat, reshape, within};
pub use special::{
    binomial_draw, digamma, direction_angle_draw, direction_log_peak, direction_mean_length, lgamma, log_gamma_draw,
    poisson_draw,
};
pub use weight::weight_norm;
pub use windows::{avg_pool, max_pool, nearest};
