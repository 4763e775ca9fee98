//! Standardised data: scales of the values that are there, and likelihoods in the data's own units.

use super::missing::partly;
use super::names::{floats, npy, npz};
use super::{source, spec};
use srvae::data::{self, Batches, Data, Kept, Records, Scale, Source, Split};
use srvae::eval::{Options, evaluate};
use srvae::interpret;
use srvae::spec::{Space, Spec};
use srvae::{DType, Device, Model, Noise, Params, Settings};
use std::collections::BTreeMap;
use std::path::Path;

/// Records, and steps of the longest.
const RECORDS: usize = 40;
const STEPS: usize = 4;

/// Sequences of two channels, a sequence with missing steps, a vector that may be missing, two members of a family over a fixed index,
/// and counts.
const FACTORIAL: &str = "model m\nlength T\nindex t in 1..T\nindex i in 1..2\nobserved x[t]: real[2]\npartly observed y[t]: real[1]\n\
    partly observed w: real[2]\nobserved m[i]: real[1]\nobserved n[t]: count[1]\n\
    p(x[t]) = standard_normal\np(y[t]) = standard_normal\np(w) = standard_normal\np(m[i]) = standard_normal\n\
    p(n[t]) = poisson\n";

/// The same with numbers that are given, and with a latent of which several samples are needed.
const LATENT: &str = "model m\nlength T\nindex t in 1..T\nindex i in 1..2\nobserved x[t]: real[2]\npartly observed y[t]: real[1]\n\
    partly observed w: real[2]\nobserved m[i]: real[1]\nobserved n[t]: count[1]\ngiven u[t]: real[1]\nlatent z: real[1]\n\
    p(z) = standard_normal\np(x[t] | z) = normal(mean: concat(z, 0.5 * z), std: 1)\np(y[t] | z, u[t]) = normal(mean: z + u[t], std: 0.7)\n\
    p(w | z) = normal(mean: concat(z, z), std: 1.1)\np(m[i] | z) = normal(mean: 0.3 * z, std: 0.9)\np(n[t]) = poisson\n\
    q(z) = normal(mean: 0.2, std: 0.8)\n";

/// A value of a variable that a record has: the variable, its channel, and the number.
type There = (&'static str, usize, f64);

/// Numbers in units far from each other. Missing ones are NaN; behind a record's end there are other numbers.
struct Raw {
    lengths: Vec<usize>,
    x: Vec<f32>,
    y: Vec<f32>,
    w: Vec<f32>,
    m: Vec<f32>,
    u: Vec<f32>,
}

impl Raw {
    fn new() -> Self {
        let mut drawn: Vec<f32> = (0..5)
            .map(|at| Noise::seeded(at).normal("", &[RECORDS * STEPS * 2], DType::F32, &Device::Cpu).unwrap())
            .flat_map(|all| all.to_vec1::<f32>().unwrap())
            .collect();
        let mut take = |count: usize, means: &[f32], deviations: &[f32]| -> Vec<f32> {
            let at = |at: usize| at % means.len();
            (0..count).map(|k| means[at(k)] + deviations[at(k)] * drawn.pop().unwrap()).collect()
        };
        let mut raw = Self {
            lengths: (0..RECORDS).map(|record| 1 + record % STEPS).collect(),
            x: take(RECORDS * STEPS * 2, &[40.0, -2.0], &[13.0, 0.1]),
            y: take(RECORDS * STEPS, &[100.0], &[7.0]),
            w: take(RECORDS * 2, &[3.0, 900.0], &[20.0, 0.5]),
            m: take(RECORDS * 2, &[-5.0, 8.0], &[0.2, 30.0]),
            u: take(RECORDS * STEPS, &[-60.0], &[5.0]),
        };
        for (record, &length) in raw.lengths.iter().enumerate() {
            for step in 0..STEPS {
                let at = record * STEPS + step;
                if step >= length {
                    raw.x[2 * at..2 * at + 2].fill(999.0);
                    raw.u[at] = 1e9;
                    raw.y[at] = -777.0;
                } else if (record + 2 * step) % 5 == 0 {
                    raw.y[at] = f32::NAN;
                }
            }
            if record % 3 == 1 {
                raw.w[2 * record + 1] = f32::NAN;
            }
        }
        raw
    }

    fn write(&self, path: &Path) {
        let counts = floats((0..RECORDS * STEPS).map(|at| (at % 7) as f32));
        let lengths: Vec<u8> = self.lengths.iter().map(|&length| length as u8).collect();
        npz(
            path,
            &[
                ("x", npy("<f4", &[RECORDS, STEPS, 2], &floats(self.x.iter().copied()))),
                ("y", npy("<f4", &[RECORDS, STEPS, 1], &floats(self.y.iter().copied()))),
                ("w", npy("<f4", &[RECORDS, 2], &floats(self.w.iter().copied()))),
                ("m", npy("<f4", &[RECORDS, 2, 1], &floats(self.m.iter().copied()))),
                ("n", npy("<f4", &[RECORDS, STEPS, 1], &counts)),
                ("u", npy("<f4", &[RECORDS, STEPS, 1], &floats(self.u.iter().copied()))),
                ("lengths", npy("|u1", &[RECORDS], &lengths)),
            ],
        );
    }

    fn there(&self, record: usize) -> Vec<There> {
        let mut there = Vec::new();
        for at in (0..self.lengths[record]).map(|step| record * STEPS + step) {
            there.extend((0..2).map(|channel| ("x", channel, f64::from(self.x[2 * at + channel]))));
            there.push(("u", 0, f64::from(self.u[at])));
            there.extend(Some(self.y[at]).filter(|y| !y.is_nan()).map(|y| ("y", 0, f64::from(y))));
        }
        let w = &self.w[2 * record..][..2];
        there.extend(w.iter().enumerate().filter(|_| !w[1].is_nan()).map(|(at, w)| ("w", at, f64::from(*w))));
        there.extend(["m[1]", "m[2]"].into_iter().enumerate().map(|(i, m)| (m, 0, f64::from(self.m[2 * record + i]))));
        there
    }

    /// The mean and the standard deviation of each channel of each variable over these records.
    fn moments(&self, records: &Records) -> BTreeMap<(&'static str, usize), (f64, f64)> {
        let mut all: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for (name, channel, value) in (0..records.len()).flat_map(|at| self.there(records.number(at))) {
            all.entry((name, channel)).or_default().push(value);
        }
        let of = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            (mean, variance.sqrt())
        };
        all.into_iter().map(|(key, values)| (key, of(values))).collect()
    }
}

