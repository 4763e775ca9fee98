//! A step of a recurrent unit as one operation, f32 on the CPU: the affine maps of input and hidden vector, and the next state.
//!
//! A task computes the gates of some units for some records, and their next state while the gates are in the cache. Weights are read in
//! their memory layout: the weight multiplies the transposed records.

use super::backward;
use crate::cpu::Values;
use crate::fast::matrix::{DEPTH, TASK};
use crate::fast::planes::turn;
use crate::fast::product::{Left, Out, Right, product};
use crate::fast::{NARROWEST, Shared, narrow, scratch::Scratch, written};
use crate::profile::timed;
use crate::tape;
use crate::vector::{self, Loop};
use crate::{DType, Device, Result, Tensor};
use candle_core::{CpuStorage, Shape};
use rayon::prelude::*;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// Records of a task at most.
const RECORDS: usize = 64;
/// The minimum of multiply-accumulates per task: short, because a thread that waits for the last task falls asleep.
const LEAST: usize = TASK / 2;
/// The number of units of a task is a multiple of this.
const UNITS: usize = 16;
/// Parts of the gates' sums.
const SUMS: usize = 4;
/// Parts that a unit keeps for the backward pass at most.
pub const MOST: usize = 5;

/// An affine map: `[outputs, inputs]` and `[outputs]`.
pub type Map<'a> = (&'a Tensor, &'a Tensor);

/// A recurrent unit. Its state has `STATES` parts of the same width, the first of which is the hidden vector.
pub trait Recurrent: Send + Sync + 'static {
    const NAME: &'static str;
    const GRADIENT: &'static str;
    const STATES: usize;
    /// Parts of the result of each map.
    const GATES: usize;
    /// Parts of which the two maps' results are added. The sums are those of the input, then the others of the hidden vector.
    const SUMMED: usize;
    /// Parts that are kept for the backward pass, four or five.
    const KEPT: usize;

    /// The next state of some units of a record, of the last part of the state and the four sums, which are replaced by what is kept. A fifth
    /// part of it is written too.
    fn next<const FUSED: bool>(kept: [&mut [f32]; MOST], own: &[f32], out: [&mut [MaybeUninit<f32>]; 2]);

    /// The gradients of a record: of the results of both maps (those of the hidden vector only where they differ), and of the state.
    fn slopes<const FUSED: bool>(
        kept: [&[f32]; MOST],
        own: &[f32],
        by: &[f32],
        out: [&mut [MaybeUninit<f32>]; 2],
        for_state: &mut [MaybeUninit<f32>],
    );
}

#[derive(Clone, Copy)]
pub struct Sizes {
    pub records: usize,
    pub input: usize,
    pub width: usize,
}

impl Sizes {
    fn of<U: Recurrent>([x, state, of_x, bias_x, of_h, bias_h]: [&Tensor; 6]) -> Result<Self> {
        let ((records, input), (same, states)) = (x.dims2()?, state.dims2()?);
        let width = states / U::STATES;
        let gates = U::GATES * width;
        let fits = records == same
            && states == U::STATES * width
            && (of_x.dims(), of_h.dims()) == (&[gates, input], &[gates, width])
            && (bias_x.dims(), bias_h.dims()) == (&[gates], &[gates]);
        if !fits {
            let maps = [of_x, bias_x, of_h, bias_h].map(Tensor::dims);
            candle_core::bail!("{}: an input {:?}, a state {:?} and maps {maps:?}", U::NAME, x.dims(), state.dims());
        }
        Ok(Self { records, input, width })
    }
}

