//! A single step has its own noise, and a gradient within its limit.

use super::{config, read, train};
use crate::toy;
use srvae::Device;
use srvae::data::{Data, Images};
use srvae::train::{Config, RunFolder, Schedule, Task, Trainer, metrics};

/// With a learning rate of 0 and equal images, steps differ only by their noise.
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

/// After the first step, the running mean of Adamax is a tenth of the gradient.
#[test]
fn a_gradient_beyond_the_limit_is_given_at_the_limit() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let given = |micro_batch, clip| {
        train(Config { micro_batch, clip, ..config(1) }, &run).unwrap();
        let means = read(&run).group("optimiser").into_iter().filter(|(name, _)| name.ends_with(".mean"));
        let squares = means.map(|(_, mean)| mean.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap());
        let norm = 10.0 * f64::from(squares.sum::<f32>()).sqrt();
        let lines = metrics::read(&run.join("metrics.jsonl")).unwrap();
        (lines.iter().find_map(|line| line["gradient_norm"].as_f64()).unwrap(), norm)
    };
    for micro_batch in [None, Some(2)] {
        let whole = given(micro_batch, None).0;
        for (limit, wanted) in [(None, whole), (Some(whole * 2.0), whole), (Some(whole / 3.0), whole / 3.0)] {
            let (said, found) = given(micro_batch, limit);
            // Sums of some 150 squares in f32; the reported norm is that before clipping.
            assert!((found / wanted - 1.0).abs() < 1e-5 && said == whole, "{limit:?}: {found}, {said} for {wanted}");
        }
    }
}
