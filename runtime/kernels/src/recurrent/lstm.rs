//! The next state of a long short-term memory (Hochreiter and Schmidhuber 1997).

use super::step::step;
use super::unit::{MOST, Map, Recurrent};
use super::{WORK, of_sum, parts};
use crate::conv::affine;
use crate::cpu::{Values, filled_beside, filled_rows, slice};
use crate::profile::timed;
use crate::reference;
use crate::shape::channels;
use crate::vector::arrays::{LANES, Lanes, each, load, put, store};
use crate::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
use std::mem::MaybeUninit;

/// The next state of a long short-term memory. A state is a hidden vector and a cell, `[N, 2C]`. The sum of the maps of the
/// input, `[N, D]`, and of the hidden vector, `[N, 4C]` each, has four parts for i, f, n and o, of which i, f and o go
/// through σ and n through tanh. The next cell is f · cell + i · n, and the next hidden vector is o · tanh of it.
///
/// # Errors
/// Shapes that do not fit.
pub fn lstm(x: &Tensor, state: &Tensor, maps: [Map<'_>; 2]) -> Result<Tensor> {
    if let Some(next) = step::<Lstm>(x, state, maps)? {
        return Ok(next);
    }
    let [(of_x, bias_x), (of_h, bias_h)] = maps;
    let hidden = channels(state, 0, state.dim(1)? / 2)?;
    next_state(&affine(x, of_x, bias_x)?, &affine(&hidden, of_h, bias_h)?, state)
}

/// The next state, of the results of the maps.
fn next_state(of_input: &Tensor, of_hidden: &Tensor, state: &Tensor) -> Result<Tensor> {
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
                    vector::run(Next { unit: Unit::of([x, h, state], row, width), out: parts(out) });
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
                let mut for_state = Vec::with_capacity(states.len());
                let beside = &mut for_state.spare_capacity_mut()[..states.len()];
                let write = |row: usize, for_gates: &mut [MaybeUninit<T>], for_state: &mut [MaybeUninit<T>]| {
                    let unit = Unit::of([&xs, &hs, &states], row, width);
                    let out = Gradients::of(&by[row * 2 * width..][..2 * width], for_gates, for_state);
                    vector::run(Slopes { unit, out });
                };
                // SAFETY: every value of all rows is written.
                let for_gates = unsafe {
                    let for_gates = filled_beside(xs.len(), 4 * width, WORK * states.len(), beside, write);
                    for_state.set_len(states.len());
                    for_gates
                };
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

impl Recurrent for Lstm {
    const NAME: &'static str = "lstm";
    const GRADIENT: &'static str = "lstm_gradient";
    const STATES: usize = 2;
    const GATES: usize = 4;
    const SUMMED: usize = 4;
    /// The four gates, and tanh of the next cell.
    const KEPT: usize = 5;

    #[inline(always)]
    fn next<const FUSED: bool>(
        [enter, keep, new, leave, seen]: [&mut [f32]; MOST],
        own: &[f32],
        [hidden, cells]: [&mut [MaybeUninit<f32>]; 2],
    ) {
        for at in (0..own.len()).step_by(LANES) {
            let unit = Unit { x: [enter, keep, new, leave], h: [&[]; 4], cell: own };
            let (gates, cell) = unit.gates::<FUSED>(at);
            let next = Unit::next(&gates, &cell);
            let tanh = each([&next], |[next]| Real::tanh::<FUSED>(next));
            store(hidden, at, each([&gates[3], &tanh], |[leave, tanh]| leave * tanh));
            store(cells, at, next);
            for (to, gate) in [&mut *enter, keep, new, leave].into_iter().zip(gates) {
                put(to, at, gate);
            }
            put(seen, at, tanh);
        }
    }

    #[inline(always)]
    fn slopes<const FUSED: bool>(
        [enter, keep, new, leave, seen]: [&[f32]; MOST],
        own: &[f32],
        by: &[f32],
        [for_gates, _]: [&mut [MaybeUninit<f32>]; 2],
        for_state: &mut [MaybeUninit<f32>],
    ) {
        let mut out = Gradients::of(by, for_gates, for_state);
        for at in (0..own.len()).step_by(LANES) {
            let gates = [load(enter, at), load(keep, at), load(new, at), load(leave, at)];
            out.write(at, &gates, &load(own, at), &load(seen, at));
        }
    }
}

struct Next<'a, T> {
    unit: Unit<'a, T>,
    /// The hidden vector and the cell.
    out: [&'a mut [MaybeUninit<T>]; 2],
}

impl<T: Real> Loop for Next<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [hidden, cells] = self.out;
        for at in (0..cells.len()).step_by(LANES) {
            let (gates, cell) = self.unit.gates::<FUSED>(at);
            let next = Unit::next(&gates, &cell);
            store(hidden, at, each([&gates[3], &next], |[leave, next]| leave * next.tanh::<FUSED>()));
            store(cells, at, next);
        }
    }
}

