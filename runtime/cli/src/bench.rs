//! `srvae-run bench`: times the same jobs as the PyTorch program, and prints the same numbers.

use super::args::{Bench, Job};
use super::{compiler, device, machine, models};
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use srvae_interpreter::Memory;
use srvae_training::eval::ROWS;
use srvae_training::ops::profile::{Profile, Share, timed};
use srvae_training::params::Phase;
use srvae_training::spec::{Most, Spec, space_entry};
use srvae_training::terminal::{out, table};
use srvae_training::train::benchmark::Stepper;
use srvae_training::{BoundOptions, Compiled, DType, Device, Draw, Model, Noise, Params, Tensor, Values};
use std::process::ExitCode;
use std::time::Instant;

pub fn run(models: &'static [Compiled], args: &Bench) -> Result<ExitCode> {
    let device = device::choose(&args.common)?;
    let spec = models::find(models, &args.file)?.spec(&args.model)?;
    check_memory(&spec, args, &device)?;
    let params = Params::new(1, DType::F32, &device);
    let model = spec.build(&params).context("the model could not be built")?;
    let mut noise = Noise::seeded(1);
    let batch = random_batch(&spec, args.batch, &mut noise, &device)?;
    let chunk = chunk(&compiler::memory(&spec)?, args, &device);
    let mut job = job(model.as_ref(), batch, noise, args, chunk)?;
    let times = measured(&mut job, args.steps, &device)?;
    drop(job);
    let images = args.batch * if args.job == Job::Nll { args.k } else { 1 };
    let found =
        Found { speed: images as f64 / times.least, times, parameters: params.count(), peak_bytes: peak_bytes() };
    if args.common.json {
        out(&found.json(&spec, args, &device).to_string());
    } else {
        found.print(&spec, args, &device);
    }
    Ok(ExitCode::SUCCESS)
}

/// The times of a job's steps.
struct Times {
    /// Seconds of the fastest step.
    least: f64,
    /// Seconds of the median step.
    median: f64,
    /// CPU seconds of the cheapest step, if the system reports them.
    least_cpu: Option<f64>,
    /// Seconds of all steps, by kind of operation.
    shares: Vec<Share>,
}

/// Times a job, after two steps that fill caches.
fn measured(job: &mut Work<'_>, steps: usize, device: &Device) -> Result<Times> {
    for _ in 0..2 {
        job()?;
    }
    device.synchronize()?;
    let (mut times, mut least_cpu) = (Vec::new(), None::<f64>);
    let profile = Profile::begin();
    for _ in 0..steps {
        let (begun, cpu) = (Instant::now(), machine::cpu_seconds());
        timed("the rest", &mut *job)?;
        device.synchronize()?;
        times.push(begun.elapsed().as_secs_f64());
        let cpu = machine::cpu_seconds().zip(cpu).map(|(end, begin)| end - begin);
        least_cpu = cpu.map(|cpu| least_cpu.map_or(cpu, |least| least.min(cpu)));
    }
    let shares = profile.end();
    times.sort_by(f64::total_cmp);
    let median = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0;
    Ok(Times { least: times[0], median, least_cpu, shares })
}

/// The results of a benchmark.
struct Found {
    times: Times,
    /// Images (records, samples) per second, by the fastest step.
    speed: f64,
    parameters: usize,
    peak_bytes: Option<u64>,
}

impl Found {
    fn json(&self, spec: &Spec, args: &Bench, device: &Device) -> Value {
        let Self { times, speed, parameters, peak_bytes } = self;
        let each = times.shares.iter().map(|share| (share.kind.to_owned(), json!(a_step(share.seconds, args))));
        let breakdown: Map<String, Value> = each.collect();
        json!({
            "job": job_name(args.job), "model": spec.name, "preset": spec.preset, "params": parameters,
            "batch": args.batch, "k": (args.job == Job::Nll).then_some(args.k), "steps": args.steps,
            "device": machine::name_of(device), "threads": rayon::current_num_threads(),
            "min_s": times.least, "median_s": times.median, "cpu_s": times.least_cpu,
            "images_per_s": speed, "peak_bytes": peak_bytes,
            "breakdown": breakdown,
        })
    }

    fn print(&self, spec: &Spec, args: &Bench, device: &Device) {
        let Self { times, speed, parameters, peak_bytes } = self;
        let row = |name: &str, value: String, unit: &str| vec![name.to_owned(), value, unit.to_owned()];
        out(&format!(
            "{} {}, {parameters} parameters, batch {}, {}",
            spec.name,
            job_name(args.job),
            args.batch,
            machine::name_of(device)
        ));
        out(&table(&[
            row("least", format!("{:.4}", times.least), "s"),
            row("median", format!("{:.4}", times.median), "s"),
            row("speed", format!("{speed:.2}"), &format!("{}/s", spec.records())),
            row("memory", format!("{:.0}", peak_bytes.unwrap_or(0) as f64 / 1e6), "MB at most"),
        ]));
        out("seconds per step, by kind of operation");
        let row = |share: &Share| {
            let calls = share.calls.div_ceil(args.steps.max(1));
            vec![share.kind.to_owned(), format!("{:.4}", a_step(share.seconds, args)), format!("{calls} calls")]
        };
        out(&table(&times.shares.iter().map(row).collect::<Vec<_>>()));
    }
}

