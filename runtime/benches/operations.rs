//! Layers for which `models/benches/operations.py` has the same in PyTorch: `cargo bench -p srvae --bench operations`.
//!
//! Prints a JSON object: for each layer the minimum time in seconds of the forward pass, and of the forward and backward
//! pass together with the gradients of inputs and parameters, on a tape as in training. `RAYON_NUM_THREADS` sets the number of threads;
//! names as arguments select layers.

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, Var};
use srvae::candle_core;
use srvae::entries::registry::{Arguments, layer};
use srvae::nn::Layer;
use srvae::ops::tape::{Tape, op1};
use srvae::{Noise, Params, Setting};
use std::time::{Duration, Instant};

/// The time for which a measurement is repeated.
const BUDGET: Duration = Duration::from_millis(300);
/// Steps of a recurrence.
const STEPS: usize = 64;

/// A layer, its arguments, the shapes of its inputs without the batch, and the batch.
struct Case {
    name: &'static str,
    layer: &'static str,
    arguments: &'static [(&'static str, i64)],
    inputs: &'static [&'static [usize]],
    batch: usize,
}

const CASES: [Case; 10] = [
    Case { name: "group_norm", layer: "group_norm", arguments: &[("groups", 8)], inputs: &[&[128, 16, 16]], batch: 16 },
    Case { name: "layer_norm", layer: "layer_norm", arguments: &[], inputs: &[&[512]], batch: 1024 },
    Case { name: "layer_norm_map", layer: "layer_norm", arguments: &[], inputs: &[&[128, 16, 16]], batch: 16 },
    Case {
        name: "attention_16x16",
        layer: "attention",
        arguments: &[("heads", 4)],
        inputs: &[&[128, 16, 16]],
        batch: 8,
    },
    Case {
        name: "attention_32x32",
        layer: "attention",
        arguments: &[("heads", 4)],
        inputs: &[&[64, 32, 32]],
        batch: 4,
    },
    Case { name: "gru", layer: "gru", arguments: &[], inputs: &[&[256], &[128]], batch: 32 },
    Case { name: "lstm", layer: "lstm", arguments: &[], inputs: &[&[512], &[128]], batch: 32 },
    Case {
        name: "masked_conv_5",
        layer: "masked_conv",
        arguments: &[("kernel", 5), ("out", 64)],
        inputs: &[&[64, 32, 32]],
        batch: 8,
    },
    Case {
        name: "depthwise_conv_3",
        layer: "depthwise_conv",
        arguments: &[("kernel", 3)],
        inputs: &[&[128, 32, 32]],
        batch: 8,
    },
    Case {
        name: "depthwise_conv_5",
        layer: "depthwise_conv",
        arguments: &[("kernel", 5)],
        inputs: &[&[256, 16, 16]],
        batch: 8,
    },
];

fn main() -> Result<()> {
    srvae::ops::keep_memory();
    joined_pool();
    let asked: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let rows: Vec<String> = CASES
        .iter()
        .filter(|case| asked.is_empty() || asked.iter().any(|name| name == case.name))
        .map(|case| {
            let (forward, gradient) = measured(case)?;
            Ok(format!("\"{}\": {{\"forward_s\": {forward:.6}, \"gradient_s\": {gradient:.6}}}", case.name))
        })
        .collect::<Result<_>>()?;
    println!("{{{}}}", rows.join(", "));
    Ok(())
}

/// Makes this thread a member of the pool, as the program does: parallel loops start at once.
fn joined_pool() {
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
    pool.build_global().expect("the first use of the pool");
}

/// Seconds of the forward pass, and of both passes.
fn measured(case: &Case) -> Result<(f64, f64)> {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let arguments = case.arguments.iter().map(|(name, value)| ((*name).to_owned(), Setting::Int(*value)));
    let layer = layer(case.layer, &params, case.inputs, &Arguments(arguments.collect()))?;
    let mut noise = Noise::seeded(1);
    let inputs = case.inputs.iter().map(|shape| {
        let shape: Vec<usize> = std::iter::once(case.batch).chain(shape.iter().copied()).collect();
        Var::from_tensor(&noise.normal("input", &shape, DType::F32, &Device::Cpu)?)
    });
    let inputs = inputs.collect::<Result<Vec<Var>>>()?;
    let tracked: Vec<Tensor> = inputs.iter().map(|var| var.as_tensor().clone()).collect();
    let plain: Vec<Tensor> = tracked.iter().map(Tensor::detach).collect();
    let forward = params.inference(|| fastest(|| applied(&*layer, &plain).map(drop)))?;
    let out = applied(&*layer, &plain)?;
    let weights = noise.normal("weights", out.dims(), DType::F32, &Device::Cpu)?;
    let gradient = fastest(|| {
        let tape = Tape::begin();
        let loss = op1(&applied(&*layer, &tracked)?, Given(weights.clone()))?;
        tape.backward(&loss).map(drop)
    })?;
    Ok((forward, gradient))
}

/// A loss without a value of its own, whose gradient is given.
struct Given(Tensor);

impl CustomOp1 for Given {
    fn name(&self) -> &'static str {
        "given"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.clone()))
    }
}

/// The layer applied once, or a recurrence over the steps: with two inputs, the first is the state.
fn applied(layer: &dyn Layer, inputs: &[Tensor]) -> Result<Tensor> {
    let [state, input] = inputs else { return layer.forward(&inputs.iter().collect::<Vec<_>>()) };
    (0..STEPS).try_fold(state.clone(), |state, _| layer.forward(&[&state, input]))
}

/// The minimum time of one call, in seconds, after one call that is not measured.
fn fastest(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let (begun, mut least) = (Instant::now(), f64::INFINITY);
    while begun.elapsed() < BUDGET {
        let call = Instant::now();
        work()?;
        least = least.min(call.elapsed().as_secs_f64());
    }
    Ok(least)
}
