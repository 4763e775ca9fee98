//! The exponential linear unit.

scalar! {
    /// max(t, 0) + min(exp(t) − 1, 0), element by element.
    elu: Elu
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::scalar::Elu;
}
