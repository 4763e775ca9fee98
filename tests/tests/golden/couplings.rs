//! A spline coupling compared with nflows, and steps of autoregressive flows compared with zuko
//! (`tests/fixtures/flows.py`).

use super::support::{GRADIENT, Golden, OUTPUT, Tolerance, open, params};
use anyhow::{Context, Result};
use srvae::candle_core::{DType, Tensor, Var};
use srvae::entries::registry::{self, Arguments};
use srvae::flow::Bijector;
use srvae::{Params, Setting};
use std::sync::Arc;

srvae_tests::trials!(spline_coupling, inverse_autoregressive, masked_autoregressive);

/// An inverse divides by slopes, which amplifies the rounding of the file's single precision.
const DIVIDED: f64 = 1e-4;

/// A flow of the fixture over a vector, with a context and with the fixture's parameters.
fn flow(golden: &Golden, params: &Params, name: &str, given: Vec<(&str, Setting)>) -> Result<Arc<dyn Bijector>> {
    let shape = |name: &str| Ok::<_, anyhow::Error>(golden.get(name)?.dims()[1..].to_vec());
    let (shape, context) = (shape("z")?, shape("context")?);
    let arguments = Arguments(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let flow = registry::flow(name, params, &[&shape, &context], &arguments)?;
    for (name, var) in params.entries() {
        var.set(&golden.get(&format!("param/{name}"))?.to_dtype(params.dtype())?)?;
    }
    params.touch();
    Ok(flow)
}

/// Values and gradients of a map from z to v and of its log-determinant.
fn check(
    golden: &Golden,
    params: &Params,
    flow: &dyn Bijector,
    tolerance: f64,
    map: impl Fn(&dyn Bijector, &Tensor) -> srvae::Result<(Tensor, Tensor)>,
) -> Result<()> {
    let input = |name: &str| anyhow::Ok(Var::from_tensor(&golden.get(name)?.to_dtype(params.dtype())?)?);
    let (z, context) = (input("z")?, input("context")?);
    let given = flow.given(context.as_tensor())?;
    let (v, log_det) = map(&*given, z.as_tensor())?;
    golden.close("v", &v, tolerance)?;
    golden.close("log_det", &log_det, tolerance)?;
    let store =
        ((&v * golden.get("cotangent")?.to_dtype(params.dtype())?)?.sum_all()? + log_det.sum_all()?)?.backward()?;
    let inputs = [("grad_z".to_owned(), z.clone()), ("grad_context".to_owned(), context.clone())];
    let entries = params.entries().into_iter().map(|(name, var)| (format!("grad/{name}"), var));
    for (name, var) in inputs.into_iter().chain(entries) {
        let ours = store.get(&var).with_context(|| format!("no gradient for {name}"))?;
        let tolerance = match name.strip_suffix("weight_v") {
            Some(stem) => Tolerance::Beside(GRADIENT, golden.largest(&format!("{stem}weight_g"))?),
            None => Tolerance::Relative(GRADIENT),
        };
        golden.within(&name, ours, tolerance)?;
    }
    Ok(())
}

/// The inverse of the library's values, and the log-determinant reported by a draw.
fn back(golden: &Golden, params: &Params, flow: &dyn Bijector, factor: f64) -> Result<()> {
    let input = |name: &str| anyhow::Ok(golden.get(name)?.to_dtype(params.dtype())?);
    let (z, log_det) = flow.given(&input("context")?)?.drawn(&input("v")?)?;
    golden.close("log_det", &log_det, DIVIDED)?;
    let error = (z - (input("z")? * factor)?)?.abs()?.max_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    anyhow::ensure!(error < DIVIDED, "the inverse is off by {error:e}");
    Ok(())
}

/// In double precision, because a spline that is nearly flat somewhere loses many digits.
fn spline_coupling() -> Result<()> {
    let (golden, params) = (open("flows")?.at("spline_coupling"), params(DType::F64));
    let given = vec![("width", Setting::Int(4)), ("bins", Setting::Int(5)), ("limit", Setting::Real(2.0))];
    let flow = flow(&golden, &params, "spline_coupling", given)?;
    check(&golden, &params, flow.as_ref(), OUTPUT, |flow, z| flow.forward(&(z * 2.5)?))?;
    back(&golden, &params, flow.as_ref(), 2.5)
}

fn inverse_autoregressive() -> Result<()> {
    let (golden, params) = (open("flows")?.at("iaf"), params(DType::F32));
    let flow = flow(&golden, &params, "iaf", vec![("width", Setting::Int(6))])?;
    // The fixture's z is the value of the base. Ours is log |∂v/∂z|, the library's is that of the inverse.
    check(&golden, &params, flow.as_ref(), OUTPUT, |flow, v| {
        let (z, log_det) = flow.drawn(v)?;
        Ok((z, log_det.neg()?))
    })
}

fn masked_autoregressive() -> Result<()> {
    let (golden, params) = (open("flows")?.at("maf"), params(DType::F32));
    let flow = flow(&golden, &params, "maf", vec![("width", Setting::Int(6))])?;
    check(&golden, &params, flow.as_ref(), OUTPUT, |flow, z| flow.forward(z))?;
    back(&golden, &params, flow.as_ref(), 1.0)
}
