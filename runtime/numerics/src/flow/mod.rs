//! Bijectors: invertible maps with a known log-determinant, and flows that work in only one direction.

mod amortised;
mod autoregressive;
mod convolutions;
mod coupling;
mod halves;
mod spline;
mod squeeze;

pub use crate::ops::Mask;
pub use amortised::{Amortised, reflected};
pub use autoregressive::Autoregressive;
pub use convolutions::{Convolutions, map, unmap};
pub use coupling::{Coupling, CouplingNetwork};
pub use halves::Halves;
pub use spline::{spline, spline_parameters};
pub use squeeze::{Order, squeeze, unsqueeze};

use crate::{Draw, Noise, Result, Tensor};
use candle_core::bail;
use std::sync::Arc;

/// The directions of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// From the variable to the base and back.
    Both,
    /// Only from the base to the variable: it draws, with the log-density of the draw.
    Drawn,
    /// A part of the variable continues to the base, the other part has its own density.
    Split,
    /// A draw is rounded. The density is that of a value in the cell that is rounded to the variable's value.
    Rounds,
}

/// An invertible map between a variable z and the base's variable v, both `[N, …]`.
pub trait Bijector: Send + Sync {
    /// z to v, and log |∂v/∂z|, `[N]` nats.
    ///
    /// # Errors
    /// A shape that does not fit, or a flow that can only draw.
    fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)>;

    /// v to z.
    ///
    /// # Errors
    /// A shape that does not fit.
    fn inverse(&self, v: &Tensor) -> Result<Tensor>;

    /// v to z, and log |∂v/∂z| there, `[N]` nats, for the log-density of a draw.
    ///
    /// # Errors
    /// A shape that does not fit.
    fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
        let z = self.inverse(v)?;
        let (_, log_det) = self.forward(&z)?;
        Ok((z, log_det))
    }

    /// [`inverse`](Self::inverse), where the part of z that v does not determine is drawn.
    ///
    /// # Errors
    /// A shape that does not fit.
    fn sample(&self, v: &Tensor, _name: &str, _noise: &mut Noise, _draw: &Draw) -> Result<Tensor> {
        self.inverse(v)
    }

    /// [`drawn`](Self::drawn), where the part of z that v does not determine is drawn and its log-density is added.
    ///
    /// # Errors
    /// A shape that does not fit.
    fn sample_scored(&self, v: &Tensor, _name: &str, _noise: &mut Noise, _draw: &Draw) -> Result<(Tensor, Tensor)> {
        self.drawn(v)
    }

    /// The flow with a context, `[N, …]`, with a row for each row of z.
    ///
    /// # Errors
    /// A flow without a context.
    fn given(&self, _context: &Tensor) -> Result<Arc<dyn Bijector>> {
        bail!("this flow takes no context")
    }

    /// The shape of its context, without the batch, if it has one.
    fn context(&self) -> Option<&[usize]> {
        None
    }

    /// The shape of v, without the batch, if it differs from that of z.
    fn inner(&self) -> &[usize] {
        &[]
    }

    fn ways(&self) -> Ways {
        Ways::Both
    }
}

impl<F: Bijector + ?Sized> Bijector for Arc<F> {
    fn forward(&self, z: &Tensor) -> Result<(Tensor, Tensor)> {
        (**self).forward(z)
    }

    fn inverse(&self, v: &Tensor) -> Result<Tensor> {
        (**self).inverse(v)
    }

    fn drawn(&self, v: &Tensor) -> Result<(Tensor, Tensor)> {
        (**self).drawn(v)
    }

    fn sample(&self, v: &Tensor, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
        (**self).sample(v, name, noise, draw)
    }

    fn sample_scored(&self, v: &Tensor, name: &str, noise: &mut Noise, draw: &Draw) -> Result<(Tensor, Tensor)> {
        (**self).sample_scored(v, name, noise, draw)
    }

    fn given(&self, context: &Tensor) -> Result<Arc<dyn Bijector>> {
        (**self).given(context)
    }

    fn context(&self) -> Option<&[usize]> {
        (**self).context()
    }

    fn inner(&self) -> &[usize] {
        (**self).inner()
    }

    fn ways(&self) -> Ways {
        (**self).ways()
    }
}
