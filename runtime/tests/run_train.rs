//! Training is a function of the seed, can be resumed after any interruption, and reports failures clearly.

#[path = "train/folders.rs"]
mod folders;
#[path = "train/guarded.rs"]
mod guarded;
#[path = "train/looks.rs"]
mod looks;
#[path = "train/seen.rs"]
mod seen;
#[path = "train/skips.rs"]
mod skips;
#[path = "train/steps.rs"]
mod steps;
mod toy;

use srvae::Device;
use srvae::spec::Spec;
use srvae::train::{Checkpoint, Config, End, RunFolder, Task, Trainer, metrics};
use std::path::Path;

fn config(steps: usize) -> Config {
    Config {
        steps,
        batch: 8,
        validate_every: 7,
        checkpoint_every: 5,
        validation_images: 16,
        augment: true,
        ..Config::default()
    }
}

fn train(config: Config, folder: &Path) -> anyhow::Result<End> {
    train_of(&toy::spec(), config, folder)
}

fn train_of(spec: &Spec, config: Config, folder: &Path) -> anyhow::Result<End> {
    let data = toy::data();
    let folder = RunFolder::create(folder)?.0;
    Trainer::new(Task::new(spec, &data, "toy", &Device::Cpu), config, folder)?.run()
}

fn resume(config: Config, folder: &Path) -> anyhow::Result<End> {
    let (spec, data) = (toy::spec(), toy::data());
    let folder = RunFolder::at(folder);
    let checkpoint = Checkpoint::load(&folder.last(), &Device::Cpu)?;
    Trainer::resume(Task::new(&spec, &data, "toy", &Device::Cpu), &checkpoint, config, folder)?.run()
}

fn last(folder: &Path) -> Vec<u8> {
    std::fs::read(RunFolder::at(folder).last()).unwrap()
}

#[test]
fn the_same_seed_is_the_same_run_bit_for_bit() {
    let place = tempfile::tempdir().unwrap();
    let (a, b, c) = (place.path().join("a"), place.path().join("b"), place.path().join("c"));
    assert_eq!(train(config(20), &a).unwrap(), End::Done);
    train(config(20), &b).unwrap();
    train(Config { seed: 2, ..config(20) }, &c).unwrap();
    assert_eq!(last(&a), last(&b));
    assert_ne!(last(&a), last(&c));
}

#[test]
fn a_resumed_run_is_the_uninterrupted_one_bit_for_bit() {
    let place = tempfile::tempdir().unwrap();
    let extras = |steps| Config { average: Some(0.9), clip: Some(50.0), ..config(steps) };
    let (whole, parts) = (place.path().join("whole"), place.path().join("parts"));
    train(extras(24), &whole).unwrap();
    train(extras(13), &parts).unwrap();
    assert_eq!(resume(extras(24), &parts).unwrap(), End::Done);
    let (a, b) = (read(&whole), read(&parts));
    assert_eq!(a.header.progress.step, 24);
    assert_eq!(a.header.progress.noise, b.header.progress.noise);
    for group in ["param", "optimiser", "average"] {
        let (a, b) = (a.group(group), b.group(group));
        assert_eq!(a.len(), b.len());
        for (name, value) in &a {
            let numbers = |tensor: &srvae::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(numbers(value), numbers(&b[name]), "{group}/{name}");
        }
    }
}

fn read(folder: &Path) -> Checkpoint {
    Checkpoint::load(&RunFolder::at(folder).last(), &Device::Cpu).unwrap()
}

#[test]
fn training_lowers_the_loss_and_leaves_a_trace() {
    let place = tempfile::tempdir().unwrap();
    train(Config { schedule: fast(), ..config(200) }, &place.path().join("run")).unwrap();
    let lines = metrics::read(&place.path().join("run/metrics.jsonl")).unwrap();
    let bits: Vec<f64> = lines.iter().filter_map(|line| line["bits_per_dim"].as_f64()).collect();
    assert_eq!(bits.len(), 200);
    assert!(bits[199] < bits[0] - 0.5, "{} -> {}", bits[0], bits[199]);
    assert!(lines.iter().any(|line| line["validation"]["nll"].is_f64()));
    assert!(lines[1]["terms"]["KL_z"].is_f64());
}

fn fast() -> srvae::train::Schedule {
    srvae::train::Schedule { rate: 0.02, ..Default::default() }
}

#[test]
fn patience_and_time_end_a_run() {
    let place = tempfile::tempdir().unwrap();
    let still = srvae::train::Schedule { rate: 0.0, least: 0.0, ..Default::default() };
    let impatient = Config { schedule: still, patience: Some(2), ..config(1000) };
    assert_eq!(train(impatient, &place.path().join("a")).unwrap(), End::Patience);
    // The first validation is the best, and two more are not better.
    let lines = metrics::read(&place.path().join("a/metrics.jsonl")).unwrap();
    let looks = lines.iter().filter(|line| line["validation"].is_object());
    assert_eq!(looks.filter_map(|line| line["step"].as_u64()).collect::<Vec<_>>(), [7, 14, 21]);
    let hurried = Config { minutes: Some(0.0), schedule: fast(), ..config(1000) };
    assert_eq!(train(hurried, &place.path().join("b")).unwrap(), End::Time);
    // Whatever ends a run, its last weights are compared with the best.
    let progress = read(&place.path().join("b")).header.progress;
    assert_eq!((progress.step, progress.best_step, progress.validated), (1, 1, 1));
    let best = Checkpoint::load(&RunFolder::at(place.path().join("b")).best(), &Device::Cpu).unwrap();
    assert_eq!(best.header.progress.step, 1);
}
