//! Parameters stated in a model are used unchanged: the clamps on a network's output do not apply to them.

use super::support::params;
use anyhow::{Context, Result, ensure};
use srvae::candle_core::{Device, Tensor};
use srvae::{BoundOptions, Noise, Settings, Values, interpret};

/// Space, density, value, and its log-density by scipy, or by mpmath with 50 digits for pixels.
const SMALL: &[(&str, &str, f64, f64)] = &[
    ("real", "normal(mean: 0.5, std: 0.01)", 0.515, 2.561231652783416),
    ("real", "laplace(mean: 0.5, scale: 0.01)", 0.515, 2.412023005428144),
    ("real", "logistic(mean: 0.5, scale: 0.01)", 0.515, 2.702343630022585),
    ("real", "student_t(df: 3, mean: 0.5, scale: 0.01)", 0.515, 2.4850497604937343),
    ("real", "low_rank_normal(mean: 0.5, std: 0.01, factor: 0.006999999999999999)", 0.515, 2.7318100357577535),
    ("positive", "exponential(scale: 0.01)", 0.015, 3.105170185988091),
    ("positive", "gamma(concentration: 2, scale: 0.01)", 0.015, 3.5106352940962555),
    ("real", "normal(mean: 0.5, std: 0.001)", 0.5015, 4.863816745777545),
    ("real", "laplace(mean: 0.5, scale: 0.001)", 0.5015, 4.714608098422246),
    ("real", "logistic(mean: 0.5, scale: 0.001)", 0.5015, 5.004928723016667),
    ("real", "student_t(df: 3, mean: 0.5, scale: 0.001)", 0.5015, 4.787634853487844),
    ("real", "low_rank_normal(mean: 0.5, std: 0.001, factor: 0.0007)", 0.5015, 5.034395128751855),
    ("positive", "exponential(scale: 0.001)", 0.0015, 5.407755278982137),
    ("positive", "gamma(concentration: 2, scale: 0.001)", 0.0015, 5.813220387090301),
    ("real", "normal(mean: 0.5, std: 50.0)", 75.5, -5.955961538632819),
    ("real", "laplace(mean: 0.5, scale: 50.0)", 75.5, -6.105170185988092),
    ("real", "logistic(mean: 0.5, scale: 50.0)", 75.5, -5.81484956139365),
    ("real", "student_t(df: 3, mean: 0.5, scale: 50.0)", 75.5, -6.032143430922501),
    ("real", "low_rank_normal(mean: 0.5, std: 50.0, factor: 35.0)", 75.5, -5.785383155658482),
    ("positive", "exponential(scale: 50.0)", 75.0, -5.412023005428146),
    ("positive", "gamma(concentration: 2, scale: 50.0)", 75.0, -5.006557897319982),
    ("positive", "exponential(scale: 1e-08)", 1.5e-08, 16.920680743952367),
    ("count", "binomial(trials: 12, probs: 0.3)", 5.0, -1.8420272373863824),
    ("count", "binomial(trials: 12, probs: 0.3)", 12.0, -14.447673651911234),
    ("count", "binomial(trials: 1, probs: 0.999)", 0.0, -6.907755278982136),
    ("count", "binomial(trials: 0, probs: 0.4)", 0.0, 0.0),
    ("count", "binomial(trials: 100000, probs: 0.002)", 231.0, -5.931346390123679),
    ("image", "discretised_normal(mean: 0.49, std: 0.0005)", 0.5019607843137255, -203.91715537109727),
    ("image", "discretised_logistic(mean: 0.49, scale: 0.0005)", 0.5019607843137255, -20.000392515020916),
];
/// The same if the log-density is a small difference of terms of about 1e9.
const LARGE: &[(&str, &str, f64, f64)] = &[
    ("positive", "gamma(concentration: 5e7, rate: 5e7)", 1.0001, 7.694744929092188),
    ("unit", "beta(alpha: 5e7, beta: 5e7)", 0.50003, 8.804549276828766),
    ("count", "poisson(rate: 1e7)", 10003000.0, -9.428091317415237),
    ("count", "binomial(trials: 3000000, probs: 0.7)", 2100500.0, -7.793951067375019),
    ("count", "negative_binomial(mean: 2e7, dispersion: 1e8)", 20003000.0, -9.603297404944897),
];

/// The log-density of a value in a model with one factor.
fn log_density(space: &str, density: &str, value: f64) -> Result<f64> {
    let shape: &[usize] = if space == "image" { &[1, 1, 1, 1] } else { &[1, 1] };
    let sizes = if space == "image" { "1, 1, 1" } else { "1" };
    let text = format!("model stated\nobserved x: {space}[{sizes}]\np(x) = {density}\n");
    let model = interpret::builder("stated.pgm", &text).build(&Settings::new(), &params())?;
    let data = Values::new().with("x", Tensor::from_vec(vec![value], shape, &Device::Cpu)?);
    let terms = model.bound(&data, &mut Noise::seeded(1), &BoundOptions::default())?;
    let term = terms.terms.first().context("no term")?;
    Ok(term.value.sum_all()?.to_scalar::<f64>()?)
}

