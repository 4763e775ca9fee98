//! Softmax attention between the positions of maps, in several heads, on the maps in their memory layout.

use super::{BLOCK, NAME, Sizes, backward, forward};
use crate::cpu::{Values, each_row, slice};
use crate::cuda::Backend;
use crate::profile::timed;
use crate::vector::{Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, WithDType};

/// Attention of `[N, 3C, P]`: channels of queries, keys and values at P positions, each in `heads` parts. `[N, C, P]`.
///
/// # Errors
/// Channels that are not three times a multiple of the heads.
pub fn attend_maps(projected: &Tensor, heads: usize) -> Result<Tensor> {
    let (records, channels, positions) = projected.dims3()?;
    if heads == 0 || !channels.is_multiple_of(3 * heads) {
        candle_core::bail!("{channels} channels of queries, keys and values in {heads} heads");
    }
    let features = channels / (3 * heads);
    if Backend::of(projected) == Backend::Host && projected.elem_count() > 0 {
        let op = Maps { records, heads, features, positions };
        return crate::tape::op1(&projected.contiguous()?, op);
    }
    let all = projected.reshape((records, 3, heads, features, positions))?.transpose(3, 4)?;
    let part = |at: usize| all.narrow(1, at, 1)?.contiguous()?.reshape((records * heads, positions, features));
    let mixed = super::attend(&part(0)?, &part(1)?, &part(2)?)?;
    mixed.transpose(1, 2)?.contiguous()?.reshape((records, heads * features, positions))
}

#[derive(Clone, Copy)]
struct Maps {
    records: usize,
    heads: usize,
    features: usize,
    positions: usize,
}

impl Maps {
    fn sizes(self) -> Sizes {
        Sizes { queries: self.positions, positions: self.positions, features: self.features }
    }

    /// Values of a head.
    fn head(self) -> usize {
        self.features * self.positions
    }

    /// The planes of queries, keys or values of a head, which is counted over all records.
    fn planes<T>(self, projected: &[T], head: usize, part: usize) -> &[T] {
        let at = (head / self.heads * 3 + part) * self.heads + head % self.heads;
        &projected[at * self.head()..][..self.head()]
    }

    /// Of some positions: `[positions, features]`.
    fn rows<T: Real>(self, planes: &[T], first: usize, count: usize) -> Vec<T> {
        let mut out = vec![T::default(); count * self.features];
        turn(&planes[first..], self.positions, [self.features, count], &mut out, self.features);
        out
    }
}

/// `to[j · to_row + i] = from[i · row + j]` for `rows` by `columns` values, in squares that stay in the cache.
fn turn<T: Copy>(from: &[T], row: usize, [rows, columns]: [usize; 2], to: &mut [T], to_row: usize) {
    const SIDE: usize = 16;
    for first in (0..columns).step_by(SIDE) {
        for i in 0..rows {
            let from = &from[i * row..][first..columns.min(first + SIDE)];
            for (j, value) in from.iter().enumerate() {
                to[(first + j) * to_row + i] = *value;
            }
        }
    }
}

