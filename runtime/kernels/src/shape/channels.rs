//! Channels of several tensors in one, and some channels of a tensor.

use crate::cpu::{Float, copy, filled_rows, slice, unsupported};
use crate::cuda::Backend;
use crate::vector::by_real;
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, InplaceOp2, Layout, Shape, WithDType};
use rayon::prelude::*;

/// Concatenation along the channels.
///
/// # Errors
/// Shapes that differ in more than channels.
pub fn concat(parts: &[&Tensor]) -> Result<Tensor> {
    let host = parts.iter().all(|part| matches!(Backend::of(part), Backend::Host) && fits(part, parts[0]));
    match parts {
        [a, b] if host => crate::tape::op2(&a.contiguous()?, &b.contiguous()?, Concat),
        [a, b, c] if host => crate::tape::op3(&a.contiguous()?, &b.contiguous()?, &c.contiguous()?, Concat),
        _ => Tensor::cat(parts, 1),
    }
}

/// Whether two tensors have channels, and the same type and shape but for the channels.
fn fits(a: &Tensor, b: &Tensor) -> bool {
    a.rank() > 1 && a.rank() == b.rank() && a.dim(0).ok() == b.dim(0).ok() && a.dims()[2..] == b.dims()[2..] && {
        a.dtype() == b.dtype() && matches!(a.dtype(), DType::F32 | DType::F64)
    }
}

/// `count` channels, the first of them `from`.
///
/// # Errors
/// Channels that the input does not have.
pub fn channels(x: &Tensor, from: usize, count: usize) -> Result<Tensor> {
    match Backend::of(x) {
        Backend::Host if x.rank() > 1 && from + count <= x.dim(1)? => {
            crate::tape::op1(&x.contiguous()?, Channels { from, count })
        }
        Backend::Cuda | Backend::Host | Backend::Candle => x.narrow(1, from, count)?.contiguous(),
    }
}

/// The values of a record in a tensor `[N, channels, …]`.
fn record(layout: &Layout) -> usize {
    layout.dims()[1..].iter().product()
}

/// `[N, all]` of `parts` of N records, each with its own number of values.
fn joined<T: Float>(parts: &[(&[T], usize)]) -> Vec<T> {
    let row = parts.iter().map(|(_, values)| values).sum::<usize>();
    let len = parts.iter().map(|(part, _)| part.len()).sum::<usize>();
    // SAFETY: the parts of a record are the whole row.
    unsafe {
        filled_rows(len, row.max(1), len, |number, mut to| {
            for (part, values) in parts {
                let (here, rest) = to.split_at_mut(*values);
                copy(&part[number * values..][..*values], here);
                to = rest;
            }
        })
    }
}

struct Concat;

impl Concat {
    fn shape(layouts: &[&Layout]) -> Shape {
        let mut dims = layouts[0].dims().to_vec();
        dims[1] = layouts.iter().map(|layout| layout.dims()[1]).sum();
        Shape::from(dims)
    }

    fn run(parts: &[(&CpuStorage, &Layout)]) -> Result<(CpuStorage, Shape)> {
        let shape = Self::shape(&parts.iter().map(|(_, layout)| *layout).collect::<Vec<_>>());
        by_real!("concat", parts[0].0.dtype(), T => {
            let of = |&(part, layout): &(_, &Layout)| Ok((slice::<T>(part, layout)?, record(layout)));
            let parts = parts.iter().map(of).collect::<Result<Vec<_>>>()?;
            Ok((T::to_cpu_storage_owned(joined(&parts)), shape))
        })
    }

    /// The gradient of each part that needs one.
    fn gradients(parts: &[&Tensor], gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let mut from = 0;
        let each = parts.iter().map(|part| {
            let count = part.dim(1)?;
            let own = part.track_op().then(|| channels(&gradient.detach(), from, count)).transpose();
            from += count;
            own
        });
        each.collect()
    }
}

impl CustomOp2 for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at_a: &Layout, b: &CpuStorage, at_b: &Layout) -> Result<(CpuStorage, Shape)> {
        Self::run(&[(a, at_a), (b, at_b)])
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients = Self::gradients(&[a, b], g)?.into_iter();
        Ok((gradients.next().flatten(), gradients.next().flatten()))
    }
}

impl CustomOp3 for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        at_a: &Layout,
        b: &CpuStorage,
        at_b: &Layout,
        c: &CpuStorage,
        at_c: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Self::run(&[(a, at_a), (b, at_b), (c, at_c)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut gradients = Self::gradients(&[a, b, c], g)?.into_iter();
        Ok((gradients.next().flatten(), gradients.next().flatten(), gradients.next().flatten()))
    }
}

struct Channels {
    from: usize,
    count: usize,
}

impl CustomOp1 for Channels {
    fn name(&self) -> &'static str {
        "channels"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let inner = layout.dims()[2..].iter().product::<usize>();
        let (all, part) = (record(layout), self.count * inner);
        let mut dims = layout.dims().to_vec();
        dims[1] = self.count;
        by_real!(CustomOp1::name(self), x.dtype(), T => {
            let (x, first) = (slice::<T>(x, layout)?, self.from * inner);
            let len = layout.dims()[0] * part;
            let write = |number: usize, to: &mut [_]| copy(&x[number * all + first..][..part], to);
            // SAFETY: the channels of a record are the whole row.
            let out = unsafe { filled_rows(len, part.max(1), len, write) };
            Ok((T::to_cpu_storage_owned(out), Shape::from(dims)))
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        // Other channels of the same tensor have often left a gradient.
        let whole = match crate::tape::before(0) {
            Some(existing) => existing,
            None => x.detach().zeros_like()?,
        };
        whole.inplace_op2(&gradient.contiguous()?, self)?;
        Ok(Some(whole))
    }
}

/// Adds to these channels.
impl InplaceOp2 for Channels {
    fn name(&self) -> &'static str {
        "channels_gradient"
    }

