//! Training and evaluation on several ranks, which are threads here, yield the same bits for any number of ranks.

mod toy;

use srvae::eval::{Encoding, Options, encode, evaluate};
use srvae::params::Phase;
use srvae::ranks::{ALONE, Communicator, threads};
use srvae::train::{Checkpoint, Config, End, RunFolder, Task, Trainer, metrics};
use srvae::{DType, Device, Params};
use std::path::Path;

fn config(steps: usize) -> Config {
    Config {
        steps,
        batch: 16,
        micro_batch: Some(2),
        validate_every: 7,
        checkpoint_every: 5,
        validation_images: 16,
        augment: true,
        clip: Some(20.0),
        average: Some(0.9),
        ..Config::default()
    }
}

/// The results of training on every rank.
fn train(ranks: usize, config: &Config, folder: &Path) -> Vec<anyhow::Result<End>> {
    let (spec, data) = (toy::spec(), toy::data());
    let folder = RunFolder::create(folder).unwrap().0;
    threads::run(ranks, |ranks| {
        let (config, folder) = (config.clone(), folder.clone());
        Trainer::new(Task::new(&spec, &data, "toy", &Device::Cpu).on(ranks), config, folder)?.run()
    })
}

fn resume(ranks: usize, config: &Config, folder: &Path) {
    let (spec, data) = (toy::spec(), toy::data());
    let folder = RunFolder::at(folder);
    let checkpoint = Checkpoint::load(&folder.last(), &Device::Cpu).unwrap();
    let ends = threads::run(ranks, |ranks| {
        let (config, folder) = (config.clone(), folder.clone());
        Trainer::resume(Task::new(&spec, &data, "toy", &Device::Cpu).on(ranks), &checkpoint, config, folder)?.run()
    });
    ends.into_iter().for_each(|end| assert_eq!(end.unwrap(), End::Done));
}

fn last(folder: &Path) -> Vec<u8> {
    std::fs::read(RunFolder::at(folder).last()).unwrap()
}

fn best(folder: &Path) -> Vec<u8> {
    std::fs::read(RunFolder::at(folder).best()).unwrap()
}

/// The lines of the metrics without times.
fn lines(folder: &Path) -> Vec<serde_json::Value> {
    let mut lines = metrics::read(&folder.join("metrics.jsonl")).unwrap();
    for line in &mut lines {
        for part in ["validation", "test"] {
            if let Some(part) = line.get_mut(part).and_then(serde_json::Value::as_object_mut) {
                part.retain(|key, _| key != "seconds" && key != "images_per_s");
            }
        }
        let line = line.as_object_mut().unwrap();
        line.retain(|key, _| !["seconds", "images_per_s", "sharing_s"].contains(&key.as_str()));
    }
    lines
}

#[test]
fn any_number_of_ranks_writes_the_same_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let at = |ranks: usize| place.path().join(ranks.to_string());
    // 8 micro-batches: 3 and 5 ranks have unequal parts of the tree, and 8 ranks have parts of 6 parameters.
    for ranks in [1, 2, 3, 4, 5, 8] {
        for end in train(ranks, &config(20), &at(ranks)) {
            assert_eq!(end.unwrap(), End::Done);
        }
        assert!(last(&at(ranks)) == last(&at(1)), "{ranks} ranks: another checkpoint than one rank's");
        assert!(best(&at(ranks)) == best(&at(1)), "{ranks} ranks: another best checkpoint than one rank's");
        assert_eq!(lines(&at(ranks)), lines(&at(1)), "{ranks} ranks");
    }
    // The comparison can fail: another size of micro-batches changes the arithmetic.
    let other = place.path().join("other");
    train(2, &Config { micro_batch: Some(4), ..config(20) }, &other);
    assert!(last(&other) != last(&at(1)));
}

#[test]
fn a_run_goes_on_with_another_number_of_ranks_bit_for_bit() {
    let place = tempfile::tempdir().unwrap();
    let (whole, parts) = (place.path().join("whole"), place.path().join("parts"));
    train(1, &config(24), &whole);
    train(1, &config(6), &parts);
    for (ranks, steps) in [(2, 13), (4, 17), (3, 24)] {
        resume(ranks, &config(steps), &parts);
    }
    // The steps of validation differ, because each part ends with one; the results of training do not.
    let read = |folder: &Path| Checkpoint::load(&RunFolder::at(folder).last(), &Device::Cpu).unwrap();
    let (whole, parts) = (read(&whole), read(&parts));
    assert_eq!(whole.header.progress.order, parts.header.progress.order);
    for group in ["param", "optimiser", "average"] {
        let (whole, parts) = (whole.group(group), parts.group(group));
        assert_eq!(whole.len(), parts.len());
        for (name, value) in &whole {
            let bits = |tensor: &srvae::Tensor| -> Vec<u32> {
                tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|number| number.to_bits()).collect()
            };
            assert_eq!(bits(value), bits(&parts[name]), "{group}/{name}");
        }
    }
}