/// The next state, or nothing where this operation is not for these tensors: on other devices, for other types, without values, and in
/// candle's graph.
///
/// # Errors
/// Shapes that do not fit, or a failed tensor operation.
pub fn step<U: Recurrent>(x: &Tensor, state: &Tensor, maps: [Map<'_>; 2]) -> Result<Option<Tensor>> {
    let (x, state) = (&x.contiguous()?, &state.contiguous()?);
    let inputs = [x, state, maps[0].0, maps[0].1, maps[1].0, maps[1].1];
    let sizes = Sizes::of::<U>(inputs)?;
    let here = |t: &&Tensor| t.device().is_cpu() && t.dtype() == DType::F32 && t.is_contiguous() && t.elem_count() > 0;
    let recorded = tape::records(&inputs);
    if !inputs.iter().all(here) || !recorded && inputs.iter().any(|input| input.track_op()) {
        return Ok(None);
    }
    let values = inputs.iter().map(|input| Values::<f32>::of(input)).collect::<Result<Vec<_>>>()?;
    let [x, state, of_x, bias_x, of_h, bias_h] = std::array::from_fn(|at| &*values[at]);
    let maps = [(of_x, bias_x), (of_h, bias_h)];
    let (next, kept) = timed(U::NAME, || forward::<U>(sizes, [x, state], maps, recorded));
    let made = (CpuStorage::F32(next), Shape::from((sizes.records, U::STATES * sizes.width)));
    let step = recorded.then(|| Box::new(Step::<U> { sizes, kept, unit: PhantomData }) as Box<dyn tape::Operator>);
    Ok(Some(tape::made_by(&inputs, made, step)))
}

struct Step<U> {
    sizes: Sizes,
    kept: Vec<f32>,
    unit: PhantomData<U>,
}

impl<U: Recurrent> tape::Operator for Step<U> {
    fn backward(&self, inputs: &[Tensor], gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let [x, state, weights @ ..] = inputs else { candle_core::bail!("{}: a step of {inputs:?}", U::NAME) };
        let (gradient, mut sums) = (gradient.contiguous()?, Vec::new());
        for (at, of) in weights.iter().enumerate() {
            sums.push(match tape::before(at + 2) {
                Some(sum) => crate::cpu::taken(sum)?,
                None => vec![0.0; of.elem_count()],
            });
        }
        let for_x = timed(U::GRADIENT, || {
            let inputs = inputs.iter().map(Values::<f32>::of).collect::<Result<Vec<_>>>()?;
            let by = Values::<f32>::of(&gradient)?;
            let read = std::array::from_fn(|at| &*inputs[at]);
            Ok::<_, candle_core::Error>(backward::pass::<U>(self.sizes, &self.kept, read, &by, x.track_op(), &mut sums))
        })?;
        let of = |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.shape(), &Device::Cpu);
        let [for_x, for_state] = for_x;
        let mut all = vec![for_x.map(|values| of(values, x)).transpose()?];
        all.push(for_state.map(|values| of(values, state)).transpose()?);
        for (sum, weight) in sums.into_iter().zip(weights) {
            all.push(Some(of(sum, weight)?));
        }
        Ok(all)
    }
}

/// The next state, and what is kept for the backward pass, `[N, KEPT, C]`, if it is wanted.
fn forward<U: Recurrent>(
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
    let high = LEAST / (columns * (input + width) * U::GATES);
    let high = high.clamp(UNITS, width.next_multiple_of(UNITS)).next_multiple_of(UNITS);
    let held = if keep { U::KEPT * records * width } else { 0 };
    let mut kept = Vec::with_capacity(held);
    let kept_at = keep.then(|| Shared::uninit(kept.spare_capacity_mut()));
    let tasks = width.div_ceil(high);
    let fill = |out: Shared| {
        (0..blocks * tasks).into_par_iter().for_each(|task| {
            let (at, unit) = (task / tasks, task % tasks * high);
            let part = Part {
                sizes,
                records: [at * RECORDS, RECORDS.min(records - at * RECORDS)],
                units: [unit, high.min(width - unit)],
                columns,
            };
            // SAFETY: the records and units of this task, which no other one has.
            unsafe { part.run::<U>(&turned[at * block..][..block], state, maps, kept_at, out) };
        });
    };
    // SAFETY: the tasks write the states of all units of all records, and what they keep.
    unsafe {
        let out = written(U::STATES * records * width, fill);
        kept.set_len(held);
        (out, kept)
    }
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
        kept: Option<Shared>,
        out: Shared,
    ) {
        let ([first, records], [unit, units], width) = (self.records, self.units, self.sizes.width);
        let size = units * self.columns;
        let mut sums = Scratch::new(2 * U::GATES * size);
        vector::run(Begin { part: self, biases: maps.map(|(_, bias)| bias), sums: &mut sums });
        let (of_x, of_h) = sums.split_at_mut(U::GATES * size);
        let (x, h) = turned.split_at(self.sizes.input * self.columns);
        // SAFETY: the units' rows of the maps.
        unsafe {
            self.add(maps[0].0, x, of_x);
            self.add(maps[1].0, h, of_h);
        }
        vector::run(Add(&mut of_x[..U::SUMMED * size], of_h));
        let mut own = Scratch::new(if kept.is_some() { 0 } else { records * U::KEPT * units });
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

/// Adds values to others.
pub struct Add<'a>(pub &'a mut [f32], pub &'a [f32]);

impl Loop for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.0.iter_mut().zip(self.1).for_each(|(sum, value)| *sum += *value);
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