    fn cpu_fwd(&self, whole: &mut CpuStorage, at: &Layout, part: &CpuStorage, at_part: &Layout) -> Result<()> {
        fn add<T: Float>(whole: &mut [T], [all, first]: [usize; 2], part: &[T], size: usize) {
            let records =
                whole.par_chunks_exact_mut(all).zip(part.par_chunks_exact(size)).with_min_len((1 << 15) / all + 1);
            records.for_each(|(whole, part)| {
                whole[first..].iter_mut().zip(part).for_each(|(sum, value)| *sum += *value);
            });
        }
        let Some((start, end)) = at.contiguous_offsets() else {
            candle_core::bail!("{}: a gradient that is not contiguous", InplaceOp2::name(self));
        };
        let first = self.from * at.dims()[2..].iter().product::<usize>();
        let (all, size) = (record(at), record(at_part));
        if size == 0 {
            return Ok(());
        }
        match whole {
            CpuStorage::F32(whole) => add(&mut whole[start..end], [all, first], slice(part, at_part)?, size),
            CpuStorage::F64(whole) => add(&mut whole[start..end], [all, first], slice(part, at_part)?, size),
            other => return unsupported(InplaceOp2::name(self), other.dtype()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{agree, made};
    use candle_core::Var;

    /// Value and gradients are those of candle's concatenation and of its slices.
    #[test]
    fn parts_are_those_of_candle() -> Result<()> {
        agree(&[&[2, 3, 2, 2], &[2, 1, 2, 2]], |[a, b]| concat(&[a, b]), |[a, b]| Tensor::cat(&[a, b], 1))?;
        agree(&[&[4, 2], &[4, 3], &[4, 1]], |[a, b, c]| concat(&[a, b, c]), |[a, b, c]| Tensor::cat(&[a, b, c], 1))?;
        agree(&[&[2, 5, 3]], |[x]| channels(x, 1, 3), |[x]| x.narrow(1, 1, 3)?.contiguous())?;
        agree(&[&[3, 4]], |[x]| channels(x, 0, 4), |[x]| x.narrow(1, 0, 4)?.contiguous())
    }

    /// On a tape, overlapping slices of a tensor add to one gradient.
    #[test]
    fn slices_share_a_gradient() -> Result<()> {
        let x = Var::from_tensor(made(&[2, 4, 3], 0.1)?.as_tensor())?;
        let tape = crate::tape::Tape::begin();
        let y = crate::softplus(x.as_tensor())?;
        let (low, high) = (channels(&y, 0, 3)?, channels(&y, 2, 2)?);
        let loss = (low.sum_all()? + (high.sum_all()? * 2.0)?)?;
        let ours = tape.backward(&loss)?.get(&x).expect("a gradient").clone();
        let theirs = {
            let y = crate::softplus(x.as_tensor())?;
            let loss = (y.narrow(1, 0, 3)?.sum_all()? + (y.narrow(1, 2, 2)?.sum_all()? * 2.0)?)?;
            loss.backward()?.get(&x).expect("a gradient").clone()
        };
        crate::testing::same(&ours, &theirs, 1e-15)
    }

    /// Shapes that do not fit, and channels that do not exist, are errors.
    #[test]
    fn misfits_are_errors() -> Result<()> {
        let (a, b) = (made(&[2, 3, 2], 0.1)?, made(&[2, 3, 4], 0.2)?);
        assert!(concat(&[a.as_tensor(), b.as_tensor()]).is_err());
        assert!(channels(a.as_tensor(), 2, 2).is_err());
        Ok(())
    }

    /// On a tape as without one, where another gradient of the tensor exists already, and where none does.
    #[test]
    fn slices_and_their_gradients_are_those_of_candle() -> Result<()> {
        let x = made(&[3, 5], 0.2)?;
        let loss = |part: &dyn Fn(&Tensor, usize, usize) -> Result<Tensor>| -> Result<Tensor> {
            let (first, second) = (part(&x, 0, 2)?, part(&x, 1, 3)?);
            (first.sqr()?.sum_all()? + second.exp()?.sum_all()?)? + x.sum_all()?
        };
        let narrow = |x: &Tensor, first: usize, count: usize| x.narrow(1, first, count);
        let expected = loss(&narrow)?.backward()?;
        let tape = crate::tape::Tape::begin();
        let on_tape = tape.backward(&loss(&channels)?)?;
        for store in [loss(&channels)?.backward()?, on_tape] {
            // Sums of three numbers of order one, in another order.
            let apart = (store.get(&x).unwrap() - expected.get(&x).unwrap())?.abs()?.max_all()?.to_scalar::<f64>()?;
            assert!(apart < 1e-14, "{apart:e}");
        }
        assert!(channels(&x, 3, 3).is_err());
        Ok(())
    }
}
