//! The mean of several distributions of each row: a mixture of experts (Shi et al. 2019).

use super::through::log_sum_exp;
use super::{Distribution, batched};
use crate::{Draw, Noise, Result, Tensor, ops};

/// The logarithm of the share of a component that a row does not have: its exponential is 0, and sums with it are finite.
const NEVER: f64 = -1e30;

/// p(z) = (1/M) Σ_m p_m(z), for each row over the components that it has.
pub struct OneOf {
    components: Vec<Box<dyn Distribution>>,
    /// ln of each component's share, `[M, N]`; none where every row has all of them.
    shares: Option<Tensor>,
}

impl OneOf {
    /// Of components of the same rows, each with presences `[N]`: it drops out of the rows in which one of these is 0. A row that
    /// has no component left has all of them.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn new(components: &[(&dyn Distribution, &[&Tensor])]) -> Result<Self> {
        let presences: Vec<&[&Tensor]> = components.iter().map(|(_, presences)| *presences).collect();
        let shares = present(&presences)?.map(|present| logarithms(&present)).transpose()?;
        let components = components.iter().map(|(component, _)| component.repeat(1)).collect::<Result<_>>()?;
        Ok(Self { components, shares })
    }

    /// What `of` makes of each component.
    fn each(&self, mut of: impl FnMut(&dyn Distribution) -> Result<Tensor>) -> Result<Vec<Tensor>> {
        self.components.iter().map(|component| of(&**component)).collect()
    }

    /// Numbers of the components, `[M, N]`, each with the logarithm of its share added.
    fn weighted(&self, numbers: &Tensor) -> Result<Tensor> {
        match &self.shares {
            Some(shares) => numbers + shares,
            None => numbers - (self.components.len() as f64).ln(),
        }
    }

    /// Of each row the value of one component: that with the greatest score, `[M, N]`, of those that the row has.
    fn pick(&self, values: &[Tensor], scores: &Tensor) -> Result<Tensor> {
        let scores = match &self.shares {
            Some(shares) => (scores + shares.lt(NEVER / 2.0)?.to_dtype(scores.dtype())?.affine(NEVER, 0.0)?)?,
            None => scores.clone(),
        };
        let rows = scores.dim(1)?;
        let picked: Vec<u32> = scores.argmax(0)?.to_vec1()?;
        let places = picked.into_iter().enumerate().map(|(row, component)| component * rows as u32 + row as u32);
        let places = Tensor::from_vec(places.collect::<Vec<u32>>(), rows, scores.device())?;
        Tensor::cat(values, 0)?.index_select(&places, 0)
    }
}

impl Distribution for OneOf {
    /// ln Σ_m w_m p_m(z), w_m the share of component m.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        log_sum_exp(&self.weighted(&Tensor::stack(&self.each(|component| component.log_prob(value))?, 0)?)?)
    }

    /// A draw of every component for each row, of which one is taken; the mean if there is no noise that could choose.
    fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
        if noise.is_none() {
            return self.mean();
        }
        let drawn = self.each(|component| component.sample(name, noise, draw))?;
        let Some(first) = drawn.first() else { candle_core::bail!("a mixture of no components has no draws") };
        // A row of the noise is a row of the batch.
        let scores = noise.uniform(name, &[first.dim(0)?, drawn.len()], first.dtype(), first.device())?;
        self.pick(&drawn, &scores.t()?.contiguous()?)
    }

    /// Of the components' modes the likeliest.
    fn mode(&self) -> Result<Tensor> {
        let modes = self.each(|component| component.mode())?;
        let scores = modes.iter().map(|mode| self.log_prob(mode)).collect::<Result<Vec<_>>>()?;
        self.pick(&modes, &Tensor::stack(&scores, 0)?)
    }

    fn mean(&self) -> Result<Tensor> {
        let means = Tensor::stack(&self.each(|component| component.mean())?, 0)?;
        match &self.shares {
            Some(shares) => {
                let mut shape = vec![1; means.rank()];
                shape[..2].copy_from_slice(shares.dims());
                (&means * shares.exp()?.reshape(shape)?.broadcast_as(means.shape())?)?.sum(0)
            }
            None => means.mean(0),
        }
    }

    fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
        let components = self.components.iter().map(|component| component.repeat(samples)).collect::<Result<_>>()?;
        // Row k·N + n is row n.
        let shares =
            self.shares.as_ref().map(|shares| ops::repeat(&shares.t()?.contiguous()?, samples)?.t()?.contiguous());
        Ok(Box::new(Self { components, shares: shares.transpose()? }))
    }
}