impl CustomOp1 for Maps {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, projected: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (all, sizes) = (*self, self.sizes());
        timed(NAME, || {
            by_real!(NAME, projected.dtype(), T => {
                let projected = slice::<T>(projected, layout)?;
                let blocks = all.positions.div_ceil(BLOCK);
                let work = projected.len().saturating_mul(all.positions);
                let mut mixed = vec![Vec::new(); all.records * all.heads * blocks];
                each_row(&mut mixed, 1, work, |task, mixed| {
                    let (head, first) = (task / blocks, task % blocks * BLOCK);
                    let count = BLOCK.min(all.positions - first);
                    let q = all.rows(all.planes(projected, head, 0), first, count);
                    let [k, v] = [1, 2].map(|part| all.rows(all.planes(projected, head, part), 0, all.positions));
                    let mut rows = vec![T::default(); q.len()];
                    forward(sizes, &q, &k, &v, &mut rows);
                    mixed[0] = rows;
                });
                let mut out = vec![T::default(); projected.len() / 3];
                each_row(&mut out, all.head(), projected.len(), |head, out| {
                    for (block, rows) in mixed[head * blocks..][..blocks].iter().enumerate() {
                        let count = rows.len() / all.features;
                        turn(rows, all.features, [count, all.features], &mut out[block * BLOCK..], all.positions);
                    }
                });
                let shape = (all.records, all.heads * all.features, all.positions);
                Ok((T::to_cpu_storage_owned(out), shape.into()))
            })
        })
    }

    fn bwd(&self, projected: &Tensor, out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (all, sizes, gradient) = (*self, self.sizes(), gradient.contiguous()?);
        timed("attend_gradient", || {
            by_real!(NAME, projected.dtype(), T => {
                let (values, out) = (Values::<T>::of(projected)?, Values::<T>::of(out)?);
                let gradient = Values::<T>::of(&gradient)?;
                let work = values.len().saturating_mul(all.positions);
                let mut found = vec![Vec::new(); all.records * all.heads];
                each_row(&mut found, 1, work, |head, found| {
                    let rows = |planes: &[T]| all.rows(planes, 0, all.positions);
                    let [q, k, v] = [0, 1, 2].map(|part| rows(all.planes(&values, head, part)));
                    let [out, gradient] = [&out, &gradient].map(|all_heads| rows(&all_heads[head * all.head()..][..all.head()]));
                    let mut parts = vec![T::default(); 3 * all.head()];
                    let (dq, rest) = parts.split_at_mut(all.head());
                    let (dk, dv) = rest.split_at_mut(all.head());
                    backward(sizes, [&q, &k, &v, &out, &gradient], [dq, dk, dv]);
                    found[0] = parts;
                });
                let mut for_projected = vec![T::default(); values.len()];
                each_row(&mut for_projected, all.head(), values.len(), |at, planes| {
                    let (record, part, head) = (at / (3 * all.heads), at / all.heads % 3, at % all.heads);
                    let rows = &found[record * all.heads + head][part * all.head()..][..all.head()];
                    turn(rows, all.features, [all.positions, all.features], planes, all.positions);
                });
                Tensor::from_vec(for_projected, projected.shape(), projected.device()).map(Some)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::attend_maps;
    use crate::testing::agree;
    use crate::{Result, Tensor, reference};

    /// Of the plain form, with fewer positions than a block has, as many, and more.
    fn plain(projected: &Tensor, heads: usize) -> Result<Tensor> {
        let (records, channels, positions) = projected.dims3()?;
        let all = projected.reshape((records, 3, heads, channels / (3 * heads), positions))?.transpose(3, 4)?;
        let part = |at: usize| all.narrow(1, at, 1)?.contiguous()?.flatten(0, 2);
        let mixed = reference::attend(&part(0)?, &part(1)?, &part(2)?)?;
        mixed.transpose(1, 2)?.contiguous()?.reshape((records, channels / 3, positions))
    }

    #[test]
    fn heads_of_maps_are_those_of_rows() -> Result<()> {
        for (records, heads, features, positions) in [(1, 1, 1, 1), (2, 3, 4, 6), (1, 2, 3, 64), (2, 2, 5, 150)] {
            let shape = [records, 3 * heads * features, positions];
            agree(&[&shape], |[all]| attend_maps(all, heads), |[all]| plain(all, heads))?;
        }
        Ok(())
    }

    #[test]
    fn heads_that_do_not_divide_the_channels_are_refused() -> Result<()> {
        let all = crate::testing::made(&[1, 12, 2], 0.0)?;
        assert!(attend_maps(&all, 2).is_ok() && attend_maps(&all, 3).is_err() && attend_maps(&all, 0).is_err());
        Ok(())
    }
}
