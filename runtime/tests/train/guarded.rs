//! A model that fails, returns NaN or weights its terms as a test requires.

use super::{config, last, read, resume, train};
use crate::toy;
use srvae::params::Phase;
use srvae::spec::Spec;
use srvae::train::{Config, RunFolder, Task, Trainer, metrics};
use srvae::{BoundOptions, Builder, Device, Draw, Mode, Model, Moment, Noise, Params, TermKind, Terms, Values, eval};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lines of metrics without times.
fn untimed(folder: &Path) -> Vec<serde_json::Value> {
    let mut lines = metrics::read(&folder.join("metrics.jsonl")).unwrap();
    for line in &mut lines {
        for part in ["/test", "/validation", ""] {
            if let Some(object) = line.pointer_mut(part).and_then(serde_json::Value::as_object_mut) {
                object.retain(|key, _| !["seconds", "images_per_s"].contains(&key.as_str()));
            }
        }
    }
    lines
}

thread_local! {
    /// The number of bounds that a [`Guarded`] model of this thread computes before it fails.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    /// The weight of its KL term in training.
    static WEIGHT: Cell<f64> = const { Cell::new(1.0) };
}

/// The toy model, which can fail like a machine, whose bound can be NaN, and whose KL term can be weighted.
struct Guarded {
    model: Box<dyn Model>,
    /// Training steps, counted from 1, at which the first term is NaN.
    broken: &'static [usize],
    step: AtomicUsize,
}

impl Model for Guarded {
    fn params(&self) -> &Params {
        self.model.params()
    }

    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> srvae::Result<Terms> {
        let left = LEFT.get();
        if left == 0 {
            srvae::candle_core::bail!("the power went");
        }
        LEFT.set(left - 1);
        let mut terms = self.model.bound(data, noise, options)?;
        if self.params().phase() == Phase::Training {
            let step = 1 + self.step.fetch_add(1, Ordering::Relaxed);
            if self.broken.contains(&step) {
                terms.terms[0].value = (&terms.terms[0].value * f64::NAN)?;
            }
        }
        Ok(terms)
    }

    fn objective(&self, terms: &Terms, _: Moment) -> srvae::Result<Terms> {
        let mut terms = terms.clone();
        for term in terms.terms.iter_mut().filter(|term| term.kind == TermKind::Kl) {
            term.value = (&term.value * WEIGHT.get())?;
        }
        Ok(terms)
    }

    fn modes(&self) -> &[Mode] {
        self.model.modes()
    }

    fn run(&self, mode: &str, given: &Values, count: usize, noise: &mut Noise, draw: &Draw) -> srvae::Result<Values> {
        self.model.run(mode, given, count, noise, draw)
    }
}

fn guarded() -> Spec {
    broken_at(&[])
}

/// The toy model whose bound is NaN at these training steps, counted from 1.
pub fn broken_at(broken: &'static [usize]) -> Spec {
    let builder = Builder::new(move |settings, params| {
        let (model, step) = (toy::build(settings, params)?, AtomicUsize::new(0));
        Ok(Box::new(Guarded { model, broken, step }))
    });
    Spec { builder, ..toy::spec() }
}

/// Learning rates without a short decimal representation, and a run that fails at another moment each time.
/// `SRVAE_RESUMED_RUNS` is the number of runs.
#[test]
fn resumed_runs_leave_the_bytes_of_uninterrupted_ones() {
    let count: u32 = std::env::var("SRVAE_RESUMED_RUNS").ok().and_then(|count| count.parse().ok()).unwrap_or(6);
    let place = tempfile::tempdir().unwrap();
    let (spec, data) = (guarded(), toy::data());
    let mut differing = Vec::new();
    for number in 0..count {
        let schedule = srvae::train::Schedule { rate: 0.002 * f64::from(number + 2).sqrt(), ..Default::default() };
        let how = Config { schedule, seed: number.into(), average: Some(0.9), ..config(40) };
        let [whole, parts] = ["whole", "parts"].map(|name| place.path().join(format!("{name}-{number}")));
        train(how.clone(), &whole).unwrap();
        LEFT.set(8 + (number as usize * 11) % 40);
        let folder = RunFolder::create(&parts).unwrap().0;
        let task = Task::new(&spec, &data, "toy", &Device::Cpu);
        let failed = Trainer::new(task, how.clone(), folder).unwrap().run();
        assert!(format!("{:#}", failed.unwrap_err()).contains("the power went"));
        LEFT.set(usize::MAX);
        let step = read(&parts).header.progress.step;
        let before = std::fs::read_to_string(parts.join("metrics.jsonl")).unwrap();
        resume(how, &parts).unwrap();
        let after = std::fs::read_to_string(parts.join("metrics.jsonl")).unwrap();
        let kept =
            |line: &&str| serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64() < Some(step as u64);
        let kept = before.lines().filter(kept).count();
        assert!(before.lines().zip(after.lines()).take(kept).all(|(one, other)| one == other), "{number}: rewritten");
        let same = ["last", "best"].iter().all(|name| {
            let file = format!("checkpoints/{name}.safetensors");
            std::fs::read(whole.join(&file)).unwrap() == std::fs::read(parts.join(&file)).unwrap()
        });
        if !same || untimed(&whole) != untimed(&parts) {
            differing.push(number);
        }
    }
    println!("{count} resumed runs, {} of them other than the uninterrupted one", differing.len());
    assert_eq!(differing, Vec::<u32>::new());
}

/// The training objective and the likelihood differ: a weight of the KL term changes only the objective.
#[test]
fn a_weighted_objective_is_never_reported_as_a_likelihood() {
    let place = tempfile::tempdir().unwrap();
    let (spec, data, run) = (guarded(), toy::data(), place.path().join("run"));
    WEIGHT.set(0.25);
    let folder = RunFolder::create(&run).unwrap().0;
    let task = Task::new(&spec, &data, "toy", &Device::Cpu);
    let mut trainer = Trainer::new(task, config(12), folder).unwrap();
    trainer.run().unwrap();
    WEIGHT.set(1.0);
    for line in metrics::read(&run.join("metrics.jsonl")).unwrap().iter().filter(|line| line["objective"].is_f64()) {
        let [reconstruction, divergence] = ["RE_x", "KL_z"].map(|name| line["terms"][name].as_f64().unwrap());
        let bound = spec.score(reconstruction - divergence);
        // Rounding of decimals, and of a loss of some hundred nats in f32.
        assert!((line["bits_per_dim"].as_f64().unwrap() - bound).abs() < 1e-6, "{line}");
        let objective = line["objective"].as_f64().unwrap();
        assert!((objective - (reconstruction - 0.25 * divergence)).abs() < 1e-4, "{line}");
        assert!((objective - (reconstruction - divergence)).abs() > 1e-3, "{line}");
    }
    // The same parameters in the model without weights have the same likelihood.
    let options = eval::Options { images: Some(16), batch: Some(8), seed: 1, ..eval::Options::default() };
    let found = trainer.after().unwrap().nll;
    let params = Params::new(1, srvae::DType::F32, &Device::Cpu);
    let plain = toy::build(&Vec::new(), &params).unwrap();
    srvae::train::restore(&params, &read(&run).group("param"), "the run").unwrap();
    let expected = eval::evaluate(plain.as_ref(), &toy::spec(), &data.test, &options).unwrap().nll;
    assert_eq!(found, expected);
    train(config(12), &place.path().join("plain")).unwrap();
    assert_ne!(last(&run), last(&place.path().join("plain")));
}
