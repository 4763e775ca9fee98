//! Mixtures of experts beside an enumerated variable, and beside each other. Terms and importance weights are the sums over all
//! combinations of components and values, written out at the draws of each component.

mod support;

use candle_core::{DType, Device, Tensor};
use srvae_numerics::{BoundOptions, Model, Noise, Params, Values};
use support::{interpreted, plan};

const SAMPLES: usize = 3;
/// x and w of each record.
const DATA: [(f64, f64); 2] = [(1.5, -2.0), (-0.4, 0.7)];

/// The terms at one combination of components and values, and the logarithm of the weight of this combination.
struct Combination {
    log_weight: f64,
    /// In the order of the bound, those that are subtracted with their signs.
    terms: Vec<(&'static str, f64)>,
}

fn log_normal(x: f64, mean: f64, std: f64) -> f64 {
    -0.5 * ((x - mean) / std).powi(2) - std.ln() - 0.5 * std::f64::consts::TAU.ln()
}

fn log_bernoulli(y: f64, logit: f64) -> f64 {
    y * logit - logit.exp().ln_1p()
}

fn log_sum(logs: &[f64]) -> f64 {
    logs.iter().map(|log| log.exp()).sum::<f64>().ln()
}

/// Compares a model with its combinations at given noise, `[sample, record]` of each draw in `draws`. A partly observed w is missing
/// in the second record.
fn compare(text: &str, draws: &[&str], of: impl Fn((f64, f64), &[f64]) -> Vec<Combination>) {
    let model = interpreted(text, &Params::new(3, DType::F64, &Device::Cpu));
    let column = |of: fn(&(f64, f64)) -> f64| {
        Tensor::from_vec(DATA.iter().map(of).collect::<Vec<f64>>(), (DATA.len(), 1), &Device::Cpu).unwrap()
    };
    let data = Values::new().with("x", column(|row| row.0)).with("w", column(|row| row.1));
    let data = match text.contains("partly observed w") {
        true => data.with("w?", Tensor::new(&[1.0, 0.0], &Device::Cpu).unwrap()),
        false => data,
    };
    let mut noise = Noise::seeded(7);
    let rows = SAMPLES * DATA.len();
    let noise: Vec<Vec<f64>> = draws
        .iter()
        .map(|name| noise.normal(name, &[rows, 1], DType::F64, &Device::Cpu).unwrap())
        .map(|draw| draw.flatten_all().unwrap().to_vec1().unwrap())
        .collect();
    let combinations = |row: usize| {
        let own: Vec<f64> = noise.iter().map(|draw| draw[row]).collect();
        let all = of(DATA[row % DATA.len()], &own);
        assert!(log_sum(&all.iter().map(|one| one.log_weight).collect::<Vec<_>>()).abs() < 1e-12);
        all
    };
    let all: Vec<Vec<Combination>> = (0..rows).map(combinations).collect();
    // Rounding of sums of a few numbers below 20.
    let near =
        |found: f64, wanted: f64, what: &str| assert!((found - wanted).abs() < 1e-11, "{what}: {found}, {wanted}");
    let default = BoundOptions { samples: SAMPLES, ..BoundOptions::default() };
    for options in [default, BoundOptions::importance(SAMPLES)] {
        let terms = model.bound(&data, &mut Noise::seeded(7), &options).unwrap();
        for (at, term) in terms.terms.iter().enumerate() {
            let found: Vec<f64> = term.value.flatten_all().unwrap().to_vec1().unwrap();
            for (found, combinations) in found.into_iter().zip(&all) {
                assert_eq!(term.name, combinations[0].terms[at].0);
                let of_one = |one: &Combination| one.log_weight.exp() * one.terms[at].1;
                let sign = if term.name.starts_with("KL") { -1.0 } else { 1.0 };
                near(sign * found, combinations.iter().map(of_one).sum(), term.name);
            }
        }
    }
    let terms = model.bound(&data, &mut Noise::seeded(7), &BoundOptions::importance(SAMPLES)).unwrap();
    let found: Vec<f64> = terms.log_likelihood().unwrap().to_vec1().unwrap();
    for (record, found) in found.into_iter().enumerate() {
        let of_one = |one: &Combination| one.log_weight + one.terms.iter().map(|(_, value)| value).sum::<f64>();
        let own = all.iter().skip(record).step_by(DATA.len());
        let weights: Vec<f64> = own.flat_map(|combinations| combinations.iter().map(of_one)).collect();
        near(found, log_sum(&weights) - (SAMPLES as f64).ln(), "ln p");
    }
}

/// A mixture z of two components and a class y, by the numbers of its factors.
#[derive(Clone, Copy)]
struct Classes {
    /// What q of z reads from y in the first component, and q of y from z.
    z_from_y: f64,
    y_from_z: f64,
    /// What p of y reads from z, p of x from y, and p of w from z and y.
    prior: f64,
    x_from_y: f64,
    w: (f64, f64),
}

impl Classes {
    fn text(self) -> String {
        let Self { z_from_y, y_from_z, prior, x_from_y, w } = self;
        let reads = |name: &str, by: f64| if by == 0.0 { String::new() } else { format!(", {name}") };
        let plus = |name: &str, by: f64| if by == 0.0 { String::new() } else { format!(" + {by} * {name}") };
        let root = |by: f64| if by == 0.0 { ("", "0".to_owned()) } else { (" | z", format!("{by} * z")) };
        let (of_y, logit) = root(prior);
        let of_w = match w {
            (by, 0.0) => ("z", format!("{by} * z")),
            (0.0, by) => ("y", format!("{by} * y")),
            (z, y) => ("z, y", format!("{z} * z + {y} * y")),
        };
        format!(
            "model m\nobserved x: real[1]\nobserved w: real[1]\nlatent y: binary[1]\nlatent z: real[1]\np(z) = standard_normal\n\
             p(y{of_y}) = bernoulli(logits: {logit})\np(x | z{}) = normal(mean: z{}, std: 0.5)\n\
             p(w | {}) = normal(mean: {}, std: 0.7)\nq(y | x{}) = bernoulli(logits: 0.6 * x{})\n\
             q(z | x, w{}) = mixture of (normal(mean: 0.3 * x{}, std: 0.8)), (normal(mean: 0.5 * w, std: 0.9))\n\
             draw y = enumerate\n",
            reads("y", x_from_y),
            plus("y", x_from_y),
            of_w.0,
            of_w.1,
            reads("z", y_from_z),
            plus("z", y_from_z),
            reads("y", z_from_y),
            plus("y", z_from_y),
        )
    }