/// ln of the share that the component `of` of each of V blocks of N draws, `[V·N, …]`, has in an average over all components,
/// `[V·N]`. The presences of each component are `[N]`.
///
/// # Errors
/// Shapes that differ.
pub fn shares(presences: &[&[&Tensor]], of: &[u32], draws: &Tensor) -> Result<Tensor> {
    match present(presences)? {
        Some(present) => {
            let of = Tensor::new(of, draws.device())?;
            logarithms(&present)?.to_dtype(draws.dtype())?.index_select(&of, 0)?.flatten_all()
        }
        None => {
            let each = -(presences.len() as f64).ln();
            Tensor::full(each, batched(draws.dim(0)?, &[]), draws.device())?.to_dtype(draws.dtype())
        }
    }
}

/// 1 where a row has a component, else 0, `[M, N]`; a row without any has all. None where nothing can be missing.
fn present(presences: &[&[&Tensor]]) -> Result<Option<Tensor>> {
    let Some(like) = presences.iter().copied().flatten().next() else { return Ok(None) };
    let mut each = Vec::with_capacity(presences.len());
    for own in presences {
        each.push(own.iter().try_fold(like.ones_like()?, |all, one| all * *one)?);
    }
    let each = Tensor::stack(&each, 0)?;
    let none = each.sum_keepdim(0)?.lt(0.5)?.broadcast_as(each.shape())?.contiguous()?;
    Ok(Some(none.where_cond(&each.ones_like()?, &each)?))
}

/// ln of the shares: those that a row has are as likely as each other.
fn logarithms(present: &Tensor) -> Result<Tensor> {
    let share = present.sum_keepdim(0)?.log()?.neg()?.broadcast_as(present.shape())?.contiguous()?;
    present.gt(0.5)?.where_cond(&share, &share.affine(0.0, NEVER)?)
}

#[cfg(test)]
mod tests {
    use super::{Distribution, OneOf, shares};
    use crate::{Device, Draw, Noise, Result, Tensor};

    /// N(mean, 1) of one number.
    struct Unit(Tensor);

    impl Distribution for Unit {
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            let apart = (value - &self.0)?.sqr()?.flatten_all()?;
            apart.affine(-0.5, -0.5 * std::f64::consts::TAU.ln())
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            &self.0 + noise.normal(name, self.0.dims(), self.0.dtype(), self.0.device())?
        }

