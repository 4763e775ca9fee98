//! Training: a function of the seed, whole after any interruption, and clear about what went wrong.

mod toy;

use srvae::Device;
use srvae::train::{Checkpoint, Config, End, RunFolder, Trainer, metrics};
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
    let (spec, data) = (toy::spec(), toy::data());
    let folder = RunFolder::create(folder)?.0;
    Trainer::new(&spec, &data, "toy", config, folder, &Device::Cpu)?.run()
}

fn resume(config: Config, folder: &Path) -> anyhow::Result<End> {
    let (spec, data) = (toy::spec(), toy::data());
    let folder = RunFolder::at(folder);
    let checkpoint = Checkpoint::load(&folder.last(), &Device::Cpu)?;
    Trainer::resume(&spec, &data, &checkpoint, config, folder, &Device::Cpu)?.run()
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
fn an_exploding_run_names_the_term_and_its_line_and_keeps_its_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let schedule = srvae::train::Schedule { rate: 1e6, least: 1e6, ..Default::default() };
    let error = train(Config { schedule, ..config(50) }, &run).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("RE_x is") && text.contains("line 5: `p(x | z)"), "{text}");
    assert!(last(&run).len() > 100);
}

#[test]
fn a_run_folder_in_use_is_moved_aside() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    train(config(4), &run).unwrap();
    assert_eq!(read(&run).header.progress.step, 4);
    assert_eq!(read(&place.path().join("run.old-1")).header.progress.step, 3);
}

#[test]
fn a_checkpoint_of_another_model_is_refused_with_the_difference() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    let checkpoint = read(&run);
    let mut spec = toy::spec();
    spec.source = spec.source.replace("standard_normal", "real_nvp(scales: 2)");
    let text = format!("{:#}", checkpoint.check_model(&spec.name, &spec.source, &spec.settings, &run).unwrap_err());
    assert!(text.contains("p(z): `p(z) = standard_normal` there, `p(z) = real_nvp(scales: 2)` here"), "{text}");
    spec.name = "other".into();
    let text = format!("{:#}", checkpoint.check_model(&spec.name, &spec.source, &spec.settings, &run).unwrap_err());
    assert!(text.contains("it is of model `toy`, this is `other`"), "{text}");
}

#[test]
fn a_damaged_checkpoint_is_one_clear_error() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    let whole = last(&run);
    for (bytes, what) in
        [(&whole[..whole.len() / 2], "damaged or cut short"), (b"hello".as_slice(), "damaged or cut short")]
    {
        std::fs::write(RunFolder::at(&run).last(), bytes).unwrap();
        let text = format!("{:#}", Checkpoint::load(&RunFolder::at(&run).last(), &Device::Cpu).unwrap_err());
        assert!(text.contains(what) && text.contains("last.safetensors"), "{text}");
    }
}

/// The gradient norm that half of the steps stay below.
fn middle_norm(folder: &Path) -> f64 {
    let lines = metrics::read(&folder.join("metrics.jsonl")).unwrap();
    let mut norms: Vec<f64> = lines.iter().filter_map(|line| line["gradient_norm"].as_f64()).collect();
    norms.sort_by(f64::total_cmp);
    norms[norms.len() / 2]
}

#[test]
fn updates_that_are_left_out_are_counted_bounded_and_the_same_after_a_resume() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    train(config(24), &at("plain")).unwrap();
    let skip = |steps| Config { skip_above: Some(middle_norm(&at("plain"))), skip_limit: 100, ..config(steps) };
    train(skip(24), &at("whole")).unwrap();
    train(skip(13), &at("parts")).unwrap();
    resume(skip(24), &at("parts")).unwrap();
    let (whole, parts) = (read(&at("whole")), read(&at("parts")));
    assert!((1..24).contains(&whole.header.progress.skipped), "{:?}", whole.header.progress);
    assert_eq!(whole.header.progress, parts.header.progress);
    for group in ["param", "optimiser"] {
        let numbers = |checkpoint: &Checkpoint| -> Vec<Vec<f32>> {
            checkpoint.group(group).values().map(|value| value.flatten_all().unwrap().to_vec1().unwrap()).collect()
        };
        assert_eq!(numbers(&whole), numbers(&parts), "{group}");
    }
    let lines = metrics::read(&at("whole").join("metrics.jsonl")).unwrap();
    let last = lines.iter().rev().find_map(|line| line["skipped_updates"].as_u64()).unwrap();
    assert_eq!(last as usize, whole.header.progress.skipped);
    // Without a limit that is reached, no run goes on for ever without an update.
    let never = Config { skip_above: Some(1e-9), skip_limit: 5, ..config(1000) };
    let text = format!("{:#}", train(never, &at("never")).unwrap_err());
    assert!(
        text.contains("6 of 6 updates were left out, the last 6 in a row") && text.contains("--skip-limit 5"),
        "{text}"
    );
    let schedule = srvae::train::Schedule { rate: 1e6, least: 1e6, ..Default::default() };
    // A validation on the way would end the run before that: of such parameters no likelihood is a number.
    let broken = Config { schedule, skip_above: Some(1e9), validate_every: 1000, ..config(1000) };
    let text = format!("{:#}", train(broken, &at("broken")).unwrap_err());
    assert!(text.contains("in a row"), "{text}");
}

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
    // The data have one direction, and the latent's one unit finds it.
    assert!(units.len() > 20 && units.iter().all(|&(_, all)| all == 1), "{units:?}");
    assert_eq!(units.last(), Some(&(1, 1)));
}

#[test]
fn patience_and_time_end_a_run() {
    let place = tempfile::tempdir().unwrap();
    let still = srvae::train::Schedule { rate: 0.0, least: 0.0, ..Default::default() };
    let impatient = Config { schedule: still, patience: Some(2), ..config(1000) };
    assert_eq!(train(impatient, &place.path().join("a")).unwrap(), End::Patience);
    let hurried = Config { minutes: Some(0.0), ..config(1000) };
    assert_eq!(train(hurried, &place.path().join("b")).unwrap(), End::Time);
}
