//! Exact sums over the values of discrete variables, in place of draws. The components of a mixture, each of which is drawn, are
//! summed over as the classes of a label.
//!
//! A tensor that depends on an enumerated variable has a row for each value of each sample. The value is the slowest
//! index: row v·N + n is value v of row n. With several variables, the values are all combinations.

use crate::dist::{self, through::log_sum_exp};
use crate::{BoundOptions, KlEstimator, Noise, Result, Tensor};
use candle_core::bail;

/// The enumerated variables.
#[derive(Debug, Clone)]
pub struct Enumeration {
    /// For each variable, its values in order, and the shape of a value.
    tables: Vec<(Vec<f32>, Vec<usize>)>,
    count: usize,
}

impl Enumeration {
    /// For variables of these spaces and shapes. Only `label` and `binary` can be enumerated.
    ///
    /// # Errors
    /// Another space.
    pub fn new(variables: &[(&str, &[usize])]) -> Result<Self> {
        let mut tables = Vec::with_capacity(variables.len());
        let mut count = 1;
        for (space, shape) in variables {
            let size: usize = shape.iter().product();
            let (values, one): (usize, fn(usize, usize) -> bool) = match *space {
                "label" => (size, |value, at| value == at),
                "binary" => (1 << size, |value, at| value >> at & 1 == 1),
                other => bail!("a variable of space {other} cannot be enumerated"),
            };
            let table = (0..values).flat_map(|value| (0..size).map(move |at| f32::from(u8::from(one(value, at)))));
            tables.push((table.collect(), shape.to_vec()));
            count *= values;
        }
        Ok(Self { tables, count })
    }

    /// The number of combinations.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The values of one of the variables for `rows` samples, with the type of `like`.
    ///
    /// # Errors
    /// A failed tensor operation.
    pub fn of(&self, variable: usize, rows: usize, like: &Tensor) -> Result<Tensor> {
        let (table, shape) = &self.tables[variable];
        let size: usize = shape.iter().product();
        let mut numbers = Vec::with_capacity(self.count * rows * size);
        for value in self.numbers(variable) {
            (0..rows).for_each(|_| numbers.extend_from_slice(&table[value * size..][..size]));
        }
        let dims: Vec<usize> = std::iter::once(self.count * rows).chain(shape.iter().copied()).collect();
        Tensor::from_vec(numbers, dims, like.device())?.to_dtype(like.dtype())
    }

    /// For each combination, the number of the variable's value.
    fn numbers(&self, variable: usize) -> impl Iterator<Item = usize> {
        let values = |(table, shape): &(Vec<f32>, Vec<usize>)| table.len() / shape.iter().product::<usize>().max(1);
        let stride: usize = self.tables[..variable].iter().map(values).product();
        let own = values(&self.tables[variable]);
        (0..self.count).map(move |combination| combination / stride % own)
    }

    /// For each combination, the draw of a mixture's component in it, `[V·N, …]`. The draws of each component are `[N, …]`, or
    /// with one for each combination (true), `[V·N, …]`.
    ///
    /// # Errors
    /// Fewer draws than components, or shapes that differ.
    pub fn strata(&self, mixture: usize, draws: &[(&Tensor, bool)]) -> Result<Tensor> {
        let each = self.numbers(mixture).enumerate().map(|(combination, component)| {
            let Some((draw, is_each)) = draws.get(component) else { bail!("a component without draws") };
            if !is_each {
                return Ok((*draw).clone());
            }
            let rows = draw.dim(0)? / self.count;
            draw.narrow(0, combination * rows, rows)
        });
        Tensor::cat(&each.collect::<Result<Vec<_>>>()?, 0)
    }

