//! Distributions: they add up to one, draws follow them, closed forms agree with averages, gradients are slopes.

use super::support::{image, list, normal, params, slopes};
use anyhow::{Result, ensure};
use srvae::dist::{
    Bernoulli, Categorical, Distribution, LogisticMixture, MixtureOfNormals, Normal, StandardNormal, normal_kl,
    standard_normal_kl,
};
use srvae::{DType, Device, Draw, Noise, Tensor};

const COMPONENTS: usize = 3;

/// Rows of one value each, from -30 to 30: the sum of a grid this fine is the integral of a smooth density to many digits.
const STEP: f64 = 0.01;

fn line() -> Result<Tensor> {
    Ok(Tensor::arange_step(-30.0f64, 30.0, STEP, &Device::Cpu)?.unsqueeze(1)?)
}

fn one(log_prob: &Tensor, step: f64, tolerance: f64) -> Result<()> {
    let total = list(&log_prob.exp()?)?.into_iter().sum::<f64>() * step;
    ensure!((total - 1.0).abs() < tolerance, "{total}");
    Ok(())
}

#[test]
fn normals_add_up_to_one() -> Result<()> {
    let (line, params) = (line()?, params());
    let (mean, log_var) = ((line.ones_like()? * 0.7)?, (line.ones_like()? * -0.9)?);
    one(&Normal { mean, log_var }.log_prob(&line)?, STEP, 1e-9)?;
    one(&StandardNormal::new(&params, &[1])?.log_prob(&line)?, STEP, 1e-9)?;
    one(&MixtureOfNormals::new(&params, &[1], 4)?.log_prob(&line)?, STEP, 1e-6)
}

#[test]
fn discrete_ones_add_up_to_one() -> Result<()> {
    let values = Tensor::new(&[[0.0f64], [1.0]], &Device::Cpu)?;
    one(&Bernoulli::from_head(&(values.ones_like()? * 0.3)?)?.log_prob(&values)?, 1.0, 1e-12)?;
    let classes = Tensor::eye(5, DType::F64, &Device::Cpu)?;
    let logits = normal(1, &[1, 5])?.broadcast_as((5, 5))?.contiguous()?;
    one(&Categorical::from_head(&logits)?.log_prob(&classes)?, 1.0, 1e-12)
}

/// Logits of a mixture, the same for each of `rows` images of one pixel; the scales lie between e⁻⁴ and e⁻².
fn mixture_logits(channels: usize, rows: usize) -> Result<Tensor> {
    let part = |seed: u64, count: usize, scale: f64, shift: f64| -> Result<Tensor> {
        Ok(((normal(seed, &[1, count, 1, 1])?.tanh()? * scale)? + shift)?)
    };
    let all = COMPONENTS * channels;
    let mut parts = vec![part(1, COMPONENTS, 1.0, 0.0)?, part(2, all, 0.5, 0.5)?, part(3, all, 1.0, -3.0)?];
    if channels == 3 {
        parts.push(part(4, all, 0.5, 0.0)?);
    }
    let logits = Tensor::cat(&parts, 1)?;
    Ok(logits.broadcast_as((rows, logits.dim(1)?, 1, 1))?.contiguous()?)
}

/// Where a bin has less than 1e-5 of mass, the density at its middle stands for it, off by (width/scale)²/24 < 0.2 %: over
/// 256 bins that is less than 5e-6.
const BINS: f64 = 5e-6;

#[test]
fn a_logistic_mixture_adds_up_to_one() -> Result<()> {
    let grid = (Tensor::arange(0.0f64, 256.0, &Device::Cpu)? / 255.0)?.reshape((256, 1, 1, 1))?;
    one(&LogisticMixture::from_head(&mixture_logits(1, 256)?, COMPONENTS)?.log_prob(&grid)?, 1.0, BINS)
}