/// The draws of a record depend only on its place in the batch, so micro-batches of any size have the same gradient up
/// to rounding.
#[test]
fn micro_batches_sum_to_the_gradient_of_the_batch() {
    let place = tempfile::tempdir().unwrap();
    let norm = |micro: usize| {
        let folder = place.path().join(micro.to_string());
        for end in train(1, &Config { micro_batch: Some(micro), ..config(1) }, &folder) {
            end.unwrap();
        }
        let lines = metrics::read(&folder.join("metrics.jsonl")).unwrap();
        let find = |name: &str| lines.iter().find_map(|line| line[name].as_f64()).unwrap();
        (find("gradient_norm"), find("objective"))
    };
    let (gradient, objective) = norm(16);
    for micro in [1, 2, 8] {
        let found = norm(micro);
        // A mean of 16 numbers in f32 in another order: a few rounding errors of 6e-8 each.
        assert!((found.0 / gradient - 1.0).abs() < 2e-6, "{micro}: {} {gradient}", found.0);
        assert!((found.1 / objective - 1.0).abs() < 2e-6, "{micro}: {} {objective}", found.1);
    }
}

#[test]
fn updates_are_left_out_on_all_ranks_alike() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    train(1, &Config { clip: None, ..config(12) }, &at("first"));
    let norms = lines(&at("first"));
    let mut norms: Vec<f64> = norms.iter().filter_map(|line| line["gradient_norm"].as_f64()).collect();
    norms.sort_by(f64::total_cmp);
    let limit = norms[norms.len() - 3];
    let some = Config { clip: None, skip_above: Some(limit), ..config(12) };
    for (name, ranks) in [("1", 1), ("2", 2), ("4", 4)] {
        for end in train(ranks, &some, &at(name)) {
            end.unwrap();
        }
        let skipped = Checkpoint::load(&RunFolder::at(at(name)).last(), &Device::Cpu).unwrap().header.progress.skipped;
        assert!((1..12).contains(&skipped), "{skipped}");
        assert!(last(&at(name)) == last(&at("1")), "{ranks} ranks");
    }
}

#[test]
fn a_term_that_is_no_number_is_named_alike_whatever_the_ranks() {
    let place = tempfile::tempdir().unwrap();
    let schedule = srvae::train::Schedule { rate: 1e6, least: 1e6, ..Default::default() };
    let config = Config { schedule, clip: None, ..config(50) };
    let said = |ranks: usize| -> Vec<String> {
        let ends = train(ranks, &config, &place.path().join(ranks.to_string()));
        ends.into_iter().map(|end| format!("{:#}", end.unwrap_err())).collect()
    };
    let one = said(1);
    assert!(one[0].contains("RE_x is") && one[0].contains("line 5: `p(x | z)"), "{}", one[0]);
    assert_eq!(said(4), vec![one[0].clone(); 4]);
}

#[test]
fn a_batch_that_cannot_be_divided_is_refused_before_anything_is_done() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let said = |ranks: usize, config: Config| format!("{:#}", train(ranks, &config, &run).remove(0).unwrap_err());
    assert!(said(1, Config { micro_batch: Some(3), ..config(3) }).contains("not a multiple of --micro-batch 3"));
    assert!(said(4, Config { micro_batch: Some(8), ..config(3) }).contains("too few for 4 ranks"));
    assert!(said(3, Config { micro_batch: None, ..config(3) }).contains("cannot be divided among 3 ranks"));
    assert!(!RunFolder::at(&run).last().exists());
}

fn model() -> Box<dyn srvae::Model> {
    toy::build(&Vec::new(), &Params::new(3, DType::F32, &Device::Cpu)).unwrap()
}

#[test]
fn evaluation_is_the_same_to_the_last_bit() {
    let test = toy::data().test;
    let found = |ranks: &dyn Communicator, batch: usize| {
        let options = Options { samples: 20, chunk: Some(7), batch: Some(batch), ranks, ..Options::default() };
        evaluate(model().as_ref(), &toy::spec(), &test, &options)
    };
    for batch in [3, 20] {
        let one = found(&ALONE, batch).unwrap();
        // Also with more ranks than chunks.
        for ranks in [2, 3, 9] {
            for other in threads::run(ranks, |ranks| found(ranks, batch)) {
                let other = other.unwrap();
                assert_eq!(one.nll.to_bits(), other.nll.to_bits(), "{ranks} ranks");
                assert_eq!(one.by_samples, other.by_samples);
                assert_eq!(one.terms, other.terms);
                assert_eq!(one.records.columns(), other.records.columns());
            }
        }
    }
}

#[test]
fn encoding_is_the_same_to_the_last_bit() {
    let test = toy::data().test;
    let found = |ranks: &dyn Communicator| {
        let how = Encoding { draws: 2, batch: 3, images: Some(17), seed: 5, ranks, progress: &|_, _| () };
        let model = model();
        model.params().set_phase(Phase::Inference);
        encode(model.as_ref(), &toy::spec(), &test, &how)
    };
    let one = found(&ALONE).unwrap();
    assert_eq!(one[1].shape, [17, 2, 1]);
    for other in threads::run(3, |ranks| found(ranks)).into_iter().take(1) {
        for (one, other) in one.iter().zip(other.unwrap()) {
            assert_eq!((&one.name, &one.shape), (&other.name, &other.shape));
            assert!(one.values == other.values, "{}", one.name);
        }
    }
}
