//! All parameters as one row of numbers, and their division among ranks.

use crate::{Params, Tensor, ops};
use anyhow::{Context, Result};
use candle_core::Var;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// The parameters of a model as one row of numbers, divided into pieces that belong to one rank each.
#[derive(Debug)]
pub struct Flat {
    entries: Vec<(String, Var)>,
    /// The start of each parameter, and the end of the last.
    starts: Vec<usize>,
    /// The index of the piece's parameter, and its range in the row.
    pieces: Vec<(usize, Range<usize>)>,
}

impl Flat {
    pub fn new(params: &Params) -> Self {
        let entries = params.entries();
        let mut starts = vec![0];
        let mut pieces = Vec::new();
        for (number, (_, var)) in entries.iter().enumerate() {
            let begin = starts[number];
            let end = begin + var.elem_count();
            // Sums of squares are computed per piece, so they do not depend on the ranks.
            let cut = (begin..end).step_by(ops::SQUARES_PART);
            pieces.extend(cut.map(|at| (number, at..end.min(at + ops::SQUARES_PART))));
            starts.push(end);
        }
        Self { entries, starts, pieces }
    }

    /// The total number of elements.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The pieces of a rank. All ranks have the same number of elements, up to one piece.
    pub fn pieces(&self, rank: usize, ranks: usize) -> &[(usize, Range<usize>)] {
        let begins = |rank: usize| {
            let first = (rank as u128 * self.len() as u128 / ranks as u128) as usize;
            self.pieces.partition_point(|(_, piece)| piece.start < first)
        };
        let end = if rank + 1 == ranks { self.pieces.len() } else { begins(rank + 1) };
        &self.pieces[begins(rank)..end]
    }

    /// The range of a rank: that of its pieces.
    pub fn share(&self, rank: usize, ranks: usize) -> Range<usize> {
        match self.pieces(rank, ranks) {
            [] => 0..0,
            pieces => pieces[0].1.start..pieces[pieces.len() - 1].1.end,
        }
    }

    /// Tensors with the parameters' shapes as one row.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn row(&self, tensors: &[Tensor]) -> Result<Vec<f32>> {
        let one = |tensor: &Tensor| Ok(tensor.flatten_all()?.to_vec1::<f32>()?);
        let parts: Vec<Vec<f32>> = match self.on_cpu() {
            true => tensors.par_iter().map(one).collect::<Result<_>>()?,
            false => tensors.iter().map(one).collect::<Result<_>>()?,
        };
        Ok(parts.concat())
    }

    /// The values of the parameters as one row.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn values(&self) -> Result<Vec<f32>> {
        self.row(&self.entries.iter().map(|(_, var)| var.as_detached_tensor()).collect::<Vec<_>>())
    }

    /// Sets the parameters from a row of values.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn put(&self, row: &[f32]) -> Result<()> {
        let one = |(number, (_, var)): (usize, &(String, Var))| -> Result<()> {
            Ok(var.set(&self.tensor(row, number, var)?)?)
        };
        match self.on_cpu() {
            true => self.entries.par_iter().enumerate().try_for_each(one),
            false => self.entries.iter().enumerate().try_for_each(one),
        }
    }

    /// A row as tensors by the parameters' names.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn named(&self, row: &[f32]) -> Result<Vec<(String, Tensor)>> {
        let one = |(number, (name, var)): (usize, &(String, Var))| Ok((name.clone(), self.tensor(row, number, var)?));
        self.entries.iter().enumerate().map(one).collect()
    }

    /// Tensors with names `NAME.part` as a row.
    ///
    /// # Errors
    /// A missing name.
    pub fn row_of(&self, tensors: &BTreeMap<String, Tensor>, part: &str) -> Result<Vec<f32>> {
        let find = |(name, _): &(String, Var)| {
            let key = format!("{name}.{part}");
            tensors.get(&key).cloned().with_context(|| format!("the optimiser's state lacks {key}"))
        };
        self.row(&self.entries.iter().map(find).collect::<Result<Vec<_>>>()?)
    }

    /// The name of a parameter.
    pub fn name(&self, number: usize) -> &str {
        self.entries.get(number).map_or("", |(name, _)| name)
    }

    fn tensor(&self, row: &[f32], number: usize, var: &Var) -> Result<Tensor> {
        Ok(Tensor::from_slice(&row[self.starts[number]..self.starts[number + 1]], var.dims(), var.device())?)
    }

    fn on_cpu(&self) -> bool {
        self.entries.first().is_none_or(|(_, var)| var.device().is_cpu())
    }
}

#[cfg(test)]
mod tests {
    use super::Flat;
    use crate::{DType, Device, Params};

    #[test]
    fn shares_are_whole_pieces_one_after_the_other() {
        let params = Params::new(1, DType::F32, &Device::Cpu);
        for (name, shape) in [("a", vec![3, 5]), ("b", vec![40_000]), ("c", vec![1]), ("d", vec![2, 9000])] {
            params.normal(name, &shape, 0.0, 1.0).unwrap();
        }
        let flat = Flat::new(&params);
        assert_eq!(flat.len(), 15 + 40_000 + 1 + 18_000);
        for ranks in 1..9 {
            let mut end = 0;
            for rank in 0..ranks {
                let share = flat.share(rank, ranks);
                if !share.is_empty() {
                    assert_eq!(share.start, end, "rank {rank} of {ranks}");
                    end = share.end;
                }
            }
            assert_eq!(end, flat.len());
        }
        let row = flat.values().unwrap();
        let doubled: Vec<f32> = row.iter().map(|value| 2.0 * value).collect();
        flat.put(&doubled).unwrap();
        assert_eq!(flat.values().unwrap(), doubled);
        assert_eq!(flat.named(&row).unwrap()[3].1.dims(), [2, 9000]);
    }
}
