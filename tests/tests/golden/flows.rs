//! Squeezes, couplings and the two-scale RealNVP.

use super::support::{GRADIENT, OUTPUT, gradients, load, open, params};
use anyhow::Result;
use srvae::candle_core::{DType, Var};
use srvae::dist::{Distribution, Flowed, StandardNormal};
use srvae::flow::{Bijector, Coupling, Mask, Order, RealNvp, RealNvpConfig, squeeze, unsqueeze};

srvae_tests::trials!(
    squeezes,
    coupling_checkerboard,
    coupling_checkerboard_reversed,
    coupling_channel,
    coupling_channel_reversed,
    real_nvp
);

/// An inverse divides by exponentials, so its rounding errors are larger than the forward pass's.
const INVERSE: f64 = 1e-4;

fn squeezes() -> Result<()> {
    let golden = open("realnvp")?;
    let input = golden.get("squeeze/input")?;
    for (name, order) in [("plain", Order::Plain), ("alternate", Order::Alternate)] {
        golden.close(&format!("squeeze/{name}"), &squeeze(&input, order)?, 0.0)?;
        golden.close(&format!("unsqueeze/{name}"), &unsqueeze(&input, order)?, 0.0)?;
    }
    Ok(())
}

fn coupling(name: &str, mask: Mask) -> Result<()> {
    let golden = open("realnvp")?;
    let (golden, params) = (golden.at(name), params(DType::F32));
    let coupling = Coupling::new(&params.at("real_nvp.scale.0.inner.0"), 4, 8, 2, mask)?;
    let strip = "flows.in_couplings.0.";
    load(&golden, &params, strip)?;
    let z = Var::from_tensor(&golden.get("input")?)?;
    let (v, log_det) = coupling.forward(z.as_tensor())?;
    golden.close("output", &v, OUTPUT)?;
    golden.close("log_det", &log_det, OUTPUT)?;
    golden.close("inverse", &coupling.inverse(&v)?, INVERSE)?;
    let loss = ((v * golden.get("cotangent")?)?.sum_all()? + log_det.sum_all()?)?;
    let store = loss.backward()?;
    golden.close("grad_input", store.get(&z).expect("a gradient"), GRADIENT)?;
    gradients(&golden, &params, strip, &store, GRADIENT)
}

fn coupling_checkerboard() -> Result<()> {
    coupling("coupling_checkerboard_0", Mask::Checkerboard { reversed: false })
}

fn coupling_checkerboard_reversed() -> Result<()> {
    coupling("coupling_checkerboard_1", Mask::Checkerboard { reversed: true })
}

fn coupling_channel() -> Result<()> {
    coupling("coupling_channel_0", Mask::Channel { reversed: false })
}

fn coupling_channel_reversed() -> Result<()> {
    coupling("coupling_channel_1", Mask::Channel { reversed: true })
}

fn real_nvp() -> Result<()> {
    let golden = open("realnvp")?;
    let (golden, params) = (golden.at("flow"), params(DType::F32));
    let flow = RealNvp::new(&params.at("real_nvp"), &[4, 8, 8], RealNvpConfig { scales: 2, growth: 8, steps: 2 })?;
    load(&golden, &params, "")?;
    let z = Var::from_tensor(&golden.get("z")?)?;
    let (v, log_det) = flow.forward(z.as_tensor())?;
    golden.close("v", &v, OUTPUT)?;
    golden.close("log_det", &log_det, OUTPUT)?;
    golden.close("sample", &flow.inverse(&golden.get("base_draw")?)?, INVERSE)?;
    let prior = Flowed::new(StandardNormal::new(&params, &[4, 8, 8]).unwrap(), flow.clone());
    let log_prob = prior.log_prob(z.as_tensor())?;
    golden.close("log_prob", &log_prob, OUTPUT)?;
    let store = log_prob.sum_all()?.backward()?;
    golden.close("grad_z", store.get(&z).expect("a gradient"), GRADIENT)?;
    gradients(&golden, &params, "", &store, GRADIENT)
}