fn described() -> Spec {
    let mut spec = partly(
        spec(&[
            ("x", Space::Real, &[STEPS, 2]),
            ("y", Space::Real, &[STEPS, 1]),
            ("w", Space::Real, &[2]),
            ("m[1]", Space::Real, &[1]),
            ("m[2]", Space::Real, &[1]),
            ("n", Space::Count, &[STEPS, 1]),
            ("u", Space::Real, &[STEPS, 1]),
            ("T", Space::Real, &[1]),
        ]),
        &["y", "w"],
    );
    for variable in &mut spec.variables {
        variable.steps = ["x", "y", "n", "u"].contains(&variable.name.as_str());
        variable.is_length = variable.name == "T";
    }
    spec
}

fn model(text: &str) -> Box<dyn Model> {
    let params = Params::new(3, DType::F32, &Device::Cpu);
    interpret::builder("m.pgm", text).build(&Settings::new(), &params).unwrap()
}

fn load(path: &Path, standardize: bool) -> Data {
    data::load(&Source { standardize, ..source(path) }, &described(), Split::None).unwrap()
}

/// Sums of numbers of about 10 in f32.
const ROUNDING: f64 = 2e-4;

/// Without latents, every term is the sum of normal densities in the data's own units over the values that a record has.
#[test]
fn densities_are_those_of_the_values_that_are_there() {
    let (raw, place) = (Raw::new(), tempfile::tempdir().unwrap());
    let path = place.path().join("a.npz");
    raw.write(&path);
    let (plain, scaled, spec, model) = (load(&path, false), load(&path, true), described(), model(FACTORIAL));
    let moments = raw.moments(&scaled.train);
    assert!(["T", "n"].iter().all(|name| scaled.train.scale_of(name).is_none()));
    for ((name, channel), (mean, deviation)) in &moments {
        let scale = scaled.train.scale_of(name).unwrap();
        let found = (scale.mean[*channel], scale.deviation[*channel]);
        assert!((found.0 - mean).abs() < 1e-9 && (found.1 - deviation).abs() < 1e-9, "{name}: {found:?}");
    }
    for (own, records) in [(&plain.train, &scaled.train), (&plain.test, &scaled.test)] {
        let terms = |records: &Records| evaluate(model.as_ref(), &spec, records, &Options::default()).unwrap().records;
        let (before, found) = (terms(own), terms(records));
        for (at, (name, _, values)) in found.terms.iter().enumerate() {
            let name = name.strip_prefix("RE_").unwrap();
            for (record, value) in values.iter().enumerate() {
                let density = |(its, channel, value): There| {
                    let (mean, deviation) = moments[&(its, channel)];
                    let z = (value - mean) / deviation;
                    -0.5 * z * z - deviation.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
                };
                let there = raw.there(records.number(record)).into_iter();
                let wanted = match name {
                    "n" => before.terms[at].2[record],
                    _ => there.filter(|(its, ..)| *its == name).map(density).sum(),
                };
                assert!((value - wanted).abs() < ROUNDING, "{name}, record {record}: {value} for {wanted}");
            }
        }
        assert_eq!(found.terms.len(), 6);
    }
}

