//! Bijectors: invertible maps with a known log-determinant.

mod coupling;
mod squeeze;

pub use crate::ops::Mask;
pub use coupling::{Coupling, CouplingNetwork};
pub use squeeze::{Order, squeeze, unsqueeze};

use crate::{Result, Tensor};

/// An invertible map between a variable z and the base's variable v, both `[N, …]`.
pub trait Bijector: Send + Sync {
    /// z to v, and log |∂v/∂z|, `[N]` nats.
    ///
    /// # Errors
    /// A shape that does not fit.
    fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)>;

    /// v to z.
    ///
    /// # Errors
    /// A shape that does not fit.
    fn inverse(&self, v: &Tensor) -> Result<Tensor>;
}