/// Seconds of one step.
fn a_step(seconds: f64, args: &Bench) -> f64 {
    seconds / args.steps.max(1) as f64
}

/// Refuses a batch that does not fit into memory.
fn check_memory(spec: &Spec, args: &Bench, device: &Device) -> Result<()> {
    if !device.is_cpu() {
        return Ok(());
    }
    let (memory, batch) = (compiler::memory(spec)?, args.batch as u64);
    let bytes = match args.job {
        Job::Train => memory.training(batch),
        Job::Nll => memory.evaluation(batch.saturating_mul(chunk(&memory, args, device) as u64)),
        Job::Generate => memory.evaluation(batch),
    };
    machine::check_memory(&format!("--batch {}", args.batch), bytes as f64, "use a smaller --batch or --chunk")
}

/// Samples computed at once: on the CPU as many as in evaluation, on a GPU all.
fn chunk(memory: &Memory, args: &Bench, device: &Device) -> usize {
    let rows = usize::try_from(memory.rows_at_once()).unwrap_or(ROWS).min(ROWS);
    let most = if device.is_cpu() { rows / args.batch } else { args.k };
    args.chunk.unwrap_or(most).clamp(1, args.k)
}

type Work<'a> = Box<dyn FnMut() -> Result<()> + 'a>;

fn job<'a>(model: &'a dyn Model, batch: Values, mut noise: Noise, args: &'a Bench, chunk: usize) -> Result<Work<'a>> {
    let params = model.params().clone();
    // Without initialisation, the first passes would use scales that no trained model has.
    params.set_phase(Phase::Initialisation);
    model.bound(&batch, &mut noise, &BoundOptions::default())?;
    params.set_phase(Phase::Inference);
    params.touch();
    Ok(match args.job {
        Job::Train => {
            params.set_phase(Phase::Training);
            let mut stepper = Stepper::new(model, args.graph)?;
            Box::new(move || stepper.step(&batch, &mut noise))
        }
        Job::Nll => Box::new(move || {
            let mut left = args.k;
            while left > 0 {
                let samples = chunk.min(left);
                let terms = model.bound(&batch, &mut noise, &BoundOptions::importance(samples))?;
                terms.log_weights()?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
                left -= samples;
            }
            Ok(())
        }),
        Job::Generate => {
            let given =
                model.modes().iter().find(|mode| mode.name == "generation").map_or(&[] as &[&str], |mode| mode.given);
            let given = given.iter().try_fold(Values::new(), |values, name| {
                Ok::<_, anyhow::Error>(values.with(name, batch.get(name)?.clone()))
            })?;
            Box::new(move || {
                let values = model.run("generation", &given, args.batch, &mut noise, &Draw::default())?;
                for (_, value) in values.iter() {
                    value.flatten_all()?.narrow(0, 0, 1)?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
                }
                Ok(())
            })
        }
    })
}

/// Random data of each variable's space.
pub(super) fn random_batch(spec: &Spec, size: usize, noise: &mut Noise, device: &Device) -> Result<Values> {
    let mut values = Values::new();
    for variable in spec.data_variables() {
        let shape: Vec<usize> = std::iter::once(size).chain(variable.shape.iter().copied()).collect();
        if let Some(steps) = spec.steps(variable) {
            values.insert(&variable.name, Tensor::full(steps as f32, shape, device)?);
            continue;
        }
        let uniform =
            noise.uniform(&variable.name, &shape, DType::F64, &Device::Cpu)?.flatten_all()?.to_vec1::<f64>()?;
        let space = space_entry(variable.space);
        let drawn = uniform.chunks(variable.row()).flat_map(|row| space.made(row, variable.one()));
        let drawn: Vec<f64> = drawn.collect();
        let value = Tensor::from_vec(drawn, shape, &Device::Cpu)?.to_dtype(DType::F32)?.to_device(device)?;
        values.insert(&variable.name, value);
    }
    // Successes are at most their trials.
    for variable in spec.data_variables() {
        let (Some(most), Some(value)) = (&variable.most, values.find(&variable.name).cloned()) else { continue };
        let limited = match most {
            Most::Number(number) => value.minimum(*number as f64)?,
            Most::Of(name) => value.minimum(values.get(name)?)?,
        };
        values.insert(&variable.name, limited);
    }
    Ok(values)
}

fn job_name(job: Job) -> &'static str {
    match job {
        Job::Train => "train",
        Job::Nll => "nll",
        Job::Generate => "generate",
    }
}

/// The peak memory of the program, if the system reports it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
