//! The softplus.

scalar! {
    /// ln(1 + exp(t)), element by element: positive everywhere.
    softplus: Softplus
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::scalar::Softplus;
}
