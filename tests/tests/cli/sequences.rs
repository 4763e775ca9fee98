//! Sequences of different lengths: shorter programs, buckets, metrics, draws.

use crate::support::Place;
use serde_json::Value;
use srvae::data::{self, Batches, Data, Order, Source, Split};
use srvae::ranks::threads;
use srvae::spec::{Role, Space, Spec, Variable};
use srvae::train::{Checkpoint, Config, End, RunFolder, Schedule, Task, Trainer, metrics};
use srvae::{BoundOptions, DType, Device, Noise, Params, Setting, Tensor, Values};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TEXT: &str = "model swings\nlength T\nindex t in 1..T\nobserved x[t]: real[2]\nlatent z[t]: real[2]\n\
                    net move(z) = z |> linear(out: 2)\nnet observe(z) = z |> linear(out: 2)\n\
                    let b[T + 1] = learned real[6]\nlet b[t] = gru(b[t + 1], x[t])\np(z[1]) = standard_normal\n\
                    p(z[t] | z[t - 1]) = normal(mean: move(z[t - 1]), std: 0.5)\n\
                    p(x[t] | z[t]) = normal(mean: observe(z[t]), std: 0.5)\nq(z[1] | x[1..T]) = normal from b[1] |> linear\n\
                    q(z[t] | z[t - 1], x[>=t]) = normal from concat(z[t - 1], b[t]) |> linear\n";
const STEPS: usize = 8;

fn spec() -> Spec {
    let variable = |name, role, space, shape: &[usize], is_length| Variable {
        is_length,
        steps: !is_length,
        ..Variable::new(name, role, space, shape)
    };
    Spec {
        name: "swings".into(),
        source: TEXT.into(),
        preset: None,
        settings: vec![("T".into(), Setting::Int(STEPS as i64))],
        variables: vec![
            variable("x", Role::Observed, Space::Real, &[STEPS, 2], false),
            variable("z", Role::Latent, Space::Real, &[STEPS, 2], false),
            variable("T", Role::Given, Space::Count, &[1], true),
        ],
        builder: srvae::interpret::builder("swings.pgm", TEXT),
    }
}

fn swings() -> Data {
    data::load(&Source::default(), &spec(), Split::default()).unwrap()
}

/// A record of 5 steps has the same bound with a program of 5 steps and one of 8, with the same draws.
#[test]
fn shorter_programs_compute_the_same_bound() {
    let spec = spec();
    let params = Params::new(3, DType::F32, &Device::Cpu);
    let long = spec.build(&params).unwrap();
    let short = spec.builder.build(&vec![("T".into(), Setting::Int(5))], &params.shared()).unwrap();
    assert_eq!(params.entries().len(), long.params().entries().len(), "a shorter program has no parameters of its own");
    let x = Tensor::randn(0f32, 1.0, (3, STEPS, 2), &Device::Cpu).unwrap();
    let lengths = Tensor::new(&[[5f32], [2.], [4.]], &Device::Cpu).unwrap();
    let draws: Vec<Tensor> = (0..STEPS).map(|_| Tensor::randn(0f32, 1.0, (3, 2), &Device::Cpu).unwrap()).collect();
    let bound = |model: &dyn srvae::Model, steps: usize| -> Vec<Vec<f32>> {
        let cut = x.narrow(1, 0, steps).unwrap().contiguous().unwrap();
        let data = Values::new().with("x", cut).with("T", lengths.clone());
        let mut noise = Noise::seeded(1);
        (0..steps).for_each(|step| noise.record(&format!("z[{}]", step + 1), draws[step].clone()));
        let terms = model.bound(&data, &mut noise, &BoundOptions::default()).unwrap();
        terms.terms.iter().map(|term| term.value.flatten_all().unwrap().to_vec1().unwrap()).collect()
    };
    let (long, short) = (bound(long.as_ref(), STEPS), bound(short.as_ref(), 5));
    for (a, b) in long.concat().into_iter().zip(short.concat()) {
        // The same operations on the same numbers, except for sums that begin with zeros.
        assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{long:?} {short:?}");
    }
}

