//! The complete generated VAE and super-resolution VAE: every factor, term, gradient and mode.
//!
//! Their files differ from the shipped ones only in growth and steps. The noise is the recorded one.

use super::support::{Golden, OUTPUT, Tolerance, gradients, load, open, params};
use anyhow::Result;
use srvae::candle_core::{DType, Tensor};
use srvae::params::Phase;
use srvae::{BoundOptions, Decode, Draw, KlEstimator, Model, Noise, Params, TermKind, Values};
use srvae_tests::{srvae_golden, vae_golden};

srvae_tests::trials!(vae, srvae);

/// Through several networks, rounding errors add up, and a mode decodes the output of another mode.
const WHOLE: f64 = 1e-4;
/// Gradients pass back through all of them.
const WHOLE_GRADIENT: f64 = 1e-3;
/// A divergence at a sample is the difference of two log-densities of about 1,500 nats, whose error in f32 is about
/// 1e-4 nats in both implementations.
const DIVERGENCE: f64 = 2e-3;
/// The reference estimates divergences with one sample.
const REFERENCE: BoundOptions = BoundOptions { samples: 1, kl: KlEstimator::MonteCarlo };
const DECODE: Draw = Draw { temperature: 1.0, decode: Decode::Mode, top: None };
const IMPORTANCE: usize = 10;

/// The noise that a golden folder recorded for these latents, with `prefix` before their names.
fn recorded(golden: &Golden, prefix: &str, latents: &[&str]) -> Result<Noise> {
    let mut noise = Noise::seeded(0);
    for latent in latents {
        noise.record(latent, golden.get(&format!("{prefix}{latent}"))?);
    }
    Ok(noise)
}

fn data(golden: &Golden) -> Result<Values> {
    Ok(Values::new().with("x", golden.get("x")?))
}

/// Terms, per image and as means, and the gradient of the mean negative bound for every parameter.
fn terms_and_gradients(
    golden: &Golden,
    model: &dyn Model,
    params: &Params,
    latents: &[&str],
    names: &[(&str, &str, &str)],
) -> Result<()> {
    let mut noise = recorded(golden, "forward/eps_", latents)?;
    let terms = model.bound(&data(golden)?, &mut noise, &REFERENCE)?;
    for (ours, per_image, mean) in names {
        let term = terms.terms.iter().find(|term| term.name == *ours).expect("the term");
        // The reference's means have the sign with which they enter the loss.
        let (sign, tolerance) = match term.kind {
            TermKind::Kl => (1.0, Tolerance::Nats(DIVERGENCE)),
            TermKind::Reconstruction => (-1.0, Tolerance::Relative(WHOLE)),
        };
        golden.within(&format!("per_image/{per_image}"), &term.value.squeeze(0)?, tolerance)?;
        let value = (term.value.mean_all()?.to_dtype(DType::F64)? * sign)?;
        golden.within(&format!("term/{mean}"), &value, tolerance)?;
    }
    let bound = terms.log_weights()?;
    golden.close("per_image/log_weight", &bound.squeeze(0)?, WHOLE)?;
    let loss = bound.mean_all()?.neg()?;
    golden.close("term/nelbo", &loss.to_dtype(DType::F64)?, WHOLE)?;
    gradients(golden, params, "", &loss.backward()?, WHOLE_GRADIENT)
}

/// Log-weights of ten samples per image, drawn in one pass, and the likelihood that they estimate.
fn importance(golden: &Golden, model: &dyn Model, latents: &[&str]) -> Result<()> {
    let mut noise = Noise::seeded(0);
    for latent in latents {
        noise.record(latent, golden.get(&format!("iw/eps_{latent}"))?.flatten(0, 1)?);
    }
    let weights = model.bound(&data(golden)?, &mut noise, &BoundOptions::importance(IMPORTANCE))?.log_weights()?;
    golden.close("iw/log_weights", &weights, WHOLE)?;
    let weights = weights.to_dtype(DType::F64)?;
    let top = weights.max_keepdim(0)?;
    let sum = weights.broadcast_sub(&top)?.exp()?.sum_keepdim(0)?.log()?;
    let likelihood = ((sum + top)? - (IMPORTANCE as f64).ln())?.squeeze(0)?;
    golden.close("iw/log_likelihood", &likelihood, WHOLE)
}

/// Fails unless `ours` agrees with the golden tensor.
fn close(golden: &Golden, name: &str, ours: &Tensor) -> Result<()> {
    golden.close(name, ours, WHOLE)
}

