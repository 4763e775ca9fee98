//! Partly observed variables: batches of records that have a value and records that lack it.
//!
//! A batch is not sorted. It has a number for each record, 1 if the value is observed and 0 if it is missing, and an
//! arbitrary value of the right shape for missing ones. The results for both kinds of record are selected row by row.

use crate::{Params, Result, Tensor, Values};
use candle_core::{Error, bail};

/// The log-probability of impossible values: its exponential is 0, and sums with it are finite.
const NEVER: f64 = -1e30;

/// A partly observed variable of a batch.
#[derive(Debug, Clone)]
pub struct Partly<T> {
    /// `[B, …]`; rows of records that lack it have arbitrary finite values.
    pub value: T,
    /// `[B]`: 1 if it is observed, else 0.
    pub present: Tensor,
}

impl<T> Partly<T> {
    /// The variable with another value.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Partly<U> {
        Partly { value: of(self.value), present: self.present }
    }
}

impl Values {
    /// The name of a variable's presences: `y?` for `y`.
    pub fn presence_of(name: &str) -> String {
        format!("{name}?")
    }

    /// A partly observed variable of this shape, without the batch. Without presences it is observed in all records,
    /// and without a value it is missing in all records.
    ///
    /// # Errors
    /// No value of any variable, so that the number of records is unknown, or presences of another shape.
    pub fn partly(&self, name: &str, shape: &[usize], params: &Params) -> Result<Partly<Tensor>> {
        let (dtype, device) = (params.dtype(), params.device());
        let Some(value) = self.find(name) else {
            let Some((_, other)) = self.iter().next() else {
                bail!("no variable has a value, so the number of records that lack `{name}` is unknown")
            };
            let records = other.dim(0)?;
            let value = Tensor::zeros(crate::dist::batched(records, shape), dtype, device)?;
            return Ok(Partly { value, present: Tensor::zeros(records, dtype, device)? });
        };
        let present = self.presence(name, None, value.dim(0)?, params)?;
        Ok(Partly { value: value.clone(), present })
    }

    /// One step, counted from 1, of a partly observed family over the length: from its own name (`x[3]`), as [`partly`](Self::partly), or from
    /// the family's array `[B, T, …]`. The family's presences are one number for each record, or one for each record and step, `[B, T]`.
    ///
    /// # Errors
    /// Those of [`partly`](Self::partly), or an array with fewer steps.
    pub fn partly_step(
        &self,
        (name, family, step): (&str, &str, usize),
        shape: &[usize],
        params: &Params,
    ) -> Result<Partly<Tensor>> {
        if self.find(name).is_some() || self.find(family).is_none() {
            return self.partly(name, shape, params);
        }
        let value = crate::steps::one(self, name, family, step)?;
        let present = self.presence(family, Some(step), value.dim(0)?, params)?;
        Ok(Partly { value, present })
    }

    /// The presences of a variable, or of a step of a family over the length: `[records]`.
    fn presence(&self, name: &str, step: Option<usize>, records: usize, params: &Params) -> Result<Tensor> {
        let Some(all) = self.find(&Self::presence_of(name)) else {
            return Tensor::ones(records, params.dtype(), params.device());
        };
        let present = match (all.dims(), step) {
            (&[count], _) if count == records => all.clone(),
            (&[count, steps], Some(step)) if count == records && steps >= step => {
                all.narrow(1, step - 1, 1)?.squeeze(1)?
            }
            (shape, step) => {
                let or_steps = if step.is_some() { ", or one for each record and step" } else { "" };
                bail!(
                    "the presences of `{name}` must be {records} numbers, one for each record{or_steps}; their shape is {shape:?}"
                )
            }
        };
        present.to_dtype(params.dtype())
    }
}

/// Ones for each record that has the variable, or for each of its steps that has it, in the shape of `like`.
fn rows(present: &Tensor, like: &Tensor) -> Result<Tensor> {
    if !like.dims().starts_with(present.dims()) {
        bail!("presences of shape {:?} and values of shape {:?}", present.dims(), like.dims());
    }
    let ones = vec![1; like.rank() - present.rank()];
    let shape = [present.dims(), &ones].concat();
    present.gt(0.5)?.reshape(shape)?.broadcast_as(like.shape())?.contiguous()
}