#[test]
fn stated_parameters_are_taken_as_they_are() -> Result<()> {
    // Rounding of a few operations, and rounding of terms of 1e9.
    for (cases, tolerance) in [(SMALL, 1e-10), (LARGE, 1e-6)] {
        for (space, density, value, wanted) in cases {
            let found = log_density(space, density, *value).with_context(|| (*density).to_owned())?;
            ensure!((found - wanted).abs() < tolerance * (1.0 + wanted.abs()), "{density}: {found}, not {wanted}");
        }
    }
    Ok(())
}

/// Trials and successes of the data, and the sum of the log-masses of each record by scipy: binom.logpmf(x, n, 0.3) and, for twice as many
/// trials and one, 0.6. More successes than trials have probability 0.
#[test]
fn trials_come_from_the_data() -> Result<()> {
    const ROWS: [[f64; 2]; 5] = [[5.0, 2.0], [12.0, 12.0], [1.0, 0.0], [0.0, 0.0], [3.0, 4.0]];
    let text = "model trials\ngiven n: count[1]\nobserved x: count[1]\nobserved y: count[1]\n\
                p(x | n) = binomial(trials: n, probs: 0.3)\np(y | n) = binomial(trials: 2 * n + 1, probs: 0.6)\n";
    let model = interpret::builder("trials.pgm", text).build(&Settings::new(), &params())?;
    let column = |at: usize| Tensor::from_vec(ROWS.map(|row| row[at]).to_vec(), (ROWS.len(), 1), &Device::Cpu);
    let data = Values::new().with("n", column(0)?).with("x", column(1)?).with("y", column(1)?);
    let terms = model.bound(&data, &mut Noise::seeded(1), &BoundOptions::default())?;
    let wanted: [(&str, [f64; 5]); 2] = [
        ("RE_x", [-1.1753853474740241, -14.447673651911234, -0.35667494393873245, 0.0, f64::NEG_INFINITY]),
        ("RE_y", [-5.260934649166904, -2.577460125360693, -2.748872195622465, -0.916290731874155, -1.2368266291970138]),
    ];
    for (name, wanted) in wanted {
        let term = terms.terms.iter().find(|term| term.name == name).context("no such term")?;
        let found = term.value.flatten_all()?.to_vec1::<f64>()?;
        let near =
            |(found, wanted): (&f64, &f64)| found == wanted || (found - wanted).abs() < 1e-10 * (1.0 + wanted.abs());
        ensure!(found.iter().zip(&wanted).all(near), "{}: {found:?}, not {wanted:?}", term.name);
    }
    Ok(())
}

/// A head whose parameters come from the channels of `c`, by the file's shapes and the numbers: given ones lie between, before and behind
/// those of the network.
#[test]
fn the_network_yields_the_parameters_that_are_not_stated() -> Result<()> {
    const CASES: &[(usize, &str, &str)] = &[
        (
            9,
            "student_t from c",
            "student_t(mean: c |> channels(3, 6)) from concat(c |> channels(0, 3), c |> channels(6))",
        ),
        (
            14,
            "normal_mixture(components: 2) from c",
            "normal_mixture(components: 2, means: c |> channels(2, 8)) from concat(c |> channels(0, 2), c |> channels(8))",
        ),
        (9, "multivariate_normal from c", "multivariate_normal(mean: c |> channels(0, 3)) from c |> channels(3)"),
        (9, "multivariate_normal from c", "multivariate_normal(cholesky: c |> channels(3)) from c |> channels(0, 3)"),
    ];
    let term = |sizes: &str, channels: usize, head: &str| -> Result<f64> {
        let text = format!(
            "model parts\nparam size = 3\ngiven c: real[{channels}]\nobserved x: real[{sizes}]\np(x | c) = {head}\n"
        );
        let model = interpret::builder("parts.pgm", &text).build(&Settings::new(), &params())?;
        let values = |count: usize, scale: f64| {
            let each: Vec<f64> = (0..count).map(|at| scale * (1.0 + at as f64).sin()).collect();
            Tensor::from_vec(each, (1, count), &Device::Cpu)
        };
        let data = Values::new().with("x", values(3, 1.3)?).with("c", values(channels, 0.9)?);
        let terms = model.bound(&data, &mut Noise::seeded(1), &BoundOptions::default())?;
        Ok(terms.terms.first().context("no term")?.value.sum_all()?.to_scalar::<f64>()?)
    };
    for (channels, whole, parts) in CASES {
        let sizes = if whole.starts_with("multi") { "3" } else { "size" };
        let (whole, found) = (term(sizes, *channels, whole)?, term(sizes, *channels, parts).context(*parts)?);
        ensure!(whole == found && whole.is_finite(), "{parts}: {found}, not {whole}");
    }
    Ok(())
}
