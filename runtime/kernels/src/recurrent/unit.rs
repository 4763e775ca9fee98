//! What a recurrent unit consists of.

use crate::vector::Loop;
use crate::{Result, Tensor};
use std::mem::MaybeUninit;

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

/// Records, and the widths of the input and of a part of the state.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub records: usize,
    pub input: usize,
    pub width: usize,
}

impl Sizes {
    /// # Errors
    /// Shapes that do not fit.
    pub fn of<U: Recurrent>([x, state, of_x, bias_x, of_h, bias_h]: [&Tensor; 6]) -> Result<Self> {
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

/// Adds values to others.
pub struct Add<'a>(pub &'a mut [f32], pub &'a [f32]);

impl Loop for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.0.iter_mut().zip(self.1).for_each(|(sum, value)| *sum += *value);
    }
}
