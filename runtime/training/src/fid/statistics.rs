//! Running mean and covariance of features.

use crate::{DType, Device, Tensor};
use anyhow::{Result, ensure};
use nalgebra::{DMatrix, DVector};

/// Sums over the features so far, in f64, relative to a point near their mean, to avoid cancellation.
#[derive(Debug, Default)]
pub struct Statistics {
    count: usize,
    sums: Option<Sums>,
}

#[derive(Debug)]
struct Sums {
    /// [1, features]: the mean of the first batch.
    origin: Tensor,
    /// [features]
    first: Tensor,
    /// [features, features]
    second: Tensor,
}

impl Statistics {
    /// Adds features [batch, features].
    ///
    /// # Errors
    /// Features that are not numbers or of another length, or a failed tensor operation.
    pub fn add(&mut self, features: &Tensor) -> Result<()> {
        let features = features.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        let (count, length) = features.dims2()?;
        let sums = match &mut self.sums {
            Some(sums) => sums,
            empty => empty.insert(Sums {
                origin: features.mean_keepdim(0)?,
                first: Tensor::zeros(length, DType::F64, &Device::Cpu)?,
                second: Tensor::zeros((length, length), DType::F64, &Device::Cpu)?,
            }),
        };
        let moved = features.broadcast_sub(&sums.origin)?;
        let first = (&sums.first + moved.sum(0)?)?;
        ensure!(first.sum_all()?.to_scalar::<f64>()?.is_finite(), "the network's features are not numbers");
        sums.first = first;
        sums.second = (&sums.second + moved.t()?.contiguous()?.matmul(&moved)?)?;
        self.count += count;
        Ok(())
    }

    /// The number of images so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mean, and the covariance with n − 1 in the denominator.
    ///
    /// # Errors
    /// Fewer than two pictures.
    pub fn moments(&self) -> Result<(DVector<f64>, DMatrix<f64>)> {
        let (Some(sums), 2..) = (&self.sums, self.count) else {
            anyhow::bail!("{} images have no covariance; at least 2 are needed", self.count);
        };
        let (first, origin) =
            (DVector::from_vec(sums.first.to_vec1()?), DVector::from_vec(sums.origin.flatten_all()?.to_vec1()?));
        let length = first.len();
        let second = DMatrix::from_vec(length, length, sums.second.flatten_all()?.to_vec1()?);
        let mean = &first / self.count as f64;
        let covariance = (second - &first * mean.transpose()) / (self.count - 1) as f64;
        Ok((mean + origin, (&covariance + covariance.transpose()) / 2.0))
    }
}
