//! A prior that is the mean of q at learned values, compared with the same mixture written explicitly.

use srvae::dist::{Distribution, Mixture, Normal};
use srvae::interpret;
use srvae::{BoundOptions, DType, Device, Draw, Noise, Params, Settings, Tensor, Values};

/// Rounding of sums of a few numbers of about 10 in f64.
const ROUNDING: f64 = 1e-11;

fn tensor(numbers: Vec<f64>, shape: &[usize]) -> Tensor {
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn log_normal(z: f64, mean: f64, log_var: f64) -> f64 {
    -0.5 * ((z - mean).powi(2) / log_var.exp() + log_var + (2.0 * std::f64::consts::PI).ln())
}

/// Means and log-variances of three components over the line.
const COMPONENTS: [(f64, f64); 3] = [(-2.0, -1.0), (0.5, 0.3), (3.0, -2.5)];

fn density(z: f64) -> f64 {
    COMPONENTS.iter().map(|(mean, log_var)| log_normal(z, *mean, *log_var).exp()).sum::<f64>() / 3.0
}

fn mixture() -> Mixture {
    let head = COMPONENTS.iter().flat_map(|(mean, log_var)| [*mean, *log_var]).collect();
    Mixture::new(Normal::from_head(&tensor(head, &[3, 2])).unwrap(), 3)
}

#[test]
fn the_density_is_the_mean_of_its_components_and_adds_up_to_one() {
    let (count, step) = (3000, 0.01);
    let grid: Vec<f64> = (0..count).map(|at| f64::from(at - count / 2) * step).collect();
    let logs = numbers(&mixture().log_prob(&tensor(grid.clone(), &[count as usize, 1])).unwrap());
    for (z, log) in grid.iter().zip(&logs) {
        assert!((log - density(*z).ln()).abs() < ROUNDING * (1.0 + log.abs()), "{z}: {log}");
    }
    // The midpoint rule is exact up to rounding for normals this wide.
    let total = logs.iter().map(|log| log.exp()).sum::<f64>() * step;
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    // A value far from every component keeps its precision.
    let far = numbers(&mixture().log_prob(&tensor(vec![400.0], &[1, 1])).unwrap())[0];
    let wanted = log_normal(400.0, 0.5, 0.3) - 3f64.ln();
    // Rounding.
    assert!((far / wanted - 1.0).abs() < 1e-12, "{far} {wanted}");
}

#[test]
fn many_values_are_scored_part_by_part() {
    let values: Vec<f64> = (0..1_500_000).map(|at| f64::from(at % 1000) * 0.01 - 5.0).collect();
    let logs = numbers(&mixture().log_prob(&tensor(values.clone(), &[values.len(), 1])).unwrap());
    let few = numbers(&mixture().log_prob(&tensor(values[..1000].to_vec(), &[1000, 1])).unwrap());
    assert!(logs.chunks(1000).all(|part| part == few));
}

/// χ² of draws over cells of equal width: 25 degrees of freedom, and a larger value has a probability of 1 in 10,000.
#[test]
fn draws_follow_the_density() {
    const DRAWS: usize = 20_000;
    let drawn = mixture().expand(DRAWS).unwrap();
    let drawn = numbers(&drawn.sample("z", &mut Noise::seeded(3), &Draw::default()).unwrap());
    let (low, width, cells) = (-4.5, 0.35, 25usize);
    let mut counts = vec![0f64; cells + 1];
    for z in &drawn {
        let cell = ((z - low) / width).floor();
        let cell = if (0.0..cells as f64).contains(&cell) { cell as usize } else { cells };
        counts[cell] += 1.0;
    }
    let mass = |cell: usize| -> f64 {
        (0..200).map(|at| density(low + width * (cell as f64 + (f64::from(at) + 0.5) / 200.0)) * width / 200.0).sum()
    };
    let mut masses: Vec<f64> = (0..cells).map(mass).collect();
    masses.push(1.0 - masses.iter().sum::<f64>());
    let statistic: f64 = counts
        .iter()
        .zip(&masses)
        .map(|(count, mass)| (count - mass * DRAWS as f64).powi(2) / (mass * DRAWS as f64))
        .sum();
    assert!(statistic < 60.14, "{statistic}");
}

#[test]
fn mode_and_mean() {
    let mixture = mixture().expand(2).unwrap();
    assert_eq!(numbers(&mixture.mode().unwrap()), [3.0, 3.0]);
    // The last digit of a sum of two numbers.
    assert!(numbers(&mixture.mean().unwrap()).iter().all(|mean| (mean - 0.5).abs() < 1e-15));
}

const TEXT: &str = "model m
index k in 1..4
observed x: real[3]
latent z: real[1]
learned w[k]: real[3]
p(z) = mixture of q(z | x: w[k]) for k in 1..4
p(x | z) = normal(std: 0.5) from z |> linear
q(z | x) = normal(mean: x |> linear, log_var: 0.3 * (x |> linear(out: 1)))
";

/// The term of a model is ln q − ln p at the draw, where p is the mixture with the model's parameters.
#[test]
fn the_term_of_a_model_is_that_of_the_mixture_written_out() {
    let params = Params::new(3, DType::F64, &Device::Cpu);
    let model = interpret::builder("m.pgm", TEXT).build(&Settings::new(), &params).unwrap();
    let mut found = std::collections::BTreeMap::new();
    for (name, var) in params.entries() {
        let seed = name.bytes().fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let value = Noise::seeded(seed).normal(&name, var.dims(), DType::F64, &Device::Cpu).unwrap();
        var.set(&value).unwrap();
        found.insert(name, numbers(&value));
    }
    params.touch();
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let one = |part: &str, ending: &str| -> Vec<f64> {
        let name = names.iter().find(|name| name.contains(part) && name.ends_with(ending));
        found[*name.unwrap_or_else(|| panic!("no {part} {ending} in {names:?}"))].clone()
    };
    let affine = |part: &str, x: &[f64]| -> f64 {
        let (v, g, bias) = (one(part, "weight_v"), one(part, "weight_g"), one(part, "bias"));
        let length = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        v.iter().zip(x).map(|(v, x)| g[0] * v / length * x).sum::<f64>() + bias[0]
    };
    let q = |x: &[f64]| (affine("mean", x), 0.3 * affine("log_var", x));
    let rows = [[0.5, -1.0, 2.0], [1.5, 0.2, -0.7]];
    let data = Values::new().with("x", tensor(rows.concat(), &[2, 3]));
    let terms = model.bound(&data, &mut Noise::seeded(9), &BoundOptions::default()).unwrap();
    let term = terms.terms.iter().find(|term| term.name == "KL_z").unwrap();
    let noise = numbers(&Noise::seeded(9).normal("z", &[2, 1], DType::F64, &Device::Cpu).unwrap());
    for ((x, noise), said) in rows.iter().zip(noise).zip(numbers(&term.value)) {
        let (mean, log_var) = q(x);
        let z = mean + (0.5 * log_var).exp() * noise;
        let components = (1..=4).map(|k| {
            let (mean, log_var) = q(&one(&format!("w.{k}."), "value"));
            log_normal(z, mean, log_var).exp()
        });
        let wanted = log_normal(z, mean, log_var) - (components.sum::<f64>() / 4.0).ln();
        assert!((said - wanted).abs() < ROUNDING * (1.0 + wanted.abs()), "{said} {wanted}");
    }
}