/// Buckets and shorter programs are functions of the seed and the step, not of the number of threads or ranks.
#[test]
fn ranks_and_resumed_runs_take_the_same_steps() {
    let place = tempfile::tempdir().unwrap();
    let (spec, data) = (spec(), swings());
    let config = |steps| Config {
        steps,
        batch: 16,
        micro_batch: Some(4),
        validate_every: 100,
        validation_images: 8,
        ..Config::default()
    };
    let last = |folder: &Path| fs::read(RunFolder::at(folder).last()).unwrap();
    let train = |ranks: usize, steps: usize| {
        let folder = place.path().join(format!("{ranks}-{steps}"));
        let made = RunFolder::create(&folder).unwrap().0;
        let ends = threads::run(ranks, |ranks| {
            let task = Task::new(&spec, &data, "builtin", &Device::Cpu).on(ranks);
            Trainer::new(task, config(steps), made.clone())?.run()
        });
        ends.into_iter().for_each(|end| assert_eq!(end.unwrap(), End::Done));
        folder
    };
    let alone = train(1, 9);
    assert!(last(&alone) == last(&train(2, 9)), "two ranks");
    let begun = train(1, 4);
    let checkpoint = Checkpoint::load(&RunFolder::at(&begun).last(), &Device::Cpu).unwrap();
    let ends = threads::run(2, |ranks| {
        let folder = RunFolder::at(&begun);
        let task = Task::new(&spec, &data, "builtin", &Device::Cpu).on(ranks);
        Trainer::resume(task, &checkpoint, config(9), folder)?.run()
    });
    ends.into_iter().for_each(|end| assert_eq!(end.unwrap(), End::Done));
    assert!(last(&alone) == last(&begun), "resumed on two ranks");
}

/// Steps without latents, so that a record has one bound.
const DRAWN_BY_NOTHING: &str = "model chain\nlength T\nindex t in 1..T\nobserved x[t]: real[2]\nnet next(v) = v |> linear(out: 2)\n\
                                p(x[1]) = standard_normal\np(x[t] | x[t - 1]) = normal(mean: next(x[t - 1]), std: 0.5)\n";

/// Every batch is computed over all steps of its records, with any program that is long enough, and nats per step refer
/// to these steps.
#[test]
fn a_batch_has_all_steps_of_its_records() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let swings = spec();
    let spec = Spec {
        name: "chain".into(),
        source: DRAWN_BY_NOTHING.into(),
        variables: swings.variables.into_iter().filter(|variable| variable.name != "z").collect(),
        builder: srvae::interpret::builder("chain.pgm", DRAWN_BY_NOTHING),
        ..swings
    };
    let data = data::load(&Source::default(), &spec, Split::default()).unwrap();
    let still = Schedule { rate: 0.0, least: 0.0, ..Schedule::default() };
    let (steps, batch) = (40, 8);
    let config = Config { steps, batch, schedule: still, validate_every: steps, ..Config::default() };
    let task = Task::new(&spec, &data, "builtin", &Device::Cpu);
    let folder = RunFolder::create(&run).unwrap().0;
    let mut trainer = Trainer::new(task, config.clone(), folder).unwrap();
    trainer.run().unwrap();
    let lines = metrics::read(&run.join("metrics.jsonl")).unwrap();
    let trained: Vec<&Value> = lines.iter().filter(|line| line["terms"].is_object()).collect();
    assert_eq!(trained.len(), steps);
    let lengths = data.train.lengths("T").unwrap();
    let mut order = Order::bucketed(lengths.clone(), batch, config.seed, 0);
    let batches = Batches::new(&spec, &data.train, &Device::Cpu).unwrap();
    let mut longest = BTreeSet::new();
    for line in trained {
        let indices = order.next(batch);
        let values = batches.take(&data.train, &indices, None).unwrap();
        // The model has a program for the longest records.
        let terms = trainer.model().bound(&values, &mut Noise::seeded(1), &BoundOptions::default()).unwrap();
        let bound = f64::from(terms.elbo().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap());
        let own: Vec<usize> = indices.iter().map(|&index| lengths[index]).collect();
        let per_step = -bound / (own.iter().sum::<usize>() as f64 / batch as f64);
        let said = line["nats_per_step"].as_f64().unwrap();
        // Sums in f32 that begin with zeros.
        assert!((said - per_step).abs() < 1e-5 * per_step.abs(), "{said} {per_step}, steps {own:?}");
        longest.extend(own.into_iter().max());
    }
    // Programs have 2, 4, 6 and 8 steps. Batches that just fit into one and batches that just do not are among these.
    assert!([6, 7].iter().all(|steps| longest.contains(steps)), "{longest:?}");
    let found = trainer.after().unwrap();
    let tested = data.test.lengths("T").unwrap();
    let tested = &tested[..found.images];
    assert_eq!(found.steps, Some(tested.iter().sum::<usize>() as f64 / tested.len() as f64));
    assert!(found.steps.is_some_and(|steps| steps.fract() != 0.0), "{:?}", found.steps);
    assert_eq!(found.nats_per_step(), found.steps.map(|steps| -found.log_likelihood / steps));
}

