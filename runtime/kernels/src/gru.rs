//! The next state of a gated recurrent unit (Cho et al., 2014), after the affine maps of its input and its state.

use crate::cpu::{Values, each_row, slice};
use crate::profile::timed;
use crate::reference;
use crate::vector::{self, Loop, Real, by_real};
use crate::{Result, Tensor};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, WithDType};

/// The next state of a gated recurrent unit. `of_input` and `of_state`, `[N, 3C]` each, contain three parts for r, u
/// and n. With the parts x of `of_input` and h of `of_state`, r and u are σ(x + h), and n is tanh(x + r · h). The next
/// state is n + u · (state − n), `[N, C]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn gru(of_input: &Tensor, of_state: &Tensor, state: &Tensor) -> Result<Tensor> {
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
                let mut out = vec![T::default(); state.len()];
                each_row(&mut out, width, WORK * state.len(), |row, out| {
                    let cell = Cell::of([x, h, state], row, width);
                    vector::run(Next { cell, out });
                });
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
                // All three gradients of a row together.
                let mut all = vec![T::default(); 7 * states.len()];
                each_row(&mut all, 7 * width, WORK * states.len(), |row, out| {
                    let cell = Cell::of([&xs, &hs, &states], row, width);
                    vector::run(Slopes { cell, by: &by[row * width..][..width], out });
                });
                let part = |first: usize, count: usize, of: &Tensor| -> Result<Option<Tensor>> {
                    let rows = all.chunks_exact((7 * width).max(1));
                    let values = rows.flat_map(|row| &row[first * width..][..count * width]).copied().collect();
                    of.track_op().then(|| Tensor::from_vec(values, of.shape(), of.device())).transpose()
                };
                Ok((part(0, 3, x)?, part(3, 3, h)?, part(6, 1, state)?))
            })
        })
    }
}

/// The cost of a value, in evaluations of an elementary function.
const WORK: usize = 8;

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

    /// r, u and n at one position.
    #[inline(always)]
    fn gates<const FUSED: bool>(&self, at: usize) -> [T; 3] {
        let sigmoid = |x: T| T::ONE / (T::ONE + (T::zero() - x).exp::<FUSED>());
        let (x, h) = (|part: usize| self.x[part][at], |part: usize| self.h[part][at]);
        let reset = sigmoid(x(0) + h(0));
        [reset, sigmoid(x(1) + h(1)), (x(2) + reset * h(2)).tanh::<FUSED>()]
    }
}

struct Next<'a, T> {
    cell: Cell<'a, T>,
    out: &'a mut [T],
}

impl<T: Real> Loop for Next<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (at, out) in self.out.iter_mut().enumerate() {
            let [_, update, new] = self.cell.gates::<FUSED>(at);
            *out = new + update * (self.cell.state[at] - new);
        }
    }
}

/// Gradients of the three gates of the input, of those of the state, and of the state, concatenated.
struct Slopes<'a, T> {
    cell: Cell<'a, T>,
    by: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Loop for Slopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let width = self.by.len();
        for at in 0..width {
            let [reset, update, new] = self.cell.gates::<FUSED>(at);
            let by = self.by[at];
            let for_new = by * (T::ONE - update) * (T::ONE - new * new);
            let for_reset = for_new * self.cell.h[2][at] * reset * (T::ONE - reset);
            let for_update = by * (self.cell.state[at] - new) * update * (T::ONE - update);
            let slopes = [for_reset, for_update, for_new, for_reset, for_update, for_new * reset, by * update];
            for (part, slope) in slopes.into_iter().enumerate() {
                self.out[part * width + at] = slope;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{gru, reference};
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
            let both = [gru, reference::gru].map(|run| -> Result<(Tensor, Vec<Tensor>)> {
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
    fn other_shapes_are_refused() -> Result<()> {
        let (gates, state) = (made(&[2, 6], 0.0)?, made(&[2, 3], 0.0)?);
        assert!(gru(gates.as_tensor(), gates.as_tensor(), state.as_tensor()).is_err());
        Ok(())
    }
}