    /// ln of the share of a mixture's component in each combination, `[V·N]`, from the presences of each component, `[N]`, and
    /// the mixture's draws. A component drops out of the rows in which one of its presences is 0, and the others share its weight.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn shares(&self, mixture: usize, presences: &[&[&Tensor]], draws: &Tensor) -> Result<Tensor> {
        let of: Vec<u32> = self.numbers(mixture).map(|number| number as u32).collect();
        dist::shares(presences, &of, draws)
    }

    /// `[V·N]` to `[V, N]`.
    fn split(&self, rows: &Tensor) -> Result<Tensor> {
        rows.reshape((self.count, rows.dim(0)? / self.count))
    }

    /// The log-probabilities of combinations, from those of each variable's values.
    ///
    /// # Errors
    /// An empty list, or shapes that differ.
    pub fn total(&self, log_weights: &[&Tensor]) -> Result<Tensor> {
        let Some((first, rest)) = log_weights.split_first() else { bail!("a sum of nothing") };
        rest.iter().try_fold((*first).clone(), |sum, other| sum + *other)
    }

    /// The expectation of `[V·N]` numbers over the values, `[N]`, weighted with their log-probabilities, `[V·N]`.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn expect(&self, log_weights: &Tensor, numbers: &Tensor) -> Result<Tensor> {
        (self.split(log_weights)?.exp()? * self.split(numbers)?)?.sum(0)
    }

    /// ln Σ_v q(v) w(v) − Σ_v q(v) ln w(v), `[N]`: what an importance weight gains by a sum over the values inside of the
    /// logarithm. ln w is the sum of the terms, `[V·N]` each, with their signs (true is added). The exponential of the
    /// first sum has the same mean as the weight of a single draw, with less variance. 0 without importance weights.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn gain(&self, log_weights: &Tensor, terms: &[(&Tensor, bool)], options: &BoundOptions) -> Result<Tensor> {
        let mut log_w = log_weights.zeros_like()?;
        if options.kl == KlEstimator::Derived {
            return self.split(&log_w)?.narrow(0, 0, 1)?.squeeze(0);
        }
        for (term, adds) in terms {
            log_w = if *adds { log_w + *term } else { log_w - *term }?;
        }
        log_sum_exp(&self.split(&(log_weights + &log_w)?)?)? - self.expect(log_weights, &log_w)?
    }
}

impl Noise {
    /// Draws that are the same for each of the `values` enumerated values, with the noise of a single one.
    ///
    /// # Errors
    /// Those of `draw`.
    pub fn for_each_value<T>(&mut self, values: usize, draw: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.set_copies(values);
        let drawn = draw(self);
        self.set_copies(before);
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::Enumeration;
    use crate::{DType, Device, Noise, Tensor};

    /// Variables with equal numbers of values: the first one changes fastest, and value v of row n is row v·N + n.
    #[test]
    fn every_combination_of_values_occurs_once() {
        let all = Enumeration::new(&[("label", &[2]), ("binary", &[1]), ("label", &[2])]).unwrap();
        let (rows, like) = (3, Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap());
        assert_eq!(all.count(), 8);
        // The probability of class 1, or the bit.
        let bit = |variable: usize, column: usize| -> Vec<f32> {
            let values = all.of(variable, rows, &like).unwrap();
            values.narrow(1, column, 1).unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        for (variable, bits) in [bit(0, 1), bit(1, 0), bit(2, 1)].into_iter().enumerate() {
            let wanted: Vec<f32> = (0..8 * rows).map(|at| ((at / rows) >> variable & 1) as f32).collect();
            assert_eq!(bits, wanted, "variable {variable}");
        }
    }

    #[test]
    fn draws_are_the_same_for_each_value_and_only_there() {
        let mut noise = Noise::seeded(3);
        let draw = |noise: &mut Noise| noise.normal("z", &[4], DType::F32, &Device::Cpu);
        let copies: Vec<f32> = noise.for_each_value(2, draw).unwrap().to_vec1().unwrap();
        assert_eq!(copies[..2], copies[2..]);
        let after: Vec<f32> = draw(&mut noise).unwrap().to_vec1().unwrap();
        assert_ne!(after[..2], after[2..]);
    }
}
