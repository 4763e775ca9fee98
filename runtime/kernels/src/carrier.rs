//! Gradients for more than three tensors, the maximum of an operation of candle.
//!
//! A carrier is an operation on two tensors with an empty result. The results form a chain, whose end is an argument of
//! the real operation. The backward pass of the real operation runs before those of the carriers, and stores their
//! gradients.

use crate::{DType, Result, Tensor};
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Shape};
use std::sync::{Arc, Mutex};

/// A chain of carriers.
pub struct Chain {
    end: Tensor,
    places: Vec<Place>,
}

/// The gradients of a pair, stored by the real operation.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<Option<[Tensor; 2]>>>);

impl Place {
    pub fn leave(&self, gradients: [Tensor; 2]) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(gradients);
    }

    fn take(&self) -> Option<[Tensor; 2]> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}

impl Chain {
    /// # Errors
    /// A failed tensor operation.
    pub fn new(device: &Device) -> Result<Self> {
        Ok(Self { end: Tensor::zeros(1, DType::F32, device)?, places: Vec::new() })
    }

    /// Appends two tensors to the chain; an empty tensor stands for none.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn carry(&mut self, a: &Tensor, b: &Tensor) -> Result<()> {
        let place = Place::default();
        self.end = crate::tape::op3(&self.end, a, b, Carrier(place.clone()))?;
        self.places.push(place);
        Ok(())
    }

    /// The argument of the real operation, and the places of the pairs, in order.
    pub fn finish(self) -> (Tensor, Vec<Place>) {
        (self.end, self.places)
    }
}

struct Carrier(Place);

impl CustomOp3 for Carrier {
    fn name(&self) -> &'static str {
        "carrier"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(1)))
    }

    fn bwd(
        &self,
        before: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some([a, b]) = self.0.take() else {
            candle_core::bail!("a parameter was reached before the operation it belongs to");
        };
        Ok((before.track_op().then(|| gradient.clone()), Some(a), Some(b)))
    }
}
