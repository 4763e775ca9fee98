//! Exact sums over discrete latents that q does not draw, variable by variable.
//!
//! A table has a number for each combination of the values of some variables and for each sample, `[V·N]`. The samples
//! change fastest, then the values of the first variable: with two variables, row (v₂·V₁ + v₁)·N + n has their values v₁
//! and v₂ in sample n. Other tensors that depend on these variables have the same rows.

use crate::dist::Distribution;
use crate::dist::through::{log_sum_exp, log_sum_exp_along};
use crate::{Result, Tensor};

/// The values of a variable that is summed over.
#[derive(Debug, Clone)]
pub struct Axis {
    shape: Vec<usize>,
    is_label: bool,
}

impl Axis {
    /// One of the classes of a label of this shape, `[n]`.
    pub fn label(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), is_label: true }
    }

    /// All settings of the bits of a binary variable of this shape.
    pub fn binary(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), is_label: false }
    }

    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of values.
    pub fn count(&self) -> usize {
        if self.is_label { self.size() } else { 1 << self.size() }
    }

    /// All values, `[V, n]`, with the type of `like`.
    fn table(&self, like: &Tensor) -> Result<Tensor> {
        let (count, size) = (self.count(), self.size());
        let bit = |value: usize, at: usize| if self.is_label { value == at } else { value >> at & 1 == 1 };
        let all = (0..count).flat_map(|value| (0..size).map(move |at| f32::from(u8::from(bit(value, at)))));
        Tensor::from_vec(all.collect::<Vec<f32>>(), (count, size), like.device())?.to_dtype(like.dtype())
    }
}

/// The number of combinations of values.
pub fn combinations(axes: &[Axis]) -> usize {
    axes.iter().map(Axis::count).product()
}

/// Every value of a variable, `[V·N, …]`, with the N rows, the device and the type of `like`.
///
/// # Errors
/// A failed tensor operation.
pub fn values(axis: &Axis, like: &Tensor) -> Result<Tensor> {
    let (count, rows) = (axis.count(), like.dim(0)?);
    let dims: Vec<usize> = std::iter::once(count * rows).chain(axis.shape.iter().copied()).collect();
    axis.table(like)?.unsqueeze(1)?.broadcast_as((count, rows, axis.size()))?.contiguous()?.reshape(dims)
}

/// A tensor for the combinations of these variables, from one for the combinations of those with `true`.
///
/// # Errors
/// Another number of rows.
pub fn widen(tensor: &Tensor, axes: &[(Axis, bool)]) -> Result<Tensor> {
    let inner: usize = axes.iter().filter(|(_, is_there)| *is_there).map(|(axis, _)| axis.count()).product();
    let (rows, rest) = (tensor.dim(0)? / inner, &tensor.dims()[1..]);
    let each = |all: bool| {
        let counts = axes.iter().rev().map(move |(axis, is_there)| if all || *is_there { axis.count() } else { 1 });
        counts.chain([rows]).chain(rest.iter().copied()).collect::<Vec<usize>>()
    };
    let all: usize = axes.iter().map(|(axis, _)| axis.count()).product::<usize>() * rows;
    let flat: Vec<usize> = std::iter::once(all).chain(rest.iter().copied()).collect();
    tensor.reshape(each(false))?.broadcast_as(each(true))?.contiguous()?.reshape(flat)
}

/// The log-probability of every value of a variable, `[V·R]`, given the R rows of its distribution: those of its N
/// samples for each combination of its parents' values. `values` are those of [`values`].
///
/// # Errors
/// A failed tensor operation.
pub fn table(distribution: &dyn Distribution, values: &Tensor, axis: &Axis, parents: &[Axis]) -> Result<Tensor> {
    if let Some(logs) = distribution.class_log_probs()? {
        return logs.t()?.contiguous()?.flatten_all();
    }
    let axes: Vec<(Axis, bool)> =
        parents.iter().map(|parent| (parent.clone(), false)).chain([(axis.clone(), true)]).collect();
    distribution.repeat(axis.count())?.log_prob(&widen(values, &axes)?)
}

/// ln Σ exp of a table over the variables with `false`.
///
/// # Errors
/// Another number of rows.
pub fn sum_out(table: &Tensor, axes: &[(Axis, bool)]) -> Result<Tensor> {
    let rows = table.dim(0)? / axes.iter().map(|(axis, _)| axis.count()).product::<usize>();
    let dims: Vec<usize> = axes.iter().rev().map(|(axis, _)| axis.count()).chain([rows]).collect();
    let is_kept = |at: &usize| axes.iter().rev().nth(*at).is_none_or(|(_, is_kept)| *is_kept);
    let (kept, out): (Vec<usize>, Vec<usize>) = (0..dims.len()).partition(is_kept);
    let size = |of: &[usize]| of.iter().map(|at| dims[*at]).product::<usize>();
    let order: Vec<usize> = out.iter().chain(&kept).copied().collect();
    log_sum_exp(&table.reshape(dims.as_slice())?.permute(order)?.contiguous()?.reshape((size(&out), size(&kept)))?)
}

