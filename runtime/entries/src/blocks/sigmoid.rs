//! The logistic function.

scalar! {
    /// 1 / (1 + exp(−t)), element by element: between 0 and 1.
    sigmoid: Sigmoid
}

#[cfg(feature = "tensors")]
mod tensors {
    pub use crate::tensors::ops::scalar::Sigmoid;
}
