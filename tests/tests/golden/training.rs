//! Adamax and its schedule.

use super::support::{OUTPUT, open, params};
use anyhow::Result;
use srvae::candle_core::{DType, Tensor};
use srvae::train::{Optimiser, Schedule};

srvae_tests::trials!(adamax);

const STEPS: usize = 5;

fn adamax() -> Result<()> {
    let golden = open("optim")?;
    let params = params(DType::F32);
    let start = golden.get("param_0")?;
    let var = params.constant("weight", start.dims(), 0.0)?;
    var.set(&start)?;
    let mut optimiser = Optimiser::new(&params)?;
    for step in 1..=STEPS {
        let rate = Schedule::default().at(step - 1, STEPS);
        let theirs = golden.get(&format!("lr_{step}"))?;
        // Rounding of a few products in f64.
        golden.close(&format!("lr_{step}"), &Tensor::new(rate, theirs.device())?, 1e-12)?;
        // A loss whose gradient is the recorded one.
        let loss = (var.as_tensor() * golden.get(&format!("grad_{step}"))?)?.sum_all()?;
        optimiser.step(&loss.backward()?, rate)?;
        golden.close(&format!("param_{step}"), var.as_tensor(), OUTPUT)?;
        for (name, moment) in optimiser.state()? {
            let theirs = if name.ends_with(".mean") { "exp_avg" } else { "exp_inf" };
            golden.close(&format!("{theirs}_{step}"), &moment, OUTPUT)?;
        }
    }
    Ok(())
}
