//! The next state of a long short-term memory (Hochreiter and Schmidhuber 1997), after the affine maps of its input and
//! its hidden vector.

use super::{LANES, Lanes, WORK, each, load, of_sum, parts, store};
use crate::cpu::{Values, filled_beside, filled_rows, slice};
use crate::profile::timed;
use crate::reference;
use crate::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
use std::mem::MaybeUninit;

/// The next state of a long short-term memory. A state is a hidden vector and a cell, `[N, 2C]`. The sum of `of_input`
/// and `of_hidden`, `[N, 4C]` each, has four parts for i, f, n and o, of which i, f and o go through σ and n through
/// tanh. The next cell is f · cell + i · n, and the next hidden vector is o · tanh of it.
///
/// # Errors
/// Shapes that do not fit.
pub fn lstm(of_input: &Tensor, of_hidden: &Tensor, state: &Tensor) -> Result<Tensor> {
    let (records, both) = state.dims2()?;
    for gates in [of_input, of_hidden] {
        if gates.dims() != [records, 2 * both] || !both.is_multiple_of(2) {
            candle_core::bail!("a state of {:?} and gates of {:?}", state.dims(), gates.dims());
        }
    }
    if !state.device().is_cpu() {
        return reference::lstm(of_input, of_hidden, state);
    }
    crate::tape::op3(&of_input.contiguous()?, &of_hidden.contiguous()?, &state.contiguous()?, Lstm)
}

struct Lstm;

impl CustomOp3 for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        at_x: &Layout,
        h: &CpuStorage,
        at_h: &Layout,
        state: &CpuStorage,
        at_state: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let width = at_state.dims()[1] / 2;
        timed(self.name(), || {
            by_real!(self.name(), x.dtype(), T => {
                let (x, h, state) = (slice::<T>(x, at_x)?, slice::<T>(h, at_h)?, slice::<T>(state, at_state)?);
                let write = |row: usize, out: &mut [MaybeUninit<T>]| {
                    vector::run(Next { unit: Unit::of([x, h, state], row, width), out });
                };
                // SAFETY: every value of a row is written.
                let out = unsafe { filled_rows(state.len(), 2 * width, WORK * state.len(), write) };
                Ok((T::to_cpu_storage_owned(out), at_state.shape().clone()))
            })
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        h: &Tensor,
        state: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (gradient, width) = (gradient.contiguous()?, state.dim(1)? / 2);
        timed("lstm_gradient", || {
            by_real!(self.name(), x.dtype(), T => {
                let (xs, hs) = (Values::<T>::of(x)?, Values::<T>::of(h)?);
                let (states, by) = (Values::<T>::of(state)?, Values::<T>::of(&gradient)?);
                let mut for_state = vec![T::default(); states.len()];
                let write = |row: usize, for_gates: &mut [MaybeUninit<T>], for_state: &mut [T]| {
                    let unit = Unit::of([&xs, &hs, &states], row, width);
                    let by = by[row * 2 * width..][..2 * width].split_at(width);
                    vector::run(Slopes { unit, by, for_gates, for_cell: &mut for_state[width..] });
                };
                // SAFETY: every value of a row is written.
                let for_gates = unsafe { filled_beside(xs.len(), 4 * width, WORK * states.len(), &mut for_state, write) };
                let for_gates = Tensor::from_vec(for_gates, x.shape(), x.device())?;
                let for_state = Tensor::from_vec(for_state, state.shape(), state.device())?;
                Ok((Some(for_gates.clone()), Some(for_gates), Some(for_state)))
            })
        })
    }
}

