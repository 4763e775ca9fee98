//! Densities and divergences of the catalogue, compared with torch.distributions.

use super::support::{GRADIENT, Golden, OUTPUT, open};
use anyhow::{Context, Result};
use srvae::candle_core::{DType, Var};
use srvae::dist::{Distribution, divergence};
use srvae::entries::{Arguments, Make, Value, distribution};
use srvae::{Params, Tensor};

srvae_tests::trials!(log_densities, divergences, multivariate);

/// In double precision the two implementations differ by rounding; the stored values are in single precision.
const DOUBLE: f64 = 2e-7;

fn make(name: &str, head: &Tensor, arguments: &Arguments) -> Result<Box<dyn Distribution>> {
    let entry = distribution(name).with_context(|| format!("no distribution is named `{name}`"))?;
    match entry.make {
        Make::Head(make) => Ok(make(&head.into(), arguments)?),
        Make::Root(_) => anyhow::bail!("`{name}` has no head"),
    }
}

/// Value and gradients in single and in double precision.
fn both(golden: &Golden, name: &str, arguments: &Arguments, is_continuous: bool) -> Result<()> {
    let golden = golden.at(name);
    for (dtype, output, gradient) in [(DType::F32, OUTPUT, GRADIENT), (DType::F64, DOUBLE, DOUBLE)] {
        let x = Var::from_tensor(&golden.get("x")?.to_dtype(dtype)?)?;
        let head = Var::from_tensor(&golden.get("head")?.to_dtype(dtype)?)?;
        let log_prob = make(name, head.as_tensor(), arguments)?.log_prob(x.as_tensor())?;
        golden.close("log_prob", &log_prob, output)?;
        let store = log_prob.sum_all()?.backward()?;
        golden.close("grad_head", store.get(&head).context("a gradient")?, gradient)?;
        if is_continuous {
            golden.close("grad_x", store.get(&x).context("a gradient")?, gradient)?;
        }
    }
    Ok(())
}

fn log_densities() -> Result<()> {
    let golden = open("densities")?;
    let continuous = ["exponential", "gamma", "beta", "dirichlet", "logistic", "student_t", "weibull"];
    let discrete = [
        "binomial",
        "poisson",
        "negative_binomial",
        "zero_inflated_poisson",
        "zero_inflated_negative_binomial",
        "discretised_logistic",
        "discretised_normal",
        "ordinal",
    ];
    continuous.iter().try_for_each(|name| both(&golden, name, &Arguments::default(), true))?;
    discrete.iter().try_for_each(|name| both(&golden, name, &Arguments::default(), false))?;
    for size in ["2", "5", "40"] {
        both(&golden.at(size), "von_mises_fisher", &Arguments::default(), true)?;
    }
    both(&golden, "normal_mixture", &Arguments(vec![("components", Value::Int(3))]), true)
}

fn divergences() -> Result<()> {
    let golden = open("densities")?.at("kl");
    let alike = [
        "bernoulli",
        "categorical",
        "exponential",
        "gamma",
        "beta",
        "dirichlet",
        "laplace",
        "poisson",
        "multivariate_normal",
    ];
    let apart = [
        ("exponential_gamma", "exponential", "gamma"),
        ("gamma_exponential", "gamma", "exponential"),
        ("multivariate_normal_normal", "multivariate_normal", "normal"),
        ("normal_multivariate_normal", "normal", "multivariate_normal"),
    ];
    for (pair, q, p) in alike.map(|name| (name, name, name)).into_iter().chain(apart) {
        let names = (q, p);
        let golden = golden.at(pair);
        let head = |side: &str| -> Result<Var> {
            Ok(Var::from_tensor(&golden.get(&format!("{side}/head"))?.to_dtype(DType::F64)?)?)
        };
        let (q, p) = (head("q")?, head("p")?);
        let of_q = make(names.0, &q, &Arguments::default())?;
        let of_p = make(names.1, &p, &Arguments::default())?;
        let value = divergence(&of_q, &of_p)?;
        golden.close("value", &value, DOUBLE)?;
        let store = value.sum_all()?.backward()?;
        golden.close("grad_q", store.get(&q).context("a gradient")?, DOUBLE)?;
        golden.close("grad_p", store.get(&p).context("a gradient")?, DOUBLE)?;
    }
    Ok(())
}

fn multivariate() -> Result<()> {
    let golden = open("densities")?;
    let x = golden.get("multivariate_normal/x")?;
    let rank = Arguments(vec![("rank", Value::Int(2))]);
    for (name, arguments) in [("multivariate_normal", Arguments::default()), ("low_rank_normal", rank)] {
        let golden = golden.at(name);
        let x = Var::from_tensor(&x.to_dtype(DType::F64)?)?;
        let head = Var::from_tensor(&golden.get("head")?.to_dtype(DType::F64)?)?;
        let q = make(name, &head, &arguments)?;
        let log_prob = q.log_prob(&x)?;
        golden.close("log_prob", &log_prob, DOUBLE)?;
        let store = log_prob.sum_all()?.backward()?;
        golden.close("grad_head", store.get(&head).context("a gradient")?, DOUBLE)?;
        golden.close("grad_x", store.get(&x).context("a gradient")?, DOUBLE)?;
        let params = Params::new(0, DType::F64, x.device());
        let Make::Root(root) = distribution("standard_normal").context("a standard normal")?.make else {
            anyhow::bail!("a root has no head")
        };
        let standard = root(&params, &x.dims()[1..], &Arguments::default())?;
        golden.close("kl_standard", &divergence(&q, &standard)?, DOUBLE)?;
    }
    Ok(())
}
