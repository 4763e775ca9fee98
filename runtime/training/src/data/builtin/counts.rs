//! Counts as in single-cell sequencing: few molecules of each of many genes, in batches.

use super::table::{Use, normal, random};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};

/// The dispersion θ of the counts (negative binomial): their variance is mean + mean²/θ.
const THETA: f32 = 4.0;
/// The mean number of molecules per gene and cell.
const DEPTH: f32 = 3.0;
/// Kinds of cells. Each kind has its own expressed genes.
pub const KINDS: usize = 5;

/// The counts of a cell. `class` is its batch, which scales every gene by a separate factor. The kind follows from the
/// record.
pub fn cell(genes: usize, index: usize, view: usize, class: usize) -> Vec<f32> {
    let kind = kind(index);
    let mut chance = random(Use::Record, index, view + 5000);
    let size = (0.3 * normal(&mut chance)).exp();
    let count = |gene: usize| {
        let of = |what: usize| normal(&mut random(Use::Rule, gene, view + 5000 + what));
        let log_mean = 0.8 * of(0) + 0.8 * of(1 + kind) + 0.3 * of(100 + class);
        negative_binomial(DEPTH * size * (log_mean - 0.6).exp(), &mut chance)
    };
    (0..genes).map(count).collect()
}

/// The kind of a record's cell.
pub fn kind(index: usize) -> usize {
    // Every batch has cells of every kind.
    (index / super::CLASSES + index) % KINDS
}

/// A Poisson variable whose rate is a draw of a gamma variable.
fn negative_binomial(mean: f32, chance: &mut ChaCha8Rng) -> f32 {
    let rate = Gamma::new(THETA, mean / THETA).map_or(mean, |rates| rates.sample(chance));
    Poisson::new(rate.max(1e-6)).map_or(0.0, |counts| counts.sample(chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of 20,000 draws, within five standard errors.
    #[test]
    fn counts_have_the_moments_of_a_negative_binomial() {
        let mut chance = random(Use::Record, 1, 0);
        let draws: Vec<f64> = (0..20_000).map(|_| f64::from(negative_binomial(6.0, &mut chance))).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 20_000.0;
        // 6 + 36/4 = 15; the fourth moment makes the standard error of the variance about 0.24.
        assert!((mean - 6.0).abs() < 5.0 * (15.0f64 / 20_000.0).sqrt(), "{mean}");
        assert!((variance - 15.0).abs() < 1.2, "{variance}");
        assert!(draws.iter().all(|count| count.fract() == 0.0 && *count >= 0.0));
    }
}