/// The observed value where there is one, otherwise the drawn value: `[N]`, and `[N, …]` twice. For the steps of a sequence in one
/// array `[N, T]`, and `[N, T, …]` twice.
///
/// # Errors
/// Shapes that differ.
pub fn choose(present: &Tensor, own: &Tensor, drawn: &Tensor) -> Result<Tensor> {
    rows(present, drawn)?.where_cond(&own.contiguous()?, &drawn.contiguous()?)
}

/// What is known of a variable: its value with one more channel that is 1, and zeros in the records that lack it. Without
/// presences all records have it: `[N]`, and `[N, C, …]`. The result is `[N, C + 1, …]`.
///
/// # Errors
/// Shapes that differ.
pub fn with_presence(present: Option<&Tensor>, own: &Tensor) -> Result<Tensor> {
    let ones = own.narrow(1, 0, 1)?.ones_like()?;
    let all = Tensor::cat(&[own, &ones], 1)?;
    present.map_or_else(|| Ok(all.clone()), |present| of_present(&all, present))
}

/// What is known of a variable of this shape, without the batch, that no record has: one row, `[1, C + 1, …]`.
///
/// # Errors
/// A failed tensor operation.
pub fn absent(shape: &[usize], params: &Params) -> Result<Tensor> {
    let mut shape = crate::dist::batched(1, shape);
    shape.iter_mut().skip(1).take(1).for_each(|channels| *channels += 1);
    Tensor::zeros(shape, params.dtype(), params.device())
}

/// Numbers for the records that have the variable (`there`) or lack it, and 0 for the others: `[N]` twice.
///
/// # Errors
/// Shapes that differ.
pub fn only(there: bool, present: &Tensor, numbers: &Tensor) -> Result<Tensor> {
    let (zeros, numbers) = (numbers.zeros_like()?, numbers.contiguous()?);
    let has = rows(present, &numbers)?;
    if there { has.where_cond(&numbers, &zeros) } else { has.where_cond(&zeros, &numbers) }
}

/// The log-probabilities of enumerated values, `[N]`, with all mass on the observed value where there is one. `own` and
/// `values` are `[N, …]`.
///
/// # Errors
/// Shapes that differ.
pub fn known(present: &Tensor, own: &Tensor, values: &Tensor, log_probs: &Tensor) -> Result<Tensor> {
    let certain = certain(own, values)?.to_dtype(log_probs.dtype())?;
    rows(present, log_probs)?.where_cond(&certain, &log_probs.contiguous()?)
}

/// For each value of a variable, `[N]`, 0 if it is the observed one, or none is present, otherwise a log-probability that is
/// as good as 0. `own` and `values` are `[N, …]`.
///
/// # Errors
/// Shapes that differ.
pub fn observed(present: &Tensor, own: &Tensor, values: &Tensor) -> Result<Tensor> {
    let certain = certain(own, values)?;
    rows(present, &certain)?.where_cond(&certain, &certain.zeros_like()?)
}

/// The same if all are present.
fn certain(own: &Tensor, values: &Tensor) -> Result<Tensor> {
    let apart = (own - values)?.abs()?.flatten_from(1)?.max(1)?;
    let zeros = apart.zeros_like()?;
    apart.lt(0.5)?.where_cond(&zeros, &zeros.affine(0.0, NEVER)?)
}

/// The observed rows of a value, and zeros in place of the others, which are always valid.
pub(crate) fn of_present(value: &Tensor, present: &Tensor) -> Result<Tensor> {
    let zeros = value.zeros_like()?;
    rows(present, value)?.where_cond(&value.contiguous()?, &zeros)
}