/// Green and blue depend on red, but summed out they leave red's own mixture.
#[test]
fn a_coloured_mixture_leaves_that_of_its_first_channel() -> Result<()> {
    let (red, rows) = (97.0, 256 * 256);
    let value = |at: usize| [red, (at / 256) as f64, (at % 256) as f64].map(|level| level / 255.0);
    let grid = Tensor::from_vec((0..rows).flat_map(value).collect::<Vec<f64>>(), (rows, 3, 1, 1), &Device::Cpu)?;
    let logits = mixture_logits(3, rows)?;
    let total: f64 = list(&LogisticMixture::from_head(&logits, COMPONENTS)?.log_prob(&grid)?.exp()?)?.into_iter().sum();

    let logits = logits.narrow(0, 0, 1)?;
    let every_third = |start: usize| -> Result<Tensor> {
        let picks: Vec<u32> = (0..COMPONENTS).map(|k| (start + 3 * k) as u32).collect();
        Ok(logits.index_select(&Tensor::from_vec(picks, COMPONENTS, &Device::Cpu)?, 1)?)
    };
    let (means, scales) = (every_third(COMPONENTS)?, every_third(4 * COMPONENTS)?);
    let first = Tensor::cat(&[&logits.narrow(1, 0, COMPONENTS)?, &means, &scales], 1)?;
    let value = Tensor::new(&[[[[red / 255.0]]]], &Device::Cpu)?;
    let alone = list(&LogisticMixture::from_head(&first, COMPONENTS)?.log_prob(&value)?.exp()?)?[0];
    ensure!((total / alone - 1.0).abs() < 2.0 * BINS / alone.min(1.0), "{total} and {alone}");
    Ok(())
}

/// Pearson's statistic of draws against probabilities, over bins of at least five expected draws; for so many degrees of
/// freedom it stays within six standard deviations of their number but for one seed in 10⁸.
fn follows(counts: &[f64], probabilities: &[f64]) -> Result<()> {
    let draws: f64 = counts.iter().sum();
    let bins: Vec<_> = counts.iter().zip(probabilities).filter(|(_, p)| *p * draws >= 5.0).collect();
    let statistic: f64 = bins.iter().map(|(count, p)| (*count - *p * draws).powi(2) / (*p * draws)).sum();
    let freedom = bins.len() as f64;
    ensure!(statistic < freedom + 6.0 * (2.0 * freedom).sqrt(), "{statistic} for {freedom} degrees of freedom");
    Ok(())
}

#[test]
fn draws_of_a_logistic_mixture_follow_it() -> Result<()> {
    let (side, grid) = (160, (Tensor::arange(0.0f64, 256.0, &Device::Cpu)? / 255.0)?.reshape((256, 1, 1, 1))?);
    let probabilities = LogisticMixture::from_head(&mixture_logits(1, 256)?, COMPONENTS)?.log_prob(&grid)?.exp()?;
    let logits = mixture_logits(1, 1)?;
    let logits = logits.broadcast_as((1, logits.dim(1)?, side, side))?.contiguous()?;
    let mixture = LogisticMixture::from_head(&logits, COMPONENTS)?;
    let mut counts = vec![0.0; 256];
    for value in list(&mixture.sample("x", &mut Noise::seeded(5), &Draw::default())?)? {
        counts[(value * 255.0).round() as usize] += 1.0;
    }
    follows(&counts, &list(&probabilities)?)
}

#[test]
fn draws_of_classes_follow_them() -> Result<()> {
    let (rows, logits) = (20_000, normal(6, &[1, 6])?);
    let probabilities = (logits.exp()?.broadcast_div(&logits.exp()?.sum_keepdim(1)?))?;
    let drawn = Categorical::from_head(&logits.broadcast_as((rows, 6))?.contiguous()?)?;
    let counts = drawn.sample("c", &mut Noise::seeded(7), &Draw::default())?.sum(0)?;
    follows(&list(&counts)?, &list(&probabilities)?)?;
    let coin = Bernoulli::from_head(&Tensor::full(0.4f64, (rows, 1), &Device::Cpu)?)?;
    let heads: f64 = list(&coin.sample("b", &mut Noise::seeded(8), &Draw::default())?)?.into_iter().sum();
    let p = 1.0 / (1.0 + (-0.4f64).exp());
    follows(&[heads, rows as f64 - heads], &[p, 1.0 - p])
}

