//! Training: a function of the seed, whole after any interruption, and clear about what went wrong.

mod toy;

use srvae::spec::Spec;
use srvae::train::{Checkpoint, Config, End, RunFolder, Task, Trainer, metrics};
use srvae::{BoundOptions, Builder, Device, Draw, Mode, Model, Moment, Noise, Params, TermKind, Terms, Values, eval};
use std::cell::Cell;
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
    Trainer::new(Task::new(&spec, &data, "toy", &Device::Cpu), config, folder)?.run()
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
        [(&whole[..whole.len() / 2], "damaged, cut short"), (b"hello".as_slice(), "damaged, cut short")]
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
        text.contains("6 of 6 updates were skipped, the last 6 in a row") && text.contains("--skip-limit 5"),
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
    // The first validation is the best, and two more are no better.
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

#[test]
fn one_process_trains_in_a_folder_and_a_stale_lock_is_no_obstacle() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    let held = RunFolder::at(&run).locked().unwrap();
    for refused in [train(config(3), &run), resume(config(5), &run)] {
        let text = format!("{:#}", refused.unwrap_err());
        assert!(text.contains(&format!("process {} on ", std::process::id())), "{text}");
        assert!(text.contains("is training into this run folder"), "{text}");
    }
    assert!(!place.path().join("run.old-1").exists() && read(&run).header.progress.step == 3);
    drop(held);
    assert!(!run.join(".lock").exists());
    // What a killed process leaves: the file, and no lock on it.
    std::fs::write(run.join(".lock"), r#"{"process":4194304,"machine":"elsewhere"}"#).unwrap();
    resume(config(5), &run).unwrap();
    assert_eq!(read(&run).header.progress.step, 5);
}

#[test]
fn a_folder_of_something_else_is_refused_and_stays_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let thesis = place.path().join("thesis");
    std::fs::create_dir(&thesis).unwrap();
    std::fs::write(thesis.join("config.json"), "{}").unwrap();
    let text = format!("{:#}", train(config(3), &thesis).unwrap_err());
    assert!(text.contains("thesis") && text.contains("not a run folder"), "{text}");
    let names: Vec<_> = std::fs::read_dir(&thesis).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["config.json"]);
    let empty = place.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    train(config(3), &empty).unwrap();
}

#[test]
#[cfg(unix)]
fn a_run_that_loses_its_folder_is_kept_beside_it() {
    let place = tempfile::tempdir().unwrap();
    let (run, gone) = (place.path().join("run"), place.path().join("gone"));
    let mover = std::thread::spawn({
        let (run, gone) = (run.clone(), gone.clone());
        move || {
            while !RunFolder::at(&run).last().exists() {
                std::thread::yield_now();
            }
            std::fs::rename(run, gone).unwrap();
        }
    });
    let text = format!("{:#}", train(config(1_000_000), &run).unwrap_err());
    mover.join().unwrap();
    assert!(text.contains("was moved, deleted or replaced") && text.contains("run.rescued-1"), "{text}");
    let kept = read(&place.path().join("run.rescued-1")).header.progress.step;
    assert!(read(&gone).header.progress.step <= kept);
    resume(config(kept + 2), &place.path().join("run.rescued-1")).unwrap();
}

/// Lines of metrics without what a clock says.
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
    /// Bounds that a [`Guarded`] model of this thread computes before it fails.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    /// The weight it gives its KL term in training.
    static WEIGHT: Cell<f64> = const { Cell::new(1.0) };
}

/// The toy model, which may fail like a machine and weights its KL term.
struct Guarded(Box<dyn Model>);

impl Model for Guarded {
    fn params(&self) -> &Params {
        self.0.params()
    }

    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> srvae::Result<Terms> {
        let left = LEFT.get();
        if left == 0 {
            srvae::candle_core::bail!("the power went");
        }
        LEFT.set(left - 1);
        self.0.bound(data, noise, options)
    }

    fn objective(&self, terms: &Terms, _: Moment) -> srvae::Result<Terms> {
        let mut terms = terms.clone();
        for term in terms.terms.iter_mut().filter(|term| term.kind == TermKind::Kl) {
            term.value = (&term.value * WEIGHT.get())?;
        }
        Ok(terms)
    }

    fn modes(&self) -> &[Mode] {
        self.0.modes()
    }

    fn run(&self, mode: &str, given: &Values, count: usize, noise: &mut Noise, draw: &Draw) -> srvae::Result<Values> {
        self.0.run(mode, given, count, noise, draw)
    }
}

fn guarded() -> Spec {
    let builder = Builder::new(|settings, params| Ok(Box::new(Guarded(toy::build(settings, params)?))));
    Spec { builder, ..toy::spec() }
}

/// Learning rates that no short decimal stands for, and a run that fails at another moment each time. `SRVAE_RESUMED_RUNS`
/// says how many of them.
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

/// What training maximises is one thing, and the likelihood another: a model that weights its KL term changes the first
/// alone.
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

#[test]
fn damaged_lines_of_metrics_are_said_and_kept_aside() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(5), &run).unwrap();
    let path = run.join("metrics.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let damaged = whole.replacen("\"step\":2", "\"st", 1) + "{\"step\":5,\"cut of";
    std::fs::write(&path, &damaged).unwrap();
    let (lines, all) = (metrics::read(&path).unwrap().len(), whole.lines().count());
    assert_eq!(lines, all - 1);
    resume(config(8), &run).unwrap();
    assert_eq!(std::fs::read_to_string(run.join("metrics.jsonl.damaged")).unwrap(), damaged);
    let steps: Vec<u64> = metrics::read(&path)
        .unwrap()
        .iter()
        .filter(|line| line["terms"].is_object())
        .filter_map(|line| line["step"].as_u64())
        .collect();
    assert_eq!(steps, [1, 3, 4, 5, 6, 7, 8]);
}
