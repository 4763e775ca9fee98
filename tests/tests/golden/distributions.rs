//! Normals, the mixture of normals and the logistic mixture.

use super::support::{GRADIENT, OUTPUT, distance, open, params};
use anyhow::Result;
use srvae::candle_core::{DType, Var};
use srvae::dist::{Distribution, LogisticMixture, MixtureOfNormals, Normal, StandardNormal, normal_kl};

srvae_tests::trials!(normal, mixture_of_normals, logistic_mixture, logistic_mixture_reference);

fn normal() -> Result<()> {
    let golden = open("gaussian")?;
    let [z, mean, log_var] = ["z", "mean", "log_var"].map(|name| golden.get(name));
    let (z, mean, log_var) = (Var::from_tensor(&z?)?, Var::from_tensor(&mean?)?, Var::from_tensor(&log_var?)?);
    let normal = Normal { mean: mean.as_tensor().clone(), log_var: log_var.as_tensor().clone() };
    let log_prob = normal.log_prob(z.as_tensor())?;
    golden.close("log_normal_diag", &log_prob, OUTPUT)?;
    let store = log_prob.sum_all()?.backward()?;
    for (name, var) in [("grad_z", &z), ("grad_mean", &mean), ("grad_log_var", &log_var)] {
        golden.close(name, store.get(var).expect("a gradient"), GRADIENT)?;
    }
    let standard = StandardNormal::new(&params(DType::F32), &z.dims()[1..]).unwrap();
    golden.close("log_normal_std", &standard.log_prob(z.as_tensor())?, OUTPUT)?;
    let p = Normal { mean: golden.get("p_mean")?, log_var: golden.get("p_log_var")? };
    golden.close("kl_closed_form", &normal_kl(&normal, &p)?, OUTPUT)?;
    let head = Normal::from_head(&golden.get("head")?)?;
    golden.close("head_mean", &head.mean, OUTPUT)?;
    golden.close("head_log_var", &head.log_var, OUTPUT)
}

fn mixture_of_normals() -> Result<()> {
    let golden = open("gaussian")?;
    let (golden, params) = (golden.at("mog"), params(DType::F32));
    let z = Var::from_tensor(&golden.get("z")?)?;
    let prior = MixtureOfNormals::new(&params, &z.dims()[1..], 5)?;
    let (_, natural) = &params.entries()[0];
    natural.set(&golden.get("z_pre")?)?;
    let log_prob = prior.log_prob(z.as_tensor())?;
    golden.close("log_prob", &log_prob, OUTPUT)?;
    let store = log_prob.sum_all()?.backward()?;
    golden.close("grad_z", store.get(&z).expect("a gradient"), GRADIENT)?;
    golden.close("grad_z_pre", store.get(natural).expect("a gradient"), GRADIENT)
}

/// In double precision the two implementations differ only by rounding.
const DOUBLE: f64 = 1e-9;

fn logistic_mixture() -> Result<()> {
    let golden = open("dmol")?;
    for (dtype, suffix, output, gradient) in [(DType::F32, "", OUTPUT, GRADIENT), (DType::F64, "_f64", DOUBLE, DOUBLE)]
    {
        let logits = Var::from_tensor(&golden.get("logits")?.to_dtype(dtype)?)?;
        let mixture = LogisticMixture::from_head(logits.as_tensor(), 10)?;
        let log_prob = mixture.log_prob(&golden.get("x")?.to_dtype(dtype)?)?;
        golden.close(&format!("log_prob{suffix}"), &log_prob, output)?;
        let store = log_prob.sum_all()?.backward()?;
        golden.close(&format!("grad_logits{suffix}"), store.get(&logits).expect("a gradient"), gradient)?;
    }
    let mixture = LogisticMixture::from_head(&golden.get("logits")?, 10)?;
    golden.close("mode", &mixture.mode()?, OUTPUT)?;
    golden.close("sample", &mixture.sample_likeliest(&golden.get("sample_u")?)?, OUTPUT)
}

fn logistic_mixture_reference() -> Result<()> {
    let golden = open("dmol")?;
    let (x, logits) = (golden.get("x")?.to_dtype(DType::F64)?, golden.get("logits")?.to_dtype(DType::F64)?);
    let ours = srvae::ops::reference::logistic_mixture_log_prob(&x, &logits, 10)?;
    assert!(distance(&ours, &golden.get("log_prob_f64")?)? < DOUBLE);
    Ok(())
}