#[test]
fn results_are_by_step_and_by_sequence_and_samples_have_lengths() {
    let place = Place::new();
    fs::write(place.path("swings.pgm"), TEXT).unwrap();
    place.json("swings.pgm --data builtin --steps 12 --out run");
    let found = place.json("eval run --k 3");
    let number = |name: &str| found[name].as_f64().unwrap();
    // Built-in sequences have between half of 16 steps and all of them.
    assert!((8.0..=16.0).contains(&number("steps")), "{found}");
    // Rounding of a product of numbers of some hundred nats.
    assert!((number("nats_per_step") * number("steps") + number("log_likelihood")).abs() < 1e-6, "{found}");
    let metrics = fs::read_to_string(place.path("run/metrics.jsonl")).unwrap();
    assert!(metrics.lines().any(|line| line.contains("\"terms\"") && line.contains("\"nats_per_step\"")));
    let page = fs::read_to_string(place.path("run/report.html")).unwrap();
    assert!(page.contains("nats per step") && page.contains("evaluation, per step"));
    // More than the number of test records.
    let said = place.json("sample run --count 1500 --out drawn.npz");
    assert_eq!(said["arrays"]["x"], serde_json::json!([1500, 16, 2]));
    assert_eq!(said["arrays"]["T"], serde_json::json!([1500]));
    let numbers = |file: &str| {
        let arrays = srvae::data::formats::arrays::named(&place.path(file)).unwrap();
        let of = |name: &str| arrays.iter().find(|(own, _)| own == name).map(|(_, array)| array.clone()).unwrap();
        ["x", "T"].map(|name| srvae::data::formats::arrays::numbers(&of(name))).into()
    };
    let check = |x: &[f64], lengths: &[f64]| {
        for (record, &steps) in x.chunks(32).zip(lengths) {
            let (inside, outside) = record.split_at(2 * steps as usize);
            assert!(inside.iter().all(|&value| value != 0.0) && outside.iter().all(|&value| value == 0.0));
        }
    };
    let (x, lengths): (Vec<f64>, Vec<f64>) = numbers("drawn.npz");
    check(&x, &lengths);
    // In generation every sequence has all steps; reconstructions have the steps of the records.
    assert!(lengths.iter().all(|&steps| steps == 16.0));
    let said = place.json("reconstruct run --count 40 --out again.npz");
    assert_eq!(said["arrays"]["T"], serde_json::json!([40]));
    let (x, lengths) = numbers("again.npz");
    assert!(lengths.iter().any(|&steps| steps < 16.0));
    check(&x, &lengths);
    // A continuation draws what is missing of the full length, from a record's own end if that comes first.
    for given in [4, 12] {
        let said = place.json(&format!("sample run --continue {given} --count 40 --out further.npz"));
        assert_eq!(said["arrays"]["T"], serde_json::json!([40]));
        let (x, lengths) = numbers("further.npz");
        assert!(lengths.iter().all(|&steps| steps == 16.0));
        check(&x, &lengths);
    }
    let said = place.run("train run --resume --steps 13");
    assert_eq!(said.code, 0, "{}", said.err);
}