/// Gradients of the sum of the gates, and of the state, which are written.
struct Gradients<'a, T> {
    /// The gradients of the next hidden vector and the next cell.
    by: (&'a [T], &'a [T]),
    for_gates: [&'a mut [MaybeUninit<T>]; 4],
    for_cell: &'a mut [MaybeUninit<T>],
}

impl<'a, T: Real> Gradients<'a, T> {
    /// The hidden vector's gradient is 0.
    #[inline(always)]
    fn of(by: &'a [T], for_gates: &'a mut [MaybeUninit<T>], for_state: &'a mut [MaybeUninit<T>]) -> Self {
        let [for_hidden, for_cell] = parts(for_state);
        for_hidden.iter_mut().for_each(|value| _ = value.write(T::default()));
        Self { by: by.split_at(for_cell.len()), for_gates: parts(for_gates), for_cell }
    }

    /// From a position, of the gates, the cell and tanh of the next cell.
    #[inline(always)]
    fn write(&mut self, at: usize, [enter, keep, new, leave]: &[Lanes<T>; 4], cell: &Lanes<T>, seen: &Lanes<T>) {
        let (by_hidden, by_cell, one) = (load(self.by.0, at), load(self.by.1, at), T::ONE);
        let slope = each([&by_cell, &by_hidden, leave, seen], |[by_cell, by_hidden, leave, seen]| {
            by_cell + by_hidden * leave * (one - seen * seen)
        });
        let [for_enter, for_keep, for_new, for_leave] = &mut self.for_gates;
        store(for_enter, at, each([&slope, new, enter], |[by, new, enter]| by * new * enter * (one - enter)));
        store(for_keep, at, each([&slope, cell, keep], |[by, cell, keep]| by * cell * keep * (one - keep)));
        store(for_new, at, each([&slope, enter, new], |[by, enter, new]| by * enter * (one - new * new)));
        let for_seen = each([&by_hidden, seen, leave], |[by, seen, leave]| by * seen * leave * (one - leave));
        store(for_leave, at, for_seen);
        store(self.for_cell, at, each([&slope, keep], |[by, keep]| by * keep));
    }
}

struct Slopes<'a, T> {
    unit: Unit<'a, T>,
    out: Gradients<'a, T>,
}

impl<T: Real> Loop for Slopes<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        for at in (0..self.unit.cell.len()).step_by(LANES) {
            let (gates, cell) = self.unit.gates::<FUSED>(at);
            let seen = each([&Unit::next(&gates, &cell)], |[next]| next.tanh::<FUSED>());
            self.out.write(at, &gates, &cell, &seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lstm, lstm, next_state};
    use crate::recurrent::testing;
    use crate::testing::{agree, made};
    use crate::{Result, reference};

    /// Widths that are and are not a multiple of a vector.
    #[test]
    fn a_state_and_its_gradients_are_the_formulas() -> Result<()> {
        for (records, width) in [(1, 1), (3, 5), (4, 32)] {
            let (gates, state) = ([records, 4 * width], [records, 2 * width]);
            agree(
                &[&gates, &gates, &state],
                |[x, h, state]| next_state(x, h, state),
                |[x, h, state]| reference::lstm(x, h, state),
            )?;
        }
        Ok(())
    }

    #[test]
    fn a_step_as_one_operation_is_its_parts() -> Result<()> {
        testing::step_is_its_parts::<Lstm>(lstm)
    }

    #[test]
    fn other_shapes_are_refused() -> Result<()> {
        let (gates, state) = (made(&[2, 6], 0.0)?, made(&[2, 3], 0.0)?);
        assert!(next_state(gates.as_tensor(), gates.as_tensor(), state.as_tensor()).is_err());
        testing::shapes_are_refused::<Lstm>(lstm)
    }
}
