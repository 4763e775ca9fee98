//! The optimiser of a run on several ranks: each rank updates its part of the parameters, and then all gather them.

use super::flat::Flat;
use super::gradients::{self, Slopes};
use super::optimiser::{Optimiser, PARTS};
use super::parts::Parts;
use super::tree::{Block, Tree, blocks_of};
use crate::ranks::{self, Communicator};
use crate::{DType, Params, Tensor, ops};
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// This rank's part of the parameters and of the optimiser state.
#[derive(Debug)]
pub struct Shards {
    flat: Arc<Flat>,
    params: Params,
    /// The range of each rank.
    shares: Vec<Range<usize>>,
    rank: usize,
    /// One parameter: this rank's part of all of them. None if the model is so small that the rank has no part.
    own: Params,
    optimiser: Optimiser,
}

const OWN: &str = "own";
/// The size of a number in bytes.
const SIZE: usize = size_of::<f32>();

impl Shards {
    /// # Errors
    /// A failed tensor operation.
    pub fn new(params: &Params, ranks: &dyn Communicator) -> Result<Self> {
        let flat = Arc::new(Flat::new(params));
        let shares: Vec<Range<usize>> = (0..ranks.size()).map(|rank| flat.share(rank, ranks.size())).collect();
        let own = Params::new(0, DType::F32, params.device());
        if !shares[ranks.rank()].is_empty() {
            own.constant(OWN, &[shares[ranks.rank()].len()], 0.0)?;
        }
        let optimiser = Optimiser::new(&own)?;
        let shards = Self { flat, params: params.clone(), shares, rank: ranks.rank(), own, optimiser };
        shards.refresh()?;
        Ok(shards)
    }