/// ln p of each value of the variable with `None`, `[N, V]`, given those of the other variables of a table, which are
/// one-hot `[N, V]`. Probabilities in their place give the mean of p over independent variables.
///
/// # Errors
/// Shapes that differ.
pub fn given(table: &Tensor, axes: &[(Axis, Option<&Tensor>)]) -> Result<Tensor> {
    let rows = table.dim(0)? / axes.iter().map(|(axis, _)| axis.count()).product::<usize>();
    let dims: Vec<usize> = axes.iter().rev().map(|(axis, _)| axis.count()).chain([rows]).collect();
    let of = axes.iter().rev().position(|(_, other)| other.is_none()).unwrap_or(0);
    let table = table.reshape(dims.as_slice())?;
    let all = log_sum_exp_along(&table, of)?.unsqueeze(of)?;
    let mut left = table.broadcast_sub(&all)?.exp()?;
    for (at, (axis, other)) in axes.iter().rev().enumerate() {
        let Some(other) = other else { continue };
        let mut own = vec![1; dims.len()];
        (own[at], own[dims.len() - 1]) = (axis.count(), rows);
        left = left.broadcast_mul(&other.t()?.contiguous()?.reshape(own)?)?.sum_keepdim(at)?;
    }
    left.reshape((left.elem_count() / rows, rows))?.t()?.contiguous()?.log()
}

/// The values of a variable from their numbers, one-hot `[N, V]`; the mean from their probabilities.
///
/// # Errors
/// Another number of values.
pub fn value_of(number: &Tensor, axis: &Axis) -> Result<Tensor> {
    let dims: Vec<usize> = std::iter::once(number.dim(0)?).chain(axis.shape.iter().copied()).collect();
    number.matmul(&axis.table(number)?)?.reshape(dims)
}

#[cfg(test)]
mod tests {
    use super::{Axis, given, sum_out, value_of, values, widen};
    use crate::{DType, Device, Tensor};

    fn numbers(tensor: &Tensor) -> Vec<f64> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn axes() -> [Axis; 2] {
        [Axis::label(&[3]), Axis::binary(&[1, 2])]
    }

    /// The number of the first variable's value, of the second one's and of the sample, for each row.
    fn combinations(rows: usize) -> Vec<[usize; 3]> {
        (0..4).flat_map(|b| (0..3).flat_map(move |a| (0..rows).map(move |row| [a, b, row]))).collect()
    }

    #[test]
    fn rows_of_tables_have_the_samples_fastest_and_the_first_variable_next() {
        let [a, b] = axes();
        let like = Tensor::zeros((2, 5), DType::F64, &Device::Cpu).unwrap();
        let of_a = values(&a, &like).unwrap();
        assert_eq!(of_a.dims(), [6, 3]);
        assert_eq!(values(&b, &like).unwrap().dims(), [8, 1, 2]);
        let wide = widen(&of_a, &[(a.clone(), true), (b.clone(), false)]).unwrap();
        let wanted = combinations(2).into_iter().flat_map(|[a, ..]| (0..3).map(move |at| f64::from(u8::from(at == a))));
        assert_eq!(numbers(&wide), wanted.collect::<Vec<_>>());
        let wide = widen(&values(&b, &like).unwrap(), &[(a, false), (b, true)]).unwrap();
        let bits = combinations(2).into_iter().flat_map(|[_, b, _]| [(b & 1) as f64, (b >> 1) as f64]);
        assert_eq!(numbers(&wide), bits.collect::<Vec<_>>());
    }

    #[test]
    fn sums_and_parts_of_a_table() {
        let [a, b] = axes();
        let number = |[a, b, row]: [usize; 3]| (a as f64) * 0.3 - (b as f64) * 0.7 + (row * a * b) as f64 * 0.1;
        let all: Vec<f64> = combinations(2).into_iter().map(number).collect();
        let table = Tensor::new(all, &Device::Cpu).unwrap();
        let over = |a: &[usize], b: &[usize], row: usize| {
            let terms = a.iter().flat_map(|a| b.iter().map(move |b| number([*a, *b, row]).exp()));
            terms.sum::<f64>().ln()
        };
        let near = |found: &Tensor, wanted: Vec<f64>| {
            let found = numbers(found);
            assert_eq!(found.len(), wanted.len());
            // Rounding of sums of a dozen numbers.
            assert!(
                found.iter().zip(&wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-12),
                "{found:?} {wanted:?}"
            );
        };
        let (every_a, every_b) = ([0, 1, 2], [0, 1, 2, 3]);
        let found = sum_out(&table, &[(a.clone(), false), (b.clone(), true)]).unwrap();
        near(&found, every_b.iter().flat_map(|b| [over(&every_a, &[*b], 0), over(&every_a, &[*b], 1)]).collect());
        let found = sum_out(&table, &[(a.clone(), true), (b.clone(), false)]).unwrap();
        near(&found, every_a.iter().flat_map(|a| [over(&[*a], &every_b, 0), over(&[*a], &every_b, 1)]).collect());
        let found = sum_out(&table, &[(a.clone(), false), (b.clone(), false)]).unwrap();
        near(&found, vec![over(&every_a, &every_b, 0), over(&every_a, &every_b, 1)]);
        // Value 3 has both bits. In the second sample, values 2 and 1 with unequal probabilities.
        let picked = Tensor::new(&[[0.0, 0.0, 0.0, 1.0], [0.0, 0.25, 0.75, 0.0]], &Device::Cpu).unwrap();
        assert_eq!(numbers(&value_of(&picked, &b).unwrap()), [1.0, 1.0, 0.25, 0.75]);
        let found = given(&table, &[(a.clone(), None), (b.clone(), Some(&picked))]).unwrap();
        assert_eq!(found.dims(), [2, 3]);
        let of_a = |a: usize, b: usize, row: usize| (number([a, b, row]) - over(&every_a, &[b], row)).exp();
        let second = every_a.map(|a| (0.25 * of_a(a, 1, 1) + 0.75 * of_a(a, 2, 1)).ln());
        near(&found, every_a.map(|a| of_a(a, 3, 0).ln()).into_iter().chain(second).collect());
    }
}
