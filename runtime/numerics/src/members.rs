//! Families of variables in generated code: names of members, and operations on all of them.

use crate::generated::{check_shape, check_value};
use crate::{Params, Result, Tensor, Values, steps};
use candle_core::bail;

/// The names of a family's members, by position.
#[derive(Debug, Clone, Copy)]
pub enum Members {
    /// `z[1]`, `z[2]`, …: the first index and its increment.
    Range {
        family: &'static str,
        first: i64,
        step: i64,
    },
    Listed(&'static [&'static str]),
}

/// A value with its public name. A step of a sequence has the name of its family and its number.
pub type Outside = (&'static str, Option<usize>, Tensor);

/// A check of a member, with its name, space, shape and tensor.
type Check = fn(&str, &str, &[usize], &Params, &Tensor) -> Result<()>;

impl Members {
    /// `z[3]`
    pub fn name(&self, at: usize) -> String {
        match self {
            Self::Range { family, .. } => format!("{family}[{}]", self.index(at)),
            Self::Listed(names) => names.get(at).map_or_else(String::new, |name| (*name).to_owned()),
        }
    }

    fn index(&self, at: usize) -> i64 {
        match self {
            Self::Range { first, step, .. } => first + step * at as i64,
            Self::Listed(_) => at as i64,
        }
    }

    /// Checks tensors against a number of members from a position on with [`check_shape`]. There is one shape for all,
    /// or one for each.
    ///
    /// # Errors
    /// Another number of tensors, or one that does not fit its member.
    pub fn check_shapes<'v>(
        &self,
        members: (usize, usize),
        space: &str,
        shapes: &[&[usize]],
        params: &Params,
        values: impl ExactSizeIterator<Item = &'v Tensor>,
    ) -> Result<()> {
        self.check(check_shape, members, space, shapes, params, values)
    }

    /// Checks tensors with [`check_value`].
    ///
    /// # Errors
    /// Another number of tensors, or one that is not a value of its member.
    pub fn check_values<'v>(
        &self,
        members: (usize, usize),
        space: &str,
        shapes: &[&[usize]],
        params: &Params,
        values: impl ExactSizeIterator<Item = &'v Tensor>,
    ) -> Result<()> {
        self.check(check_value, members, space, shapes, params, values)
    }

    fn check<'v>(
        &self,
        one: Check,
        (from, count): (usize, usize),
        space: &str,
        shapes: &[&[usize]],
        params: &Params,
        values: impl ExactSizeIterator<Item = &'v Tensor>,
    ) -> Result<()> {
        self.counted((from, count), values.len())?;
        for (at, value) in values.enumerate() {
            one(&self.name(from + at), space, one_of(shapes, at), params, value)?;
        }
        Ok(())
    }

    fn counted(&self, (from, count): (usize, usize), found: usize) -> Result<()> {
        if found != count {
            let last = (from + count).saturating_sub(1);
            bail!(
                "{count} tensors are needed, for `{}` to `{}`, and there are {found}",
                self.name(from),
                self.name(last)
            );
        }
        Ok(())
    }

    /// A number of members from a position on, each by its own name.
    ///
    /// # Errors
    /// A missing member.
    pub fn values(&self, (from, count): (usize, usize), values: &Values) -> Result<Vec<Tensor>> {
        (from..from + count).map(|at| values.get(&self.name(at)).cloned()).collect()
    }

    /// A number of steps, each by its own name or from the family's array.
    ///
    /// # Errors
    /// Those of [`steps::one`].
    pub fn steps(&self, (from, count): (usize, usize), values: &Values) -> Result<Vec<Tensor>> {
        let Self::Range { family, .. } = self else { bail!("steps that are not numbered") };
        let step = |at: usize| usize::try_from(self.index(at)).unwrap_or(0);
        (from..from + count).map(|at| steps::one(values, &self.name(at), family, step(at))).collect()
    }

    /// Adds members from a position on, each with its own name.
    #[must_use]
    pub fn with(&self, all: Values, from: usize, values: impl IntoIterator<Item = Tensor>) -> Values {
        values.into_iter().enumerate().fold(all, |all, (at, value)| all.with(&self.name(from + at), value))
    }

    /// Adds steps from a position on.
    pub fn extend(&self, all: &mut Vec<Outside>, from: usize, values: impl IntoIterator<Item = Tensor>) {
        let family = if let Self::Range { family, .. } = self { family } else { "" };
        let step = |at: usize| usize::try_from(self.index(from + at)).ok();
        all.extend(values.into_iter().enumerate().map(|(at, value)| (family, step(at), value)));
    }
}

/// The only shape, or the one at a position.
fn one_of<'s>(shapes: &[&'s [usize]], at: usize) -> &'s [usize] {
    match shapes {
        [only] => only,
        _ => shapes.get(at).copied().unwrap_or(&[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    const DOWN: Members = Members::Range { family: "z", first: 3, step: -1 };

    #[test]
    fn members_are_named_by_their_indices() {
        assert_eq!((DOWN.name(0), DOWN.name(2)), ("z[3]".to_owned(), "z[1]".to_owned()));
        assert_eq!(Members::Listed(&["z[16]", "z[8]"]).name(1), "z[8]");
    }

    #[test]
    fn members_come_from_values_and_go_back_to_them() {
        let value = |value: f64| Tensor::full(value, (1, 2), &Device::Cpu).unwrap();
        let values = DOWN.with(Values::new(), 1, [value(2.0), value(1.0)]);
        assert_eq!(values.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["z[2]", "z[1]"]);
        let back = DOWN.values((1, 2), &values).unwrap();
        assert_eq!(back[1].to_vec2::<f64>().unwrap(), [[1.0, 1.0]]);
        assert!(DOWN.values((0, 3), &values).unwrap_err().to_string().contains("`z[3]`"));
    }

    #[test]
    fn a_wrong_number_or_shape_is_said_with_the_member() {
        let params = Params::new(1, DType::F64, &Device::Cpu);
        let two = Tensor::zeros((1, 2), DType::F64, &Device::Cpu).unwrap();
        let check =
            |values: &[&Tensor]| DOWN.check_shapes((0, 2), "real", &[&[2], &[3]], &params, values.iter().copied());
        let error = check(&[&two]).unwrap_err().to_string();
        assert!(error.contains("`z[3]` to `z[2]`") && error.contains("there are 1"), "{error}");
        let error = check(&[&two, &two]).unwrap_err().to_string();
        assert!(error.contains("`z[2]` is real[3]"), "{error}");
    }
}