    /// Copies the values of this rank's part from the parameters, after they were changed elsewhere.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn refresh(&self) -> Result<()> {
        let row = self.flat.values()?;
        self.set(&row[self.share()])
    }

    fn share(&self) -> Range<usize> {
        self.shares[self.rank].clone()
    }

    fn set(&self, values: &[f32]) -> Result<()> {
        for (_, var) in self.own.entries() {
            var.set(&Tensor::from_slice(values, values.len(), var.device())?)?;
        }
        Ok(())
    }

    /// Sums the gradients of all micro-batches, of which each rank has summed blocks, and scales the sum. Every rank
    /// then has its part of the sum.
    ///
    /// # Errors
    /// A rank that has ended, or a failed tensor operation.
    pub fn sum(
        &self,
        ranks: &dyn Communicator,
        parts: &Parts,
        blocks: Vec<Block<Vec<Tensor>>>,
        scale: f64,
    ) -> Result<Slopes> {
        let mut outgoing: Vec<Vec<u8>> = vec![Vec::new(); ranks.size()];
        for block in blocks {
            let row = self.flat.row(&block.sum)?;
            for (bytes, share) in outgoing.iter_mut().zip(&self.shares) {
                bytes.extend(ranks::of_floats(&row[share.clone()]));
            }
        }
        let length = self.share().len() * SIZE;
        let blocks: Vec<Vec<(usize, u32)>> = (0..ranks.size()).map(|rank| blocks_of(parts.of(rank))).collect();
        let incoming: Vec<usize> = blocks.iter().map(|blocks| blocks.len() * length).collect();
        let found = ranks.all_to_all(&outgoing, &incoming)?;
        drop(outgoing);
        let mut tree = Tree::default();
        for (blocks, bytes) in blocks.iter().zip(&found) {
            for (&(start, level), bytes) in blocks.iter().zip(bytes.chunks(length.max(1))) {
                tree.push(Block { start, level, sum: ranks::floats(bytes) }, &add)?;
            }
        }
        let sum = tree.total(&add)?.unwrap_or_default();
        let values = (Tensor::from_slice(&sum, sum.len(), self.params.device())? * scale)?;
        let squares = self.squares(ranks, &values)?;
        let mut store = ops::tape::none()?;
        for (_, var) in self.own.entries() {
            store.insert(&var, values.clone());
        }
        let broken = squares.iter().position(|square| !square.is_finite());
        let broken = broken.map(|number| self.flat.name(number).to_owned());
        Ok(Slopes { store, norm: squares.iter().sum::<f64>().sqrt(), broken })
    }

    /// Sums of squares by parameter, over all ranks' parts.
    fn squares(&self, ranks: &dyn Communicator, values: &Tensor) -> Result<Vec<f64>> {
        let begin = self.share().start;
        let pieces = self.flat.pieces(self.rank, ranks.size());
        let square = |(_, piece): &(usize, Range<usize>)| -> Result<f64> {
            Ok(ops::sum_of_squares(&values.narrow(0, piece.start - begin, piece.len())?)?)
        };
        let own: Vec<f64> = pieces.iter().map(square).collect::<Result<_>>()?;
        let all = ranks.gather(&ranks::of_doubles(&own))?;
        let mut squares: Vec<f64> = Vec::new();
        for (rank, bytes) in all.iter().enumerate() {
            for (&(number, _), square) in self.flat.pieces(rank, ranks.size()).iter().zip(ranks::doubles(bytes)) {
                squares.resize(squares.len().max(number + 1), 0.0);
                squares[number] += square;
            }
        }
        Ok(squares)
    }

    /// A step of the optimiser: each rank updates its part, and then all gather all parameters.
    ///
    /// # Errors
    /// A rank that has ended, or a failed tensor operation.
    pub fn step(
        &mut self,
        ranks: &dyn Communicator,
        slopes: &mut Slopes,
        factor: Option<f64>,
        rate: f64,
    ) -> Result<()> {
        if let Some(factor) = factor {
            gradients::scale(&self.own, &mut slopes.store, factor)?;
        }
        self.optimiser.step(&slopes.store, rate)?;
        let row = self.own.entries().first().map_or_else(|| Ok(Vec::new()), |(_, var)| var.to_vec1::<f32>())?;
        let mut all = vec![0u8; self.flat.len() * SIZE];
        let places: Vec<Range<usize>> = self.shares.iter().map(|it| it.start * SIZE..it.end * SIZE).collect();
        all[places[self.rank].clone()].copy_from_slice(&ranks::of_floats(&row));
        ranks.gather_parts(&mut all, &places)?;
        self.flat.put(&ranks::floats(&all))?;
        self.params.touch();
        Ok(())
    }

    /// The optimiser state for a checkpoint, on rank 0; empty on the others.
    ///
    /// # Errors
    /// A rank that has ended, or a failed tensor operation.
    pub fn state(&self, ranks: &dyn Communicator) -> Result<Vec<(String, Tensor)>> {
        let mut named = Vec::new();
        let own = self.optimiser.state()?;
        for (at, part) in PARTS.into_iter().enumerate() {
            let values = own.get(at).map_or_else(|| Ok(Vec::new()), |(_, values)| values.to_vec1::<f32>())?;
            let bytes = ranks::of_floats(&values);
            let lengths: Vec<usize> = self.shares.iter().map(|share| share.len() * SIZE).collect();
            if let Some(all) = ranks.collect(&bytes, &lengths)? {
                let row = ranks::floats(&all.concat());
                named.push(self.flat.named(&row)?.into_iter().map(move |(name, it)| (format!("{name}.{part}"), it)));
            }
        }
        // Mean and peak of each parameter together, in the order of a single process.
        let mut parts: Vec<_> = named.into_iter().map(IntoIterator::into_iter).collect();
        let mut state = Vec::new();
        while let Some(next) =
            parts.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>().filter(|it| !it.is_empty())
        {
            state.extend(next);
        }
        Ok(state)
    }

    /// Restores the state of a checkpoint, after the parameters were restored.
    ///
    /// # Errors
    /// A state without a parameter.
    pub fn restore(&mut self, state: &BTreeMap<String, Tensor>, steps: usize) -> Result<()> {
        self.refresh()?;
        let mut own = BTreeMap::new();
        for part in PARTS {
            let row = self.flat.row_of(state, part)?;
            let values = row.get(self.share()).context("the optimiser's state is of other parameters")?;
            let values = Tensor::from_slice(values, values.len(), self.params.device())?;
            own.insert(format!("{OWN}.{part}"), values);
        }
        self.optimiser.restore(&own, steps)
    }
}

fn add(mut left: Vec<f32>, right: Vec<f32>) -> Result<Vec<f32>> {
    const PART: usize = 1 << 16;
    left.par_chunks_mut(PART)
        .zip(right.par_chunks(PART))
        .for_each(|(left, right)| left.iter_mut().zip(right).for_each(|(left, right)| *left += right));
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::Shards;
    use crate::ranks::threads;
    use crate::{DType, Device, Params, Tensor};

    /// The first parameter is divided among all ranks.
    #[test]
    fn squares_of_a_divided_parameter_are_added() {
        let found = threads::run(3, |ranks| {
            let params = Params::new(1, DType::F32, &Device::Cpu);
            params.normal("a", &[200_000], 0.0, 1.0)?;
            params.constant("b", &[3], 2.0)?;
            let shards = Shards::new(&params, ranks)?;
            assert!(!shards.share().is_empty());
            let row = shards.flat.values()?;
            let own = Tensor::new(&row[shards.share()], &Device::Cpu)?;
            Ok((shards.squares(ranks, &own)?, row))
        });
        for outcome in found {
            let (squares, row) = outcome.unwrap();
            let whole: f64 = row[..200_000].iter().map(|&value| f64::from(value).powi(2)).sum();
            // Another order of additions in double precision.
            assert!((squares[0] / whole - 1.0).abs() < 1e-12, "{} {whole}", squares[0]);
            assert_eq!(squares[1], 12.0);
        }
    }
}