/// Importance weights in the data's own units are those of standardised numbers, divided by the deviations of the values that a record has.
#[test]
fn importance_weights_change_by_the_values_that_are_there() {
    let (raw, place) = (Raw::new(), tempfile::tempdir().unwrap());
    let [path, other] = ["a.npz", "b.npz"].map(|name| place.path().join(name));
    raw.write(&path);
    let (scaled, spec, model) = (load(&path, true), described(), model(LATENT));
    let moments = raw.moments(&scaled.train);
    let apply = |numbers: &[f32], name: &[(&'static str, usize)]| -> Vec<f32> {
        let of = |(at, number): (usize, &f32)| {
            let (mean, deviation) = moments[&name[at % name.len()]];
            ((f64::from(*number) - mean) / deviation) as f32
        };
        numbers.iter().enumerate().map(of).collect()
    };
    let by_hand = Raw {
        lengths: raw.lengths.clone(),
        x: apply(&raw.x, &[("x", 0), ("x", 1)]),
        y: apply(&raw.y, &[("y", 0)]),
        w: apply(&raw.w, &[("w", 0), ("w", 1)]),
        m: apply(&raw.m, &[("m[1]", 0), ("m[2]", 0)]),
        u: apply(&raw.u, &[("u", 0)]),
    };
    by_hand.write(&other);
    let by_hand = load(&other, false);
    for samples in [1, 5] {
        let options = Options { samples, ..Options::default() };
        let found = evaluate(model.as_ref(), &spec, &scaled.train, &options).unwrap().records;
        let scaled = evaluate(model.as_ref(), &spec, &by_hand.train, &options).unwrap().records;
        assert_eq!(found.numbers, scaled.numbers);
        for ((number, found), scaled) in found.numbers.iter().zip(found.log_likelihood).zip(scaled.log_likelihood) {
            let there = raw.there(*number).into_iter().filter(|(name, ..)| *name != "u");
            let wanted = scaled - there.map(|(name, channel, _)| moments[&(name, channel)].1.ln()).sum::<f64>();
            assert!((found - wanted).abs() < ROUNDING, "record {number}: {found} for {wanted}");
        }
    }
}

/// Results of any number of steps are in the data's own units.
#[test]
fn steps_of_every_number_have_their_units_back() {
    let (raw, place) = (Raw::new(), tempfile::tempdir().unwrap());
    let path = place.path().join("a.npz");
    raw.write(&path);
    let (plain, scaled) = (load(&path, false), load(&path, true));
    let values = |data: &Data, name: &str| -> Vec<Vec<f32>> {
        let batches = Batches::new(&described(), &data.train, &Device::Cpu).unwrap();
        let batch = batches.range(&data.train, 0, data.train.len()).unwrap();
        batch.get(name).unwrap().flatten_from(1).unwrap().to_vec2().unwrap()
    };
    assert_eq!(values(&plain, "T"), values(&scaled, "T"));
    assert_eq!(values(&plain, "n"), values(&scaled, "n"));
    for (own, other) in values(&plain, "x").iter().zip(values(&scaled, "x")) {
        for steps in 1..=STEPS {
            let mut first = other[..2 * steps].to_vec();
            scaled.train.scale_of("x").unwrap().undo(&mut first);
            assert!(first.iter().zip(own).all(|(found, own)| (found - own).abs() < 1e-3), "{first:?}");
        }
    }
}

/// Runs of earlier versions have a scale for every step, or one of the length.
#[test]
fn scales_of_every_step_are_refused() {
    let (raw, place) = (Raw::new(), tempfile::tempdir().unwrap());
    let path = place.path().join("a.npz");
    raw.write(&path);
    let kept = load(&path, true).kept.unwrap();
    let variables = described().variables;
    assert!(kept.scales_of(&variables).is_ok());
    let scale = |count: usize| Scale { mean: vec![0.5; count], deviation: vec![2.0; count], length: None };
    for (name, count) in [("x", 2 * STEPS), ("x", 2), ("T", 1)] {
        let mut json: serde_json::Value = serde_json::from_str(&kept.json()).unwrap();
        json["scales"][name] = serde_json::to_value(scale(count)).unwrap();
        let old = Kept::parse(json.to_string().as_bytes(), &path).unwrap();
        let source = Source { standardize: true, ..source(&path) };
        for said in [
            data::load_kept(&source, &described(), &old).unwrap_err(),
            data::test(&source, &described(), Some(&old), None).unwrap_err(),
        ] {
            assert!(said.to_string().contains("by an earlier version, which scaled every step"), "{said:#}");
        }
    }
}