/// Checks that presences are one number, 0 or 1, for each record.
pub(crate) fn check(name: &str, value: &Tensor, present: &Tensor) -> Result<()> {
    let records = value.dim(0)?;
    if present.dims() != [records] {
        bail!(
            "the presences of `{name}` must be {records} numbers, one for each record; their shape is {:?}",
            present.dims()
        );
    }
    let fractional = (present * (1.0 - present)?)?.abs()?.sum_all()?;
    if present.device().is_cpu() && fractional.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()? != 0.0 {
        return Err(Error::Msg(format!("the presences of `{name}` must be 0 or 1")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{absent, certain, choose, known, observed, only, with_presence};
    use crate::{DType, Device, Params, Tensor, Values};

    fn tensor(numbers: &[f64]) -> Tensor {
        Tensor::new(numbers, &Device::Cpu).unwrap()
    }

    #[test]
    fn rows_are_chosen_by_what_is_there() {
        let (present, own) = (tensor(&[1.0, 0.0]), Tensor::new(&[[1.0, 2.0], [f64::NAN, 9.0]], &Device::Cpu).unwrap());
        let drawn = Tensor::new(&[[5.0, 6.0], [7.0, 8.0]], &Device::Cpu).unwrap();
        let chosen = choose(&present, &own, &drawn).unwrap().to_vec2::<f64>().unwrap();
        assert_eq!(chosen, [[1.0, 2.0], [7.0, 8.0]]);
        let steps = Tensor::new(&[[1.0, 0.0], [0.0, 0.0]], &Device::Cpu).unwrap();
        let chosen = choose(&steps, &own, &drawn).unwrap().to_vec2::<f64>().unwrap();
        assert_eq!(chosen, [[1.0, 6.0], [7.0, 8.0]]);
        let numbers = tensor(&[3.0, 4.0]);
        assert_eq!(only(true, &present, &numbers).unwrap().to_vec1::<f64>().unwrap(), [3.0, 0.0]);
        assert_eq!(only(false, &present, &numbers).unwrap().to_vec1::<f64>().unwrap(), [0.0, 4.0]);
        assert!(only(true, &present, &tensor(&[1.0, 2.0, 3.0])).is_err());
        assert!(only(true, &tensor(&[1.0]), &numbers).is_err());
    }

    #[test]
    fn what_is_known_has_one_more_channel() {
        let own = Tensor::new(&[[3.0, 4.0], [f64::NAN, 9.0]], &Device::Cpu).unwrap();
        let known = with_presence(Some(&tensor(&[1.0, 0.0])), &own).unwrap();
        assert_eq!(known.to_vec2::<f64>().unwrap(), [[3.0, 4.0, 1.0], [0.0; 3]]);
        let all = with_presence(None, &own).unwrap().to_vec2::<f64>().unwrap();
        assert_eq!((all[0].as_slice(), &all[1][1..]), (&[3.0, 4.0, 1.0][..], &[9.0, 1.0][..]));
        let map = own.reshape((2, 1, 1, 2)).unwrap();
        let planes = with_presence(Some(&tensor(&[1.0, 0.0])), &map).unwrap();
        assert_eq!(planes.dims(), [2, 2, 1, 2]);
        assert_eq!(planes.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [3.0, 4.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let params = Params::new(0, DType::F64, &Device::Cpu);
        assert_eq!(absent(&[2, 5], &params).unwrap().dims(), [1, 3, 5]);
        assert!(with_presence(Some(&tensor(&[1.0])), &own).is_err());
    }

    #[test]
    fn steps_are_chosen_one_by_one() {
        let sequence = |numbers: [f64; 4]| Tensor::new(&numbers, &Device::Cpu).unwrap().reshape((2, 2, 1)).unwrap();
        let present = Tensor::new(&[[1.0, 0.0], [0.0, 1.0]], &Device::Cpu).unwrap();
        let chosen =
            choose(&present, &sequence([1.0, f64::NAN, f64::NAN, 4.0]), &sequence([5.0, 6.0, 7.0, 8.0])).unwrap();
        assert_eq!(chosen.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [1.0, 6.0, 7.0, 4.0]);
        assert!(choose(&present.t().unwrap().narrow(0, 0, 1).unwrap(), &chosen, &chosen).is_err());
    }

    #[test]
    fn the_values_gone_through_weigh_nothing_but_where_they_are_the_records_own() {
        // Two values of three records, the value being the slow index: the first record has the second value, the
        // others none.
        let one_hot = |class: usize| [f64::from(class == 0), f64::from(class == 1)];
        let own = Tensor::new(&[one_hot(1), [0.0; 2], [0.0; 2], one_hot(1), [0.0; 2], [0.0; 2]], &Device::Cpu).unwrap();
        let values =
            Tensor::new(&[one_hot(0), one_hot(0), one_hot(0), one_hot(1), one_hot(1), one_hot(1)], &Device::Cpu)
                .unwrap();
        let log_q = tensor(&[-0.1, -0.2, -0.3, -2.1, -2.2, -2.3]);
        let found = known(&tensor(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]), &own, &values, &log_q).unwrap();
        let found = found.exp().unwrap().to_vec1::<f64>().unwrap();
        let seen = observed(&tensor(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]), &own, &values).unwrap();
        assert_eq!(seen.exp().unwrap().to_vec1::<f64>().unwrap(), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let all = certain(&own, &values).unwrap();
        assert_eq!(all.exp().unwrap().to_vec1::<f64>().unwrap(), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let expected = [0.0, (-0.2f64).exp(), (-0.3f64).exp(), 1.0, (-2.2f64).exp(), (-2.3f64).exp()];
        // Rounding of an exponential of a number of about 1.
        assert!(found.iter().zip(expected).all(|(found, wanted)| (found - wanted).abs() < 1e-15), "{found:?}");
    }

    #[test]
    fn what_is_not_said_is_there_and_what_has_no_value_is_missing() {
        let params = Params::new(0, DType::F64, &Device::Cpu);
        let values = Values::new().with("x", tensor(&[1.0, 2.0])).with("y", tensor(&[3.0, 4.0]));
        let presence =
            |values: &Values, name| values.partly(name, &[], &params).unwrap().present.to_vec1::<f64>().unwrap();
        assert_eq!(presence(&values, "y"), [1.0, 1.0]);
        assert_eq!(presence(&values, "z"), [0.0, 0.0]);
        assert_eq!(presence(&values.clone().with("y?", tensor(&[0.0, 1.0])), "y"), [0.0, 1.0]);
        assert!(values.with("y?", tensor(&[1.0])).partly("y", &[], &params).is_err());
        assert!(Values::new().partly("y", &[], &params).is_err());
    }

    #[test]
    fn a_step_comes_from_the_familys_array_with_its_own_presence() {
        let params = Params::new(0, DType::F64, &Device::Cpu);
        let all = Tensor::new(&[[1.0, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let step = |values: &Values, step| {
            let name = format!("x[{step}]");
            let found = values.partly_step((&name, "x", step), &[], &params).unwrap();
            [found.value.to_vec1::<f64>().unwrap(), found.present.to_vec1::<f64>().unwrap()]
        };
        let values = Values::new().with("x", all.clone()).with("u", tensor(&[0.0, 0.0]));
        assert_eq!(step(&values, 2), [[2.0, 4.0], [1.0, 1.0]]);
        assert_eq!(step(&values.clone().with("x?", tensor(&[0.0, 1.0])), 2), [[2.0, 4.0], [0.0, 1.0]]);
        let by_step = Tensor::new(&[[1.0, 0.0], [0.0, 1.0]], &Device::Cpu).unwrap();
        let by_step = values.clone().with("x?", by_step);
        assert_eq!([step(&by_step, 1), step(&by_step, 2)], [[[1.0, 3.0], [1.0, 0.0]], [[2.0, 4.0], [0.0, 1.0]]]);
        assert_eq!(step(&by_step.with("x[2]", tensor(&[9.0, 9.0])), 2), [[9.0, 9.0], [1.0, 1.0]]);
        assert_eq!(step(&Values::new().with("u", tensor(&[0.0, 0.0])), 1), [[0.0, 0.0], [0.0, 0.0]]);
        assert!(values.with("x?", tensor(&[1.0])).partly_step(("x[1]", "x", 1), &[], &params).is_err());
    }
}