    fn combinations(self, (x, w): (f64, f64), noise: &[f64]) -> Vec<Combination> {
        let all = [0.0, 1.0].into_iter().flat_map(|y| [0, 1].map(|component| (y, component)));
        let of = |(y, component): (f64, usize)| {
            let each = [(0.3 * x + self.z_from_y * y, 0.8), (0.5 * w, 0.9)];
            let (mean, std) = each[component];
            let z = mean + std * noise[component];
            let log_q_z = log_sum(&each.map(|(mean, std)| log_normal(z, mean, std) - 2f64.ln()));
            let log_q_y = log_bernoulli(y, 0.6 * x + self.y_from_z * z);
            let terms = vec![
                ("RE_x", log_normal(x, z + self.x_from_y * y, 0.5)),
                ("RE_w", log_normal(w, self.w.0 * z + self.w.1 * y, 0.7)),
                ("KL_y", log_bernoulli(y, self.prior * z) - log_q_y),
                ("KL_z", log_normal(z, 0.0, 1.0) - log_q_z),
            ];
            Combination { log_weight: log_q_y - 2f64.ln(), terms }
        };
        all.map(of).collect()
    }

    fn holds(self, groups: usize) {
        let text = self.text();
        assert_eq!(plan(&text).model.enumerated.groups().len(), groups, "{text}");
        compare(&text, &["z", "z"], |data, noise| {
            let mut all = self.combinations(data, noise);
            let order: Vec<&str> =
                plan(&text).derivation.terms.iter().map(|term| term.name.clone()).map(named).collect();
            all.iter_mut().for_each(|one| one.terms.sort_by_key(|(name, _)| order.iter().position(|at| at == name)));
            all
        });
    }
}

fn named(name: String) -> &'static str {
    ["RE_x", "RE_w", "KL_y", "KL_z", "KL_u"].into_iter().find(|known| *known == name).unwrap()
}

const BESIDE: Classes = Classes { z_from_y: 0.0, y_from_z: 0.0, prior: 0.5, x_from_y: 1.5, w: (0.8, 0.0) };

#[test]
fn a_class_beside_a_mixture() {
    BESIDE.holds(1);
}

#[test]
fn a_class_drawn_from_a_mixture() {
    Classes { y_from_z: -0.8, ..BESIDE }.holds(1);
}

/// One component reads the class, the other one does not.
#[test]
fn a_mixture_of_each_class() {
    Classes { z_from_y: 0.7, ..BESIDE }.holds(1);
}

