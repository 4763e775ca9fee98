//! The logistic mixture of three channels.

use super::support::{list, normal};
use anyhow::{Result, ensure};
use srvae::dist::{Distribution as _, LogisticMixture};
use srvae::{Device, Tensor};

const COMPONENTS: usize = 3;

/// Logits of a mixture, the same for each of `rows` images of one pixel; the scales are between e⁻⁴ and e⁻².
fn logits(rows: usize) -> Result<Tensor> {
    let part = |seed: u64, count: usize, scale: f64, shift: f64| -> Result<Tensor> {
        Ok(((normal(seed, &[1, count, 1, 1])?.tanh()? * scale)? + shift)?)
    };
    let all = COMPONENTS * 3;
    let parts =
        [part(1, COMPONENTS, 1.0, 0.0)?, part(2, all, 0.5, 0.5)?, part(3, all, 1.0, -3.0)?, part(4, all, 0.5, 0.0)?];
    let logits = Tensor::cat(&parts, 1)?;
    Ok(logits.broadcast_as((rows, logits.dim(1)?, 1, 1))?.contiguous()?)
}

/// If a bin has less than 1e-5 of mass, its mass is approximated by the density at its middle, with an error of
/// (width/scale)²/24 < 0.2 %: over 256 bins less than 5e-6.
const BINS: f64 = 5e-6;

/// Green and blue depend on red, but their sum over all values leaves red's own mixture.
#[test]
fn a_coloured_mixture_leaves_that_of_its_first_channel() -> Result<()> {
    let (red, rows) = (97.0, 256 * 256);
    let value = |at: usize| [red, (at / 256) as f64, (at % 256) as f64].map(|level| level / 255.0);
    let grid = Tensor::from_vec((0..rows).flat_map(value).collect::<Vec<f64>>(), (rows, 3, 1, 1), &Device::Cpu)?;
    let logits = logits(rows)?;
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