        fn mode(&self) -> Result<Tensor> {
            Ok(self.0.clone())
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self(crate::ops::repeat(&self.0, samples)?)))
        }
    }

    fn column(numbers: &[f64]) -> Result<Tensor> {
        Tensor::new(numbers, &Device::Cpu)?.reshape((numbers.len(), 1))
    }

    fn row(numbers: &[f64]) -> Result<Tensor> {
        Tensor::new(numbers, &Device::Cpu)
    }

    /// N(x | m, 1).
    fn normal(x: f64, mean: f64) -> f64 {
        (-0.5 * (x - mean).powi(2)).exp() / std::f64::consts::TAU.sqrt()
    }

    const MEANS: [[f64; 4]; 2] = [[-2.0, 0.5, 1.0, 3.0], [2.0, 4.5, -1.0, -3.0]];
    /// Rows with both components, the first, the second, and neither.
    const HAS: [[f64; 4]; 2] = [[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]];
    /// The shares that follow.
    const SHARES: [[f64; 4]; 2] = [[0.5, 1.0, 0.0, 0.5], [0.5, 0.0, 1.0, 0.5]];

    #[test]
    fn the_density_is_the_mean_of_those_that_a_row_has() -> Result<()> {
        let (first, second) = (Unit(column(&MEANS[0])?), Unit(column(&MEANS[1])?));
        let (here, there) = (row(&HAS[0])?, row(&HAS[1])?);
        let all = OneOf::new(&[(&first, &[]), (&second, &[])])?;
        let some = OneOf::new(&[(&first, &[&here]), (&second, &[&there])])?;
        let values = [0.25, -1.0, 2.0, 0.75];
        let [all, some] =
            [all, some].map(|of| of.log_prob(&column(&values).unwrap()).unwrap().to_vec1::<f64>().unwrap());
        for (at, x) in values.into_iter().enumerate() {
            let each = [0, 1].map(|m| normal(x, MEANS[m][at]));
            // Rounding of a sum of two.
            assert!((all[at].exp() - (each[0] + each[1]) / 2.0).abs() < 1e-15);
            assert!((some[at].exp() - SHARES[0][at] * each[0] - SHARES[1][at] * each[1]).abs() < 1e-15);
        }
        let copies = OneOf::new(&[(&first, &[&here]), (&second, &[&there])])?.repeat(2)?;
        let doubled = copies.log_prob(&column(&[values, values].concat())?)?.to_vec1::<f64>()?;
        assert_eq!(doubled, [some.clone(), some].concat());
        Ok(())
    }

    #[test]
    fn shares_add_up_to_one_for_every_row() -> Result<()> {
        let (here, there) = (row(&HAS[0])?, row(&HAS[1])?);
        let draws = column(&[0.0; 8])?;
        let found = shares(&[&[&here], &[&there]], &[0, 1], &draws)?.exp()?.to_vec1::<f64>()?;
        assert_eq!(found, SHARES.concat());
        assert_eq!(shares(&[&[], &[]], &[0, 1], &draws)?.exp()?.to_vec1::<f64>()?, [0.5; 8]);
        // Combinations with the values of another variable.
        let (of, draws) = ([0, 1, 0, 1], column(&[0.0; 16])?);
        let found = shares(&[&[&here], &[&there]], &of, &draws)?.exp()?.to_vec1::<f64>()?;
        assert_eq!(found, SHARES.concat().repeat(2));
        Ok(())
    }

    #[test]
    fn draws_are_of_components_that_the_row_has() -> Result<()> {
        let rows = 4000;
        let far = |mean: f64| column(&vec![mean; rows]);
        let (first, second) = (Unit(far(-100.0)?), Unit(far(100.0)?));
        let has = row(&(0..rows).map(|at| f64::from(u8::from(at % 2 == 0))).collect::<Vec<_>>())?;
        let of = OneOf::new(&[(&first, &[]), (&second, &[&has])])?;
        let drawn = of.sample("z", &mut Noise::seeded(3), &Draw::default())?.flatten_all()?.to_vec1::<f64>()?;
        let of_second = |odd: usize| drawn.iter().skip(odd).step_by(2).filter(|value| **value > 0.0).count();
        // Of 2,000 rows half, give or take five standard deviations of √500.
        assert!(of_second(1) == 0 && of_second(0).abs_diff(1000) < 112, "{} and {}", of_second(0), of_second(1));
        let means = of.mean()?.flatten_all()?.to_vec1::<f64>()?;
        assert_eq!(means[..2], [0.0, -100.0]);
        let still = of.sample("z", &mut Noise::none(), &Draw::default())?.flatten_all()?.to_vec1::<f64>()?;
        assert_eq!(still, means);
        assert_eq!(of.mode()?.flatten_all()?.to_vec1::<f64>()?[1], -100.0);
        Ok(())
    }
}
