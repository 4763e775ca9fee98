//! The backward pass of a step.

use super::unit::{Add, MOST, Recurrent, Sizes};
use crate::cpu::PART;
use crate::fast::matrix::{Start, multiply};
use crate::fast::{Shared, written};
use crate::vector::{self, Loop};
use rayon::prelude::*;
use std::marker::PhantomData;

/// The gradients of the input, if it is `wanted`, and of the state. Adds those of weight and bias of both maps to `sums`.
pub fn pass<U: Recurrent>(
    sizes: Sizes,
    kept: &[f32],
    [x, state, of_x, _, of_h, _]: [&[f32]; 6],
    by: &[f32],
    wanted: bool,
    sums: &mut [Vec<f32>],
) -> [Option<Vec<f32>>; 2] {
    let Sizes { records, input, width } = sizes;
    let (gates, states) = (U::GATES * width, U::STATES * width);
    let apart = U::SUMMED < U::GATES;
    let (mut for_gates, mut for_state) = ([Vec::new(), Vec::new()], Vec::with_capacity(records * states));
    for_gates[0].reserve_exact(records * gates);
    for_gates[1].reserve_exact(if apart { records * gates } else { 0 });
    let pass = Slopes::<U> {
        sizes,
        kept,
        state,
        by,
        for_gates: for_gates.each_mut().map(|gates| Shared::uninit(gates.spare_capacity_mut())),
        for_state: Shared::uninit(for_state.spare_capacity_mut()),
        unit: PhantomData,
    };
    let few = (PART / (MOST * gates)).max(1);
    (0..records.div_ceil(few)).into_par_iter().for_each(|task| {
        vector::run(Task { pass: &pass, first: task * few, count: few.min(records - task * few) });
    });
    // SAFETY: the tasks write the gradients of all records.
    unsafe {
        for_gates[0].set_len(records * gates);
        for_gates[1].set_len(if apart { records * gates } else { 0 });
        for_state.set_len(records * states);
    }
    let for_x = for_gates[0].as_slice();
    let for_h = if apart { for_gates[1].as_slice() } else { for_x };
    let [weight_x, bias_x, weight_h, bias_h] = sums else { return [None, None] };
    let to_state = (Shared::new(&mut for_state), states);
    let input_gradient = || {
        let fill = |out| {
            // SAFETY: every row and column.
            unsafe { multiply([records, input, gates], (for_x, [gates, 1]), (of_x, input), Start::Zeros, (out, input)) }
        };
        // SAFETY: the product writes all values.
        wanted.then(|| unsafe { written(records * input, fill) })
    };
    let state_gradient = || {
        // SAFETY: the rows of the states begin with their hidden vectors.
        unsafe { multiply([records, width, gates], (for_h, [gates, 1]), (of_h, width), Start::Sums, to_state) }
    };
    let add = |columns, by, right: (&[f32], usize), weight: &mut [f32], bias: &mut [f32]| {
        let to = (Shared::new(weight), columns);
        // SAFETY: every row and column of a weight.
        unsafe { multiply([gates, columns, records], (by, [1, gates]), right, Start::Sums, to) };
        by.chunks_exact(gates).for_each(|row| vector::run(Add(bias, row)));
    };
    let ((for_input, ()), _) = rayon::join(
        || rayon::join(input_gradient, state_gradient),
        || {
            rayon::join(
                || add(input, for_x, (x, input), weight_x, bias_x),
                || add(width, for_h, (state, states), weight_h, bias_h),
            )
        },
    );
    [for_input, Some(for_state)]
}

/// The gradients of a step's gates and, except for what the maps add, of its states.
struct Slopes<'a, U> {
    sizes: Sizes,
    kept: &'a [f32],
    state: &'a [f32],
    by: &'a [f32],
    for_gates: [Shared; 2],
    for_state: Shared,
    unit: PhantomData<U>,
}

/// Some records of it.
struct Task<'a, U> {
    pass: &'a Slopes<'a, U>,
    first: usize,
    count: usize,
}

impl<U: Recurrent> Loop for Task<'_, U> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (pass, width) = (self.pass, self.pass.sizes.width);
        let (gates, states) = (U::GATES * width, U::STATES * width);
        for record in self.first..self.first + self.count {
            let mut kept = pass.kept[record * U::KEPT * width..][..U::KEPT * width].chunks_exact(width);
            let kept: [&[f32]; MOST] = std::array::from_fn(|_| kept.next().unwrap_or_default());
            let own = &pass.state[(record + 1) * states - width..][..width];
            let by = &pass.by[record * states..][..states];
            // SAFETY: the rows of this record, which no other task writes; the gradients of the second map are empty if they are those of
            // the first.
            unsafe {
                let second = if U::SUMMED < U::GATES { gates } else { 0 };
                let row =
                    |to: Shared, len: usize| &mut *std::ptr::slice_from_raw_parts_mut(to.at(record * len).cast(), len);
                let out = [row(pass.for_gates[0], gates), row(pass.for_gates[1], second)];
                U::slopes::<FUSED>(kept, own, by, out, row(pass.for_state, states));
            }
        }
    }
}
