//! Compares the estimate of memory with the memory used in training: the largest number of bytes that are allocated at
//! the same time, counted by the allocator.
//!
//! The test uses one thread, so the number is the same in every run. The program itself, 20 MB of the estimate, is not
//! counted.

use candle_core::{DType, Device, Tensor};
use srvae::data::{Cells, Column, Data, Records};
use srvae::interpret::{Interpreted, Memory};
use srvae::spec::{Role, Space, Spec, Variable};
use srvae::train::benchmark::Stepper;
use srvae::train::{Config, RunFolder, Task, Trainer};
use srvae::{Noise, Params, Values};
use srvae_dsl::derive::{is_data, is_partly};
use srvae_dsl::graph::VariableId;
use srvae_dsl::plan::Plan;
use srvae_dsl::{Overrides, Source, compile};
use srvae_tests::inputs;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with a counter.
struct Counting;

fn more(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    MOST.fetch_max(live, Relaxed);
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        more(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The program's part of the estimate.
const PROGRAM: u64 = 20_000_000;

fn plan(file: &str, preset: Option<&str>) -> Plan {
    plan_of(file, "", Overrides { preset: preset.map(str::to_owned), set: Vec::new() })
}

/// The plan of a file with more statements.
fn plan_of(file: &str, more: &str, settings: Overrides) -> Plan {
    let path = format!("{}/../models/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap() + more;
    compile(&Source::new(&path, &text), &settings).plan().unwrap().clone()
}

/// The most bytes that are allocated at once from before the model is built to the end of two training steps.
fn held(plan: Plan, batch: usize) -> u64 {
    let before = LIVE.load(Relaxed);
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let (model, variables) = (plan.model.clone(), 0..plan.model.variables.len());
    let own = variables.map(VariableId).filter(|id| is_data(&model, *id) || is_partly(&model, *id));
    let data = own.fold(Values::new(), |data, id| {
        let variable = model.variable(id);
        let steps = model.variables.iter().filter_map(|variable| variable.step).max().unwrap_or(1);
        let value = match model.length == Some(id) {
            true => Tensor::full(steps as f32, (batch, 1), &Device::Cpu).unwrap(),
            false => inputs::rows(variable, batch),
        };
        data.with(&variable.name, value)
    });
    let model = Interpreted::new(plan, &params).unwrap();
    let (mut stepper, mut noise) = (Stepper::new(&model, false).unwrap(), Noise::seeded(1));
    MOST.store(LIVE.load(Relaxed), Relaxed);
    for _ in 0..2 {
        stepper.step(&data, &mut noise).unwrap();
    }
    (MOST.load(Relaxed) - before) as u64
}

/// One measurement at a time: the counters are the process's.
static ONE: Mutex<()> = Mutex::new(());

/// A step holds no more than the estimate, and no less than a third of it: the estimate is furthest above where a backward pass frees one gradient
/// before it allocates the next.
#[test]
fn the_estimate_is_above_what_training_holds() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let cases = [
        ("vae.pgm", Some("quick"), 16),
        ("vae.pgm", Some("full"), 4),
        ("srvae.pgm", Some("quick"), 16),
        ("srvae.pgm", Some("full"), 2),
        ("zoo/vae.pgm", None, 256),
        ("zoo/nvae.pgm", None, 128),
        ("zoo/biva.pgm", None, 1024),
        ("zoo/pixelvae.pgm", None, 256),
        ("zoo/maf.pgm", None, 8192),
        ("zoo/vrnn.pgm", None, 1024),
        ("zoo/vdvae.pgm", None, 32),
        ("zoo/dmm.pgm", None, 64),
        ("zoo/vq_vae.pgm", None, 64),
    ];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut outside = Vec::new();
    for (file, preset, batch) in cases {
        let plan = plan(file, preset);
        let memory = Memory::of(&plan);
        let estimate = memory.training_fixed + memory.training_image * batch as u64 - PROGRAM;
        let held = pool.install(|| held(plan, batch));
        let ratio = held as f64 / estimate as f64;
        println!("{file} {preset:?}, batch {batch}: {held} bytes, {estimate} by estimate, {ratio:.2}");
        if !(1.0 / 3.0..=1.0).contains(&ratio) {
            outside.push((file, preset, ratio));
        }
    }
    assert!(outside.is_empty(), "{outside:?}");
}

/// In segments a long sequence holds less, and the estimate says so.
#[test]
fn the_estimate_knows_segments() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for (file, batch) in [("zoo/dmm.pgm", 256), ("zoo/vrnn.pgm", 256)] {
        let measure = |more: &str| {
            let plan = plan_of(file, more, Overrides { preset: None, set: vec![("T".into(), "100".into())] });
            let memory = Memory::of(&plan);
            let estimate = memory.training_fixed + memory.training_image * batch as u64 - PROGRAM;
            (pool.install(|| held(plan, batch)) as f64, estimate as f64)
        };
        let (whole, parts) = (measure(""), measure("\ncheckpoint t = 10\n"));
        let ratio = parts.0 / parts.1;
        println!("{file}: {whole:?} bytes and by estimate, {parts:?} in segments, {ratio:.2}");
        // The shares of values are those of an average value, so the estimate is rougher than without segments.
        assert!((0.25..=1.0).contains(&ratio), "{file}: {parts:?}");
        assert!(parts.0 < whole.0 / 2.0 && parts.1 < whole.1 / 2.0, "{file}: {whole:?}, {parts:?}");
    }
}

/// Two affine maps of nine million parameters, which an image hardly adds to.
const WIDE: &str = "model wide\nobserved x: real[1500]\nlatent z: real[1500]\np(z) = standard_normal\n\
                    p(x | z) = normal from z |> linear\nq(z | x) = normal from x |> linear\n";

fn wide() -> Spec {
    let variable = |name, role| Variable::new(name, role, Space::Real, &[1500]);
    Spec {
        name: "wide".into(),
        source: WIDE.into(),
        preset: None,
        settings: Vec::new(),
        variables: vec![variable("x", Role::Observed), variable("z", Role::Latent)],
        builder: srvae::interpret::builder("wide.pgm", WIDE),
    }
}

/// Where parameters are most of it, a run holds most while it writes a checkpoint.
#[test]
fn a_checkpoint_is_within_the_estimate() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let place = tempfile::tempdir().unwrap();
    let spec = wide();
    let numbers = (0..4 * 1500).map(|at| (at % 17) as f32 / 17.0).collect();
    let records = Records::of(vec![Column { name: "x".into(), cells: Cells::Reals { shape: vec![1500], numbers } }]);
    let records = records.unwrap();
    let (train, validation, test) = (records.clone(), records.clone(), records);
    let data = Data { name: "wide".into(), train, validation, test, kept: None };
    let plan = compile(&Source::new("wide.pgm", WIDE), &Overrides::default()).plan().unwrap().clone();
    for average in [None, Some(0.9)] {
        let before = LIVE.load(Relaxed);
        MOST.store(before, Relaxed);
        let config = Config { steps: 2, batch: 1, average, ..Config::default() };
        let folder = RunFolder::create(&place.path().join("run")).unwrap().0;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            let task = Task::new(&spec, &data, "wide", &Device::Cpu);
            Trainer::new(task, config, folder).unwrap().run().unwrap();
        });
        let held = (MOST.load(Relaxed) - before) as u64;
        let estimate = Memory::of(&plan).training(1) - PROGRAM;
        let ratio = held as f64 / estimate as f64;
        println!("average {average:?}: {held} bytes, {estimate} by estimate, {ratio:.2}");
        assert!((0.7..=1.0).contains(&ratio), "average {average:?}: {held} bytes, {estimate} by estimate");
    }
}

/// A batch fits if its step does, and if a checkpoint can be written at all.
#[test]
fn the_larger_of_a_step_and_a_checkpoint_counts() {
    let memory =
        Memory { training_fixed: 100, training_image: 10, saving: 500, evaluation_fixed: 50, evaluation_image: 5 };
    assert_eq!([1, 40, 50].map(|batch| memory.training(batch)), [500, 500, 600]);
    assert_eq!([499, 500, 509, 510].map(|bytes| memory.largest_batch(bytes)), [0, 40, 40, 41]);
}
