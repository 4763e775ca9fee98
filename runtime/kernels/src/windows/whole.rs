//! Maps at a multiple or a fraction of their height and width: every value spread over a window, and sums of windows. Each is the
//! other's gradient.

use crate::cpu::{Float, filled_rows, slice};
use crate::vector::by_real;
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, WithDType};

/// Every value of `[N, C, H, W]` over a window, times `scale`.
///
/// # Errors
/// A failed tensor operation.
pub fn spread(x: &Tensor, window: [usize; 2], scale: f64) -> Result<Tensor> {
    crate::tape::op1(&x.contiguous()?, Windows { window, scale, spread: true })
}

/// The sum of every window of `[N, C, H, W]`, times `scale`.
///
/// # Errors
/// A failed tensor operation.
pub fn summed(x: &Tensor, window: [usize; 2], scale: f64) -> Result<Tensor> {
    crate::tape::op1(&x.contiguous()?, Windows { window, scale, spread: false })
}

struct Windows {
    window: [usize; 2],
    scale: f64,
    spread: bool,
}

impl Windows {
    fn run<T: Float>(&self, x: &[T], [rows, width]: [usize; 2], scale: T) -> Vec<T> {
        let [down, right] = self.window;
        if self.spread {
            // A row of the result is a row of x; `down` of them are written at once.
            let (row, len) = (down * width * right, x.len() * down * right);
            // SAFETY: all values of the rows are written.
            return unsafe {
                filled_rows(len, row.max(1), len, |number, to| {
                    let from = &x[number * width..][..width];
                    for to in to.chunks_exact_mut(width * right) {
                        for (to, from) in to.chunks_exact_mut(right).zip(from) {
                            to.iter_mut().for_each(|to| _ = to.write(*from * scale));
                        }
                    }
                })
            };
        }
        let (narrow, len) = (width / right, x.len() / (down * right));
        debug_assert!(rows.is_multiple_of(down), "whole windows");
        // SAFETY: all values of the row are written.
        unsafe {
            filled_rows(len, narrow.max(1), x.len(), |number, to| {
                let from = &x[number * down * width..][..down * width];
                for (at, to) in to.iter_mut().enumerate() {
                    let mut sum = T::default();
                    for row in from.chunks_exact(width) {
                        row[at * right..][..right].iter().for_each(|value| sum += *value);
                    }
                    to.write(sum * scale);
                }
            })
        }
    }
}

impl CustomOp1 for Windows {
    fn name(&self) -> &'static str {
        if self.spread { "spread_over_windows" } else { "sums_of_windows" }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let [down, right] = self.window;
        let sides = match self.spread {
            true => (height * down, width * right),
            false if height.is_multiple_of(down) && width.is_multiple_of(right) => (height / down, width / right),
            false => candle_core::bail!("windows of {down}x{right} pixels do not cover {height}x{width}"),
        };
        let from = [batch * channels * height, width];
        by_real!(self.name(), x.dtype(), T => {
            let out = self.run::<T>(slice(x, layout)?, from, T::from_f64(self.scale));
            Ok((T::to_cpu_storage_owned(out), Shape::from((batch, channels, sides.0, sides.1))))
        })
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let other = Self { spread: !self.spread, ..*self };
        gradient.contiguous()?.apply_op1_no_bwd(&other).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::agree;

    /// Value and gradient are those of candle's interpolation and pooling.
    #[test]
    fn windows_are_those_of_candle() -> Result<()> {
        agree(&[&[2, 3, 2, 3]], |[x]| spread(x, [2, 2], 1.0), |[x]| x.upsample_nearest2d(4, 6))?;
        agree(&[&[2, 3, 4, 6]], |[x]| summed(x, [2, 2], 0.25), |[x]| x.avg_pool2d(2))?;
        let by_parts = |x: &Tensor| -> Result<Tensor> {
            let rows = (x.narrow(2, 0, 1)? + x.narrow(2, 1, 1)?)?;
            Tensor::cat(&[&rows.narrow(3, 0, 3)?.sum_keepdim(3)?, &rows.narrow(3, 3, 3)?.sum_keepdim(3)?], 3)
        };
        agree(&[&[1, 2, 2, 6]], |[x]| summed(x, [2, 3], 1.0), |[x]| by_parts(x))
    }

    #[test]
    fn windows_that_do_not_cover_are_an_error() -> Result<()> {
        let x = crate::testing::made(&[1, 1, 3, 4], 0.1)?;
        assert!(summed(x.as_tensor(), [2, 2], 1.0).is_err());
        Ok(())
    }
}
