//! The bound in segments: training keeps the tensors between them and recomputes the others in the backward pass.

use crate::params::Phase;
use crate::{Noise, Params, Result, Tensor, ops::tape};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// Computes a segment, by its number, from the tensors that it reads.
type Compute = dyn Fn(usize, &[Tensor], &mut Noise) -> Result<Vec<Tensor>>;

/// The tensors at the positions `outputs` among those that the segments make, in order. `reads` has the positions that each
/// segment reads. The noise is that of the segments one after the other.
///
/// # Errors
/// Those of `compute`, or a position that no earlier segment makes.
pub fn outputs<R: AsRef<[(usize, usize)]>>(
    reads: &[R],
    outputs: &[(usize, usize)],
    params: &Params,
    noise: &mut Noise,
    compute: impl Fn(usize, &[Tensor], &mut Noise) -> Result<Vec<Tensor>> + 'static,
) -> Result<Vec<Tensor>> {
    let (compute, last): (Rc<Compute>, _) = (Rc::new(compute), last_reads(reads, outputs));
    let (mut kept, mut count): (BTreeMap<usize, Tensor>, usize) = (BTreeMap::new(), 0);
    for (number, own) in reads.iter().enumerate() {
        let read = all(&kept, own.as_ref())?;
        let made = recomputed(number, &read, params, noise, compute.clone())?;
        kept.extend((count..).zip(made));
        count = kept.last_key_value().map_or(count, |(at, _)| count.max(at + 1));
        own.as_ref()
            .iter()
            .flat_map(range)
            .filter(|at| last.get(at) == Some(&number))
            .for_each(|at| drop(kept.remove(&at)));
    }
    all(&kept, outputs)
}

fn range((from, to): &(usize, usize)) -> Range<usize> {
    *from..*to
}

/// The tensors at these positions.
fn all(kept: &BTreeMap<usize, Tensor>, at: &[(usize, usize)]) -> Result<Vec<Tensor>> {
    let missing =
        |at: usize| candle_core::Error::Msg(format!("a segment reads tensor {at}, which no earlier one makes"));
    at.iter().flat_map(range).map(|at| kept.get(&at).cloned().ok_or_else(|| missing(at))).collect()
}

/// The last segment that reads each tensor that is not an output.
fn last_reads<R: AsRef<[(usize, usize)]>>(reads: &[R], outputs: &[(usize, usize)]) -> BTreeMap<usize, usize> {
    let each = reads.iter().enumerate();
    let mut last: BTreeMap<usize, usize> =
        each.flat_map(|(number, own)| own.as_ref().iter().flat_map(range).map(move |at| (at, number))).collect();
    for at in outputs.iter().flat_map(range) {
        last.remove(&at);
    }
    last
}

/// The tensors that a segment makes, recomputed in the backward pass with the noise that it had.
fn recomputed(
    number: usize,
    read: &[Tensor],
    params: &Params,
    noise: &mut Noise,
    compute: Rc<Compute>,
) -> Result<Vec<Tensor>> {
    let before = noise.clone();
    let after = Rc::new(RefCell::new(noise.clone()));
    let (left, params) = (after.clone(), params.clone());
    let compute = move |read: &[Tensor]| {
        let mut noise = before.clone();
        let mut run = || compute(number, read, &mut noise);
        // The caller may have left the training phase before the backward pass.
        let made = if params.phase() == Phase::Training { run() } else { params.training(run) }?;
        left.replace(noise);
        Ok(made)
    };
    let made = tape::again(read, compute)?;
    *noise = after.borrow().clone();
    Ok(made)
}
