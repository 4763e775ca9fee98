//! The next state of a gated recurrent unit (Cho et al., 2014).

use super::step::step;
use super::unit::{MOST, Map, Recurrent};
use super::{WORK, of_sum, parts};
use crate::conv::affine;
use crate::cpu::{Values, filled_beside, filled_rows, slice};
use crate::profile::timed;
use crate::reference;
use crate::vector::arrays::{LANES, Lanes, each, load, put, store};
use crate::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};
use std::mem::MaybeUninit;

/// The next state of a gated recurrent unit. The maps of the input, `[N, D]`, and of the state, `[N, C]`, have three parts
/// for r, u and n, `[N, 3C]`. With their results x and h, r and u are σ(x + h), and n is tanh(x + r · h). The next state is
/// n + u · (state − n), `[N, C]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn gru(x: &Tensor, state: &Tensor, maps: [Map<'_>; 2]) -> Result<Tensor> {
    if let Some(next) = step::<Gru>(x, state, maps)? {
        return Ok(next);
    }
    let [(of_x, bias_x), (of_h, bias_h)] = maps;
    next_state(&affine(x, of_x, bias_x)?, &affine(state, of_h, bias_h)?, state)
}

/// The next state, of the results of the maps.
fn next_state(of_input: &Tensor, of_state: &Tensor, state: &Tensor) -> Result<Tensor> {
    let (records, width) = state.dims2()?;
    for gates in [of_input, of_state] {
        if gates.dims() != [records, 3 * width] {
            candle_core::bail!("a state of {:?} and gates of {:?}", state.dims(), gates.dims());
        }
    }
    if !state.device().is_cpu() {
        return reference::gru(of_input, of_state, state);
    }
    crate::tape::op3(&of_input.contiguous()?, &of_state.contiguous()?, &state.contiguous()?, Gru)
}

struct Gru;

