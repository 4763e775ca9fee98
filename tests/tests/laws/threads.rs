//! Results have the same bits for any number of threads, because the order of sums depends only on the shapes.

use srvae::candle_core::{DType, Device};
use srvae::params::Phase;
use srvae::train::benchmark::Stepper;
use srvae::{BoundOptions, Draw, Noise, Params, Result, Values};
use srvae_tests::srvae_golden::COMPILED;

/// All results of a run: parameters after two training steps, importance weights, a draw of every variable.
fn everything() -> Result<Vec<u8>> {
    let params = Params::new(3, DType::F32, &Device::Cpu);
    let model = (COMPILED.build)(&Vec::new(), &params)?;
    let mut noise = Noise::seeded(4);
    let x = (noise.uniform("x", &[3, 3, 32, 32], DType::F32, &Device::Cpu)? * 255.0)?.round()?;
    let data = Values::new().with("x", (x / 255.0)?);
    params.set_phase(Phase::Initialisation);
    model.bound(&data, &mut noise, &BoundOptions::default())?;
    params.set_phase(Phase::Training);
    params.touch();
    let mut stepper = Stepper::new(model.as_ref(), false).expect("an optimiser");
    for _ in 0..2 {
        stepper.step(&data, &mut noise).expect("a step");
    }
    params.set_phase(Phase::Inference);
    let mut found: Vec<_> = params.entries().into_iter().map(|(_, var)| var.as_detached_tensor()).collect();
    found.push(model.bound(&data, &mut noise, &BoundOptions::importance(3))?.log_weights()?);
    let drawn = model.run("generation", &Values::new(), 3, &mut noise, &Draw::default())?;
    found.extend(drawn.iter().map(|(_, value)| value.clone()));
    let mut bytes = Vec::new();
    for tensor in found {
        bytes.extend(tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes));
    }
    Ok(bytes)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(everything).unwrap()
    };
    let one = with(1);
    assert!(one.len() > 100_000);
    for threads in [2, 3] {
        assert!(with(threads) == one, "{threads} threads");
    }
}
