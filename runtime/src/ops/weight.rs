//! Weight normalisation (Salimans and Kingma 2016).

use crate::{Result, Tensor};

/// g · v / ‖v‖, the norm over all dimensions but `dim`; `g` has size 1 in every other dimension.
///
/// # Errors
/// Shapes that do not fit.
pub fn weight_norm(v: &Tensor, g: &Tensor, dim: usize) -> Result<Tensor> {
    let mut squares = v.sqr()?;
    for axis in (0..v.rank()).filter(|axis| *axis != dim) {
        squares = squares.sum_keepdim(axis)?;
    }
    v.broadcast_mul(&(g / squares.sqrt()?)?)
}
