//! Evaluations during a run.

use super::{config, fast, read, resume, train};
use crate::toy;
use srvae::data::Images;
use srvae::spec::Spec;
use srvae::train::{Config, RunFolder, Schedule, Task, Trainer, metrics, restore};
use srvae::{Builder, DType, Device, Params, eval};
use std::path::Path;

#[test]
fn the_units_in_use_are_counted_at_every_validation() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(Config { schedule: fast(), ..config(200) }, &run).unwrap();
    let lines = metrics::read(&run.join("metrics.jsonl")).unwrap();
    let units: Vec<(u64, u64)> = lines
        .iter()
        .filter_map(|line| line["validation"]["units"]["z"].as_object())
        .map(|units| (units["active"].as_u64().unwrap(), units["units"].as_u64().unwrap()))
        .collect();
    // The data have one direction, and the single unit of the latent represents it.
    assert!(units.len() > 20 && units.iter().all(|&(_, all)| all == 1), "{units:?}");
    assert_eq!(units.last(), Some(&(1, 1)));
}

#[test]
fn a_resumed_run_does_not_repeat_the_validation_of_its_last_step() {
    let place = tempfile::tempdir().unwrap();
    let (run, how) = (place.path().join("run"), Config { schedule: fast(), ..config(14) });
    train(how.clone(), &run).unwrap();
    resume(how, &run).unwrap();
    let lines = metrics::read(&run.join("metrics.jsonl")).unwrap();
    let looks = lines.iter().filter(|line| line["validation"].is_object());
    assert_eq!(looks.filter_map(|line| line["step"].as_u64()).collect::<Vec<_>>(), [7, 14]);
}

/// The running average is evaluated; the parameters are trained.
#[test]
fn a_running_average_is_what_is_looked_at() {
    let place = tempfile::tempdir().unwrap();
    let (run, plain) = (place.path().join("run"), place.path().join("plain"));
    let how = Config { schedule: fast(), average: Some(0.9), validate_every: 14, ..config(14) };
    let (spec, data) = (toy::spec(), toy::data());
    let task = Task::new(&spec, &data, "toy", &Device::Cpu);
    let mut trainer = Trainer::new(task, how.clone(), RunFolder::create(&run).unwrap().0).unwrap();
    trainer.run().unwrap();
    let options = eval::Options { images: Some(16), batch: Some(8), seed: how.seed, ..eval::Options::default() };
    let of = |group: &str, images: &Images| {
        let params = Params::new(1, DType::F32, &Device::Cpu);
        let model = toy::build(&Vec::new(), &params).unwrap();
        restore(&params, &read(&run).group(group), "the run").unwrap();
        eval::evaluate(model.as_ref(), &spec, images, &options).unwrap().nll
    };
    let (validation, test) = (trainer.progress().best.unwrap(), trainer.after().unwrap().nll);
    assert_eq!([validation, test], [of("average", &data.validation), of("average", &data.test)]);
    // A tenth of each step's 0.02 is clearly different from 0.
    assert!(of("param", &data.validation) < validation - 0.01, "{validation}");
    train(Config { average: None, ..how }, &plain).unwrap();
    let parameters = |folder: &Path| -> Vec<Vec<f32>> {
        let all = read(folder).group("param").into_values();
        all.map(|value| value.flatten_all().unwrap().to_vec1().unwrap()).collect()
    };
    assert_eq!(parameters(&run), parameters(&plain));
}

/// The toy model, whose posterior means over the validation images have this variance.
fn of_variance(variance: f64) -> Spec {
    let pictures = toy::data().validation;
    let mean = |at: usize| {
        let picture = pictures.picture(at);
        picture.iter().map(|&byte| f64::from(byte) / 255.0).sum::<f64>() / picture.len() as f64
    };
    let means: Vec<f64> = (0..pictures.len()).map(mean).collect();
    let middle = means.iter().sum::<f64>() / means.len() as f64;
    // Unbiased, as the variance of a sample.
    let own = means.iter().map(|mean| (mean - middle).powi(2)).sum::<f64>() / (means.len() - 1) as f64;
    let weight = (variance / own).sqrt() / toy::SHAPE.iter().product::<usize>() as f64;
    let builder = Builder::new(move |settings, params| {
        let model = toy::build(settings, params)?;
        for (_, var) in params.entries().iter().filter(|(name, _)| name == "q_z.v") {
            var.set(&(var.ones_like()? * weight)?)?;
        }
        Ok(model)
    });
    Spec { builder, ..toy::spec() }
}

/// A unit is active if its variance is at least 0.01.
#[test]
fn a_unit_is_active_where_its_mean_varies_enough() {
    let place = tempfile::tempdir().unwrap();
    let still = Schedule { rate: 0.0, least: 0.0, ..Schedule::default() };
    let data = toy::data();
    for (variance, active) in [(0.0098, 0), (0.0102, 1)] {
        let (spec, how) = (of_variance(variance), Config { schedule: still, ..config(1) });
        let folder = RunFolder::create(&place.path().join("run")).unwrap().0;
        let mut trainer = Trainer::new(Task::new(&spec, &data, "toy", &Device::Cpu), how, folder).unwrap();
        trainer.run().unwrap();
        let [found] = trainer.activity() else { panic!("{:?}", trainer.activity()) };
        assert_eq!((found.active, found.units), (active, 1), "variance {variance}");
    }
}