/// The inputs for a record's next state: the gates of input and hidden vector, each in four parts, and the cell.
struct Unit<'a, T> {
    x: [&'a [T]; 4],
    h: [&'a [T]; 4],
    cell: &'a [T],
}

impl<'a, T: Real> Unit<'a, T> {
    fn of([x, h, state]: [&'a [T]; 3], row: usize, width: usize) -> Self {
        let parts = |gates: &'a [T]| std::array::from_fn(|part| &gates[(4 * row + part) * width..][..width]);
        Self { x: parts(x), h: parts(h), cell: &state[(2 * row + 1) * width..][..width] }
    }

    /// i, f, n and o from a position, and the cell.
    #[inline(always)]
    fn gates<const FUSED: bool>(&self, at: usize) -> ([Lanes<T>; 4], Lanes<T>) {
        let enter = of_sum(self.x[0], self.h[0], at, T::sigmoid::<FUSED>);
        let keep = of_sum(self.x[1], self.h[1], at, T::sigmoid::<FUSED>);
        let new = of_sum(self.x[2], self.h[2], at, T::tanh::<FUSED>);
        let leave = of_sum(self.x[3], self.h[3], at, T::sigmoid::<FUSED>);
        ([enter, keep, new, leave], load(self.cell, at))
    }

    /// The next cell.
    #[inline(always)]
    fn next([enter, keep, new, _]: &[Lanes<T>; 4], cell: &Lanes<T>) -> Lanes<T> {
        each([enter, keep, new, cell], |[enter, keep, new, cell]| keep * cell + enter * new)
    }
}

struct Next<'a, T> {
    unit: Unit<'a, T>,
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Real> Loop for Next<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [hidden, cells] = parts(self.out);
        for at in (0..cells.len()).step_by(LANES) {
            let (gates, cell) = self.unit.gates::<FUSED>(at);
            let next = Unit::next(&gates, &cell);
            store(hidden, at, each([&gates[3], &next], |[leave, next]| leave * next.tanh::<FUSED>()));
            store(cells, at, next);
        }
    }
}

/// Gradients of the sum of the gates, and of the cell.
struct Slopes<'a, T> {
    unit: Unit<'a, T>,
    /// The gradients of the next hidden vector and the next cell.
    by: (&'a [T], &'a [T]),
    for_gates: &'a mut [MaybeUninit<T>],
    for_cell: &'a mut [T],
}

impl<T: Real> Loop for Slopes<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [for_enter, for_keep, for_new, for_leave] = parts(self.for_gates);
        for at in (0..self.unit.cell.len()).step_by(LANES) {
            let (gates, cell) = self.unit.gates::<FUSED>(at);
            let [enter, keep, new, leave] = &gates;
            let seen = each([&Unit::next(&gates, &cell)], |[next]| next.tanh::<FUSED>());
            let (by_hidden, by_cell, one) = (load(self.by.0, at), load(self.by.1, at), T::ONE);
            let slope = each([&by_cell, &by_hidden, leave, &seen], |[by_cell, by_hidden, leave, seen]| {
                by_cell + by_hidden * leave * (one - seen * seen)
            });
            store(for_enter, at, each([&slope, new, enter], |[by, new, enter]| by * new * enter * (one - enter)));
            store(for_keep, at, each([&slope, &cell, keep], |[by, cell, keep]| by * cell * keep * (one - keep)));
            store(for_new, at, each([&slope, enter, new], |[by, enter, new]| by * enter * (one - new * new)));
            store(
                for_leave,
                at,
                each([&by_hidden, &seen, leave], |[by, seen, leave]| by * seen * leave * (one - leave)),
            );
            let for_cell = each([&slope, keep], |[by, keep]| by * keep);
            self.for_cell[at..].iter_mut().zip(for_cell).for_each(|(to, value)| *to = value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lstm;
    use crate::testing::{agree, made};
    use crate::{Result, reference};

    /// Widths that are and are not a multiple of a vector.
    #[test]
    fn a_state_and_its_gradients_are_the_formulas() -> Result<()> {
        for (records, width) in [(1, 1), (3, 5), (4, 32)] {
            let (gates, state) = ([records, 4 * width], [records, 2 * width]);
            agree(
                &[&gates, &gates, &state],
                |[x, h, state]| lstm(x, h, state),
                |[x, h, state]| reference::lstm(x, h, state),
            )?;
        }
        Ok(())
    }

    #[test]
    fn other_shapes_are_refused() -> Result<()> {
        let (gates, state) = (made(&[2, 6], 0.0)?, made(&[2, 3], 0.0)?);
        assert!(lstm(gates.as_tensor(), gates.as_tensor(), state.as_tensor()).is_err());
        Ok(())
    }
}
