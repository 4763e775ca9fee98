//! The forward pass of a step.
//!
//! A task computes the gates of some units for some records, and their next state while the gates are in the cache. Weights are read in
//! their memory layout: the weight multiplies the transposed records.

use super::unit::{Add, Recurrent, Sizes};
use crate::fast::matrix::{DEPTH, TASK};
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{NARROWEST, Shared, narrow, scratch::Scratch, written};
use crate::vector::{self, Loop};
use rayon::prelude::*;
use std::marker::PhantomData;

/// Records of a task at most.
const RECORDS: usize = 64;
/// Units whose gates are computed together.
const UNITS: usize = 32;
/// Parts of the gates' sums.
const SUMS: usize = 4;
/// The next state, and what is kept for the backward pass, `[N, KEPT, C]`, if it is wanted.
pub fn pass<U: Recurrent>(
    sizes: Sizes,
    [x, state]: [&[f32]; 2],
    maps: [(&[f32], &[f32]); 2],
    keep: bool,
) -> (Vec<f32>, Vec<f32>) {
    let Sizes { records, input, width } = sizes;
    let (blocks, columns) = (records.div_ceil(RECORDS), narrow(records.min(RECORDS)));
    let block = (input + width) * columns;
    let mut turned = Scratch::new(blocks * block);
    turned.par_chunks_mut(block).enumerate().for_each(|(at, to)| {
        let (first, count) = (at * RECORDS, RECORDS.min(records - at * RECORDS));
        if count < columns {
            to.fill(0.0);
        }
        let (of_x, of_h) = to.split_at_mut(input * columns);
        // SAFETY: the records of the block, in as many columns or fewer.
        unsafe {
            turn(x[first * input..].as_ptr(), input, [count, input], of_x.as_mut_ptr(), columns);
            let states = U::STATES * width;
            turn(state[first * states..].as_ptr(), states, [count, width], of_h.as_mut_ptr(), columns);
        }
    });
    let held = if keep { U::KEPT * records * width } else { 0 };
    let mut kept = Vec::with_capacity(held);
    let kept_at = keep.then(|| Shared::uninit(kept.spare_capacity_mut()));
    let part = share::<U>(sizes, blocks * columns);
    let tasks = width.div_ceil(part);
    let fill = |out: Shared| {
        (0..blocks * tasks).into_par_iter().for_each(|task| {
            let (at, first) = (task / tasks, task % tasks * part);
            let mut memory = Scratch::new(UNITS * columns * (2 * U::GATES + U::KEPT));
            for unit in (first..width.min(first + part)).step_by(UNITS) {
                let part = Part {
                    sizes,
                    records: [at * RECORDS, RECORDS.min(records - at * RECORDS)],
                    units: [unit, UNITS.min(width - unit)],
                    columns,
                };
                // SAFETY: the records and units of this task, which no other one has.
                unsafe { part.run::<U>(&turned[at * block..][..block], state, maps, &mut memory, kept_at, out) };
            }
        });
    };
    // SAFETY: the tasks write the states of all units of all records, and what they keep.
    unsafe {
        let out = written(U::STATES * records * width, fill);
        kept.set_len(held);
        (out, kept)
    }
}

/// The units of a task, of `records` records in all. A thread has one task where there is work for all of them: handing out many costs as
/// much as a tenth of a step. No sum depends on it.
fn share<U: Recurrent>(sizes: Sizes, records: usize) -> usize {
    let least = TASK / (records * (sizes.input + sizes.width) * U::GATES);
    let most = sizes.width.next_multiple_of(UNITS);
    sizes.width.div_ceil(rayon::current_num_threads()).max(least).next_multiple_of(UNITS).min(most)
}

/// Some units of some records: the first of each, and their number.
struct Part {
    sizes: Sizes,
    records: [usize; 2],
    units: [usize; 2],
    columns: usize,
}

