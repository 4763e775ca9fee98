//! Nothing is broadcast into a log-probability: a value that would fit by broadcasting is an error that names both shapes.

use super::support::{normal, params};
use anyhow::{Result, ensure};
use srvae::Tensor;
use srvae::dist::{
    Bernoulli, Categorical, Distribution, LogisticMixture, MixtureOfNormals, Normal, StandardNormal, normal_kl,
};

fn refused(name: &str, outcome: srvae::Result<Tensor>, shapes: [&[usize]; 2]) -> Result<()> {
    let Err(error) = outcome else { anyhow::bail!("{name} broadcast {shapes:?}") };
    let message = error.to_string();
    for shape in shapes {
        ensure!(message.contains(&format!("{shape:?}")), "{name} does not name {shape:?}: {message}");
    }
    Ok(())
}

#[test]
fn a_value_that_would_broadcast_is_refused() -> Result<()> {
    let (params, row, column) = (params(), normal(1, &[1, 4])?, normal(2, &[3, 1])?);
    let of = |value: &Tensor| Normal { mean: value.clone(), log_var: value.clone() };
    refused("a normal", of(&row).log_prob(&column), [&[1, 4], &[3, 1]])?;
    refused("a divergence", normal_kl(&of(&row), &of(&column)), [&[1, 4], &[3, 1]])?;
    refused("Bernoulli", Bernoulli::from_head(&row)?.log_prob(&column), [&[1, 4], &[3, 1]])?;
    refused("a categorical", Categorical::from_head(&row)?.log_prob(&column), [&[1, 4], &[3, 1]])?;
    refused("a standard normal", StandardNormal::new(&params, &[4])?.log_prob(&column), [&[4], &[3, 1]])?;
    refused("a mixture of normals", MixtureOfNormals::new(&params, &[4], 2)?.log_prob(&column), [&[4], &[3, 1]])?;
    let logits = normal(3, &[1, 20, 4, 4])?;
    let mixture = LogisticMixture::from_head(&logits, 2)?;
    refused("a logistic mixture", mixture.log_prob(&normal(4, &[2, 3, 4, 4])?), [&[2, 3, 4, 4], &[1, 20, 4, 4]])?;
    refused("a logistic mixture", mixture.log_prob(&normal(5, &[1, 1, 4, 4])?), [&[1, 1, 4, 4], &[1, 20, 4, 4]])
}