fn vae() -> Result<()> {
    let golden = open("vae")?;
    let params = params(DType::F32);
    let model = vae_golden::VaeGolden::new(&vae_golden::Config::default(), &params)?;
    load(&golden, &params, "")?;
    let x = vae_golden::X(golden.get("x")?);
    terms_and_gradients(&golden, &model, &params, &["z"], &[("RE_x", "log_p_x", "RE"), ("KL_z", "kl_z", "KL")])?;

    params.set_phase(Phase::Inference);
    let q_z = model.q_z(&x)?;
    golden.close("forward/z_q_mean", &q_z.mean, OUTPUT)?;
    golden.close("forward/z_q_logvar", &q_z.log_var, OUTPUT)?;
    let drawn = model.reconstruction(&x, x.0.dim(0)?, &mut recorded(&golden, "forward/eps_", &["z"])?, &DECODE)?;
    golden.close("forward/z_q", &drawn.z.0, OUTPUT)?;
    close(&golden, "forward/x_logits", model.p_x(&drawn.z)?.logits())?;
    close(&golden, "reconstruct/x", &drawn.x.0)?;
    let mut base = Noise::seeded(0);
    base.record("z", golden.get("generate/base_draw")?);
    close(&golden, "generate/x", &model.generation(2, &mut base, &DECODE)?.x.0)?;
    importance(&golden, &model, &["z"])
}

const SRVAE_TERMS: [(&str, &str, &str); 4] =
    [("RE_x", "log_p_x", "RE_x"), ("RE_y", "log_p_y", "RE_y"), ("KL_z", "kl_z", "KL_z"), ("KL_u", "kl_u", "KL_u")];

fn srvae() -> Result<()> {
    let golden = open("srvae")?;
    let params = params(DType::F32);
    let model = srvae_golden::SrvaeGolden::new(&srvae_golden::Config::default(), &params)?;
    load(&golden, &params, "")?;
    terms_and_gradients(&golden, &model, &params, &["u", "z"], &SRVAE_TERMS)?;

    params.set_phase(Phase::Inference);
    srvae_factors(&golden, &model)?;
    srvae_modes(&golden, &model)?;
    importance(&golden, &model, &["u", "z"])
}

/// The parameters of every factor for the golden images and draws.
fn srvae_factors(golden: &Golden, model: &srvae_golden::SrvaeGolden) -> Result<()> {
    let x = srvae_golden::X(golden.get("x")?);
    let drawn = model.reconstruction(&x, x.0.dim(0)?, &mut recorded(golden, "forward/eps_", &["u", "z"])?, &DECODE)?;
    golden.close("forward/y", &drawn.y.0, 0.0)?;
    let (q_u, q_z) = (model.q_u(&drawn.y)?, model.q_z(&x)?);
    golden.close("forward/u_q_mean", &q_u.mean, OUTPUT)?;
    golden.close("forward/u_q_logvar", &q_u.log_var, OUTPUT)?;
    golden.close("forward/z_q_mean", &q_z.mean, OUTPUT)?;
    golden.close("forward/z_q_logvar", &q_z.log_var, OUTPUT)?;
    golden.close("forward/u_q", &drawn.u.0, OUTPUT)?;
    golden.close("forward/z_q", &drawn.z.0, OUTPUT)?;
    let p_z = model.p_z(&drawn.y, &drawn.u)?;
    close(golden, "forward/z_p_mean", &p_z.mean)?;
    close(golden, "forward/z_p_logvar", &p_z.log_var)?;
    close(golden, "forward/y_logits", model.p_y(&drawn.u)?.logits())?;
    close(golden, "forward/x_logits", model.p_x(&drawn.y, &drawn.z)?.logits())
}

/// The reference's three sampling modes.
fn srvae_modes(golden: &Golden, model: &srvae_golden::SrvaeGolden) -> Result<()> {
    let mut noise = recorded(golden, "generate/eps_", &["z"])?;
    noise.record("u", golden.get("generate/base_draw")?);
    let drawn = model.generation(2, &mut noise, &DECODE)?;
    close(golden, "generate/y", &drawn.y.0)?;
    close(golden, "generate/x", &drawn.x.0)?;

    let y = srvae_golden::Y(golden.get("forward/y")?);
    let mut noise = recorded(golden, "super_resolution/eps_", &["u", "z"])?;
    close(golden, "super_resolution/x", &model.conditional_generation(&y, y.0.dim(0)?, &mut noise, &DECODE)?.x.0)?;

    let x = srvae_golden::X(golden.get("x")?);
    let drawn = model.reconstruction(&x, x.0.dim(0)?, &mut recorded(golden, "forward/eps_", &["u", "z"])?, &DECODE)?;
    close(golden, "reconstruct/x", &drawn.x.0)?;
    let y = model.p_y(&drawn.u)?;
    close(golden, "reconstruct/y", &srvae::dist::Distribution::mode(&y)?)
}