/// No factor reads both: the sum over combinations is the product of two sums.
#[test]
fn a_class_apart_from_a_mixture() {
    Classes { prior: 0.0, x_from_y: 0.0, w: (0.0, 1.2), ..BESIDE }.holds(2);
}

/// One component of the second mixture reads the first.
#[test]
fn a_mixture_below_a_mixture() {
    let text = "model m\nobserved x: real[1]\nobserved w: real[1]\nlatent z: real[1]\nlatent u: real[1]\n\
        p(z) = standard_normal\np(u | z) = normal(mean: 0.3 * z, std: 1.1)\np(x | z, u) = normal(mean: z + u, std: 0.5)\n\
        p(w | z) = normal(mean: 0.8 * z, std: 0.7)\n\
        q(z | x, w) = mixture of (normal(mean: 0.3 * x, std: 0.8)), (normal(mean: 0.5 * w, std: 0.9))\n\
        q(u | w, z) = mixture of (normal(mean: 0.4 * z, std: 0.7)), (normal(mean: 0.2 * w, std: 0.6))\n";
    let order: Vec<&str> = plan(text).derivation.terms.iter().map(|term| named(term.name.clone())).collect();
    compare(text, &["z", "z", "u", "u"], |(x, w), noise| {
        let mut all = Vec::new();
        for (of_z, of_u) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let each = [(0.3 * x, 0.8), (0.5 * w, 0.9)];
            let z = each[of_z].0 + each[of_z].1 * noise[of_z];
            let below = [(0.4 * z, 0.7), (0.2 * w, 0.6)];
            let u = below[of_u].0 + below[of_u].1 * noise[2 + of_u];
            let log_q = |value: f64, each: [(f64, f64); 2]| {
                log_sum(&each.map(|(mean, std)| log_normal(value, mean, std) - 2f64.ln()))
            };
            let mut terms = vec![
                ("RE_x", log_normal(x, z + u, 0.5)),
                ("RE_w", log_normal(w, 0.8 * z, 0.7)),
                ("KL_z", log_normal(z, 0.0, 1.0) - log_q(z, each)),
                ("KL_u", log_normal(u, 0.3 * z, 1.1) - log_q(u, below)),
            ];
            terms.sort_by_key(|(name, _)| order.iter().position(|at| at == name));
            all.push(Combination { log_weight: -4f64.ln(), terms });
        }
        all
    });
}

/// The prior among the components, one of numbers alone, and a product with such an expert. None of them drops out where w is missing.
#[test]
fn components_that_read_nothing() {
    for role in ["observed", "partly observed"] {
        let text = format!(
            "model m\nobserved x: real[1]\n{role} w: real[1]\nlatent z: real[1]\np(z) = standard_normal\n\
             p(x | z) = normal(mean: z, std: 0.5)\np(w | z) = normal(mean: 0.8 * z, std: 0.7)\n\
             q(z | x, w) = mixture of (standard_normal), (normal(mean: 0.2, std: 1.3)), (normal(mean: 0.5 * w, std: 0.9)), \
             ((normal(mean: 0.3 * x, std: 0.8)) * (normal(mean: -0.4, std: 2)))\n"
        );
        let order: Vec<&str> = plan(&text).derivation.terms.iter().map(|term| named(term.name.clone())).collect();
        compare(&text, &["z"; 4], |(x, w), noise| {
            let has_w = role == "observed" || w == DATA[0].1;
            // Precisions add up.
            let precision = 1.0 / 0.8f64.powi(2) + 0.25;
            let product = ((0.3 * x / 0.8f64.powi(2) - 0.1) / precision, precision.sqrt().recip());
            let each = [(0.0, 1.0), (0.2, 1.3), (0.5 * w, 0.9), product];
            let share = |component: usize| match (component, has_w) {
                (_, true) => 0.25f64,
                (2, false) => 0.0,
                (_, false) => 1.0 / 3.0,
            };
            let of = |component: usize| {
                let z = each[component].0 + each[component].1 * noise[component];
                let log = |at: usize| share(at).ln() + log_normal(z, each[at].0, each[at].1);
                let re_w = if has_w { log_normal(w, 0.8 * z, 0.7) } else { 0.0 };
                let mut terms = vec![
                    ("RE_x", log_normal(x, z, 0.5)),
                    ("RE_w", re_w),
                    ("KL_z", log_normal(z, 0.0, 1.0) - log_sum(&[0, 1, 2, 3].map(log))),
                ];
                terms.sort_by_key(|(name, _)| order.iter().position(|at| at == name));
                Combination { log_weight: share(component).ln(), terms }
            };
            [0, 1, 2, 3].map(of).into()
        });
    }
}