impl Part {
    /// # Safety
    /// The places of these units and records can be written.
    unsafe fn run<U: Recurrent>(
        &self,
        turned: &[f32],
        state: &[f32],
        maps: [(&[f32], &[f32]); 2],
        memory: &mut [f32],
        kept: Option<Shared>,
        out: Shared,
    ) {
        let ([first, records], [unit, units], width) = (self.records, self.units, self.sizes.width);
        let size = units * self.columns;
        let (sums, own) = memory.split_at_mut(2 * U::GATES * size);
        vector::run(Begin { part: self, biases: maps.map(|(_, bias)| bias), sums: &mut *sums });
        let (of_x, of_h) = sums.split_at_mut(U::GATES * size);
        let (x, h) = turned.split_at(self.sizes.input * self.columns);
        // SAFETY: the units' rows of the maps.
        unsafe {
            self.add(maps[0].0, x, of_x);
            self.add(maps[1].0, h, of_h);
        }
        vector::run(Add(&mut of_x[..U::SUMMED * size], of_h));
        // SAFETY: the places of these units and records in what is kept, or in the memory of this task.
        let kept = unsafe {
            match kept {
                Some(kept) => Kept { at: kept.at(U::KEPT * first * width + unit), part: width },
                None => Kept { at: own.as_mut_ptr(), part: units },
            }
        };
        for part in 0..SUMS {
            let from = if part < U::GATES { &of_x[part * size..] } else { &of_h[(part - 1) * size..] };
            // SAFETY: as above.
            unsafe {
                let to = kept.at.add(part * kept.part);
                turn(from.as_ptr(), self.columns, [units, records], to, U::KEPT * kept.part);
            };
        }
        vector::run(NextStates::<U> { part: self, kept, state, out, unit: PhantomData });
    }

    /// Adds the product of a weight and the transposed records to the gates of these units, `[gates, units, columns]`.
    ///
    /// # Safety
    /// The weight has the rows.
    unsafe fn add(&self, weight: &[f32], right: &[f32], sums: &mut [f32]) {
        let ([unit, units], columns) = (self.units, self.columns);
        let depth = right.len() / columns;
        for (gate, sums) in sums.chunks_exact_mut(units * columns).enumerate() {
            let row = gate * self.sizes.width + unit;
            for at in (0..depth).step_by(DEPTH) {
                let left = Left { at: weight[row * depth + at..].as_ptr(), row: depth, column: 1 };
                let right = Right { at: right[at * columns..].as_ptr(), row: columns, next: None };
                let out = Out { at: sums.as_mut_ptr(), row: columns };
                // SAFETY: the caller's contract.
                unsafe { product([units, columns, DEPTH.min(depth - at)], left, right, out, true) };
            }
        }
    }
}

/// Begins the sums of both maps with their biases.
struct Begin<'a> {
    part: &'a Part,
    biases: [&'a [f32]; 2],
    sums: &'a mut [f32],
}

impl Loop for Begin<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let ([unit, units], columns) = (self.part.units, self.part.columns);
        let mut rows = self.sums.chunks_exact_mut(columns);
        for bias in self.biases {
            for gate in bias.chunks_exact(self.part.sizes.width) {
                for (bias, row) in gate[unit..][..units].iter().zip(&mut rows) {
                    row.chunks_exact_mut(NARROWEST).for_each(|row| row.fill(*bias));
                }
            }
        }
    }
}

/// Where what is kept of the units of a record begins, and the distance of its parts.
#[derive(Clone, Copy)]
struct Kept {
    at: *mut f32,
    part: usize,
}

struct NextStates<'a, U> {
    part: &'a Part,
    kept: Kept,
    state: &'a [f32],
    out: Shared,
    unit: PhantomData<U>,
}

impl<U: Recurrent> Loop for NextStates<'_, U> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let ([first, records], [unit, units], width) = (self.part.records, self.part.units, self.part.sizes.width);
        for record in 0..records {
            let row = (first + record) * U::STATES * width + unit;
            let own = &self.state[row + (U::STATES - 1) * width..][..units];
            // SAFETY: the places of these units and records, the parts of which lie apart.
            unsafe {
                let kept = std::array::from_fn(|part| {
                    let (at, count) = if part < U::KEPT { (record * U::KEPT + part, units) } else { (0, 0) };
                    &mut *std::ptr::slice_from_raw_parts_mut(self.kept.at.add(at * self.kept.part), count)
                });
                let out = std::array::from_fn(|part| {
                    let (at, count) = if part < U::STATES { (row + part * width, units) } else { (row, 0) };
                    &mut *std::ptr::slice_from_raw_parts_mut(self.out.at(at).cast(), count)
                });
                U::next::<FUSED>(kept, own, out);
            }
        }
    }
}
