//! The noise of a run's steps.

use super::config;
use crate::toy;
use srvae::Device;
use srvae::data::{Data, Images};
use srvae::train::{Config, RunFolder, Schedule, Task, Trainer, metrics};

/// At a rate of 0, over pictures that are all the same, steps differ by their noise alone.
#[test]
fn every_step_has_noise_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let one = toy::data().train.picture(3).repeat(90);
    let data = Data { train: Images::new(toy::SHAPE, one, None).unwrap(), ..toy::data() };
    let (spec, schedule) = (toy::spec(), Schedule { rate: 0.0, least: 0.0, ..Schedule::default() });
    for (micro_batch, samples) in [(None, 1), (Some(2), 1), (Some(8), 1), (Some(2), 3)] {
        let how = Config { schedule, micro_batch, samples, augment: false, ..config(12) };
        let run = place.path().join("run");
        let folder = RunFolder::create(&run).unwrap().0;
        Trainer::new(Task::new(&spec, &data, "toy", &Device::Cpu), how, folder).unwrap().run().unwrap();
        let lines = metrics::read(&run.join("metrics.jsonl")).unwrap();
        let mut objectives: Vec<f64> = lines.iter().filter_map(|line| line["objective"].as_f64()).collect();
        objectives.sort_by(f64::total_cmp);
        objectives.dedup();
        assert_eq!(objectives.len(), 12, "micro-batches of {micro_batch:?}, K = {samples}");
    }
}