/// Mean and variance of 40,000 draws lie within five of their standard errors.
#[test]
fn draws_of_normals_follow_them() -> Result<()> {
    let rows = 40_000;
    let normal = Normal {
        mean: Tensor::full(0.7f64, (rows, 1), &Device::Cpu)?,
        log_var: Tensor::full(-0.9f64, (rows, 1), &Device::Cpu)?,
    };
    let values = list(&normal.sample("z", &mut Noise::seeded(9), &Draw::default())?)?;
    let (count, deviation) = (rows as f64, (-0.45f64).exp());
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    ensure!((mean - 0.7).abs() < 5.0 * deviation / count.sqrt(), "mean {mean}");
    ensure!((variance / deviation.powi(2) - 1.0).abs() < 5.0 * (2.0 / count).sqrt(), "variance {variance}");
    Ok(())
}

fn pair(rows: usize) -> Result<(Normal, Normal)> {
    let part = |seed| -> Result<Tensor> { Ok(normal(seed, &[1, 4])?.broadcast_as((rows, 4))?.contiguous()?) };
    Ok((Normal { mean: part(1)?, log_var: part(2)? }, Normal { mean: part(3)?, log_var: part(4)? }))
}

/// The closed form lies within five standard errors of the average of log q − log p over draws from q.
#[test]
fn closed_forms_agree_with_averages() -> Result<()> {
    let rows = 40_000;
    let ((q, p), standard) = (pair(rows)?, StandardNormal::new(&params(), &[4])?);
    let z = q.sample("z", &mut Noise::seeded(10), &Draw::default())?;
    for (exact, log_p) in
        [(normal_kl(&q, &p)?, p.log_prob(&z)?), (standard_normal_kl(&q, &standard)?, standard.log_prob(&z)?)]
    {
        let (exact, each) = (list(&exact)?[0], list(&(q.log_prob(&z)? - log_p)?)?);
        let mean = each.iter().sum::<f64>() / rows as f64;
        let variance = each.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / rows as f64;
        ensure!((mean - exact).abs() < 5.0 * (variance / rows as f64).sqrt(), "{mean} on average, exactly {exact}");
        ensure!(exact > 0.0);
    }
    ensure!(list(&normal_kl(&q, &q)?)?[0].abs() < 1e-12, "of a distribution from itself");
    Ok(())
}

#[test]
fn gradients_are_slopes() -> Result<()> {
    let params = params();
    let x = image(11, &[2, 3, 3, 2])?;
    slopes(&params, &normal(12, &[2, 10 * COMPONENTS, 3, 2])?, |logits| {
        Ok(LogisticMixture::from_head(logits, COMPONENTS)?.log_prob(&x)?)
    })?;
    let z = normal(13, &[2, 4, 3, 1])?;
    slopes(&params, &normal(14, &[2, 8, 3, 1])?, |head| Ok(Normal::from_head(head)?.log_prob(&z)?))?;
    slopes(&params, &normal(15, &[2, 8, 3, 1])?, |head| {
        let p = Normal { mean: z.clone(), log_var: (&z * 0.3)? };
        Ok(normal_kl(&Normal::from_head(head)?, &p)?)
    })?;
    slopes(&params, &normal(16, &[3, 5])?, |logits| {
        Ok(Bernoulli::from_head(logits)?.log_prob(&logits.detach().gt(0.1)?.to_dtype(DType::F64)?)?)
    })?;
    let classes = Tensor::eye(5, DType::F64, &Device::Cpu)?;
    slopes(&params, &normal(17, &[5, 5])?, |logits| Ok(Categorical::from_head(logits)?.log_prob(&classes)?))?;
    let prior = MixtureOfNormals::new(&params, &[4], 3)?;
    slopes(&params, &normal(18, &[3, 4])?, |z| Ok(prior.log_prob(z)?))
}