impl CustomOp3 for Gru {
    fn name(&self) -> &'static str {
        "gru"
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
        let width = at_state.dims()[1];
        timed(self.name(), || {
            by_real!(self.name(), x.dtype(), T => {
                let (x, h, state) = (slice::<T>(x, at_x)?, slice::<T>(h, at_h)?, slice::<T>(state, at_state)?);
                let write = |row: usize, out: &mut [MaybeUninit<T>]| {
                    vector::run(Next { cell: Cell::of([x, h, state], row, width), out });
                };
                // SAFETY: every value of a row is written.
                let out = unsafe { filled_rows(state.len(), width, WORK * state.len(), write) };
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
        let (gradient, width) = (gradient.contiguous()?, state.dim(1)?);
        timed("gru_gradient", || {
            by_real!(self.name(), x.dtype(), T => {
                let (xs, hs) = (Values::<T>::of(x)?, Values::<T>::of(h)?);
                let (states, by) = (Values::<T>::of(state)?, Values::<T>::of(&gradient)?);
                let (mut for_h, mut for_state) = (Vec::with_capacity(hs.len()), Vec::with_capacity(states.len()));
                let rows_of_h = for_h.spare_capacity_mut()[..hs.len()].chunks_mut(3 * width.max(1));
                let rows_of_state = for_state.spare_capacity_mut()[..states.len()].chunks_mut(width.max(1));
                let mut beside: Vec<_> = rows_of_h.zip(rows_of_state).collect();
                let write = |row: usize, for_x: &mut [MaybeUninit<T>], beside: &mut [(&mut [_], &mut [_])]| {
                    let (cell, by) = (Cell::of([&xs, &hs, &states], row, width), &by[row * width..][..width]);
                    let [(for_h, for_state)] = beside else { return };
                    let out = Gradients { by, for_x: parts(for_x), for_h: parts(for_h), for_state };
                    vector::run(Slopes { cell, out });
                };
                // SAFETY: every value of all rows is written.
                let for_x = unsafe {
                    let for_x = filled_beside(xs.len(), 3 * width, WORK * states.len(), &mut beside, write);
                    for_h.set_len(hs.len());
                    for_state.set_len(states.len());
                    for_x
                };
                let of = |values: Vec<T>, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
                Ok((Some(of(for_x, x)?), Some(of(for_h, h)?), Some(of(for_state, state)?)))
            })
        })
    }
}

/// The inputs for a record's next state: the gates of input and state, each in three parts, and the state.
struct Cell<'a, T> {
    x: [&'a [T]; 3],
    h: [&'a [T]; 3],
    state: &'a [T],
}

impl<'a, T: Real> Cell<'a, T> {
    fn of([x, h, state]: [&'a [T]; 3], row: usize, width: usize) -> Self {
        let parts = |gates: &'a [T]| std::array::from_fn(|part| &gates[(3 * row + part) * width..][..width]);
        Self { x: parts(x), h: parts(h), state: &state[row * width..][..width] }
    }

    /// r, u and n from a position.
    #[inline(always)]
    fn gates<const FUSED: bool>(&self, at: usize) -> [Lanes<T>; 3] {
        let reset = of_sum(self.x[0], self.h[0], at, T::sigmoid::<FUSED>);
        let update = of_sum(self.x[1], self.h[1], at, T::sigmoid::<FUSED>);
        let new = each([&load(self.x[2], at), &load(self.h[2], at), &reset], |[x, h, reset]| {
            reset.fused::<FUSED>(h, x).tanh::<FUSED>()
        });
        [reset, update, new]
    }

    /// The next state.
    #[inline(always)]
    fn next([_, update, new]: &[Lanes<T>; 3], state: &Lanes<T>) -> Lanes<T> {
        each([update, new, state], |[update, new, state]| new + update * (state - new))
    }
}

impl Recurrent for Gru {
    const NAME: &'static str = "gru";
    const GRADIENT: &'static str = "gru_gradient";
    const STATES: usize = 1;
    const GATES: usize = 3;
    const SUMMED: usize = 2;
    /// r, u and n, and the part of the state for n.
    const KEPT: usize = 4;

    #[inline(always)]
    fn next<const FUSED: bool>(
        [reset, update, new, of_state, _]: [&mut [f32]; MOST],
        own: &[f32],
        [out, _]: [&mut [MaybeUninit<f32>]; 2],
    ) {
        for at in (0..own.len()).step_by(LANES) {
            let cell = Cell { x: [reset, update, new], h: [&[], &[], of_state], state: own };
            let gates = cell.gates::<FUSED>(at);
            store(out, at, Cell::next(&gates, &load(own, at)));
            for (to, gate) in [&mut *reset, update, new].into_iter().zip(gates) {
                put(to, at, gate);
            }
        }
    }

    #[inline(always)]
    fn slopes<const FUSED: bool>(
        [reset, update, new, of_state, _]: [&[f32]; MOST],
        own: &[f32],
        by: &[f32],
        [for_x, for_h]: [&mut [MaybeUninit<f32>]; 2],
        for_state: &mut [MaybeUninit<f32>],
    ) {
        let mut out = Gradients { by, for_x: parts(for_x), for_h: parts(for_h), for_state };
        for at in (0..own.len()).step_by(LANES) {
            let gates = [load(reset, at), load(update, at), load(new, at)];
            out.write(at, &gates, &load(of_state, at), &load(own, at));
        }
    }
}

struct Next<'a, T> {
    cell: Cell<'a, T>,
    out: &'a mut [MaybeUninit<T>],
}

impl<T: Real> Loop for Next<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for at in (0..self.out.len()).step_by(LANES) {
            store(self.out, at, Cell::next(&self.cell.gates::<FUSED>(at), &load(self.cell.state, at)));
        }
    }
}

/// Gradients of the three gates of the input, of those of the state, and of the state, which are written.
struct Gradients<'a, T> {
    by: &'a [T],
    for_x: [&'a mut [MaybeUninit<T>]; 3],
    for_h: [&'a mut [MaybeUninit<T>]; 3],
    for_state: &'a mut [MaybeUninit<T>],
}

impl<T: Real> Gradients<'_, T> {
    /// From a position, of the gates, the part of the state for n, and the state.
    #[inline(always)]
    fn write(&mut self, at: usize, [reset, update, new]: &[Lanes<T>; 3], h: &Lanes<T>, state: &Lanes<T>) {
        let (by, one) = (load(self.by, at), T::ONE);
        let for_new = each([&by, update, new], |[by, update, new]| by * (one - update) * (one - new * new));
        let for_reset = each([&for_new, h, reset], |[by, h, reset]| by * h * reset * (one - reset));
        let for_update =
            each([&by, state, new, update], |[by, state, new, update]| by * (state - new) * update * (one - update));
        let ([x_reset, x_update, x_new], [h_reset, h_update, h_new]) = (&mut self.for_x, &mut self.for_h);
        store(x_reset, at, for_reset);
        store(x_update, at, for_update);
        store(x_new, at, for_new);
        store(h_reset, at, for_reset);
        store(h_update, at, for_update);
        store(h_new, at, each([&for_new, reset], |[by, reset]| by * reset));
        store(self.for_state, at, each([&by, update], |[by, update]| by * update));
    }
}

struct Slopes<'a, T> {
    cell: Cell<'a, T>,
    out: Gradients<'a, T>,
}

impl<T: Real> Loop for Slopes<'_, T> {
    type Output = ();
    const WIDE: bool = vector::is_wide::<T>();

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        for at in (0..self.out.by.len()).step_by(LANES) {
            let gates = self.cell.gates::<FUSED>(at);
            self.out.write(at, &gates, &load(self.cell.h[2], at), &load(self.cell.state, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Gru, gru, next_state};
    use crate::recurrent::testing;
    use crate::reference;
    use crate::testing::{made, same};
    use crate::{Result, Tensor};

    /// The tolerance for rounding a dozen operations in f64.
    const ROUNDING: f64 = 1e-13;

    /// Value and gradients agree with the formula in f64, for widths that are not a multiple of a vector.
    #[test]
    fn a_state_and_its_gradients_are_the_formulas() -> Result<()> {
        for (records, width) in [(1, 1), (3, 5), (4, 32)] {
            let inputs =
                [made(&[records, 3 * width], 0.1)?, made(&[records, 3 * width], 0.5)?, made(&[records, width], 0.9)?];
            let weight = made(&[records, width], 1.3)?;
            let both = [next_state, reference::gru].map(|run| -> Result<(Tensor, Vec<Tensor>)> {
                let out = run(inputs[0].as_tensor(), inputs[1].as_tensor(), inputs[2].as_tensor())?;
                let gradients = (&out * weight.as_detached_tensor())?.sum_all()?.backward()?;
                Ok((out, inputs.iter().map(|input| gradients.get(input).unwrap().clone()).collect()))
            });
            let [ours, theirs] = both;
            let ((ours, our), (theirs, their)) = (ours?, theirs?);
            same(&ours, &theirs, ROUNDING)?;
            our.iter().zip(&their).try_for_each(|(a, b)| same(a, b, ROUNDING))?;
        }
        Ok(())
    }

    #[test]
    fn a_step_as_one_operation_is_its_parts() -> Result<()> {
        testing::step_is_its_parts::<Gru>(gru)
    }

    #[test]
    fn other_shapes_are_refused() -> Result<()> {
        let (gates, state) = (made(&[2, 6], 0.0)?, made(&[2, 3], 0.0)?);
        assert!(next_state(gates.as_tensor(), gates.as_tensor(), state.as_tensor()).is_err());
        testing::shapes_are_refused::<Gru>(gru)
    }
}
